// column_gram: what ColumnGram needs beside gram: chosen columns as a dense table, and the diagonal.
//   columns_dense: Y_ia = X_i,column_a;  squares: part_lj = sum_i d_i x_ij^2
// Their twins for sparse X are columns_sparse and csr_squares.
// X [n][ld] row-major; column [h]; Y [n][ldy]; D [n] real; part [L][d] real; L = f(n, d).
// Launch: 256 threads, any grid; squares: grid x any over L, grid y = ceil(d/256). No shared memory.
// Registers <= 64.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), added in order.
// Moves the cache lines of the chosen columns in and the columns out; squares n*ld*sizeof(stored).
#include "include/output.h"
#include "include/reduce.h"

extern "C" __global__ void __launch_bounds__(256, 4) NAME(columns_dense)(
    const stored *__restrict__ X, i64 n, int ld, const int *__restrict__ column, int h, int ldy, stored *__restrict__ Y) {
  const i64 count = n * h;
  for (i64 e = (i64)CTAID_X * 256 + TID_X; e < count; e += (i64)NCTAID_X * 256) {
    const i64 i = e / h;
    const int a = (int)(e - i * h);
    Y[i * ldy + a] = X[i * ld + column[a]];
  }
}

extern "C" __global__ void __launch_bounds__(256, 4) NAME(squares)(
    const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ D, int blocks, real *__restrict__ part) {
  const int j = CTAID_Y * 256 + TID_X;
  if (j >= d) return;
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    real s = 0;
#pragma unroll 4
    for (i64 i = first_row(n, l, blocks); i < end; i++) {
      const real x = widen(X[i * ld + j]);
      s = fma_(D[i] * x, x, s); // 0 for a weight of 0, whatever x is
    }
    part[(i64)l * d + j] = s;
  }
}
