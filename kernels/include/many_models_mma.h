// many_models with phases 1 and 3 on tensor cores; D in [64, 1024], rows not contiguous.
//
//   1  z (16 rows x 16 outputs) = X W': each warp sums every eighth step of 8 columns,
//      the warps' sums are added in order through shared memory
//   3  G (16 columns x 16 outputs) += X' r: each warp owns every eighth strip of 16 columns
#pragma once
#include "many_models.h"
#include "mma.h"

enum { WARPS = THREADS / 32 };

// logits_mma is phase 1 for the 16 rows at x. sum holds WARPS * 256 reals.
DEV void logits_mma(const Many &a, int rows, int stride, const real *x, int count, int width, real *z, real *sum) {
  const int warp = TID_X / 32, lane = TID_X % 32, g = lane / 4, t = lane % 4;
#pragma unroll 1
  for (int row = 0; row < rows; row += 16) {
    float s[2][4] = {};
#pragma unroll 1
    for (int j0 = warp * 8; j0 < a.d; j0 += WARPS * 8) {
      const real *p = x + (row + g) * stride + j0 + t;
      const bool more = j0 + t + 4 < a.ld; // padding of X is 0, of w too
      const bool some = j0 + t < a.ld;
      const Parts m[4] = {split_stored(some ? p[0] : 0), split_stored(some ? p[8 * stride] : 0),
                          split_stored(more ? p[4] : 0), split_stored(more ? p[8 * stride + 4] : 0)};
#pragma unroll
      for (int h = 0; h < 2; h++) {
        const real *w = a.coef + (i64)min_(h * 8 + g, count - 1) * a.ldw + j0 + t;
        const Parts b[2] = {split(some ? w[0] : 0), split(more ? w[4] : 0)};
        mma_split(s[h], m, b);
      }
    }
#pragma unroll
    for (int h = 0; h < 2; h++)
#pragma unroll
      for (int e = 0; e < 4; e++)
        sum[warp * 256 + (g + e / 2 * 8) * 16 + h * 8 + t * 2 + e % 2] = s[h][e];
    sync_block();
    const int q = TID_X / 16, k = TID_X % 16;
    real v = sum[TID_X];
#pragma unroll
    for (int w = 1; w < WARPS; w++) v += sum[w * 256 + TID_X];
    if (row + q < rows) z[(row + q) * width + k] = k < count ? v + a.coef[(i64)k * a.ldw + a.ldw - 1] : 0;
    sync_block();
  }
}

template <bool SOFTMAX, int STRIPS>
DEV void many_models_mma(const Many &a) {
  __shared__ double scratch[WARPS];
  __shared__ real sum[WARPS * 256];
  const int warp = TID_X / 32, lane = TID_X % 32, gr = lane / 4, tr = lane % 4, t = TID_X;
  const int stride = many_stride(a);
  real *z = (real *)many_memory, *x = z + a.tile * OUT;
  for (int l = CTAID_X; l < a.blocks; l += NCTAID_X) {
    const i64 end = first_row(a.n, l + 1, a.blocks);
    float g[STRIPS][2][4] = {};
    real gb = 0;
    double loss = 0, held = 0;
#pragma unroll 1
    for (i64 i = first_row(a.n, l, a.blocks); i < end; i += a.tile) {
      const int rows = (int)min_<i64>(a.tile, end - i), last = (rows + 15) / 16 * 16;
      load_rows(a, i, rows, stride, x);
      for (int e = rows * OUT + t; e < last * OUT; e += THREADS) z[e] = 0;
      sync_block();
      logits_mma(a, rows, stride, x, a.outputs, OUT, z, sum);
      link_rows<false, SOFTMAX>(a, i, rows, OUT, z, loss, held);
      sync_block();
      for (int q = t % 16; q < rows; q += 16) gb += z[q * OUT + t / 16];
#pragma unroll
      for (int c = 0; c < STRIPS; c++) {
        const int j0 = (c * WARPS + warp) * 16;
        if (j0 < a.d) {
          float s[2][4] = {};
          const bool low = j0 + gr < a.ld, high = j0 + gr + 8 < a.ld;
#pragma unroll 1
          for (int q = 0; q < last; q += 8) {
            const real *p = x + (q + tr) * stride + j0 + gr;
            const Parts m[4] = {split_stored(low ? p[0] : 0), split_stored(high ? p[8] : 0),
                                split_stored(low ? p[4 * stride] : 0), split_stored(high ? p[4 * stride + 8] : 0)};
#pragma unroll
            for (int h = 0; h < 2; h++) {
              const real *r = z + (q + tr) * OUT + h * 8 + gr;
              const Parts b[2] = {split(r[0]), split(r[4 * OUT])};
              mma_split(s[h], m, b);
            }
          }
#pragma unroll
          for (int h = 0; h < 2; h++)
#pragma unroll
            for (int e = 0; e < 4; e++) g[c][h][e] += s[h][e];
        }
      }
      sync_block();
    }
#pragma unroll
    for (int c = 0; c < STRIPS; c++)
#pragma unroll
      for (int h = 0; h < 2; h++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
          const int j = (c * WARPS + warp) * 16 + gr + e / 2 * 8, k = h * 8 + tr * 2 + e % 2;
          if (j < a.d && k < a.outputs) a.part[((i64)l * a.outputs + k) * (a.d + 1) + j] = g[c][h][e];
        }
    write_intercepts(a, l, gb);
    write_losses<SOFTMAX>(a, l, loss, held, scratch);
    sync_block();
  }
}
