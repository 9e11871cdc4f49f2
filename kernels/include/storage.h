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

// Four numbers of X, the unit of the row forms: rows there start at multiples of four.
// number(q, e) is number e. Loops that use a row twice keep it as stored and call again
// between the uses: of 16 bits it takes half the registers, if the compiler does not keep
// what the first use widened.
#if defined(STORAGE_F64) || defined(STORAGE_F32)
struct alignas(16) Quad { stored v[4]; };
DEV real number(const Quad &q, int e) { return q.v[e]; }
DEV void again(Quad &) {}
#else
struct alignas(8) Quad { u32 v[2]; };
DEV real number(const Quad &q, int e) {
#ifdef STORAGE_BF16
  return bits_float(e % 2 ? q.v[e / 2] & 0xffff0000u : q.v[e / 2] << 16);
#else
  float f;
  if (e % 2) asm("{.reg .b16 a, b; mov.b32 {a, b}, %1; cvt.f32.f16 %0, b;}" : "=f"(f) : "r"(q.v[e / 2]));
  else asm("{.reg .b16 a, b; mov.b32 {a, b}, %1; cvt.f32.f16 %0, a;}" : "=f"(f) : "r"(q.v[e / 2]));
  return f;
#endif
}
DEV void again(Quad &q) { asm volatile("" : "+r"(q.v[0]), "+r"(q.v[1])); }
#endif

// quad_if reads the quad at p where `here`, else gives zeros. The predicate is spelt out:
// compilers make a branch for each load of it.
DEV Quad quad_if(const stored *p, bool here) {
  Quad q;
#if defined(STORAGE_F64)
  asm("{.reg .pred p; setp.ne.u32 p, %5, 0; mov.f64 %0, 0d0000000000000000; mov.f64 %1, 0d0000000000000000;"
      " mov.f64 %2, 0d0000000000000000; mov.f64 %3, 0d0000000000000000;"
      " @p ld.global.nc.v2.f64 {%0, %1}, [%4]; @p ld.global.nc.v2.f64 {%2, %3}, [%4+16];}"
      : "=&d"(q.v[0]), "=&d"(q.v[1]), "=&d"(q.v[2]), "=&d"(q.v[3]) : "l"(p), "r"((u32)here));
#elif defined(STORAGE_F32)
  asm("{.reg .pred p; setp.ne.u32 p, %5, 0; mov.f32 %0, 0f00000000; mov.f32 %1, 0f00000000;"
      " mov.f32 %2, 0f00000000; mov.f32 %3, 0f00000000; @p ld.global.nc.v4.f32 {%0, %1, %2, %3}, [%4];}"
      : "=&f"(q.v[0]), "=&f"(q.v[1]), "=&f"(q.v[2]), "=&f"(q.v[3]) : "l"(p), "r"((u32)here));
#else
  asm("{.reg .pred p; setp.ne.u32 p, %3, 0; mov.b32 %0, 0; mov.b32 %1, 0; @p ld.global.nc.v2.b32 {%0, %1}, [%2];}"
      : "=&r"(q.v[0]), "=&r"(q.v[1]) : "l"(p), "r"((u32)here));
#endif
  return q;
}

// Four numbers of shared memory at a multiple of four.
struct alignas(16) Reals { real v[4]; };
