// stats: moments, extremes and non-zeros of every stored column, unweighted and weighted.
//   n, mean, M2 = sum (x - mean)^2;  the same with weights;  min, max, #(x != 0)
// X [n][ld] row-major; weight [n] real or null; part [L][d][8] double: mean, M2, sum of weights,
// weighted mean, weighted M2, min, max, non-zeros; out [d][8]. L = f(n, d).
// stats: 256 threads, grid x any over L, grid y = ceil(d/256); 2^log_width columns beside each
// other, the power of two next above min(d, 256), by as many rows as fill the block.
// combine_stats: 256 threads, ceil(d/256) blocks: Chan's formula over l = 0, 1, ... in order.
// Static shared: 18 KB. Registers <= 128.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), its rows' sums a fixed tree.
// Moves n*ld*sizeof(stored) bytes: X once; a float64 division for eight numbers (three with weights).
#include "include/moments.h"

enum { CHUNK = 8 };

extern "C" __global__ void __launch_bounds__(256, 2) NAME(stats)(
    const stored *__restrict__ X, i64 n, int d, int ld, int log_width, const real *__restrict__ weight, int blocks,
    double *__restrict__ part) {
  __shared__ Column columns[256];
  const int t = TID_X, column = t & ((1 << log_width) - 1), group = t >> log_width, groups = 256 >> log_width;
  const int j = CTAID_Y * 256 + column;
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    Column own = {};
    if (j < d)
#pragma unroll 1
      for (i64 i = first_row(n, l, blocks) + group; i < end; i += CHUNK * groups) {
        double x[CHUNK], w[CHUNK];
        Column c = {}; // of up to CHUNK rows, two passes over them
#pragma unroll
        for (int k = 0; k < CHUNK; k++) {
          const i64 row = i + k * groups;
          const bool here = row < end;
          x[k] = here ? (double)widen(X[row * ld + j]) : 0;
          w[k] = here && weight ? (double)weight[row] : 0;
          c.count += here;
        }
        complete(c, x, w);
        merge(own, c);
      }
    columns[t] = own;
    for (int half = groups / 2; half; half >>= 1) {
      sync_block();
      if (group < half) {
        merge(own, columns[t + (half << log_width)]);
        columns[t] = own;
      }
    }
    if (group == 0 && j < d) {
      double *p = part + ((i64)l * d + j) * FIELDS;
      p[0] = own.mean;
      p[1] = own.m2;
      p[2] = own.sum;
      p[3] = own.wmean;
      p[4] = own.wm2;
      p[5] = own.low;
      p[6] = own.high;
      p[7] = own.filled;
    }
    sync_block();
  }
}

extern "C" __global__ void __launch_bounds__(256, 4) NAME(combine_stats)(
    const double *__restrict__ part, i64 n, int d, int blocks, double *__restrict__ out) {
  const int j = CTAID_X * 256 + TID_X;
  if (j >= d) return;
  double count = 0, mean = 0, m2 = 0, sum = 0, wmean = 0, wm2 = 0, low = 0, high = 0, filled = 0;
  for (int l = 0; l < blocks; l++) {
    const double *p = part + ((i64)l * d + j) * FIELDS;
    merge(count, mean, m2, (double)(first_row(n, l + 1, blocks) - first_row(n, l, blocks)), p[0], p[1]);
    merge(sum, wmean, wm2, p[2], p[3], p[4]);
    low = l == 0 ? p[5] : min_(low, p[5]);
    high = l == 0 ? p[6] : max_(high, p[6]);
    filled += p[7];
  }
  double *o = out + j * FIELDS;
  o[0] = mean;
  o[1] = m2;
  o[2] = sum;
  o[3] = wmean;
  o[4] = wm2;
  o[5] = low;
  o[6] = high;
  o[7] = filled;
}
