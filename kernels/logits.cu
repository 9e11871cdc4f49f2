// logits: z of up to C outputs for every row, kept on the device; any D, any C.
//   Z_ci = x_i.w_c + b_c        (direction: coefficients, then directions; predict; wide X)
// X [n][ld] row-major; coef [C][ldw] real, intercept last; Z [C][n] real.
// Entries: logits4 and logits16, outputs a block takes; grid y covers C.
// Launch: 256 threads, grid x any, grid y = ceil(C/4) or ceil(C/16). Static shared: 17-19 KB
// (float64: 34-38 KB). Registers <= 128.
// Deterministic: every Z_ci is one thread's sum in column order.
// Moves n*ld*sizeof(stored) a block row of outputs, and writes n*C reals. The rows of a tile
// stay in the L2 cache from one block row to the next.
#include "include/output.h"
#include "include/reduce.h"

enum { ROWS = 128, CHUNK = 32 };

// Thread t owns rows t%64 and t%64+64 and C/4 of the block's outputs.
template <int C>
DEV void logits(const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef, int ldw,
                int count, real *__restrict__ Z) {
  __shared__ real x[CHUNK][ROWS + 1], w[CHUNK][C];
  const int t = TID_X, row = t % 64, first = t / 64 * (C / 4), c0 = CTAID_Y * C;
  const i64 tiles = (n + ROWS - 1) / ROWS;
  for (i64 tile = CTAID_X; tile < tiles; tile += NCTAID_X) {
    const i64 i0 = tile * ROWS;
    real z[2][C / 4] = {};
#pragma unroll 1
    for (int j0 = 0; j0 < d; j0 += CHUNK) {
      const int j = j0 + t % CHUNK;
#pragma unroll 8
      for (int q = 0; q < ROWS; q += 256 / CHUNK) {
        const i64 i = i0 + q + t / CHUNK;
        x[t % CHUNK][q + t / CHUNK] = i < n && j < d ? widen(X[i * ld + j]) : (real)0;
      }
      for (int e = t; e < CHUNK * C; e += 256) {
        const int c = c0 + e % C, k = j0 + e / C;
        w[e / C][e % C] = c < count && k < d ? coef[(i64)c * ldw + k] : (real)0;
      }
      sync_block();
#pragma unroll 4
      for (int k = 0; k < CHUNK; k++)
#pragma unroll
        for (int c = 0; c < C / 4; c++) {
          z[0][c] = fma_(x[k][row], w[k][first + c], z[0][c]);
          z[1][c] = fma_(x[k][row + 64], w[k][first + c], z[1][c]);
        }
      sync_block();
    }
#pragma unroll
    for (int c = 0; c < C / 4; c++) {
      const int k = c0 + first + c;
      if (k < count) {
        const real b = coef[(i64)k * ldw + ldw - 1];
        if (i0 + row < n) Z[k * n + i0 + row] = z[0][c] + b;
        if (i0 + row + 64 < n) Z[k * n + i0 + row + 64] = z[1][c] + b;
      }
    }
  }
}

#define ENTRY(C)                                                                                 \
  extern "C" __global__ void __launch_bounds__(256, 2) NAME(logits##C)(                          \
      const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef, int ldw, \
      int count, real *__restrict__ Z) {                                                         \
    logits<C>(X, n, d, ld, coef, ldw, count, Z);                                                 \
  }
ENTRY(4)
ENTRY(16)
