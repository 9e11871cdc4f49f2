// column_gram: what ColumnGram needs beside gram: chosen columns as a dense table, and the diagonal.
//   columns_dense:  Y_ia = X_i,column_a                      of dense X
//   columns_sparse: Y_i,place_j = x_ij, where place_j >= 0   of sparse X; Y is 0 before
//   squares:        part_lj = sum_i d_i x_ij^2               of dense X; csr_squares is its twin
// X [n][ld] row-major, or by compressed rows; column [h], place [cols] i32, null where it is the identity;
// Y [n][ldy]; D [n] real; part [L][d] real; L = f(n, d).
// Launch: 256 threads, any grid; columns_sparse: 2^log_lanes lanes a row. squares: grid x any over L, grid y =
// ceil(d/256). No shared memory. Registers <= 40.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), added in order.
// Moves X once, of the dense only the lines of the chosen columns, and the columns out.
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

#if defined(STORAGE_BF16)
DEV stored one() { return 0x3f80; }
#elif defined(STORAGE_F16)
DEV stored one() { return 0x3c00; }
#else
DEV stored one() { return 1; }
#endif

extern "C" __global__ void __launch_bounds__(256, 4) NAME(columns_sparse)(
    const i64 *__restrict__ start, const u32 *__restrict__ index, const stored *__restrict__ val, i64 n, int log_lanes,
    const int *__restrict__ place, int ldy, stored *__restrict__ Y) {
  const int rows = 256 >> log_lanes, lanes = 1 << log_lanes;
  for (i64 i = (i64)CTAID_X * rows + (TID_X >> log_lanes); i < n; i += (i64)NCTAID_X * rows) {
    const i64 end = start[i + 1];
    for (i64 e = start[i] + (TID_X & (lanes - 1)); e < end; e += lanes) {
      const u32 j = index[e];
      const int a = place ? place[j] : (int)j;
      if (a >= 0) Y[i * ldy + a] = val ? val[e] : one();
    }
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
      s = fma_(D[i], x * x, s);
    }
    part[(i64)l * d + j] = s;
  }
}
