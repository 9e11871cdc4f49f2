// csr_xtr: X'R over sparse X without atomics: partial sums of pieces of columns; csr_combine adds them.
//   part_p = sum over the entries e of piece p of x_e R[row_e];  csr_squares: of x_e^2 R[row_e]
// Not for BF16, F16: sparse X is stored in float32 or float64.
// X a second time, by columns of row blocks (a block's R stays in the L2 cache): index the rows and val
// [entries], in the order of the pieces. A piece is a run of entries of one column in one row block;
// long runs are cut into several. start [P+1]: a piece's first entry; slot [P]: the place of its sum,
// those of a column beside each other; task [T+1]: first piece * 8 + log_lanes, the pieces that a warp
// takes at once, 2^log_lanes lanes each; R [n][C] real; part [P][C] real.
// Entries: csr_xtrC and csr_squares, which is C = 1; C = 1, 4 or 16.
// Launch: 256 threads, any grid over tasks [first, last), a warp a task. No shared memory.
// Deterministic for any grid: a piece is one warp's, its entries added lane by lane and then as a tree.
// Moves entries * (4 + sizeof(stored)) + 12 P + 8 T and writes P C reals; C reals of R for each entry
// come from the L2 cache, 32 bytes at least.
#include "include/csr.h"

template <int C, bool SQUARES>
DEV void pieces(const Compressed &x, const i64 *__restrict__ start, const u32 *__restrict__ slot,
                const i64 *__restrict__ task, i64 first, i64 last, const real *__restrict__ R, real *__restrict__ part) {
  const int lane = TID_X % 32;
  for (i64 t = first + (i64)CTAID_X * (THREADS / 32) + TID_X / 32; t < last; t += (i64)NCTAID_X * (THREADS / 32)) {
    const i64 own = task[t];
    const int log = (int)(own & 7), lanes = 1 << log;
    const i64 p = (own >> 3) + (lane >> log);
    const bool here = p < task[t + 1] >> 3;
    const int sub = lane & (lanes - 1);
    i64 from = 0;
    u32 count = 0;
    if (here) {
      from = start[p];
      count = (u32)(start[p + 1] - from);
    }
    real sum[C] = {};
    lane_sums<C, C <= 4 ? 2 : 1, SQUARES>(x, from, count, sub, lanes, R, sum);
    group_sums<C>(sum, lanes);
    if (here && sub == 0) {
      real *to_part = part + (i64)slot[p] * C;
#pragma unroll
      for (int c = 0; c < C; c++) to_part[c] = sum[c];
    }
  }
}

#define ENTRY(name, C, SQUARES)                                                                  \
  extern "C" __global__ void __launch_bounds__(256, C == 1 ? 6 : C == 4 ? 5 : 3) NAME(name)(  \
      const u32 *__restrict__ index, const stored *__restrict__ val, const i64 *__restrict__ start, \
      const u32 *__restrict__ slot, const i64 *__restrict__ task, i64 first, i64 last,           \
      const real *__restrict__ R, real *__restrict__ part) {                                     \
    pieces<C, SQUARES>({index, val}, start, slot, task, first, last, R, part);                   \
  }
ENTRY(csr_xtr1, 1, false)
ENTRY(csr_xtr4, 4, false)
ENTRY(csr_xtr16, 16, false)
ENTRY(csr_squares, 1, true)
