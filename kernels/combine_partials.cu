// combine_partials: the sum over logical blocks of their partial sums, in float64.
//   out_p = sum_l part[l][p]
// part [L][P] float or double; out [P] double.
// Launch: 1024 threads, ceil(P/8) blocks. Static shared: 8 KB.
// Deterministic: slice s of 128 adds l = s, s+128, ... in order; the slices as a fixed tree.
// Moves L*P*sizeof(part) bytes.
#include "include/device.h"

enum { COLUMNS = 8, SLICES = 128 };

template <class A>
DEV void combine(const A *__restrict__ part, int blocks, i64 width, double *__restrict__ out) {
  __shared__ double sum[SLICES][COLUMNS];
  const int c = TID_X % COLUMNS, s = TID_X / COLUMNS;
  const i64 p = (i64)CTAID_X * COLUMNS + c;
  double v = 0;
  if (p < width) {
#pragma unroll 8
    for (int l = s; l < blocks; l += SLICES) v += (double)part[(i64)l * width + p];
  }
  sum[s][c] = v;
  for (int half = SLICES / 2; half; half >>= 1) {
    sync_block();
    if (s < half) sum[s][c] += sum[s + half][c];
  }
  if (s == 0 && p < width) out[p] = sum[0][c];
}

extern "C" __global__ void __launch_bounds__(1024) combine_partials_f32(
    const float *__restrict__ part, int blocks, i64 width, double *__restrict__ out) {
  combine(part, blocks, width, out);
}
extern "C" __global__ void __launch_bounds__(1024) combine_partials_f64(
    const double *__restrict__ part, int blocks, i64 width, double *__restrict__ out) {
  combine(part, blocks, width, out);
}
