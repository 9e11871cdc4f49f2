// One block a row, one model, wide X: the loop shared by logistic_eval_block and hess_vec_block.
//
// Thread t holds the columns 4t, 4t+2048, ... (V quads) of R rows and of the gradient in
// registers and reads the coefficients from shared memory. The next R rows are on their
// way while the block agrees on the sums of these, at one barrier.
#pragma once
#include "output.h"
#include "reduce.h"

enum { TEAM = 512, TEAM_WARPS = TEAM / 32 };

extern __shared__ __attribute__((aligned(16))) unsigned char coef_memory[]; // w, and v for HESS: ld reals each

// RowSet is R rows as one thread has them, from row i of X on; zeros beyond the last.
template <int V, int R>
struct RowSet { Quad x[R][V]; };

template <int V, int R>
DEV RowSet<V, R> read_rows(const stored *__restrict__ X, int i, int rows, int ld) {
  RowSet<V, R> s;
#pragma unroll
  for (int q = 0; q < R; q++)
#pragma unroll
    for (int c = 0; c < V; c++) {
      const int j = (c * TEAM + TID_X) * 4;
      s.x[q][c] = quad_if(X + (i64)(i + q) * ld + j, (i + q < rows) & (j < ld));
    }
  return s;
}

// team_sums adds the warps' sums of R rows and leaves row lane_row<R>(lane) with every lane.
template <int R>
DEV real team_sums(const real (&s)[R][TEAM_WARPS], int lane) {
  enum { SHARE = 32 / R }; // lanes of a row
  real z = 0;
#pragma unroll
  for (int k = 0; k < TEAM_WARPS; k += SHARE)
    if (SHARE <= TEAM_WARPS || lane % SHARE < TEAM_WARPS) z += s[lane / SHARE][k + lane % SHARE];
#pragma unroll
  for (int m = SHARE / 2; m; m >>= 1) z += shfl_xor(z, m);
  return z;
}

template <bool HESS, int V, int R>
DEV void block_rows(const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef,
                    const Output *__restrict__ out, const int *__restrict__ folds, int blocks,
                    real *__restrict__ part, double *__restrict__ losses) {
  __shared__ real sums[2][HESS ? 2 : 1][R][TEAM_WARPS]; // two sets, used in turn: one barrier a step
  // Registers are short: what is needed once a step lies in shared memory.
  __shared__ double loss[32], held[32]; // a lane of the first warp its own
  __shared__ real bias[2], gb[32];
  __shared__ Output o;
  const int t = TID_X, lane = t % 32, warp = t / 32, ldw = ld + 4, row = lane_row<R>(lane);
  const bool leader = lane == row_lane<R>(row); // the other lanes hold copies
  real *w = (real *)coef_memory;
  if (t == 0) o = *out;
  if (t < (HESS ? 2 : 1)) bias[t] = coef[(t + 1) * ldw - 1];
  for (int j = t; j < ld; j += TEAM) {
    w[j] = coef[j];
    if (HESS) w[ld + j] = coef[ldw + j];
  }
  sync_block();
  int side = 0;
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 start = first_row(n, l, blocks);
    const int rows = (int)(first_row(n, l + 1, blocks) - start);
    real g[V][4] = {};
    if (warp == 0) loss[lane] = held[lane] = gb[lane] = 0;
    RowSet<V, R> next = read_rows<V, R>(X + start * ld, 0, rows, ld);
#pragma unroll 1
    for (int i = 0; i < rows; i += R, side ^= 1) {
      RowSet<V, R> now = next;
      Facts f = {};
      if (i + row < rows) f = facts_of(o, folds, start + i + row);
      next = read_rows<V, R>(X + start * ld, i + R, rows, ld);
      real z[R] = {}, u[R] = {};
#pragma unroll
      for (int c = 0; c < V; c++) {
        const int j = (c * TEAM + t) * 4;
        if (j < ld) {
          const Reals wj = *(const Reals *)(w + j), vj = *(const Reals *)(w + (HESS ? ld : 0) + j);
#pragma unroll
          for (int q = 0; q < R; q++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
              z[q] = fma_(number(now.x[q][c], e), wj.v[e], z[q]);
              if (HESS) u[q] = fma_(number(now.x[q][c], e), vj.v[e], u[q]);
            }
        }
      }
      auto &s = sums[side];
      const real zw = scatter_sums<R>(z), uw = HESS ? scatter_sums<R>(u) : 0;
      if (leader) {
        s[0][row][warp] = zw;
        if (HESS) s[HESS][row][warp] = uw;
      }
      sync_block();
      const real zr = team_sums<R>(s[0], lane) + bias[0], ur = HESS ? team_sums<R>(s[HESS], lane) + bias[1] : 0;
      double lr = 0, hr = 0;
      const real r = row_term<HESS>(f, zr, ur, lr, hr);
      if (leader && warp == 0) { // every warp has the same
        gb[lane] += r;
        if (!HESS) {
          loss[lane] += lr;
          held[lane] += hr;
        }
      }
#pragma unroll
      for (int q = 0; q < R; q++) {
        const real rq = shfl(r, row_lane<R>(q));
#pragma unroll
        for (int c = 0; c < V; c++) {
          again(now.x[q][c]);
#pragma unroll
          for (int e = 0; e < 4; e++) g[c][e] = fma_(rq, number(now.x[q][c], e), g[c][e]);
        }
      }
    }
    real *p = part + (i64)l * (d + 1);
#pragma unroll
    for (int c = 0; c < V; c++)
#pragma unroll
      for (int e = 0; e < 4; e++) {
        const int j = (c * TEAM + t) * 4 + e;
        if (j < d) p[j] = g[c][e];
      }
    if (warp == 0) {
      const real last = warp_sum(gb[lane]);
      if (lane == 0) p[d] = last;
      if (!HESS) {
        const double fitted = warp_sum(loss[lane]), left = warp_sum(held[lane]);
        if (lane == 0) {
          losses[2 * l] = fitted;
          losses[2 * l + 1] = left;
        }
      }
    }
  }
}
