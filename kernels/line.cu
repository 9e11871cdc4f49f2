// line: losses and slopes at several points of a line, from the kept logits; never X.
//   z_i(t) = Z_i + t S_i;  loss(t) = sum_i m_i l(z_i(t)),  slope(t) = sum_i m_i l'(z_i(t)) S_i
// Not for BF16, F16: it never reads X, and their real numbers are F32's.
// Z, S [K][n] real; steps [models][T] double; sums [L][models][T][2] double (loss, slope); L = f(n, d).
// line_logistic: K models of one output, grid y = K. line_softmax: one model of K outputs. `model`
// of `models` is the first in steps and sums; Z, S and out begin with it.
// Launch: 256 threads, grid x any over L; T <= 4. Registers <= 128.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L).
// Moves 2 n K reals (softmax: twice for each step) and labels, weights, offsets, folds.
#include "include/reduce.h"
#include "include/softmax.h"

enum { STEPS = 4 };

DEV void write_line(int l, int models, int model, int steps, const double (&loss)[STEPS],
                    const double (&slope)[STEPS], double *__restrict__ sums, double *scratch) {
#pragma unroll
  for (int s = 0; s < STEPS; s++) {
    if (s < steps) {
      const double a = block_sum(loss[s], scratch), b = block_sum(slope[s], scratch);
      if (TID_X == 0) {
        double *p = sums + (((i64)l * models + model) * steps + s) * 2;
        p[0] = a;
        p[1] = b;
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(256, 2) NAME(line_logistic)(
    const real *__restrict__ Z, const real *__restrict__ S, i64 n, const Output *__restrict__ out,
    const int *__restrict__ folds, const double *__restrict__ at, int steps, int model, int models,
    int blocks, double *__restrict__ sums) {
  __shared__ double scratch[8];
  const int k = CTAID_Y;
  const Output o = out[k];
  real t[STEPS];
#pragma unroll
  for (int s = 0; s < STEPS; s++) t[s] = s < steps ? (real)at[(model + k) * steps + s] : (real)0;
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    double loss[STEPS] = {}, slope[STEPS] = {};
    for (i64 i = first_row(n, l, blocks) + TID_X; i < end; i += 256) {
      const Weigh w = weigh(o, folds, i);
      if (w.held || w.m == 0) continue;
      const real z = Z[k * n + i] + (o.offset ? o.offset[i] : (real)0), d = S[k * n + i];
      const bool y = o.label[i] == o.cls;
#pragma unroll
      for (int s = 0; s < STEPS; s++) {
        if (s < steps) {
          const Logistic v = logistic(fma_(t[s], d, z), y);
          loss[s] += (double)w.m * (double)v.loss;
          slope[s] += (double)(w.m * v.r) * (double)d;
        }
      }
    }
    write_line(l, models, model + k, steps, loss, slope, sums, scratch);
  }
}

extern "C" __global__ void __launch_bounds__(256, 2) NAME(line_softmax)(
    const real *__restrict__ Z, const real *__restrict__ S, i64 n, int outputs, const Output *__restrict__ out,
    const int *__restrict__ folds, const double *__restrict__ at, int steps, int model, int models, int blocks,
    double *__restrict__ sums) {
  __shared__ double scratch[8];
  const Output o = *out;
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    double loss[STEPS] = {}, slope[STEPS] = {};
    for (i64 i = first_row(n, l, blocks) + TID_X; i < end; i += 256) {
      const Weigh w = weigh(o, folds, i);
      if (w.held || w.m == 0) continue;
      const int y = o.label[i];
#pragma unroll
      for (int s = 0; s < STEPS; s++) {
        if (s >= steps) continue;
        const real t = (real)at[model * steps + s];
        real high = fma_(t, S[i], Z[i]), sum = 0, mean = 0;
        for (int k = 1; k < outputs; k++) high = max_(high, fma_(t, S[k * n + i], Z[k * n + i]));
        for (int k = 0; k < outputs; k++) {
          const real e = exp_neg(high - fma_(t, S[k * n + i], Z[k * n + i]));
          sum += e;
          mean = fma_(e, S[k * n + i], mean);
        }
        // The offset, common to all outputs, cancels.
        const real own = fma_(t, S[y * n + i], Z[y * n + i]);
        loss[s] += (double)w.m * (double)(log_any(sum) + (high - own));
        slope[s] += (double)w.m * (double)(mean / sum - S[y * n + i]);
      }
    }
    write_line(l, models, model, steps, loss, slope, sums, scratch);
  }
}
