// A group of LANES lanes a row, one model: the loop shared by logistic_eval_warp and hess_vec_warp.
//
// A lane holds 4 V columns of the row, of the coefficients and of the gradient in
// registers; narrow rows take 8 or 16 lanes, so that a warp has several. Each group takes
// R rows at once: their loads and shuffles overlap and one evaluation of the link serves
// all of them.
#pragma once
#include "output.h"
#include "reduce.h"

enum { WARPS = 8 };

template <bool HESS, int LANES, int V, int R>
DEV void warp_rows(const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef,
                   const Output *__restrict__ out, const int *__restrict__ folds, int blocks,
                   real *__restrict__ part, double *__restrict__ losses) {
  enum { SPAN = LANES * 4, STEP = 32 / LANES * R }; // columns of one V, rows of a warp
  __shared__ real sum[WARPS / 2][V * 128 + 1];
  __shared__ double scratch[WARPS];
  const int lane = TID_X % 32, warp = TID_X / 32, ldw = ld + 4;
  const int first = lane % LANES * 4, group = lane / LANES;      // own columns, own row group
  const int row = lane_row<R, LANES>(lane);                      // of the group, after scatter_sums
  const bool leader = lane % LANES == row_lane<R, LANES>(row);   // the other lanes hold copies
  const Output o = *out;
  const real b = coef[ldw - 1], bv = HESS ? coef[2 * ldw - 1] : 0;
  real w[V][4], v[HESS ? V : 1][4];
#pragma unroll
  for (int c = 0; c < V; c++) {
    const int j = c * SPAN + first;
#pragma unroll
    for (int e = 0; e < 4; e++) {
      w[c][e] = j < ld ? coef[j + e] : 0;
      if (HESS) v[c][e] = j < ld ? coef[ldw + j + e] : 0;
    }
  }
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    real g[V][4] = {}, gb = 0;
    double loss = 0, held = 0;
#pragma unroll 1
    for (i64 i0 = first_row(n, l, blocks) + warp * STEP; i0 < end; i0 += WARPS * STEP) {
      const i64 i = i0 + group * R;
      Quad x[R][V];
      real z[R], u[R];
#pragma unroll
      for (int q = 0; q < R; q++)
#pragma unroll
        for (int c = 0; c < V; c++) {
          const int j = c * SPAN + first;
          x[q][c] = quad_if(X + (i + q) * ld + j, (j < ld) & (i + q < end));
        }
      Facts f = {};
      if (i + row < end) f = facts_of(o, folds, i + row);
#pragma unroll
      for (int q = 0; q < R; q++) {
        z[q] = u[q] = 0;
#pragma unroll
        for (int c = 0; c < V; c++)
#pragma unroll
          for (int e = 0; e < 4; e++) {
            z[q] = fma_(number(x[q][c], e), w[c][e], z[q]);
            if (HESS) u[q] = fma_(number(x[q][c], e), v[c][e], u[q]);
          }
      }
      const real zr = scatter_sums<R, LANES / 2>(z) + b, ur = HESS ? scatter_sums<R, LANES / 2>(u) + bv : 0;
      double lr = 0, hr = 0;
      const real r = row_term<HESS>(f, zr, ur, lr, hr);
      if (leader) {
        loss += lr;
        held += hr;
        gb += r;
      }
#pragma unroll
      for (int q = 0; q < R; q++) {
        const real rq = shfl(r, group * LANES + row_lane<R, LANES>(q));
#pragma unroll
        for (int c = 0; c < V; c++) {
          again(x[q][c]);
#pragma unroll
          for (int e = 0; e < 4; e++) g[c][e] = fma_(rq, number(x[q][c], e), g[c][e]);
        }
      }
    }
    gb = warp_sum(gb);
#pragma unroll
    for (int m = LANES; m < 32; m <<= 1) // the groups' sums
#pragma unroll
      for (int c = 0; c < V; c++)
#pragma unroll
        for (int e = 0; e < 4; e++) g[c][e] += shfl_xor(g[c][e], m);
#pragma unroll 1
    for (int half = WARPS / 2; half; half >>= 1) { // the warps' sums, as a tree
      if (warp >= half && warp < 2 * half) {
#pragma unroll
        for (int c = 0; c < V; c++)
#pragma unroll
          for (int e = 0; e < 4; e++) sum[warp - half][c * 128 + e * 32 + lane] = g[c][e];
        if (lane == 0) sum[warp - half][V * 128] = gb;
      }
      sync_block();
      if (warp < half) {
#pragma unroll
        for (int c = 0; c < V; c++)
#pragma unroll
          for (int e = 0; e < 4; e++) g[c][e] += sum[warp][c * 128 + e * 32 + lane];
        gb += sum[warp][V * 128];
      }
      sync_block();
    }
    real *p = part + (i64)l * (d + 1);
    if (warp == 0) {
      if (group == 0)
#pragma unroll
        for (int c = 0; c < V; c++)
#pragma unroll
          for (int e = 0; e < 4; e++)
            if (c * SPAN + first + e < d) p[c * SPAN + first + e] = g[c][e];
      if (lane == 0) p[d] = gb;
    }
    if (!HESS) {
      loss = block_sum(loss, scratch);
      held = block_sum(held, scratch);
      if (TID_X == 0) {
        losses[2 * l] = loss;
        losses[2 * l + 1] = held;
      }
    }
  }
}
