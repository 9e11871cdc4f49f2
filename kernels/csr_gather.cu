// csr_gather: the entries of chosen rows, of 4 or 8-byte numbers; gather_rows for sparse X.
//   Y[to_i ...] = X[from[row_i] ... from[row_i + 1]]
// from [N+1], row [n], to [n+1] i64: where rows begin in X and in Y. Columns of entries and their values
// are two tables.
// Launch: 256 threads, any grid over rows, a warp a row. No shared memory. Registers <= 40.
// Deterministic: a copy.
// Moves the entries in and out, and 32 bytes a row.
#include "include/device.h"

template <class A>
DEV void gather(const A *__restrict__ X, i64 n, const i64 *__restrict__ from, const i64 *__restrict__ row,
                const i64 *__restrict__ to, A *__restrict__ Y) {
  for (i64 i = (i64)CTAID_X * 8 + TID_X / 32; i < n; i += (i64)NCTAID_X * 8) {
    const i64 start = from[row[i]], put = to[i], count = to[i + 1] - put;
    for (i64 e = TID_X % 32; e < count; e += 32) Y[put + e] = X[start + e];
  }
}

#define GATHER(bytes, A)                                                                         \
  extern "C" __global__ void __launch_bounds__(256, 4) csr_gather_b##bytes(                      \
      const A *__restrict__ X, i64 n, const i64 *__restrict__ from, const i64 *__restrict__ row, \
      const i64 *__restrict__ to, A *__restrict__ Y) {                                           \
    gather(X, n, from, row, to, Y);                                                              \
  }
GATHER(4, u32)
GATHER(8, u64)
