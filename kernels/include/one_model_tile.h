// One thread a row, one model, narrow X: the loop shared by logistic_eval_tile and hess_vec_tile.
//
// For rows that do not start at multiples of four numbers. A tile of 128 rows, contiguous
// in memory (ld = d), goes through shared memory. Thread t then owns row t for the dot and
// the link, and afterwards column t % width of four rows beside each other in every
// 4*(128/width) for the gradient. A row takes d|1 words of shared memory: odd strides keep
// both walks free of bank conflicts.
#pragma once
#include "copy_tile.h"
#include "output.h"
#include "reduce.h"

enum { TILE = 128, TILE_COLUMNS = 64 };

extern __shared__ __attribute__((aligned(16))) unsigned char tile_memory[];

template <bool HESS>
DEV void tile_rows(const stored *__restrict__ X, i64 n, int d, u32 inverse, int log_width,
                   const real *__restrict__ coef, int ldw, const Output *__restrict__ out,
                   const int *__restrict__ folds, int blocks, real *__restrict__ part,
                   double *__restrict__ losses) {
  __shared__ Reals w[TILE_COLUMNS / 4], v[HESS ? TILE_COLUMNS / 4 : 1], r[TILE / 4];
  __shared__ real sum[TILE];
  __shared__ double scratch[TILE / 32];
  real *x = (real *)tile_memory;
  const int t = TID_X, stride = d | 1, width = 1 << log_width;
  const int column = t & (width - 1), group = t >> log_width, groups = TILE >> log_width;
  const Output o = *out;
  const real b = coef[ldw - 1], bv = HESS ? coef[2 * ldw - 1] : 0;
  if (t < (d + 3) / 4 * 4) { // padding included
    w[t / 4].v[t % 4] = coef[t];
    if (HESS) v[t / 4].v[t % 4] = coef[ldw + t];
  }
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    real g = 0, gb = 0;
    double loss = 0, held = 0;
    for (i64 i = first_row(n, l, blocks); i < end; i += TILE) {
      const int rows = (int)min_<i64>(TILE, end - i);
      Facts f = {};
      if (t < rows) f = facts_of(o, folds, i + t);
      copy_tile(X + i * d, rows * d, d, inverse, stride, x);
      for (int e = rows * stride + t; e < (rows + 3) / 4 * 4 * stride; e += TILE) x[e] = 0;
      sync_block();
      real z = 0, u = 0;
      if (t < rows)
        for (int j = 0; j < d; j += 4) {
          const Reals wj = w[j / 4], vj = v[HESS ? j / 4 : 0];
#pragma unroll
          for (int e = 0; e < 4; e++)
            if (j + e < d) {
              const real xj = x[t * stride + j + e];
              z = fma_(xj, wj.v[e], z);
              if (HESS) u = fma_(xj, vj.v[e], u);
            }
        }
      const real rt = row_term<HESS>(f, z + b, u + bv, loss, held);
      r[t / 4].v[t % 4] = rt;
      gb += rt;
      sync_block();
      if (column < d)
        for (int q = group * 4; q < rows; q += groups * 4) {
          const Reals rq = r[q / 4];
#pragma unroll
          for (int e = 0; e < 4; e++) g = fma_(rq.v[e], x[(q + e) * stride + column], g);
        }
      sync_block();
    }
    sum[t] = g;
    sync_block();
    real *p = part + (i64)l * (d + 1);
    if (t < d) {
      for (int q = 1; q < groups; q++) g += sum[(q << log_width) + t];
      p[t] = g;
    }
    gb = block_sum(gb, (real *)scratch);
    if (t == 0) p[d] = gb;
    if (!HESS) {
      loss = block_sum(loss, scratch);
      held = block_sum(held, scratch);
      if (t == 0) {
        losses[2 * l] = loss;
        losses[2 * l + 1] = held;
      }
    }
  }
}
