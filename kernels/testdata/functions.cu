// The elementary functions of include/exp_log1p.h, element by element, for their test.
#include "../include/exp_log1p.h"

#define PROBE(name, f, A)                                                                        \
  extern "C" __global__ void name(const A *x, A *y, u32 n) {                                     \
    const u32 i = CTAID_X * NTID_X + TID_X;                                                      \
    if (i < n) y[i] = f(x[i]);                                                                   \
  }
PROBE(exp_neg_f32, exp_neg, float)
PROBE(exp_neg_f64, exp_neg, double)
PROBE(log1p_f32, log1p_unit, float)
PROBE(log1p_f64, log1p_unit, double)
PROBE(log_f32, log_any, float)
PROBE(log_f64, log_any, double)
