// Compressed rows times a dense matrix: what the forward (rows of X, coefficients) and the
// backward (pieces of columns, residuals) of sparse X share.
//
// The dense matrix is a panel: W numbers for each of its rows side by side, W a power of
// two, so that one entry of X finds all outputs' numbers with the fewest loads.
#pragma once
#include "output.h"
#include "reduce.h"

enum { THREADS = 256 };

// Compressed is X by rows, or by columns. A null val means that every entry is 1.
struct Compressed {
  const u32 *index;
  const stored *val;
};

// Loads of what is there, else 0. The predicates are spelt out: see quad_if.
DEV u32 index_if(const u32 *p, bool here) {
  u32 v;
  asm("{.reg .pred p; setp.ne.u32 p, %2, 0; mov.b32 %0, 0; @p ld.global.nc.b32 %0, [%1];}" : "=&r"(v) : "l"(p), "r"((u32)here));
  return v;
}
DEV stored stored_if(const stored *p, bool here) {
  stored v;
#if defined(STORAGE_F64)
  asm("{.reg .pred p; setp.ne.u32 p, %2, 0; mov.f64 %0, 0d0000000000000000; @p ld.global.nc.f64 %0, [%1];}" : "=&d"(v) : "l"(p), "r"((u32)here));
#else
  asm("{.reg .pred p; setp.ne.u32 p, %2, 0; mov.f32 %0, 0f00000000; @p ld.global.nc.f32 %0, [%1];}" : "=&f"(v) : "l"(p), "r"((u32)here));
#endif
  return v;
}
template <int W>
DEV void panel_if(const real *p, bool here, real (&v)[W]) {
#if defined(STORAGE_F64)
  if constexpr (W == 1) {
    asm("{.reg .pred p; setp.ne.u32 p, %2, 0; mov.f64 %0, 0d0000000000000000; @p ld.global.nc.f64 %0, [%1];}" : "=&d"(v[0]) : "l"(p), "r"((u32)here));
  } else {
#pragma unroll
    for (int c = 0; c < W; c += 2)
      asm("{.reg .pred p; setp.ne.u32 p, %3, 0; mov.f64 %0, 0d0000000000000000; mov.f64 %1, 0d0000000000000000;"
          " @p ld.global.nc.v2.f64 {%0, %1}, [%2];}" : "=&d"(v[c]), "=&d"(v[c + 1]) : "l"(p + c), "r"((u32)here));
  }
#else
  if constexpr (W == 1) {
    asm("{.reg .pred p; setp.ne.u32 p, %2, 0; mov.f32 %0, 0f00000000; @p ld.global.nc.f32 %0, [%1];}" : "=&f"(v[0]) : "l"(p), "r"((u32)here));
  } else if constexpr (W == 2) {
    asm("{.reg .pred p; setp.ne.u32 p, %3, 0; mov.f32 %0, 0f00000000; mov.f32 %1, 0f00000000;"
        " @p ld.global.nc.v2.f32 {%0, %1}, [%2];}" : "=&f"(v[0]), "=&f"(v[1]) : "l"(p), "r"((u32)here));
  } else {
#pragma unroll
    for (int c = 0; c < W; c += 4)
      asm("{.reg .pred p; setp.ne.u32 p, %5, 0; mov.f32 %0, 0f00000000; mov.f32 %1, 0f00000000;"
          " mov.f32 %2, 0f00000000; mov.f32 %3, 0f00000000; @p ld.global.nc.v4.f32 {%0, %1, %2, %3}, [%4];}"
          : "=&f"(v[c]), "=&f"(v[c + 1]), "=&f"(v[c + 2]), "=&f"(v[c + 3]) : "l"(p + c), "r"((u32)here));
  }
#endif
}

// lane_sums adds x_e B[index_e] over every lanes-th of `count` entries from the lane's first
// on, with SQUARES (x_e B[index_e]) x_e, which is 0 for a weight of 0 whatever x_e is. ASKED
// entries are asked for before the first is used.
template <int W, int ASKED, bool SQUARES, bool VALUED>
DEV void lane_sums(const u32 *index, const stored *val, u32 count, u32 lanes, const real *__restrict__ B, real (&sum)[W]) {
#pragma unroll 1
  while (count) {
    u32 j[ASKED];
    real v[ASKED];
    bool here[ASKED];
#pragma unroll
    for (u32 k = 0; k < ASKED; k++) {
      here[k] = k == 0 || k * lanes < count;
      j[k] = index_if(index + k * lanes, here[k]);
      v[k] = VALUED ? widen(stored_if(val + k * lanes, here[k])) : (real)1;
    }
#pragma unroll
    for (u32 k = 0; k < ASKED; k++) {
      real b[W];
      panel_if<W>(B + (i64)j[k] * W, here[k], b);
#pragma unroll
      for (int c = 0; c < W; c++) sum[c] = fma_(SQUARES ? v[k] * b[c] : v[k], SQUARES ? v[k] : b[c], sum[c]);
    }
    const u32 step = ASKED * lanes;
    index += step;
    if (VALUED) val += step;
    count = count > step ? count - step : 0;
  }
}

// lane_sums of lane `sub` of `lanes`, for `count` entries from entry first on.
template <int W, int ASKED, bool SQUARES>
DEV void lane_sums(const Compressed &x, i64 first, u32 count, u32 sub, u32 lanes, const real *__restrict__ B, real (&sum)[W]) {
  const u32 own = count > sub ? count - sub : 0;
  if (x.val) lane_sums<W, ASKED, SQUARES, true>(x.index + first + sub, x.val + first + sub, own, lanes, B, sum);
  else lane_sums<W, ASKED, SQUARES, false>(x.index + first + sub, x.val, own, lanes, B, sum);
}

// group_sums adds over groups of `lanes` neighbouring lanes, a power of two: to all of them.
template <int W, class A>
DEV void group_sums(A (&sum)[W], int lanes) {
#pragma unroll 1
  for (int m = lanes >> 1; m; m >>= 1)
#pragma unroll
    for (int c = 0; c < W; c++) sum[c] += shfl_xor(sum[c], m);
}

DEV i64 shfl(i64 v, int lane) {
  const u32 lo = shfl_u32((u32)v, lane), hi = shfl_u32((u32)((u64)v >> 32), lane);
  return (i64)((u64)hi << 32 | lo);
}

// Rows is X by compressed rows.
struct Rows {
  const i64 *start; // [n+1]
  Compressed x;
  i64 d;         // the panel's last row, of the intercepts
  int log_lanes; // of the lanes that share a row: 2 to 5
};

// A tile is as many rows as a block takes between two barriers: a row of z an output or two.
template <int W> DEV constexpr int tile_rows() { return W > 16 ? 128 : 256; }
template <int W> DEV constexpr int tile_stride() { return W | 1; } // odd: no bank conflicts

// tile_products writes (x_i, 1).B to z for the tile's rows from i on, below end. A warp has
// an eighth of the tile; it asks for all its rows' places at once. Rows of more than LONG
// entries a lane are left to a second round, of all lanes a row.
template <int W>
DEV void tile_products(const Rows &a, const real *__restrict__ B, i64 i, i64 end, real *z) {
  enum { OWN = tile_rows<W>() / (THREADS / 32), STRIDE = tile_stride<W>(), LONG = 64 };
  const int lane = TID_X % 32, row0 = TID_X / 32 * OWN;
  const i64 own = i + row0 + lane;
  i64 start = 0;
  u32 count = 0;
  if (lane < OWN && own < end) {
    start = a.start[own];
    count = (u32)(a.start[own + 1] - start);
  }
  u32 most = count;
#pragma unroll
  for (int m = 16; m; m >>= 1) most = max_(most, shfl_xor_u32(most, m));
  const u32 longer = LONG << a.log_lanes;
#pragma unroll 1
  for (int round = 0; round < 1 + (most > longer); round++) {
    const int log = round ? 5 : a.log_lanes, lanes = 1 << log, sub = lane & (lanes - 1);
#pragma unroll 1
    for (int row = lane >> log; row < OWN; row += 32 >> log) {
      const i64 from = shfl(start, row);
      const u32 entries = shfl_u32(count, row);
      const bool now = (entries > longer) == (round == 1);
      real sum[W] = {};
      lane_sums<W, W <= 2 ? 4 : W <= 8 ? 2 : 1, false>(a.x, from, now ? entries : 0, sub, lanes, B, sum);
      group_sums<W>(sum, lanes);
      if (now && sub == 0)
#pragma unroll
        for (int c = 0; c < W; c++) z[(row0 + row) * STRIDE + c] = sum[c] + B[a.d * W + c];
    }
  }
}

// share_sum adds over the block's neighbouring threads by `SHARE`, and leaves the sum with
// the first of them. scratch holds a number a warp and may be used again after it.
template <int SHARE>
DEV double share_sum(double v, double *scratch) {
#pragma unroll
  for (int m = (SHARE < 32 ? SHARE : 32) / 2; m; m >>= 1) v += shfl_xor(v, m);
  if constexpr (SHARE > 32) {
    sync_block();
    if (TID_X % 32 == 0) scratch[TID_X / 32] = v;
    sync_block();
    if (TID_X % SHARE == 0)
#pragma unroll 1
      for (int w = 1; w < SHARE / 32; w++) v += scratch[TID_X / 32 + w];
    sync_block();
  }
  return v;
}

// keep_residuals writes the tile's residuals to rows of C from R[i] on and adds those of the
// thread's output to sum: output k has THREADS / C threads.
template <int C>
DEV void keep_residuals(const real *z, int stride, i64 i, int rows, real *__restrict__ R, double &sum) {
  enum { SHARE = THREADS / C };
  for (int e = TID_X; e < rows * C; e += THREADS) R[i * C + e] = z[e / C * stride + e % C];
  for (int q = TID_X % SHARE; q < rows; q += SHARE) sum += (double)z[q * stride + (int)TID_X / SHARE];
}
