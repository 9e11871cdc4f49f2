// csr_combine: a column's sum from those of its pieces, in float64; csr_interleave: residuals that
// other kernels left a row an output, as csr_xtr takes them.
//   out_kj = sum_{s = first_j}^{first_j+1 - 1} part_sk;  R_ic = Z_ci and sum_i Z_ci
// Not for BF16, F16: it never reads X, and their real numbers are F32's.
// csr_combine: part [P][C] real, first [d+1], out [outputs][d+1] double, the last from intercept
// [outputs], or 0 where it is null. 256 threads, grid x any over columns, grid y = outputs. A lane a column; columns of more than
// 32 pieces take the whole warp.
// csr_interleave: Z [count][n] real, count <= 16; R [n][16]; sums [L][count] double, L = f(n).
// 256 threads, any grid over L. Static shared: 17 KB (float64: 35 KB).
// Deterministic for any grid: a column's sums are added in order, or lane by lane and then as a tree.
// Moves P C reals in and 8 d an output out; csr_interleave n reals an output in and 16 n out.
#include "include/csr.h"

extern "C" __global__ void __launch_bounds__(256, 4) NAME(csr_combine)(
    const real *__restrict__ part, int C, const u32 *__restrict__ first, i64 d,
    const double *__restrict__ intercept, double *__restrict__ out) {
  enum { SHORT = 32 };
  const int lane = TID_X % 32, k = CTAID_Y;
  for (i64 j0 = (i64)CTAID_X * THREADS + TID_X / 32 * 32; j0 <= d; j0 += (i64)NCTAID_X * THREADS) {
    const i64 j = j0 + lane;
    u32 from = 0, to = 0;
    if (j < d) {
      from = first[j];
      to = first[j + 1];
    }
    double v = 0;
    if (to - from <= SHORT)
      for (u32 s = from; s < to; s++) v += (double)part[(i64)s * C + k];
#pragma unroll 1
    for (int q = 0; q < 32; q++) {
      const u32 a = shfl_u32(from, q), b = shfl_u32(to, q);
      if (b - a <= SHORT) continue;
      double all = 0;
      for (u32 s = lane; s < b - a; s += 32) all += (double)part[((i64)a + s) * C + k];
      all = warp_sum(all);
      if (lane == q) v = all;
    }
    if (j == d && intercept) v = intercept[k];
    if (j <= d) out[k * (d + 1) + j] = v;
  }
}

extern "C" __global__ void __launch_bounds__(256, 2) NAME(csr_interleave)(
    const real *__restrict__ Z, i64 n, int count, int blocks, real *__restrict__ R, double *__restrict__ sums) {
  enum { C = 16, TILE = tile_rows<C>(), STRIDE = tile_stride<C>(), SHARE = THREADS / C };
  __shared__ real z[TILE * STRIDE];
  const int t = TID_X;
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    double sum = 0;
#pragma unroll 1
    for (i64 i = first_row(n, l, blocks); i < end; i += TILE) {
      const int rows = (int)min_<i64>(TILE, end - i);
      if (t < rows)
        for (int c = 0; c < C; c++) z[t * STRIDE + c] = c < count ? Z[c * n + i + t] : (real)0;
      sync_block();
      keep_residuals<C>(z, STRIDE, i, rows, R, sum);
      sync_block();
    }
    sum = share_sum<SHARE>(sum, (double *)0);
    if (t % SHARE == 0 && t / SHARE < count) sums[(i64)l * count + t / SHARE] = sum;
  }
}
