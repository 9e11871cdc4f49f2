// The tensor core's 16 x 8 x 8 product on float32 made of TF32 parts. sm_80 and later.
//
// A float32 is hi + lo, two TF32 numbers of 11 bits; a b = lo_a hi_b + hi_a lo_b + hi_a hi_b
// to 2^-22: "3xTF32" (Ootomo, Yokota 2022). Storage of 16 bits is exact in hi alone, two
// products then. The unit truncates where it aligns, so sums are kept short: a chain
// starts from zero and is added to float32 registers outside.
#pragma once
#include "storage.h"

struct Parts { u32 hi, lo; };
DEV u32 to_tf32(float x) {
  u32 r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
  return r;
}
DEV Parts split(float x) {
  const u32 hi = to_tf32(x);
  return {hi, to_tf32(x - bits_float(hi))};
}

// c += a b: a 16 x 8 by rows, b 8 x 8 by columns. With g = lane/4, t = lane%4 the lane holds
// a[g][t], a[g+8][t], a[g][t+4], a[g+8][t+4]; b[t][g], b[t+4][g]; c[g][2t], c[g][2t+1], c[g+8][..].
DEV void mma_tf32(float (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

// mma_split is the product of a, numbers of X, with b, any float32.
DEV void mma_split(float (&c)[4], const Parts (&a)[4], const Parts (&b)[2]) {
#ifdef STORAGE_F32
  mma_tf32(c, a[0].lo, a[1].lo, a[2].lo, a[3].lo, b[0].hi, b[1].hi);
#endif
  mma_tf32(c, a[0].hi, a[1].hi, a[2].hi, a[3].hi, b[0].lo, b[1].lo);
  mma_tf32(c, a[0].hi, a[1].hi, a[2].hi, a[3].hi, b[0].hi, b[1].hi);
}
DEV Parts split_stored(float x) {
#ifdef STORAGE_F32
  return split(x);
#else
  return {float_bits(x), 0}; // 8 or 11 bits: exact
#endif
}
