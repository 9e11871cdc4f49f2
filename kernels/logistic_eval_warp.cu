// logistic_eval_warp: loss and gradient of one logistic model, 8, 16 or 32 lanes a row; D <= 1024.
//   z_i = x_i.w + b + offset_i,  r_i = m_i (sigmoid(z_i) - y_i),  g = sum_i r_i (x_i, 1)
// X [n][ld] row-major, ld = d rounded up to 4, padding 0; coef [ld+4] real, intercept last;
// part [L][d+1] real; losses [L][2] double: fitted and left-out rows; L = f(n, d).
// Entries: 32 (8 lanes), 64 (16), 128, 256, 512, 1024 = the widest ld (float64: to 512).
// Launch: 256 threads, any grid. Static shared: 4*(width+1) reals (narrow ones as 128) + 64 bytes.
// Registers: launch bounds keep 2 blocks an SM (<= 128), 3 up to
// 256 columns (<= 80), 1 for 512 of float64.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L) and is the work
// of one block at a time; in it warp w takes the row groups w, w+8, ... of 32/lanes*R rows
// Moves n*ld*sizeof(stored) + n*(4 label + weight, offset, fold if any) bytes: X once.
#include "include/one_model_warp.h"

#define ENTRY(width, LANES, V, R, perSM)                                                         \
  extern "C" __global__ void __launch_bounds__(256, perSM) NAME(logistic_eval_warp##width)(      \
      const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef,         \
      const Output *__restrict__ out, const int *__restrict__ folds, int blocks,                 \
      real *__restrict__ part, double *__restrict__ losses) {                                    \
    warp_rows<false, LANES, V, R>(X, n, d, ld, coef, out, folds, blocks, part, losses);                 \
  }

#if defined(STORAGE_F64)
ENTRY(32, 8, 1, 4, 2)
ENTRY(64, 16, 1, 4, 2)
ENTRY(128, 32, 1, 4, 2)
ENTRY(256, 32, 2, 2, 2)
ENTRY(512, 32, 4, 1, 1)
#elif defined(STORAGE_F32)
ENTRY(32, 8, 1, 8, 3)
ENTRY(64, 16, 1, 8, 3)
ENTRY(128, 32, 1, 8, 3)
ENTRY(256, 32, 2, 4, 3)
ENTRY(512, 32, 4, 2, 2)
ENTRY(1024, 32, 8, 1, 2)
#else // twice the rows are as many bytes in as many registers
ENTRY(32, 8, 1, 8, 3)
ENTRY(64, 16, 1, 16, 3)
ENTRY(128, 32, 1, 16, 3)
ENTRY(256, 32, 2, 8, 3)
ENTRY(512, 32, 4, 4, 2)
ENTRY(1024, 32, 8, 2, 2)
#endif
