// gather_rows: a new table of chosen rows, of 2, 4 or 8-byte numbers; gather_weights: their weights.
//   Y_i = X_row[i];   w'_i = factor_i w_row[i], in float64
// X [N][ld]; row [n] i64; Y [n][ld]; w [N] real or null for 1; factor [n] double or null for 1.
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

template <class A>
DEV void weights(const A *__restrict__ w, i64 n, const i64 *__restrict__ row, const double *__restrict__ factor,
                 A *__restrict__ y) {
  for (i64 i = (i64)CTAID_X * 256 + TID_X; i < n; i += (i64)NCTAID_X * 256)
    y[i] = (A)((factor ? factor[i] : 1.0) * (w ? (double)w[row[i]] : 1.0));
}

#define GATHER(bytes, A)                                                                         \
  extern "C" __global__ void __launch_bounds__(256, 4) gather_rows_b##bytes(                     \
      const A *__restrict__ X, i64 n, int ld, const i64 *__restrict__ row, A *__restrict__ Y) {  \
    gather(X, n, ld, row, Y);                                                                    \
  }
GATHER(2, u16)
GATHER(4, u32)
GATHER(8, u64)

#define WEIGHTS(name, A)                                                                         \
  extern "C" __global__ void __launch_bounds__(256, 4) gather_weights_##name(                    \
      const A *__restrict__ w, i64 n, const i64 *__restrict__ row,                               \
      const double *__restrict__ factor, A *__restrict__ y) {                                    \
    weights(w, n, row, factor, y);                                                               \
  }
WEIGHTS(f32, float)
WEIGHTS(f64, double)
