// Rows without padding, contiguous in memory, copied to shared memory by a whole block.
#pragma once
#include "storage.h"

// How many numbers a thread asks for before it stores the first: a round trip to memory
// serves them all.
enum { ASKED = sizeof(stored) == 8 ? 4 : sizeof(stored) == 4 ? 8 : 12 };

// copy_tile reads `count` numbers from p to rows of `stride` reals, neighbours by
// neighbouring lanes: no bank conflicts, and p may lie anywhere. inverse is ceil(2^20 / d):
// e * inverse >> 20 is e / d for e < 128 d, d <= 64.
DEV void copy_tile(const stored *__restrict__ p, int count, int d, u32 inverse, int stride, real *x) {
  for (int first = TID_X; first < count; first += NTID_X * ASKED) {
    stored q[ASKED];
#pragma unroll
    for (int k = 0; k < ASKED; k++) {
      const int e = first + k * NTID_X;
      q[k] = e < count ? p[e] : (stored)0;
    }
#pragma unroll
    for (int k = 0; k < ASKED; k++) {
      const int e = first + k * NTID_X;
      if (e < count) x[e + (int)((u32)e * inverse >> 20) * (stride - d)] = widen(q[k]);
    }
  }
}
