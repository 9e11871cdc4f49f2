// Moments, extremes and non-zeros of a column: of a few numbers at a time, then merged.
#pragma once
#include "output.h"
#include "reduce.h"

enum { FIELDS = 8 };

// merge adds moments (m, mu, s2) to (sum, mean, m2); Chan, Golub, LeVeque (1979). The mean
// starts from the heavier side: what weighs next to nothing leaves no rounding behind.
DEV void merge(double &sum, double &mean, double &m2, double m, double mu, double s2) {
  if (m == 0) return;
  const bool lighter = m <= sum;
  const double all = sum + m, dev = mu - mean, share = (lighter ? m : sum) / all;
  mean = lighter ? fma_(dev, share, mean) : fma_(-dev, share, mu);
  m2 += fma_(dev * dev, (lighter ? sum : m) * share, s2);
  sum = all;
}

// Column is what is known of some rows of a column.
struct Column { double count, mean, m2, sum, wmean, wm2, low, high, filled; };

DEV void merge(Column &a, const Column &b) {
  if (b.count == 0) return;
  a.low = a.count == 0 ? b.low : min_(a.low, b.low);
  a.high = a.count == 0 ? b.high : max_(a.high, b.high);
  a.filled += b.filled;
  merge(a.count, a.mean, a.m2, b.count, b.mean, b.m2);
  merge(a.sum, a.wmean, a.wm2, b.sum, b.wmean, b.wm2);
}

// complete fills c, whose count of numbers x of weights w is known, by two passes over them.
template <int N>
DEV void complete(Column &c, const double (&x)[N], const double (&w)[N]) {
  c.low = c.high = x[0];
#pragma unroll
  for (int k = 0; k < N; k++) {
    c.mean += x[k];
    c.sum += w[k];
    c.wmean = fma_(w[k], x[k], c.wmean);
    c.filled += x[k] != 0;
    if (k < c.count) {
      c.low = min_(c.low, x[k]);
      c.high = max_(c.high, x[k]);
    }
  }
  c.mean = c.count == N ? c.mean * (1.0 / N) : c.mean / c.count;
#pragma unroll
  for (int k = 0; k < N; k++) {
    const double dev = k < c.count ? x[k] - c.mean : 0;
    c.m2 = fma_(dev, dev, c.m2);
  }
  if (c.sum > 0) {
    c.wmean /= c.sum;
#pragma unroll
    for (int k = 0; k < N; k++) c.wm2 = fma_(w[k] * (x[k] - c.wmean), x[k] - c.wmean, c.wm2);
  }
}
