// sgd_epochs: the whole of a small full-batch gradient descent in one launch.
//   each epoch: loss = sum_i m_i l(z_i) / sum m;  (w, b) -= rate * sum_i m_i (p_i - y_i)(x_i, 1) / sum m
// X [n][ld] row-major, D <= 256; coef [ldw] real, intercept last, updated in place; out [1];
// total = sum of the weights; losses [epochs] double: each epoch's loss before its update.
// Launch: one block of 256 threads. Static shared: 11 KB (float64: 21 KB). Registers <= 128.
// Deterministic: rows in order within each of 8 warps, the warps in order.
// Moves n*ld*sizeof(stored) an epoch, from the L1 and L2 caches after the first. One launch for all
// epochs: the tutorial's 100 epochs of 100 rows would else be 300 launches.
#include "include/output.h"
#include "include/reduce.h"

enum { COLUMNS = 256, WARPS = 8, V = COLUMNS / 32 };

extern "C" __global__ void __launch_bounds__(256, 1) NAME(sgd_epochs)(
    const stored *__restrict__ X, i64 n, int d, int ld, real *__restrict__ coef, int ldw,
    const Output *__restrict__ out, const int *__restrict__ folds, double total, double rate, int epochs,
    double *__restrict__ losses) {
  __shared__ real w[COLUMNS + 1], sum[WARPS][COLUMNS + 1];
  __shared__ double scratch[WARPS];
  const int t = TID_X, lane = t % 32, warp = t / 32;
  const Output o = *out;
  const real step = (real)(rate / total);
  if (t < d) w[t] = coef[t];
  if (t == 0) w[d] = coef[ldw - 1];
  sync_block();
  for (int epoch = 0; epoch < epochs; epoch++) {
    real g[V] = {}, gb = 0;
    double loss = 0;
    for (i64 i = warp; i < n; i += WARPS) {
      real x[V], z = 0;
#pragma unroll
      for (int c = 0; c < V; c++) {
        const int j = c * 32 + lane;
        x[c] = j < d ? widen(X[i * ld + j]) : (real)0;
        if (j < d) z = fma_(x[c], w[j], z);
      }
      z = warp_sum(z) + w[d];
      double own = 0, left = 0;
      const real r = row_term<false>(o, folds, i, z, 0, own, left);
      loss += own; // every lane holds the same
      gb += r;
#pragma unroll
      for (int c = 0; c < V; c++) g[c] = fma_(r, x[c], g[c]);
    }
#pragma unroll
    for (int c = 0; c < V; c++) sum[warp][c * 32 + lane] = g[c];
    if (lane == 0) {
      sum[warp][COLUMNS] = gb;
      scratch[warp] = loss;
    }
    sync_block();
    for (int j = t; j <= d; j += 256) {
      const int column = j < d ? j : (int)COLUMNS;
      real s = 0;
      for (int q = 0; q < WARPS; q++) s += sum[q][column];
      w[j] = w[j] - step * s;
    }
    if (t == 0) {
      for (int q = 1; q < WARPS; q++) loss += scratch[q];
      losses[epoch] = loss / total;
    }
    sync_block();
  }
  if (t < d) coef[t] = w[t];
  if (t == 0) coef[ldw - 1] = w[d];
}
