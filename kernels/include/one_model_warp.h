// One warp a row, one model: the loop shared by logistic_eval_warp and hess_vec_warp.
//
// A lane holds 4 V columns of the row, of the coefficients and of the gradient in
// registers. R rows are taken at once, so that their loads and shuffles overlap and
// one evaluation of the link serves R rows.
#pragma once
#include "output.h"
#include "reduce.h"

enum { WARPS = 8 };

template <bool HESS, int V, int R>
DEV void warp_rows(const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef,
                   const Output *__restrict__ out, const int *__restrict__ folds, int blocks,
                   real *__restrict__ part, double *__restrict__ losses) {
  __shared__ real sum[WARPS / 2][V * 128 + 1];
  __shared__ double scratch[WARPS];
  const int lane = TID_X % 32, warp = TID_X / 32, ldw = ld + 4;
  const Output o = *out;
  const real b = coef[ldw - 1], bv = HESS ? coef[2 * ldw - 1] : 0;
  real w[V][4], v[HESS ? V : 1][4];
#pragma unroll
  for (int c = 0; c < V; c++) {
    int j = c * 128 + lane * 4;
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
    for (i64 i = first_row(n, l, blocks) + warp * R; i < end; i += WARPS * R) {
      real x[R][V][4], z[R], u[R];
#pragma unroll
      for (int q = 0; q < R; q++)
#pragma unroll
        for (int c = 0; c < V; c++) {
          int j = c * 128 + lane * 4;
          if (j < ld && i + q < end) load4(X + (i + q) * ld + j, x[q][c]);
          else x[q][c][0] = x[q][c][1] = x[q][c][2] = x[q][c][3] = 0;
        }
#pragma unroll
      for (int q = 0; q < R; q++) {
        z[q] = u[q] = 0;
#pragma unroll
        for (int c = 0; c < V; c++)
#pragma unroll
          for (int e = 0; e < 4; e++) {
            z[q] = fma_(x[q][c][e], w[c][e], z[q]);
            if (HESS) u[q] = fma_(x[q][c][e], v[c][e], u[q]);
          }
      }
      const real zr = scatter_sums<R>(z) + b, ur = HESS ? scatter_sums<R>(u) + bv : 0;
      const int row = lane_row<R>(lane);
      double lr = 0, hr = 0;
      real r = 0;
      if (i + row < end) r = row_term<HESS>(o, folds, i + row, zr, ur, lr, hr);
      if (lane == row_lane<R>(row)) { // the other lanes hold copies
        loss += lr;
        held += hr;
        gb += r;
      }
#pragma unroll
      for (int q = 0; q < R; q++) {
        const real rq = shfl(r, row_lane<R>(q));
#pragma unroll
        for (int c = 0; c < V; c++)
#pragma unroll
          for (int e = 0; e < 4; e++) g[c][e] = fma_(rq, x[q][c][e], g[c][e]);
      }
    }
    gb = warp_sum(gb);
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
#pragma unroll
      for (int c = 0; c < V; c++)
#pragma unroll
        for (int e = 0; e < 4; e++)
          if (c * 128 + lane * 4 + e < d) p[c * 128 + lane * 4 + e] = g[c][e];
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
