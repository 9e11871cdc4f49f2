// combine_partials: the sum over logical blocks of their partial sums, in float64.
//   out_p = sum_l part[l][p], or with add out_p += sum_l part[l][p]
// part [L][P] float or double; out [P] double. A block takes threads/S columns in S slices,
// S = 2^log_slices <= 128, a function of L alone.
// Launch: 256 to 1024 threads, ceil(P S / threads) blocks. Static shared: 8 KB.
// Deterministic: slice s adds l = s, s+S, ... in order; the slices as a fixed tree.
// Moves L*P*sizeof(part) bytes.
#include "include/device.h"

template <class A>
DEV void combine(const A *__restrict__ part, int blocks, i64 width, int log_slices, int add,
                 double *__restrict__ out) {
  __shared__ double sum[1024];
  const int t = TID_X, columns = (int)NTID_X >> log_slices, c = t % columns, s = t / columns;
  const i64 p = (i64)CTAID_X * columns + c;
  double v = 0;
  if (p < width) {
#pragma unroll 8
    for (int l = s; l < blocks; l += 1 << log_slices) v += (double)part[(i64)l * width + p];
  }
  sum[t] = v;
  for (int half = 1 << log_slices >> 1; half; half >>= 1) {
    sync_block();
    if (s < half) sum[t] += sum[t + half * columns];
  }
  if (s == 0 && p < width) out[p] = add ? out[p] + sum[t] : sum[t];
}

extern "C" __global__ void __launch_bounds__(1024) combine_partials_f32(
    const float *__restrict__ part, int blocks, i64 width, int log_slices, int add, double *__restrict__ out) {
  combine(part, blocks, width, log_slices, add, out);
}
extern "C" __global__ void __launch_bounds__(1024) combine_partials_f64(
    const double *__restrict__ part, int blocks, i64 width, int log_slices, int add, double *__restrict__ out) {
  combine(part, blocks, width, log_slices, add, out);
}
