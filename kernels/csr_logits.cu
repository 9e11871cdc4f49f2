// csr_logits: z of up to 16 outputs for every row of sparse X, kept on the device; the twin of logits.
//   Z_ci = x_i.w_c + b_c
// Not for BF16, F16: sparse X is stored in float32 or float64.
// X by compressed rows as in csr_eval; coef [d+1][C] real; Z [outputs][n] real.
// Entries: csr_logits1, csr_logits4, csr_logits16: C.
// Launch: 256 threads, any grid over tiles of 256 rows. Static shared: 1-17 KB (float64: 2-35 KB).
// Deterministic: a row's entries are added lane by lane and then as a tree.
// Moves 8 (n+1) + entries * (4 + sizeof(stored)), and writes n reals an output.
#include "include/csr.h"

template <int C>
DEV void logits(const Rows &rows, i64 n, const real *__restrict__ coef, int outputs, real *__restrict__ Z) {
  enum { TILE = tile_rows<C>(), STRIDE = tile_stride<C>() };
  __shared__ real z[TILE * STRIDE];
  for (i64 i = (i64)CTAID_X * TILE; i < n; i += (i64)NCTAID_X * TILE) {
    tile_products<C>(rows, coef, i, n, z);
    sync_block();
    if (i + TID_X < n)
      for (int k = 0; k < outputs; k++) Z[k * n + i + TID_X] = z[TID_X * STRIDE + k];
    sync_block();
  }
}

#define ENTRY(C)                                                                                 \
  extern "C" __global__ void __launch_bounds__(256, C < 16 ? 4 : 2) NAME(csr_logits##C)(         \
      const i64 *__restrict__ start, const u32 *__restrict__ index, const stored *__restrict__ val, \
      i64 n, i64 d, int log_lanes, const real *__restrict__ coef, int outputs, real *__restrict__ Z) { \
    logits<C>({start, {index, val}, d, log_lanes}, n, coef, outputs, Z);                         \
  }
ENTRY(1)
ENTRY(4)
ENTRY(16)
