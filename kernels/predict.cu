// predict: probabilities from logits, in float64 whatever the storage; no X.
//   predict_logistic: P_ik = sigmoid(z_ik);  predict_softmax: P_i = softmax(z_i) of K outputs
// Not for BF16, F16: it never reads X, and their real numbers are F32's.
// Z [K][n] real; out [K]: offsets; P [n][width] double, written from column `first` on.
// Launch: 256 threads, grid x any; grid y = K for predict_logistic. Registers <= 64.
// Deterministic: every row is one thread's. float64 keeps the sum of a row within 1e-15 of 1.
// Moves n K reals (softmax: three times) and writes 8 n K bytes.
#include "include/softmax.h"

extern "C" __global__ void __launch_bounds__(256, 4) NAME(predict_logistic)(
    const real *__restrict__ Z, i64 n, const Output *__restrict__ out, int width, int first,
    double *__restrict__ P) {
  const int k = CTAID_Y;
  const Output o = out[k];
  for (i64 i = (i64)CTAID_X * 256 + TID_X; i < n; i += (i64)NCTAID_X * 256) {
    const double z = (double)Z[k * n + i] + (o.offset ? (double)o.offset[i] : 0);
    const double e = exp_neg(abs_(z)), t = 1 / (1 + e);
    P[i * width + first + k] = z >= 0 ? t : e * t;
  }
}

extern "C" __global__ void __launch_bounds__(256, 4) NAME(predict_softmax)(
    const real *__restrict__ Z, i64 n, int outputs, int width, int first, double *__restrict__ P) {
  for (i64 i = (i64)CTAID_X * 256 + TID_X; i < n; i += (i64)NCTAID_X * 256) {
    real high = Z[i];
    for (int k = 1; k < outputs; k++) high = max_(high, Z[k * n + i]); // offsets cancel
    double sum = 0;
    double *p = P + i * width + first;
    for (int k = 0; k < outputs; k++) sum += exp_neg((double)high - (double)Z[k * n + i]);
    for (int k = 0; k < outputs; k++) p[k] = exp_neg((double)high - (double)Z[k * n + i]) / sum;
  }
}
