// exp(-a) for a >= 0 and log1p(e) for e in [0, 1]: all that a logistic loss needs.
//
// The tables are the whole of the approximation: interpolation at Chebyshev nodes,
// rounded to the format (see docs/kernels.md). Error: float32 below 1.1 ulp, float64
// below 2 ulp, subnormal results included.
#pragma once
#include "device.h"

// exp(r) = 1 + r + r^2 (EXP[0] + EXP[1] r + ...) for |r| <= ln2/2
#define EXP_F32 0x1p-1f, 0x1.5554dcp-3f, 0x1.55551ap-5f, 0x1.120ba2p-7f, 0x1.6d113cp-10f
#define EXP_F64                                                                              \
  0x1p-1, 0x1.5555555555557p-3, 0x1.5555555555556p-5, 0x1.11111111100cep-7,                  \
      0x1.6c16c16c162ccp-10, 0x1.a01a01abef415p-13, 0x1.a01a01a6dcaffp-16,                   \
      0x1.71de021a90822p-19, 0x1.27e4db57442fbp-22, 0x1.af4e196027428p-26,                   \
      0x1.1f731ea5352cap-29

// log(1+f) = f - (f^2/2 - s (f^2/2 + R)), s = f/(2+f), R = u (LOG1P[0] + LOG1P[1] u + ...),
// u = s^2 <= 1/9 (fdlibm's form: the rounding of s hardly matters).
#define LOG1P_F32 0x1.555556p-1f, 0x1.9999ap-2f, 0x1.248f58p-2f, 0x1.c7fb48p-3f, 0x1.65ac7cp-3f, 0x1.a9be66p-3f
#define LOG1P_F64                                                                            \
  0x1.5555555555555p-1, 0x1.999999999999ap-2, 0x1.24924924924bfp-2, 0x1.c71c71c718177p-3,    \
      0x1.745d17478f2ddp-3, 0x1.3b13b0d13059p-3, 0x1.1111212bf7d99p-3,                       \
      0x1.e1de9c64e9f94p-4, 0x1.af625b48cdaccp-4, 0x1.835d37c2ac0fbp-4,                      \
      0x1.7a25fe04a9017p-4, 0x1.b0c28a5b6c1f9p-5, 0x1.31f838e4096cfp-3

template <int N, class A>
DEV A horner(const A (&c)[N], A x) {
  A s = c[N - 1];
#pragma unroll
  for (int i = N - 2; i >= 0; i--) s = fma_(s, x, c[i]);
  return s;
}

// 2^k of a float or double, k within the normal exponents.
DEV float power_of_two(float, int k) { return bits_float((u32)(k + 127) << 23); }
DEV double power_of_two(double, int k) { return bits_double((i64)(k + 1023) << 52); }

// exp_neg(a) = exp(-a), a >= 0. It goes through the subnormals to 0.
DEV float exp_neg(float a) {
  const float c[] = {EXP_F32};
  float x = -min_(a, 110.0f);
  float t = fma_(x, 0x1.715476p+0f, 0x1.8p23f); // x / ln2, rounded to an integer by the addition
  int k = (int)(float_bits(t) << 10) >> 10; // the low bits of t hold the integer
  float n = t - 0x1.8p23f;
  float r = fma_(n, -0x1.62ep-1f, x);
  r = fma_(n, -0x1.0bfbe8p-15f, r);
  float p = 1.0f + fma_(r * r, horner(c, r), r);
  int h = k >> 1; // in two steps: k goes below the smallest normal exponent
  return p * power_of_two(p, h) * power_of_two(p, k - h);
}
DEV double exp_neg(double a) {
  const double c[] = {EXP_F64};
  double x = -min_(a, 760.0);
  double t = fma_(x, 0x1.71547652b82fep+0, 0x1.8p52);
  int k = (int)(u32)(u64)double_bits(t);
  double n = t - 0x1.8p52;
  double r = fma_(n, -0x1.62e42feep-1, x);
  r = fma_(n, -0x1.a39ef35793c76p-33, r);
  double p = 1.0 + fma_(r * r, horner(c, r), r);
  int h = k >> 1;
  return p * power_of_two(p, h) * power_of_two(p, k - h);
}

DEV float log1p_unit(float f) {
  const float c[] = {LOG1P_F32};
  float s = f / (2.0f + f), u = s * s, h = 0.5f * f * f;
  return f - (h - s * fma_(u, horner(c, u), h));
}
DEV double log1p_unit(double f) {
  const double c[] = {LOG1P_F64};
  double s = f / (2.0 + f), u = s * s, h = 0.5 * f * f;
  return f - (h - s * fma_(u, horner(c, u), h));
}

// log_any(x) = log(x) for x >= 1: the logarithm of a softmax's sum.
template <class A>
DEV A log_any(A x);
template <>
__device__ __forceinline__ float log_any(float x) {
  u32 b = float_bits(x);
  int k = (int)(b >> 23) - 127;
  float f = bits_float((b & 0x7fffffu) | 0x3f800000u) - 1.0f; // x = 2^k (1+f), f in [0, 1)
  return fma_((float)k, 0x1.62ep-1f, fma_((float)k, 0x1.0bfbe8p-15f, log1p_unit(f)));
}
template <>
__device__ __forceinline__ double log_any(double x) {
  u64 b = (u64)double_bits(x);
  int k = (int)(b >> 52) - 1023;
  double f = bits_double((i64)((b & 0xfffffffffffffull) | 0x3ff0000000000000ull)) - 1.0;
  return fma_((double)k, 0x1.62e42feep-1, fma_((double)k, 0x1.a39ef35793c76p-33, log1p_unit(f)));
}
