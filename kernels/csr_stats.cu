// csr_stats: moments, extremes and non-zeros of every column of sparse X; what is not stored is 0.
//   n, mean, M2 = sum (x - mean)^2;  the same with weights;  min, max, #(x != 0)
// Not for BF16, F16: sparse X is stored in float32 or float64.
// X by columns in pieces, as in csr_xtr; weight [n] real or null; part [P][9] double: the fields of
// Column; first [d+1], or null where part has one a column; total: the sum of the weights; out [d][8] double as in stats.
// csr_stats: 256 threads, any grid over the T tasks, a warp a task. Registers <= 128.
// csr_combine_stats: 256 threads, any grid: Chan's formula over a column's pieces in order, and then
// the rows without an entry.
// Deterministic for any grid: a piece is one warp's, its lanes merged as a fixed tree.
// Moves entries * (4 + sizeof(stored)), a weight for each entry from the L2 cache, and 72 P bytes twice.
#include "include/csr.h"
#include "include/moments.h"

enum { CHUNK = 4 };

DEV Column lane_of(const Column &c, int mask) {
  return {shfl_xor(c.count, mask), shfl_xor(c.mean, mask), shfl_xor(c.m2, mask), shfl_xor(c.sum, mask), shfl_xor(c.wmean, mask),
          shfl_xor(c.wm2, mask), shfl_xor(c.low, mask), shfl_xor(c.high, mask), shfl_xor(c.filled, mask)};
}

extern "C" __global__ void __launch_bounds__(256, 2) NAME(csr_stats)(
    const u32 *__restrict__ index, const stored *__restrict__ val, const i64 *__restrict__ start,
    const u32 *__restrict__ slot, const i64 *__restrict__ task, i64 tasks, const real *__restrict__ weight,
    Column *__restrict__ part) {
  const int lane = TID_X % 32;
  for (i64 t = (i64)CTAID_X * (THREADS / 32) + TID_X / 32; t < tasks; t += (i64)NCTAID_X * (THREADS / 32)) {
    const i64 own = task[t];
    const int log = (int)(own & 7), lanes = 1 << log, sub = lane & (lanes - 1);
    const i64 p = (own >> 3) + (lane >> log);
    const bool here = p < task[t + 1] >> 3;
    const i64 end = here ? start[p + 1] : 0;
    Column all = {};
#pragma unroll 1
    for (i64 e = here ? start[p] + sub : 0; e < end; e += CHUNK * lanes) {
      double x[CHUNK], w[CHUNK];
      Column c = {};
#pragma unroll
      for (int k = 0; k < CHUNK; k++) {
        const i64 entry = e + k * lanes;
        const bool one = entry < end;
        x[k] = !one ? 0 : val ? (double)widen(val[entry]) : 1;
        w[k] = one && weight ? (double)weight[index[entry]] : 0;
        c.count += one;
      }
      complete(c, x, w);
      merge(all, c);
    }
#pragma unroll 1
    for (int m = lanes >> 1; m; m >>= 1) merge(all, lane_of(all, m));
    if (here && sub == 0) part[slot[p]] = all;
  }
}

extern "C" __global__ void __launch_bounds__(256, 4) NAME(csr_combine_stats)(
    const Column *__restrict__ part, const u32 *__restrict__ first, i64 n, i64 d, double total, double *__restrict__ out) {
  for (i64 j = (i64)CTAID_X * THREADS + TID_X; j < d; j += (i64)NCTAID_X * THREADS) {
    Column all = {};
    const i64 end = first ? first[j + 1] : j + 1;
    for (i64 s = first ? first[j] : j; s < end; s++) merge(all, part[s]);
    Column zeros = {};
    zeros.count = (double)n - all.count;
    if (zeros.count > 0) zeros.sum = max_(total - all.sum, 0.0);
    merge(all, zeros);
    double *o = out + j * FIELDS;
    o[0] = all.mean;
    o[1] = all.m2;
    o[2] = all.sum;
    o[3] = all.wmean;
    o[4] = all.wm2;
    o[5] = all.low;
    o[6] = all.high;
    o[7] = all.filled;
  }
}
