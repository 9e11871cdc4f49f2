// The softmax of one row: K outputs of one model, as strided views of shared or global memory.
#pragma once
#include "output.h"

// Softmax is what the K logits of a row come to: their largest, and the sum of
// exp(z_k - high).
struct Softmax { real high, sum; };

// softmax_sum reads z[k * step] for k < count. The sum is compensated (Kahan 1965): a thousand
// classes that are as likely would leave float32 a digit less, in every row the same way.
template <class P>
DEV Softmax softmax_sum(P z, i64 step, int count) {
  real high = z[0], sum = 0, lost = 0;
  for (int k = 1; k < count; k++) high = max_(high, z[k * step]);
  for (int k = 0; k < count; k++) {
    const real e = exp_neg(high - z[k * step]) - lost, more = sum + e;
    lost = (more - sum) - e;
    sum = more;
  }
  return {high, sum};
}

// softmax_row overwrites the row's logits by the factors of x_i in each output's gradient,
// m (p_k - [y = k]), or with HESS, given u_k = (x_i, 1).v_k, in the Hessian's product,
// m p_k (u_k - sum_j p_j u_j). o is the model's first output.
template <bool HESS, class P, class Q>
DEV void softmax_row(const Output &o, const int *folds, i64 i, P z, Q u, i64 step, int count, double &loss,
                     double &held) {
  const Weigh w = weigh(o, folds, i);
  const int y = o.label[i];
  if (w.m == 0) {
    for (int k = 0; k < count; k++) z[k * step] = 0;
    return;
  }
  const Softmax s = softmax_sum(z, step, count);
  if (!HESS) {
    const real l = log_any(s.sum) + (s.high - z[y * step]);
    if (w.held) held += (double)w.m * (double)l;
    else loss += (double)w.m * (double)l;
  }
  const real m = w.held ? (real)0 : w.m;
  real mean = 0;
  if (HESS)
    for (int k = 0; k < count; k++) mean += exp_neg(s.high - z[k * step]) / s.sum * u[k * step];
  for (int k = 0; k < count; k++) {
    const real p = exp_neg(s.high - z[k * step]) / s.sum;
    z[k * step] = HESS ? m * p * (u[k * step] - mean) : m * (k == y ? p - 1 : p);
  }
}
