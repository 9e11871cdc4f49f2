// scale_convert: a chunk of the source becomes rows of X; finds what is not finite.
//   X_ij = round((x_ij - center_j) / scale_j), in float64 and rounded once, to nearest even
// from: x [rows][d] float (scale_convert_from32) or double (_from64), contiguous; center, scale [d]
// double or null for the identity; X [rows][ld], padding set to 0; bad [2] u64, all ones before:
// the least row*d + column, counted from `first`, of a source number that is not finite, and of a
// stored number that overflowed its format.
// Launch: 256 threads, any grid. No shared memory. Registers <= 40.
// Deterministic: bad is an integer minimum.
// Moves rows*d*sizeof(source) bytes in, rows*ld*sizeof(stored) out.
#include "include/storage.h"

DEV bool finite(double x) { return (double_bits(x) & 0x7ff0000000000000ll) != 0x7ff0000000000000ll; }

#if defined(STORAGE_F64)
DEV stored narrow(double x) { return x; }
#elif defined(STORAGE_F32)
DEV stored narrow(double x) { return (float)x; }
#else
// Rounding twice must be as rounding once: float64 goes to float by round-to-odd, which
// keeps what the final rounding needs to know.
DEV float odd_float(double x) {
  float f;
  asm("cvt.rz.f32.f64 %0, %1;" : "=f"(f) : "d"(x));
  return (double)f == x ? f : bits_float(float_bits(f) | 1);
}
#if defined(STORAGE_BF16)
DEV stored narrow(double x) {
  u32 b = float_bits(odd_float(x));
  return (stored)((b + 0x7fffu + (b >> 16 & 1)) >> 16);
}
#else
DEV stored narrow(double x) {
  stored h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(odd_float(x)));
  return h;
}
#endif
#endif

DEV void least(u64 *p, u64 v) { asm volatile("red.global.min.u64 [%0], %1;" : : "l"(p), "l"(v) : "memory"); }

template <class S>
DEV void convert(const S *__restrict__ x, i64 rows, int d, int ld, const double *__restrict__ center,
                 const double *__restrict__ scale, i64 first, stored *__restrict__ X, u64 *__restrict__ bad) {
  const i64 count = rows * ld;
  for (i64 e = (i64)CTAID_X * 256 + TID_X; e < count; e += (i64)NCTAID_X * 256) {
    const i64 i = e / ld;
    const int j = (int)(e - i * ld);
    stored v = 0;
    if (j < d) {
      double s = (double)x[i * d + j];
      const u64 at = (u64)(first + i) * (u64)d + (u64)j;
      if (!finite(s)) {
        least(bad, at);
        s = 0;
      }
      if (center) s = (s - center[j]) / scale[j];
      v = narrow(s);
      if (!finite((double)widen(v))) least(bad + 1, at);
    }
    X[e] = v;
  }
}

#define ENTRY(from, S)                                                                           \
  extern "C" __global__ void __launch_bounds__(256, 4) NAME(scale_convert_##from)(               \
      const S *__restrict__ x, i64 rows, int d, int ld, const double *__restrict__ center,       \
      const double *__restrict__ scale, i64 first, stored *__restrict__ X, u64 *__restrict__ bad) { \
    convert(x, rows, d, ld, center, scale, first, X, bad);                                       \
  }
ENTRY(from32, float)
ENTRY(from64, double)
