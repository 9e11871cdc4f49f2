// gram_mma: the weighted Gram matrix for given row weights, on tensor cores by 3xTF32; any D.
// Targets: sm_80 and later.
// Not for F64: see gram.
//   H = sum_i d_i (x_i, 1)(x_i, 1)'
// X [n][ld] row-major; D [n] real; part [L][pairs][64*64] double: as gram's.
// Launch: 256 threads, any grid over L*pairs pieces. Static shared: 18 KB. Registers <= 128.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), added in order; the
// tensor core's sums of 32 rows, float32 sums of 256, float64 beyond.
// Moves n*ld*sizeof(stored) for every 64 columns of H, from the L2 cache where a logical block fits it.
#include "include/mma.h"
#include "include/reduce.h"

enum { SIDE = 64, CHUNK = 32, FLUSH = 256, PAD = 8 };

DEV real bordered(const stored *__restrict__ X, i64 i, int d, int ld, int j) {
  return j < d ? widen(X[i * ld + j]) : (real)(j == d);
}

// A warp owns 16 columns of a and 32 of b: four products wide.
extern "C" __global__ void __launch_bounds__(256, 2) NAME(gram_mma)(
    const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ D, int blocks,
    double *__restrict__ part) {
  __shared__ real a[CHUNK][SIDE + PAD], b[CHUNK][SIDE + PAD];
  const int t = TID_X, tiles = d / SIDE + 1, pairs = tiles * (tiles + 1) / 2;
  const int lane = t % 32, g = lane / 4, q = lane % 4, ya = t / 32 % 4 * 16, xb = t / 128 * 32;
  for (int piece = CTAID_X; piece < blocks * pairs; piece += NCTAID_X) {
    const int l = piece / pairs, pair = piece % pairs;
    int ta = 0;
    while ((ta + 1) * (ta + 2) / 2 <= pair) ta++;
    const int ja = ta * SIDE, jb = (pair - ta * (ta + 1) / 2) * SIDE;
    const i64 start = first_row(n, l, blocks), end = first_row(n, l + 1, blocks);
    double h[4][4] = {};
    float s[4][4] = {};
#pragma unroll 1
    for (i64 i0 = start; i0 < end; i0 += CHUNK) {
#pragma unroll // all loads of a thread at once: the sums are short beside their way
      for (int e = t; e < CHUNK * SIDE; e += 256) {
        const int row = e / SIDE, c = e % SIDE;
        const bool here = i0 + row < end;
        a[row][c] = here ? bordered(X, i0 + row, d, ld, ja + c) : (real)0;
        b[row][c] = here ? D[i0 + row] * bordered(X, i0 + row, d, ld, jb + c) : (real)0;
      }
      sync_block();
      float c[4][4] = {};
#pragma unroll 1
      for (int r = 0; r < CHUNK; r += 8) {
        const Parts m[4] = {split_stored(a[r + q][ya + g]), split_stored(a[r + q][ya + g + 8]),
                            split_stored(a[r + q + 4][ya + g]), split_stored(a[r + q + 4][ya + g + 8])};
#pragma unroll
        for (int f = 0; f < 4; f++) {
          const Parts w[2] = {split(b[r + q][xb + f * 8 + g]), split(b[r + q + 4][xb + f * 8 + g])};
          mma_split(c[f], m, w);
        }
      }
      const bool flush = (i0 - start) % FLUSH == FLUSH - CHUNK || i0 + CHUNK >= end;
#pragma unroll
      for (int f = 0; f < 4; f++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
          s[f][e] += c[f][e];
          if (flush) {
            h[f][e] += (double)s[f][e];
            s[f][e] = 0;
          }
        }
      sync_block();
    }
    double *p = part + (i64)piece * SIDE * SIDE;
#pragma unroll
    for (int f = 0; f < 4; f++)
#pragma unroll
      for (int e = 0; e < 4; e++) p[(ya + g + e / 2 * 8) * SIDE + xb + f * 8 + q * 2 + e % 2] = h[f][e];
  }
}
