// logistic_eval_block: loss and gradient of one logistic model, one block a row; 1024 < D <= 14336.
//   z_i = x_i.w + b + offset_i,  r_i = m_i (sigmoid(z_i) - y_i),  g = sum_i r_i (x_i, 1)
// X [n][ld] row-major, ld = d rounded up to 4, padding 0; coef [ld+4] real, intercept last;
// part [L][d+1] real; losses [L][2] double: fitted and left-out rows; L = f(n, d).
// Entries: 2048, 4096, 8192, 14336 = the widest ld (float64: 2048, 4096, 6144). Wider X: logits,
// residual, xtr. 16384 columns would spill.
// Launch: 512 threads, any grid. Dynamic shared: ld reals; static up to 2.8 KB. Registers <= 128:
// 1 block an SM, with 32 to 64 KB of rows on their way from 1025 columns on.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), R of them a step.
// Moves n*ld*sizeof(stored) + n*(4 label + weight, offset, fold if any) bytes: X once.
#include "include/one_model_block.h"

#define ENTRY(width, V, R)                                                                       \
  extern "C" __global__ void __launch_bounds__(512, 1) NAME(logistic_eval_block##width)(         \
      const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef,         \
      const Output *__restrict__ out, const int *__restrict__ folds, int blocks,                 \
      real *__restrict__ part, double *__restrict__ losses) {                                    \
    block_rows<false, V, R>(X, n, d, ld, coef, out, folds, blocks, part, losses);                   \
  }

#if defined(STORAGE_F64)
ENTRY(2048, 1, 4)
ENTRY(4096, 2, 2)
ENTRY(6144, 3, 1)
#elif defined(STORAGE_F32)
ENTRY(2048, 1, 8)
ENTRY(4096, 2, 4)
ENTRY(8192, 4, 2)
ENTRY(14336, 7, 1)
#else // twice the rows are as many bytes in as many registers
ENTRY(2048, 1, 16)
ENTRY(4096, 2, 8)
ENTRY(8192, 4, 4)
ENTRY(14336, 7, 2)
#endif
