// The storage format of X, chosen when a file is compiled: -DSTORAGE_F32, _F64, _BF16 or _F16.
//   stored   one number of X in memory
//   real     what products are computed in: float, or double for float64 storage
//   NAME(k)  the entry name of kernel k for this storage: k_f32, ...
#pragma once
#include "device.h"

#if defined(STORAGE_F64)
typedef double stored;
typedef double real;
#define NAME(k) k##_f64
DEV real widen(stored s) { return s; }
#elif defined(STORAGE_BF16)
typedef u16 stored;
typedef float real;
#define NAME(k) k##_bf16
DEV real widen(stored s) { return bits_float((u32)s << 16); }
#elif defined(STORAGE_F16)
typedef u16 stored;
typedef float real;
#define NAME(k) k##_f16
DEV real widen(stored s) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(s));
  return f;
}
#elif defined(STORAGE_F32)
typedef float stored;
typedef float real;
#define NAME(k) k##_f32
DEV real widen(stored s) { return s; }
#endif

// 16 bytes of X, the widest load of a thread.
enum { PER_VECTOR = 16 / sizeof(stored) };
struct alignas(16) Vector { stored v[PER_VECTOR]; };

// Four numbers of X, the unit of the row forms: rows there start at multiples of four.
struct alignas(sizeof(stored) * 4 > 16 ? 16 : sizeof(stored) * 4) Quad { stored v[4]; };
DEV void load4(const stored *p, real (&x)[4]) {
  Quad q = *(const Quad *)p;
#pragma unroll
  for (int e = 0; e < 4; e++) x[e] = widen(q.v[e]);
}
