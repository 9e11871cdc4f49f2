// csr_stat_*, csr_deviation_*: moments, extremes and non-zeros of the columns of sparse X by rows alone, as
// 64-bit integers (include/csr_fixed.h); the twin of csr_stats, whose csr_combine_stats ends them.
//   csr_stat: sums of x, w, w x and [x != 0], and the extremes;  csr_deviation: of (x - mean)^2 and
//   w (x - mean_w)^2, in a second pass of both steps, bounds and adds
// Not for BF16, F16: sparse X is stored in float32 or float64.
// X by compressed rows as in csr_eval; place, hot as in Places; weight [n] real or null; top, sum [d][4], then
// [d][2]; extreme [d][2] u64: the largest of -x and of x, as integers in their order, 0 before;
// mean [d][2] double; count [d]: the columns' entries; part [d]: the fields of Column.
// Entries: csr_stat_bounds, csr_stat_adds, csr_means, csr_deviation_bounds, csr_deviation_adds, csr_moments.
// Launch: 256 threads, any grid, over rows or over columns. Static shared: 8 KB, adds 16 KB.
// Deterministic for any grid: maxima and sums of integers have no order.
// Moves what csr_bounds and csr_adds do, twice; a weight a row.
#include "include/csr_fixed.h"
#include "include/moments.h"

// ordered maps numbers to integers above 0 that compare as they do.
DEV u64 ordered(double x) {
  const u64 b = (u64)double_bits(x);
  return b >> 63 ? ~b : b | 1ull << 63;
}
DEV double number(u64 key) { return bits_double((i64)(key >> 63 ? key & ~(1ull << 63) : ~key)); }

struct Weight {
  const real *weight;
  struct Row { double w; };
  METHOD Row row(i64 i) const { return {weight ? (double)weight[i] : 0.0}; }
};

struct Moments : Weight {
  enum { COUNT = 4 };
  u64 *extreme; // or null
  METHOD void of(const Row &row, u32 j, double x, double (&t)[COUNT]) const {
    if (extreme) {
      raise(extreme + 2 * (i64)j, ordered(-x));
      raise(extreme + 2 * (i64)j + 1, ordered(x));
    }
    t[0] = x;
    t[1] = row.w;
    t[2] = row.w * x;
    t[3] = x != 0;
  }
};

struct Deviations : Weight {
  enum { COUNT = 2 };
  const double *mean;
  METHOD void of(const Row &row, u32 j, double x, double (&t)[COUNT]) const {
    const double dev = x - mean[2 * (i64)j], weighted = x - mean[2 * (i64)j + 1];
    t[0] = dev * dev;
    t[1] = row.w * weighted * weighted;
  }
};

#define X_ARGS                                                                                   \
  const i64 *__restrict__ start, const u32 *__restrict__ index, const stored *__restrict__ val, i64 n, int log_lanes, \
      const u32 *__restrict__ place, const u32 *__restrict__ hot, int hots, const real *__restrict__ weight
#define X Rows{start, {index, val}, 0, log_lanes}, n, Places{place, hot, hots}

extern "C" __global__ void __launch_bounds__(256, 3) NAME(csr_stat_bounds)(X_ARGS, u64 *extreme, u32 *top) {
  bounds(X, Moments{{weight}, extreme}, top);
}
extern "C" __global__ void __launch_bounds__(256, 3) NAME(csr_stat_adds)(X_ARGS, const u32 *__restrict__ top, u64 *sum) {
  adds(X, Moments{{weight}, 0}, top, sum);
}
extern "C" __global__ void __launch_bounds__(256, 3) NAME(csr_deviation_bounds)(X_ARGS, const double *__restrict__ mean, u32 *top) {
  bounds(X, Deviations{{weight}, mean}, top);
}
extern "C" __global__ void __launch_bounds__(256, 3) NAME(csr_deviation_adds)(
    X_ARGS, const double *__restrict__ mean, const u32 *__restrict__ top, u64 *sum) {
  adds(X, Deviations{{weight}, mean}, top, sum);
}

extern "C" __global__ void __launch_bounds__(256, 4) NAME(csr_means)(
    const u32 *__restrict__ place, const u32 *__restrict__ count, const u32 *__restrict__ top, const u64 *__restrict__ sum, i64 d,
    double *__restrict__ mean) {
  for (i64 j = (i64)CTAID_X * THREADS + TID_X; j < d; j += (i64)NCTAID_X * THREADS) {
    const double w = total(place[j], top[4 * j + 1], sum[4 * j + 1]);
    mean[2 * j] = count[j] ? total(place[j], top[4 * j], sum[4 * j]) / count[j] : 0;
    mean[2 * j + 1] = w > 0 ? total(place[j], top[4 * j + 2], sum[4 * j + 2]) / w : 0;
  }
}

extern "C" __global__ void __launch_bounds__(256, 4) NAME(csr_moments)(
    const u32 *__restrict__ place, const u32 *__restrict__ count, const u32 *__restrict__ top, const u64 *__restrict__ sum,
    const u32 *__restrict__ dev_top, const u64 *__restrict__ dev_sum, const u64 *__restrict__ extreme,
    const double *__restrict__ mean, i64 d, Column *__restrict__ part) {
  for (i64 j = (i64)CTAID_X * THREADS + TID_X; j < d; j += (i64)NCTAID_X * THREADS) {
    Column c = {};
    c.count = count[j];
    if (count[j]) {
      c.mean = mean[2 * j];
      c.m2 = total(place[j], dev_top[2 * j], dev_sum[2 * j]);
      c.sum = total(place[j], top[4 * j + 1], sum[4 * j + 1]);
      c.wmean = mean[2 * j + 1];
      c.wm2 = total(place[j], dev_top[2 * j + 1], dev_sum[2 * j + 1]);
      c.low = -number(extreme[2 * j]);
      c.high = number(extreme[2 * j + 1]);
      c.filled = total(place[j], top[4 * j + 3], sum[4 * j + 3]);
    }
    part[j] = c;
  }
}
