// stats: moments, extremes and non-zeros of every stored column, unweighted and weighted.
//   n, mean, M2 = sum (x - mean)^2;  the same with weights;  min, max, #(x != 0)
// X [n][ld] row-major; weight [n] real or null; part [L][d][8] double: mean, M2, sum of weights,
// weighted mean, weighted M2, min, max, non-zeros; out [d][8]. L = f(n, d).
// stats: 256 threads, grid x any over L, grid y = ceil(d/256). Welford's update, one column a thread.
// combine_stats: 256 threads, ceil(d/256) blocks: Chan's formula over l = 0, 1, ... in order.
// Registers <= 64. Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L).
// Moves n*ld*sizeof(stored) bytes: X once; float64 division bound on narrow GPUs, run once a fit.
#include "include/output.h"
#include "include/reduce.h"

enum { FIELDS = 8 };

extern "C" __global__ void __launch_bounds__(256, 4) NAME(stats)(
    const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ weight, int blocks,
    double *__restrict__ part) {
  const int j = CTAID_Y * 256 + TID_X;
  if (j >= d) return;
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 start = first_row(n, l, blocks), end = first_row(n, l + 1, blocks);
    double mean = 0, m2 = 0, sum = 0, wmean = 0, wm2 = 0, low = 0, high = 0, filled = 0;
    for (i64 i = start; i < end; i++) {
      const double x = (double)widen(X[i * ld + j]), dev = x - mean;
      mean += dev / (double)(i - start + 1);
      m2 = fma_(dev, x - mean, m2);
      low = i == start ? x : min_(low, x);
      high = i == start ? x : max_(high, x);
      filled += x != 0;
      if (weight) {
        const double w = (double)weight[i], wdev = x - wmean;
        if (w > 0) {
          sum += w;
          wmean += wdev * (w / sum);
          wm2 = fma_(w * wdev, x - wmean, wm2);
        }
      }
    }
    double *p = part + ((i64)l * d + j) * FIELDS;
    p[0] = mean;
    p[1] = m2;
    p[2] = sum;
    p[3] = wmean;
    p[4] = wm2;
    p[5] = low;
    p[6] = high;
    p[7] = filled;
  }
}

// merge adds moments (m, mean, m2) to (sum, mean, m2); Chan, Golub, LeVeque (1979).
DEV void merge(double &sum, double &mean, double &m2, double m, double mu, double s2) {
  if (m == 0) return;
  const double all = sum + m, dev = mu - mean;
  mean = fma_(dev, m / all, mean);
  m2 += fma_(dev * dev, sum * (m / all), s2);
  sum = all;
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
