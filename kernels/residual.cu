// residual: from the logits of every row to the factors of x_i and the losses; no X.
//   residual_logistic: Z_ki -> m_ik (sigmoid(z_ik) - y_ik), of K models of one output
//   residual_softmax:  Z_ki -> m_i (softmax(z_i)_k - [y_i = k]), one model of K outputs
//   hess_*:            given U_ki = (x_i, 1).v_k too, Z_ki -> the factors of the Hessian's product
//   weights_*:         d_i = m_i p_iR ([R=C] - p_iC), of one model: what gram weighs rows by
// Not for BF16, F16: it never reads X, and their real numbers are F32's.
// Z, U [K][n] real; out [K]; losses [L][K][2] (softmax: [L][2]) double; L = f(n, d); D [n] real.
// Launch: 256 threads, grid x any over L, grid y = K for the logistic ones. Registers <= 64.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L).
// Moves 2 n K reals (hess 3, softmax 4 to 5) and labels, weights, offsets, folds.
#include "include/reduce.h"
#include "include/softmax.h"

template <bool HESS, bool SOFTMAX>
DEV void residual(real *Z, const real *U, i64 n, int outputs, const Output *__restrict__ out,
                  const int *__restrict__ folds, int blocks, double *__restrict__ losses) {
  __shared__ double scratch[8];
  const int k = SOFTMAX ? 0 : CTAID_Y, models = SOFTMAX ? 1 : outputs;
  const Output o = out[k];
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    double loss = 0, held = 0;
    for (i64 i = first_row(n, l, blocks) + TID_X; i < end; i += 256) {
      real *z = Z + k * n + i;
      const real *u = U + k * n + i;
      if (SOFTMAX) softmax_row<HESS>(o, folds, i, z, u, n, outputs, loss, held);
      else *z = row_term<HESS>(o, folds, i, *z, HESS ? *u : (real)0, loss, held);
    }
    if (!HESS) {
      loss = block_sum(loss, scratch);
      held = block_sum(held, scratch);
      if (TID_X == 0) {
        losses[((i64)l * models + k) * 2] = loss;
        losses[((i64)l * models + k) * 2 + 1] = held;
      }
    }
  }
}

#define ENTRY(name, HESS, SOFTMAX)                                                               \
  extern "C" __global__ void __launch_bounds__(256, 4) NAME(name)(                               \
      real *Z, const real *U, i64 n, int outputs, const Output *__restrict__ out,                \
      const int *__restrict__ folds, int blocks, double *__restrict__ losses) {                  \
    residual<HESS, SOFTMAX>(Z, U, n, outputs, out, folds, blocks, losses);                       \
  }
ENTRY(residual_logistic, false, false)
ENTRY(residual_softmax, false, true)
ENTRY(hess_logistic, true, false)
ENTRY(hess_softmax, true, true)

extern "C" __global__ void __launch_bounds__(256, 4) NAME(weights_logistic)(
    const real *__restrict__ z, i64 n, const Output *__restrict__ out, const int *__restrict__ folds,
    real *__restrict__ D) {
  const Output o = *out;
  for (i64 i = (i64)CTAID_X * 256 + TID_X; i < n; i += (i64)NCTAID_X * 256) {
    const Weigh w = weigh(o, folds, i);
    const Logistic l = logistic(o.offset ? z[i] + o.offset[i] : z[i], false);
    D[i] = w.held || w.m == 0 ? (real)0 : w.m * l.q;
  }
}

extern "C" __global__ void __launch_bounds__(256, 4) NAME(weights_softmax)(
    const real *__restrict__ Z, i64 n, int outputs, int row, int column, const Output *__restrict__ out,
    const int *__restrict__ folds, real *__restrict__ D) {
  const Output o = *out;
  for (i64 i = (i64)CTAID_X * 256 + TID_X; i < n; i += (i64)NCTAID_X * 256) {
    const Weigh w = weigh(o, folds, i);
    const Softmax s = softmax_sum(Z + i, n, outputs);
    const real p = exp_neg(s.high - Z[row * n + i]) / s.sum;
    const real q = exp_neg(s.high - Z[column * n + i]) / s.sum;
    D[i] = w.held || w.m == 0 ? (real)0 : w.m * (row == column ? p * (1 - p) : -p * q);
  }
}
