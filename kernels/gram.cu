// gram: the weighted Gram matrix for given row weights; any D.
//   H = sum_i d_i (x_i, 1)(x_i, 1)'
// X [n][ld] row-major; D [n] real; part [L][pairs][64*64] double: tile (a, b), b <= a, of H's
// 64 x 64 tiles is number a(a+1)/2 + b; L = f(n, d); pairs for ceil((d+1)/64) tiles.
// Launch: 256 threads, any grid over L*pairs pieces. Static shared: 17 KB (float64: 33 KB).
// Registers <= 128 (2 blocks an SM).
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), added in order;
// float32 sums of 256 rows, float64 beyond.
// Moves n*ld*sizeof(stored) for every 64 columns of H, from the L2 cache where a logical block
// fits it; bound by 2 n (d+1)^2 / 2 FFMA beyond D of about 32. gram_mma is its twin on tensor cores.
#include "include/output.h"
#include "include/reduce.h"

enum { SIDE = 64, CHUNK = 32, FLUSH = 256 };

// column j of row i of (X, 1), 0 beyond.
DEV real bordered(const stored *__restrict__ X, i64 i, int d, int ld, int j) {
  return j < d ? widen(X[i * ld + j]) : (real)(j == d);
}

extern "C" __global__ void __launch_bounds__(256, 2) NAME(gram)(
    const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ D, int blocks,
    double *__restrict__ part) {
  __shared__ real a[CHUNK][SIDE + 1], b[CHUNK][SIDE + 1];
  const int t = TID_X, tiles = d / SIDE + 1, pairs = tiles * (tiles + 1) / 2;
  const int y = t / 16, x = t % 16;
  for (int piece = CTAID_X; piece < blocks * pairs; piece += NCTAID_X) {
    const int l = piece / pairs, pair = piece % pairs;
    int ta = 0;
    while ((ta + 1) * (ta + 2) / 2 <= pair) ta++;
    const int ja = ta * SIDE, jb = (pair - ta * (ta + 1) / 2) * SIDE;
    const i64 start = first_row(n, l, blocks), end = first_row(n, l + 1, blocks);
    double h[4][4] = {};
    real s[4][4] = {};
#pragma unroll 1
    for (i64 i0 = start; i0 < end; i0 += CHUNK) {
#pragma unroll // all loads of a thread at once: the sums are short beside their way
      for (int e = t; e < CHUNK * SIDE; e += 256) {
        const int q = e / SIDE, c = e % SIDE;
        const bool here = i0 + q < end;
        a[q][c] = here ? bordered(X, i0 + q, d, ld, ja + c) : (real)0;
        b[q][c] = here ? D[i0 + q] * bordered(X, i0 + q, d, ld, jb + c) : (real)0;
      }
      sync_block();
#pragma unroll 2
      for (int q = 0; q < CHUNK; q++) {
        real u[4], v[4];
#pragma unroll
        for (int e = 0; e < 4; e++) {
          u[e] = a[q][y + e * 16];
          v[e] = b[q][x + e * 16];
        }
#pragma unroll
        for (int e = 0; e < 4; e++)
#pragma unroll
          for (int f = 0; f < 4; f++) s[e][f] = fma_(u[e], v[f], s[e][f]);
      }
      sync_block();
      if ((i0 - start) % FLUSH == FLUSH - CHUNK || i0 + CHUNK >= end) {
#pragma unroll
        for (int e = 0; e < 4; e++)
#pragma unroll
          for (int f = 0; f < 4; f++) {
            h[e][f] += (double)s[e][f];
            s[e][f] = 0;
          }
      }
    }
    double *p = part + (i64)piece * SIDE * SIDE;
#pragma unroll
    for (int e = 0; e < 4; e++)
#pragma unroll
      for (int f = 0; f < 4; f++) p[(y + e * 16) * SIDE + x + f * 16] = h[e][f];
  }
}
