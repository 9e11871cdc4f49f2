// csr_bounds, csr_adds, csr_fixed_sums: X'R over sparse X by rows alone, as 64-bit integers; the twins of
// csr_xtr and csr_combine that need no copy by columns. include/csr_fixed.h says how exact they are.
//   csr_bounds: the exponent of the largest |x_ij R_ik| of each column and output;  csr_adds: their sums
//   csr_fixed_sums: out_kj = sum_jk as a number, or added to what is there;  *_squares: of x_ij^2 R_i
// Not for BF16, F16: sparse X is stored in float32 or float64.
// X by compressed rows as in csr_eval; place [d], hot [hots] as in Places; R [n][C] real; top [d][C]; sum [d][C];
// out [outputs][d+1] double, the last from intercept [outputs], or 0 where it is null.
// Entries: csr_boundsC and csr_addsC, C = 1, 4 or 16, and C = 1 for squares.
// Launch: 256 threads, any grid over rows, 2^log_lanes lanes a row; csr_fixed_sums 256 threads, any grid x over
// columns, grid y = outputs. Static shared: 8 KB, csr_adds 16 KB.
// Deterministic for any grid: maxima and sums of integers have no order.
// Moves 8 (n+1) + entries * (4 + sizeof(stored)) + n C reals each; for an entry 4 + 4 C bytes of places and
// exponents from the caches, and in csr_adds C atomic additions of 8 bytes, of columns that are not hot.
#include "include/csr_fixed.h"

template <int C, bool SQUARES>
struct Products {
  enum { COUNT = C };
  const real *R;
  struct Row { real r[C]; };
  METHOD Row row(i64 i) const {
    Row row;
    panel_if<C>(R + i * C, true, row.r);
    return row;
  }
  METHOD void of(const Row &row, u32, double x, double (&t)[C]) const {
#pragma unroll
    for (int c = 0; c < C; c++) t[c] = SQUARES ? x * (double)row.r[c] * x : x * (double)row.r[c];
  }
};

#define ENTRY(name, C, SQUARES)                                                                  \
  extern "C" __global__ void __launch_bounds__(256, C < 16 ? 4 : 2) NAME(csr_bounds##name)(      \
      const i64 *__restrict__ start, const u32 *__restrict__ index, const stored *__restrict__ val, \
      i64 n, int log_lanes, const u32 *__restrict__ place, const u32 *__restrict__ hot, int hots, \
      const real *__restrict__ R, u32 *top) {                                                    \
    bounds(Rows{start, {index, val}, 0, log_lanes}, n, Places{place, hot, hots}, Products<C, SQUARES>{R}, top); \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(256, C < 16 ? 4 : 2) NAME(csr_adds##name)(        \
      const i64 *__restrict__ start, const u32 *__restrict__ index, const stored *__restrict__ val, \
      i64 n, int log_lanes, const u32 *__restrict__ place, const u32 *__restrict__ hot, int hots, \
      const real *__restrict__ R, const u32 *__restrict__ top, u64 *sum) {                       \
    adds(Rows{start, {index, val}, 0, log_lanes}, n, Places{place, hot, hots}, Products<C, SQUARES>{R}, top, sum); \
  }
ENTRY(1, 1, false)
ENTRY(4, 4, false)
ENTRY(16, 16, false)
ENTRY(_squares, 1, true)

extern "C" __global__ void __launch_bounds__(256, 4) NAME(csr_fixed_sums)(
    const u32 *__restrict__ place, const u32 *__restrict__ top, const u64 *__restrict__ sum, int C, i64 d, int add,
    const double *__restrict__ intercept, double *__restrict__ out) {
  const int k = CTAID_Y;
  for (i64 j = (i64)CTAID_X * THREADS + TID_X; j <= d; j += (i64)NCTAID_X * THREADS) {
    double *to = out + k * (d + 1) + j;
    if (j == d) {
      *to = intercept ? intercept[k] : 0;
      continue;
    }
    const double v = total(place[j], top[j * C + k], sum[j * C + k]);
    *to = add ? *to + v : v;
  }
}
