// csr_count: how many entries each column of sparse X has.
//   count_j = #{e : index_e = j}
// index [entries]; count [d], 0 before.
// Launch: 256 threads, any grid over entries. No shared memory. Registers <= 40.
// Deterministic: sums of integers have no order.
// Moves 4 bytes an entry, and an atomic addition of 4 bytes.
#include "include/device.h"

extern "C" __global__ void __launch_bounds__(256, 4) csr_count(const u32 *__restrict__ index, i64 entries, u32 *count) {
  for (i64 e = (i64)CTAID_X * 256 + TID_X; e < entries; e += (i64)NCTAID_X * 256) atomic_add(count + index[e], 1u);
}
