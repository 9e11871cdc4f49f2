// Sums over a warp, over a block, and the rows of a logical block. All orders are fixed.
#pragma once
#include "device.h"

// first_row is the first row of logical block l of count: l*n/count.
DEV i64 first_row(i64 n, int l, int count) { return (i64)((u64)l * (u64)n / (u64)count); }

template <class A>
DEV A warp_sum(A v) {
#pragma unroll
  for (int m = 16; m; m >>= 1) v += shfl_xor(v, m);
  return v;
}

// block_sum returns the sum over all threads to every thread. scratch holds one A a
// warp and may be used again after it.
template <class A>
DEV A block_sum(A v, A *scratch) {
  v = warp_sum(v);
  sync_block();
  if (TID_X % 32 == 0) scratch[TID_X / 32] = v;
  sync_block();
  A s = scratch[0];
#pragma unroll 1
  for (int w = 1; w < (int)NTID_X / 32; w++) s += scratch[w];
  sync_block();
  return s;
}

// scatter_sums sums each of the R values of every lane over groups of LANES = 2 MASK lanes
// and leaves value lane_row<R, LANES>(lane) with the lane: log2 R exchanges cost R-1
// shuffles instead of R log2 R. R is a power of two up to LANES.
template <int R, int MASK = 16, class A>
DEV A scatter_sums(A (&v)[R]) {
  if constexpr (R > 1) {
    const bool up = TID_X & MASK;
    A half[R / 2];
#pragma unroll
    for (int i = 0; i < R / 2; i++) {
      const A low = v[i], high = v[i + R / 2];
      half[i] = (up ? high : low) + shfl_xor(up ? low : high, MASK);
    }
    return scatter_sums<R / 2, MASK / 2>(half);
  } else {
    A s = v[0];
#pragma unroll
    for (int m = MASK; m; m >>= 1) s += shfl_xor(s, m);
    return s;
  }
}
__device__ constexpr int log2_of(int r) { return r == 1 ? 0 : 1 + log2_of(r / 2); }
template <int R, int LANES = 32>
DEV int lane_row(int lane) { return lane % LANES >> (log2_of(LANES) - log2_of(R)); }
template <int R, int LANES = 32> // the first lane, of the first group, that has the row
DEV int row_lane(int row) { return row << (log2_of(LANES) - log2_of(R)); }
