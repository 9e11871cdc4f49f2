// columns_sparse: chosen columns of sparse X as a dense table, for gram.
//   Y_i,place_j = x_ij where place_j >= 0; Y is 0 before
// Not for BF16, F16: sparse X is stored in float32 or float64.
// X by compressed rows: start [n+1], index and val [entries], val null where every entry is 1; place [d] i32,
// null where it is the identity; Y [n][ldy].
// Launch: 256 threads, any grid over rows; 2^log_lanes lanes a row. No shared memory. Registers <= 40.
// Deterministic: a copy.
// Moves 8 (n+1) + entries * (4 + sizeof(stored)), 4 bytes of place for each entry from the caches, and the
// chosen entries out: a sector of 32 bytes each.
#include "include/storage.h"

extern "C" __global__ void __launch_bounds__(256, 4) NAME(columns_sparse)(
    const i64 *__restrict__ start, const u32 *__restrict__ index, const stored *__restrict__ val, i64 n, int log_lanes,
    const int *__restrict__ place, int ldy, stored *__restrict__ Y) {
  const int rows = 256 >> log_lanes, lanes = 1 << log_lanes;
  for (i64 i = (i64)CTAID_X * rows + (TID_X >> log_lanes); i < n; i += (i64)NCTAID_X * rows) {
    const i64 end = start[i + 1];
    for (i64 e = start[i] + (TID_X & (lanes - 1)); e < end; e += lanes) {
      const u32 j = index[e];
      const int a = place ? place[j] : (int)j;
      if (a >= 0) Y[i * ldy + a] = val ? val[e] : (stored)1;
    }
  }
}
