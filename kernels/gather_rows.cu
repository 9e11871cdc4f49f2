// gather_rows: a new table of chosen rows, of 2, 4 or 8-byte numbers.
//   Y_i = X_row[i]
// X [N][ld]; row [n] i64; Y [n][ld]. Columns of labels and the like are tables of ld = 1.
// Launch: 256 threads, any grid. No shared memory. Registers <= 40.
// Deterministic: a copy.
// Moves n*ld numbers in and out; a row of X is one or more whole cache lines where ld is wide.
#include "include/device.h"

template <class A>
DEV void gather(const A *__restrict__ X, i64 n, int ld, const i64 *__restrict__ row, A *__restrict__ Y) {
  const i64 count = n * ld;
  for (i64 e = (i64)CTAID_X * 256 + TID_X; e < count; e += (i64)NCTAID_X * 256) {
    const i64 i = e / ld;
    Y[e] = X[row[i] * ld + (e - i * ld)];
  }
}

#define GATHER(bytes, A)                                                                         \
  extern "C" __global__ void __launch_bounds__(256, 4) gather_rows_b##bytes(                     \
      const A *__restrict__ X, i64 n, int ld, const i64 *__restrict__ row, A *__restrict__ Y) {  \
    gather(X, n, ld, row, Y);                                                                    \
  }
GATHER(2, u16)
GATHER(4, u32)
GATHER(8, u64)
