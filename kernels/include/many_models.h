// Up to 16 outputs from one read of X: the loop shared by logistic_eval_k, softmax_eval and
// their Hessian products.
//
//   tile of X rows in shared memory
//     1  z = X W'        a warp takes 4 rows x 4 outputs, its lanes share the columns
//     2  z -> r, loss    a thread an output and row; softmax: a thread a row
//     3  G += r' X       a thread keeps CV columns x 16 outputs in registers
//
// W stays in the L1 cache. Phases 1 and 3 have a tensor-core twin in many_models_mma.h.
#pragma once
#include "copy_tile.h"
#include "reduce.h"
#include "softmax.h"

enum { OUT = 16, THREADS = 256, ASKED_ROWS = 4 }; // the last: what a thread asks for at once

extern __shared__ __attribute__((aligned(16))) unsigned char many_memory[];

// Many is what every entry takes.
struct Many {
  const stored *X;
  i64 n;
  int d, ld;
  u32 inverse;   // of copy_tile where rows are contiguous (ld = d <= 64), else 0
  int log_width; // the power of two next above min(d, 256); at least 16 columns
  int tile;      // rows at a time: a multiple of 4 (tensor cores: 16)
  const real *coef; // [outputs (HESS: 2 x outputs)][ldw], the vectors after the coefficients
  int ldw, outputs;
  const Output *out;
  const int *folds;
  int blocks;
  real *part;     // [blocks][outputs][d+1]
  double *losses; // [blocks][models][2]
};

DEV int many_stride(const Many &a) { return a.inverse ? a.d | 1 : a.ld + 4; }

// load_rows brings rows of X to shared memory and clears those up to the next multiple of 16
// or the end of the tile.
DEV void load_rows(const Many &a, i64 i, int rows, int stride, real *x) {
  if (a.inverse) {
    copy_tile(a.X + i * a.d, rows * a.d, a.d, a.inverse, stride, x);
  } else {
    const int quads = a.ld / 4;
    for (int q = TID_X % 32; q < quads; q += 32)
      for (int first = TID_X / 32; first < rows; first += THREADS / 32 * ASKED_ROWS) {
        Quad v[ASKED_ROWS];
#pragma unroll
        for (int k = 0; k < ASKED_ROWS; k++) {
          const int row = first + k * THREADS / 32;
          v[k] = quad_if(a.X + (i + row) * a.ld + q * 4, row < rows);
        }
#pragma unroll
        for (int k = 0; k < ASKED_ROWS; k++) {
          const int row = first + k * THREADS / 32;
          if (row < rows) *(Reals *)(x + row * stride + q * 4) = {number(v[k], 0), number(v[k], 1), number(v[k], 2), number(v[k], 3)};
        }
      }
  }
  const int last = min_(a.tile, (rows + 15) / 16 * 16), used = a.inverse ? a.d : a.ld;
  for (int row = rows + TID_X / 32; row < last; row += THREADS / 32)
    for (int j = TID_X % 32; j < used; j += 32) x[row * stride + j] = 0;
}

// logits_ffma is phase 1: z[row][c] for c < count, rows rounded up to 4; z rows of `width`.
DEV void logits_ffma(const Many &a, int rows, int stride, const real *x, int count, int width, real *z) {
  const int lane = TID_X % 32, quads = (count + 3) / 4, units = (rows + 3) / 4 * quads;
#pragma unroll 1
  for (int unit = TID_X / 32; unit < units; unit += THREADS / 32) {
    const int row = unit / quads * 4, c = unit % quads * 4;
    const real *w[4];
#pragma unroll
    for (int k = 0; k < 4; k++) w[k] = a.coef + (i64)min_(c + k, count - 1) * a.ldw;
    real s[16] = {};
#pragma unroll 1
    for (int j = lane; j < a.d; j += 32) {
      real xs[4];
#pragma unroll
      for (int q = 0; q < 4; q++) xs[q] = x[(row + q) * stride + j];
#pragma unroll
      for (int k = 0; k < 4; k++) {
        const real wk = w[k][j];
#pragma unroll
        for (int q = 0; q < 4; q++) s[q * 4 + k] = fma_(xs[q], wk, s[q * 4 + k]);
      }
    }
    const real v = scatter_sums<16>(s);
    const int q = lane_row<16>(lane) / 4, k = lane_row<16>(lane) % 4;
    if (lane % 2 == 0 && c + k < count) z[(row + q) * width + c + k] = v + a.coef[(i64)(c + k) * a.ldw + a.ldw - 1];
  }
}

template <bool HESS, bool SOFTMAX>
DEV void link_rows(const Many &a, i64 i, int rows, int width, real *z, double &loss, double &held) {
  const int t = TID_X;
  if (SOFTMAX) {
    if (t < rows) softmax_row<HESS>(*a.out, a.folds, i + t, z + t * width, z + t * width + OUT, 1, a.outputs, loss, held);
  } else if (t / 16 < a.outputs) {
    const Output o = a.out[t / 16];
    for (int q = t % 16; q < rows; q += 16) {
      real *zq = z + q * width + t / 16;
      *zq = row_term<HESS>(o, a.folds, i + q, *zq, HESS ? zq[OUT] : (real)0, loss, held);
    }
  }
}

// write_losses sums the threads' losses: of all threads for softmax (one model), else of
// the 16 threads of each output.
template <bool SOFTMAX>
DEV void write_losses(const Many &a, int l, double loss, double held, double *scratch) {
  if constexpr (SOFTMAX) {
    loss = block_sum(loss, scratch);
    held = block_sum(held, scratch);
    if (TID_X == 0) {
      a.losses[2 * l] = loss;
      a.losses[2 * l + 1] = held;
    }
  } else {
#pragma unroll
    for (int m = 8; m; m >>= 1) {
      loss += shfl_xor(loss, m);
      held += shfl_xor(held, m);
    }
    const int k = TID_X / 16;
    if (TID_X % 16 == 0 && k < a.outputs) {
      a.losses[((i64)l * a.outputs + k) * 2] = loss;
      a.losses[((i64)l * a.outputs + k) * 2 + 1] = held;
    }
  }
}

// write_intercepts sums each output's intercept over its 16 threads.
DEV void write_intercepts(const Many &a, int l, real gb) {
#pragma unroll
  for (int m = 8; m; m >>= 1) gb += shfl_xor(gb, m);
  const int k = TID_X / 16;
  if (TID_X % 16 == 0 && k < a.outputs) a.part[((i64)l * a.outputs + k) * (a.d + 1) + a.d] = gb;
}

template <bool HESS, bool SOFTMAX, int CV>
DEV void many_models(const Many &a) {
  __shared__ double scratch[THREADS / 32];
  const int t = TID_X, stride = many_stride(a), width = HESS ? 2 * OUT : OUT;
  real *z = (real *)many_memory, *x = z + a.tile * width;
  const int column = t & ((1 << a.log_width) - 1), group = t >> a.log_width, groups = THREADS >> a.log_width;
  for (int l = CTAID_X; l < a.blocks; l += NCTAID_X) {
    const i64 end = first_row(a.n, l + 1, a.blocks);
    real g[CV][OUT] = {}, gb = 0;
    double loss = 0, held = 0;
#pragma unroll 1
    for (i64 i = first_row(a.n, l, a.blocks); i < end; i += a.tile) {
      const int rows = (int)min_<i64>(a.tile, end - i);
      load_rows(a, i, rows, stride, x);
      for (int e = t; e < rows * width; e += THREADS) z[e] = 0; // outputs beyond the last stay 0
      sync_block();
      logits_ffma(a, rows, stride, x, a.outputs, width, z);
      if (HESS) {
        Many v = a;
        v.coef += (i64)a.outputs * a.ldw;
        logits_ffma(v, rows, stride, x, a.outputs, width, z + OUT);
      }
      sync_block();
      link_rows<HESS, SOFTMAX>(a, i, rows, width, z, loss, held);
      sync_block();
      for (int q = t % 16; q < rows; q += 16) gb += z[q * width + t / 16];
#pragma unroll 1
      for (int q = group; q < rows; q += groups) {
        real r[OUT];
#pragma unroll
        for (int k = 0; k < OUT; k++) r[k] = z[q * width + k];
#pragma unroll
        for (int c = 0; c < CV; c++) {
          const int j = column + c * THREADS;
          if (j < a.d) {
            const real xj = x[q * stride + j];
#pragma unroll
            for (int k = 0; k < OUT; k++) g[c][k] = fma_(r[k], xj, g[c][k]);
          }
        }
      }
      sync_block();
    }
    // Groups of rows exist only where one column a thread is enough: their sums, as a tree.
#pragma unroll 1
    for (int half = groups / 2; half; half >>= 1) {
      real *sum = (real *)many_memory;
      if (group >= half && group < 2 * half)
#pragma unroll
        for (int k = 0; k < OUT; k++) sum[k * THREADS / 2 + t - (half << a.log_width)] = g[0][k];
      sync_block();
      if (group < half)
#pragma unroll
        for (int k = 0; k < OUT; k++) g[0][k] += sum[k * THREADS / 2 + t];
      sync_block();
    }
    if (group == 0)
#pragma unroll
      for (int c = 0; c < CV; c++)
#pragma unroll
        for (int k = 0; k < OUT; k++) {
          const int j = column + c * THREADS;
          if (j < a.d && k < a.outputs) a.part[((i64)l * a.outputs + k) * (a.d + 1) + j] = g[c][k];
        }
    write_intercepts(a, l, gb);
    if (!HESS) write_losses<SOFTMAX>(a, l, loss, held, scratch);
    sync_block();
  }
}

#define MANY_PARAMS                                                                              \
  const stored *__restrict__ X, i64 n, int d, int ld, u32 inverse, int log_width, int tile,      \
      const real *__restrict__ coef, int ldw, int outputs, const Output *__restrict__ out,       \
      const int *__restrict__ folds, int blocks, real *__restrict__ part,                        \
      double *__restrict__ losses
#define MANY_ARGS                                                                                \
  Many { X, n, d, ld, inverse, log_width, tile, coef, ldw, outputs, out, folds, blocks, part, losses }
#define MANY_ENTRY(name, perSM, body)                                                            \
  extern "C" __global__ void __launch_bounds__(256, perSM) NAME(name)(MANY_PARAMS) { body(MANY_ARGS); }
