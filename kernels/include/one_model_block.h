// One block a row, one model, wide X: the loop shared by logistic_eval_block and hess_vec_block.
//
// Thread t holds the columns 4t, 4t+2048, ... (V quads) of the row and of the gradient in
// registers and reads the coefficients from shared memory. The next row is on its way
// while the block agrees on the sum of this one.
#pragma once
#include "output.h"
#include "reduce.h"

enum { TEAM = 512 };

extern __shared__ __attribute__((aligned(16))) unsigned char coef_memory[]; // w, and v for HESS: ld reals each

template <bool HESS, int V>
DEV void block_rows(const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef,
                    const Output *__restrict__ out, const int *__restrict__ folds, int blocks,
                    real *__restrict__ part, double *__restrict__ losses) {
  __shared__ real sums[2][HESS ? 2 : 1][TEAM / 32]; // two sets, used in turn: one barrier a row
  const int t = TID_X, ldw = ld + 4;
  real *w = (real *)coef_memory;
  const Output o = *out;
  const real b = coef[ldw - 1], bv = HESS ? coef[2 * ldw - 1] : 0;
  for (int j = t; j < ld; j += TEAM) {
    w[j] = coef[j];
    if (HESS) w[ld + j] = coef[ldw + j];
  }
  sync_block();
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 start = first_row(n, l, blocks), end = first_row(n, l + 1, blocks);
    real g[V][4] = {}, x[V][4], next[V][4], gb = 0;
    double loss = 0, held = 0;
    for (i64 i = start; i <= end; i++) { // one step ahead of itself: loads row i, sums row i-1
#pragma unroll
      for (int c = 0; c < V; c++) {
        const int j = (c * TEAM + t) * 4;
        if (i < end && j < ld) load4(X + i * ld + j, next[c]);
        else next[c][0] = next[c][1] = next[c][2] = next[c][3] = 0;
      }
      if (i > start) {
        real z = 0, u = 0;
#pragma unroll
        for (int c = 0; c < V; c++) {
          const int j = (c * TEAM + t) * 4;
          if (j < ld)
#pragma unroll
            for (int e = 0; e < 4; e++) {
              z = fma_(x[c][e], w[j + e], z);
              if (HESS) u = fma_(x[c][e], w[ld + j + e], u);
            }
        }
        z = warp_sum(z);
        if (HESS) u = warp_sum(u);
        auto &s = sums[i & 1];
        if (t % 32 == 0) {
          s[0][t / 32] = z;
          if (HESS) s[HESS][t / 32] = u;
        }
        sync_block();
        z = b;
        u = bv;
#pragma unroll
        for (int q = 0; q < TEAM / 32; q++) {
          z += s[0][q];
          if (HESS) u += s[HESS][q];
        }
        const real r = row_term<HESS>(o, folds, i - 1, z, u, loss, held);
        gb += r;
#pragma unroll
        for (int c = 0; c < V; c++)
#pragma unroll
          for (int e = 0; e < 4; e++) g[c][e] = fma_(r, x[c][e], g[c][e]);
      }
#pragma unroll
      for (int c = 0; c < V; c++)
#pragma unroll
        for (int e = 0; e < 4; e++) x[c][e] = next[c][e];
    }
    real *p = part + (i64)l * (d + 1);
#pragma unroll
    for (int c = 0; c < V; c++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int j = (c * TEAM + t) * 4 + e;
        if (j < d) p[j] = g[c][e];
      }
    if (t == 0) {
      p[d] = gb;
      if (!HESS) {
        losses[2 * l] = loss;
        losses[2 * l + 1] = held;
      }
    }
    sync_block();
  }
}
