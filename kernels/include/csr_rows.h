// The forward of sparse X: logits of up to C outputs, and from them losses and residuals,
// in one read of the compressed rows. The loop shared by csr_eval and csr_hess_vec.
//
//   a tile of rows
//     1  z = X W      4 to 32 lanes a row, by their mean entries; the panel W from the L2 cache
//     2  z -> r, loss THREADS / C threads an output, or a thread a row of a softmax
//     3  r to memory, for csr_xtr
#pragma once
#include "csr.h"
#include "softmax.h"

// Forward is what every entry takes.
struct Forward {
  Rows rows;
  i64 n;
  const real *coef; // [d+1][C], HESS [d+1][2 C]: the vectors beside the coefficients
  int outputs;
  const Output *out;
  const int *folds;
  int blocks;
  real *R;      // [n][C]
  double *sums; // [blocks][outputs + 2 models]: of r, then loss and held-out loss; HESS [blocks][outputs]
};

template <bool HESS, bool SOFTMAX, int C>
DEV void forward(const Forward &a) {
  enum { W = HESS ? 2 * C : C, TILE = tile_rows<W>(), STRIDE = tile_stride<W>(), SHARE = THREADS / C };
  __shared__ real z[TILE * STRIDE];
  __shared__ double scratch[THREADS / 32];
  const int t = TID_X, k = t / SHARE, models = SOFTMAX ? 1 : a.outputs;
  for (int l = CTAID_X; l < a.blocks; l += NCTAID_X) {
    const i64 end = first_row(a.n, l + 1, a.blocks);
    double loss = 0, held = 0, sum = 0;
#pragma unroll 1
    for (i64 i = first_row(a.n, l, a.blocks); i < end; i += TILE) {
      const int rows = (int)min_<i64>(TILE, end - i);
      tile_products<W>(a.rows, a.coef, i, end, z);
      sync_block();
      if (SOFTMAX) {
        if (t < rows) softmax_row<HESS>(*a.out, a.folds, i + t, z + t * STRIDE, z + t * STRIDE + C, 1, a.outputs, loss, held);
      } else if (k < a.outputs) {
        const Output o = a.out[k];
#pragma unroll 1
        for (int q = t % SHARE; q < rows; q += SHARE) {
          real *zq = z + q * STRIDE + k;
          *zq = row_term<HESS>(o, a.folds, i + q, *zq, HESS ? zq[C] : (real)0, loss, held);
        }
      }
      sync_block();
      keep_residuals<C>(z, STRIDE, i, rows, a.R, sum);
      sync_block();
    }
    sum = share_sum<SHARE>(sum, scratch);
    double *p = a.sums + (i64)l * (a.outputs + (HESS ? 0 : 2 * models));
    if (t % SHARE == 0 && k < a.outputs) p[k] = sum;
    if (!HESS) {
      enum { EACH = SOFTMAX ? THREADS : SHARE };
      loss = share_sum<EACH>(loss, scratch);
      held = share_sum<EACH>(held, scratch);
      if (t % EACH == 0 && t / EACH < models) {
        p[a.outputs + t / EACH * 2] = loss;
        p[a.outputs + t / EACH * 2 + 1] = held;
      }
    }
  }
}

#define FORWARD(name, HESS, SOFTMAX, C, RESIDENT)                                                \
  extern "C" __global__ void __launch_bounds__(256, RESIDENT) NAME(name)(                        \
      const i64 *__restrict__ start, const u32 *__restrict__ index, const stored *__restrict__ val, \
      i64 n, i64 d, int log_lanes, const real *__restrict__ coef, int outputs,                   \
      const Output *__restrict__ out, const int *__restrict__ folds, int blocks,                 \
      real *__restrict__ R, double *__restrict__ sums) {                                         \
    forward<HESS, SOFTMAX, C>({{start, {index, val}, d, log_lanes}, n, coef, outputs, out, folds, blocks, R, sums}); \
  }
