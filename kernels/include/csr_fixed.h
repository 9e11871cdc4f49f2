// Sums over the columns of sparse X without a copy by columns: as integers.
//
// A column's terms t are added as whole numbers round(t 2^s) of 64 bits, whose sum is the same in
// any order. s is as large as no sum can overflow with: a read of its own finds the largest |t| of
// the column, of which it keeps the exponent, and loading has counted the column's entries:
//
//   |t| < 2^(top - 1022), entries < 2^bits:   s = 62 - bits - (top - 1022)
//
// A term is off by half of 2^-s at most, and the sum of n terms by n 2^(bits - 62) max|t|.
//
// The hot columns, which have the most entries, would queue on one address: each block has the first
// CELLS / T of them in shared memory, and adds them to those of all when it is done.
#pragma once
#include "csr.h"

enum { CELLS = 2048 };

// Places of the columns: place [d] is bits | (1 + number among the hot ones) << 8, hot [hots]
// the hot columns by number.
struct Places {
  const u32 *place;
  const u32 *hot;
  int hots;
};

// T numbers of a column lie side by side: top [d][T] the exponents, sum [d][T] the sums, both 0 before.

// exponent is e > 0 with |t| < 2^(e - 1022), 0 for 0, and 2047 where t is not finite.
DEV u32 exponent(double t) {
  const u32 e = (u32)(double_bits(t) >> 52) & 2047u;
  return t == 0 ? 0u : max_(e, 1u);
}

// scaled is t 2^s. In float64, where s has more than the exponents, by two steps: those that go up
// are exact, those that go down lose what is below 2^-500.
DEV double scaled(double t, int s) {
  if constexpr (sizeof(real) == 4) {
    return t * power_of_two(t, s);
  } else {
    return t * power_of_two(t, s >> 1) * power_of_two(t, s - (s >> 1));
  }
}

DEV int shift_of(u32 place, u32 top) { return 62 + 1022 - (int)(place & 255u) - (int)top; }

DEV i64 nearest(double t) {
  i64 q;
  asm("cvt.rni.s64.f64 %0, %1;" : "=l"(q) : "d"(t));
  return q;
}

// raise makes *p at least v. Few of those that ask raise it.
template <class A>
DEV void raise(A *p, A v) {
  if (*(volatile A *)p < v) atomic_max(p, v);
}

// each_entry calls use(j, t) with the terms t of every entry. 2^log_lanes lanes share a row, of a
// row of more than LONG entries a lane all of the warp.
template <class Terms, class Use>
DEV void each_entry(const Rows &a, i64 n, const Terms &terms, Use use) {
  enum { LONG = 64 };
  const int lane = TID_X % 32, log = a.log_lanes, lanes = 1 << log, own = 32 >> log;
  const u32 longer = LONG << log;
  auto entries = [&](const typename Terms::Row &row, i64 from, u32 count, int sub, int step) {
    for (u32 e = sub; e < count; e += step) {
      const u32 j = a.x.index[from + e];
      use(j, row, a.x.val ? (double)widen(a.x.val[from + e]) : 1.0);
    }
  };
  for (i64 i0 = ((i64)CTAID_X * (THREADS / 32) + TID_X / 32) * own; i0 < n; i0 += (i64)NCTAID_X * (THREADS / 32) * own) {
    const i64 i = i0 + (lane >> log);
    i64 from = 0;
    u32 count = 0;
    if (i < n) {
      from = a.start[i];
      count = (u32)(a.start[i + 1] - from);
    }
    if (count > 0 && count <= longer) entries(terms.row(i), from, count, lane & (lanes - 1), lanes);
#pragma unroll 1
    for (int q = 0; q < 32; q += lanes) {
      const u32 all = shfl_u32(count, q);
      const i64 first = shfl(from, q);
      if (all > longer) entries(terms.row(i0 + (q >> log)), first, all, lane, 32);
    }
  }
}

// bounds raises top to the exponents of the columns' terms.
template <class Terms>
DEV void bounds(const Rows &a, i64 n, const Places &p, const Terms &terms, u32 *top) {
  enum { T = Terms::COUNT };
  __shared__ u32 cell[CELLS];
  const u32 slots = min_(p.hots, CELLS / T);
  for (u32 c = TID_X; c < slots * T; c += THREADS) cell[c] = 0;
  sync_block();
  each_entry(a, n, terms, [&](u32 j, const typename Terms::Row &row, double x) {
    double t[T];
    terms.of(row, j, x, t);
    const u32 slot = p.place[j] >> 8;
#pragma unroll
    for (int k = 0; k < T; k++) {
      const u32 e = exponent(t[k]);
      if (slot - 1 < slots) raise(cell + (slot - 1) * T + k, e);
      else raise(top + (i64)j * T + k, e);
    }
  });
  sync_block();
  for (u32 c = TID_X; c < slots * T; c += THREADS)
    if (cell[c]) atomic_max(top + (i64)p.hot[c / T] * T + c % T, cell[c]);
}

// add_halves adds q to a cell of shared memory, which adds 32 bits at once.
DEV void add_halves(u32 *cell, u64 q) {
  const u32 low = (u32)q, carry = atomic_add(cell, low) > ~low, high = (u32)(q >> 32) + carry;
  if (high) atomic_add(cell + CELLS, high);
}

// adds adds the terms to sum.
template <class Terms>
DEV void adds(const Rows &a, i64 n, const Places &p, const Terms &terms, const u32 *__restrict__ top, u64 *sum) {
  enum { T = Terms::COUNT };
  __shared__ u32 half[2 * CELLS]; // the low halves of the cells, then the high ones
  const u32 slots = min_(p.hots, CELLS / T);
  for (u32 c = TID_X; c < slots * T; c += THREADS) half[c] = half[CELLS + c] = 0;
  sync_block();
  each_entry(a, n, terms, [&](u32 j, const typename Terms::Row &row, double x) {
    double t[T];
    terms.of(row, j, x, t);
    const u32 place = p.place[j], slot = place >> 8;
#pragma unroll
    for (int k = 0; k < T; k++) {
      const u32 e = top[(i64)j * T + k];
      const u64 q = e == 0 || e == 2047 ? 0 : (u64)nearest(scaled(t[k], shift_of(place, e)));
      if (q) {
        if (slot - 1 < slots) add_halves(half + (slot - 1) * T + k, q);
        else atomic_add(sum + (i64)j * T + k, q);
      }
    }
  });
  sync_block();
  for (u32 c = TID_X; c < slots * T; c += THREADS) {
    const u64 q = (u64)half[CELLS + c] << 32 | half[c];
    if (q) atomic_add(sum + (i64)p.hot[c / T] * T + c % T, q);
  }
}

// total is the sum of a column's terms: not a number where one of them is not finite.
DEV double total(u32 place, u32 top, u64 sum) {
  if (top == 2047) return bits_double(0x7ff8000000000000ll);
  return top == 0 ? 0 : scaled((double)(i64)sum, -shift_of(place, top));
}
