// Rows without padding, contiguous in memory, copied to shared memory by a whole block.
#pragma once
#include "storage.h"

// copy_tile reads `count` numbers from p (aligned to one number only) to rows of `stride`
// reals. inverse is ceil(2^20 / d):
// e * inverse >> 20 is e / d for e < 128 d, d <= 64.
DEV void copy_tile(const stored *__restrict__ p, int count, int d, u32 inverse, int stride, real *x) {
  const int skip = (int)((u64)p / sizeof(stored) % PER_VECTOR); // numbers from the 16-byte line to p
  for (int v = TID_X * PER_VECTOR - skip; v < count; v += NTID_X * PER_VECTOR) {
    int first = v < 0 ? 0 : v;
    int row = (int)((u32)first * inverse >> 20), col = first - row * d;
    if (v >= 0 && v + PER_VECTOR <= count) {
      Vector q = *(const Vector *)(p + v);
#pragma unroll
      for (int e = 0; e < PER_VECTOR; e++) {
        x[row * stride + col] = widen(q.v[e]);
        if (++col == d) col = 0, row++;
      }
    } else {
      for (int e = first; e < v + PER_VECTOR && e < count; e++) {
        x[row * stride + col] = widen(p[e]);
        if (++col == d) col = 0, row++;
      }
    }
  }
}
