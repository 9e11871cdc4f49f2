// logistic_eval_block: loss and gradient of one logistic model, one block a row; 1024 < D <= 16384.
//   z_i = x_i.w + b + offset_i,  r_i = m_i (sigmoid(z_i) - y_i),  g = sum_i r_i (x_i, 1)
// X [n][ld] row-major, ld = d rounded up to 4, padding 0; coef [ld+4] real, intercept last;
// part [L][d+1] real; losses [L][2] double: fitted and left-out rows; L = f(n, d).
// Entries: 4096, 16384 = the widest ld (float64: 4096, 8192). Wider X: logits, residual, xtr.
// Launch: 512 threads, any grid. Dynamic shared: ld reals; static 128 bytes. Registers: <= 128
// (1 block an SM), 64 for 4096 columns (2 blocks).
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), row after row.
// Moves n*ld*sizeof(stored) + n*(4 label + weight, offset, fold if any) bytes: X once.
#include "include/one_model_block.h"

#define ENTRY(width, V, perSM)                                                                   \
  extern "C" __global__ void __launch_bounds__(512, perSM) NAME(logistic_eval_block##width)(     \
      const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef,         \
      const Output *__restrict__ out, const int *__restrict__ folds, int blocks,                 \
      real *__restrict__ part, double *__restrict__ losses) {                                    \
    block_rows<false, V>(X, n, d, ld, coef, out, folds, blocks, part, losses);                   \
  }

#ifdef STORAGE_F64
ENTRY(4096, 2, 1)
ENTRY(8192, 4, 1)
#else
ENTRY(4096, 2, 2)
ENTRY(16384, 8, 1)
#endif
