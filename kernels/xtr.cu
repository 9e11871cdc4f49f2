// xtr: the gradient's half of an evaluation whose rows are already known; any D, any C.
//   G_c = sum_i R_ci (x_i, 1)
// X [n][ld] row-major; R [C][n] real; part [L][C][d+1] real; L = f(n, d).
// Launch: 256 threads; grid x any over L * ceil((d+1)/64) pieces, grid y = ceil(C/16). Static
// shared: 11 KB (float64: 21 KB). Registers <= 80.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), added in order.
// Moves n*ld*sizeof(stored) and n*C reals a block row of outputs: a second read of X where it
// follows logits; chunks of rows that fit the L2 cache make it one of memory.
#include "include/output.h"
#include "include/reduce.h"

enum { OUTPUTS = 16, COLUMNS = 64, CHUNK = 32 };

extern "C" __global__ void __launch_bounds__(256, 3) NAME(xtr)(
    const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ R, int count, int blocks,
    real *__restrict__ part) {
  __shared__ real x[CHUNK][COLUMNS], r[CHUNK][OUTPUTS + 4];
  const int t = TID_X, column = t % COLUMNS, first = t / COLUMNS * 4, c0 = CTAID_Y * OUTPUTS;
  const int strips = d / COLUMNS + 1;
  for (int piece = CTAID_X; piece < blocks * strips; piece += NCTAID_X) {
    const int l = piece / strips, j = piece % strips * COLUMNS + column;
    const i64 end = first_row(n, l + 1, blocks);
    real g[4] = {};
#pragma unroll 1
    for (i64 i0 = first_row(n, l, blocks); i0 < end; i0 += CHUNK) {
#pragma unroll
      for (int q = t / COLUMNS; q < CHUNK; q += 256 / COLUMNS) {
        const bool here = i0 + q < end && j < d;
        x[q][column] = here ? widen(X[(i0 + q) * ld + j]) : (real)(j == d); // column d is the intercept's
      }
#pragma unroll
      for (int e = t; e < CHUNK * OUTPUTS; e += 256) {
        const int q = e % CHUNK, c = e / CHUNK;
        r[q][c] = i0 + q < end && c0 + c < count ? R[(i64)(c0 + c) * n + i0 + q] : (real)0;
      }
      sync_block();
#pragma unroll 4
      for (int q = 0; q < CHUNK; q++)
#pragma unroll
        for (int c = 0; c < 4; c++) g[c] = fma_(r[q][first + c], x[q][column], g[c]);
      sync_block();
    }
#pragma unroll
    for (int c = 0; c < 4; c++)
      if (j <= d && c0 + first + c < count) part[((i64)l * count + c0 + first + c) * (d + 1) + j] = g[c];
  }
}
