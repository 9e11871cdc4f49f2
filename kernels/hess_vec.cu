// hess_vec: the Hessian of one logistic model at coef, times v; three forms as logistic_eval.
//   z_i = x_i.w + b + offset_i,  u_i = (x_i, 1).v,  out = sum_i m_i p_i (1 - p_i) u_i (x_i, 1)
// Shapes as in logistic_eval_tile, _warp and _block; coef [2][ldw]: w, then v. losses is unused.
// Entries: tile (D <= 64), warp32, 64, 128, 256, 512, 1024 (float64: to 512), block2048, 4096, 8192
// (float64: to 4096).
// Launch and determinism as logistic_eval; dynamic shared of the block form: 2 ld reals.
// Registers: the warp form holds w, v, x and the sum of a row, so 1 block an SM beyond 256 columns.
// Moves n*ld*sizeof(stored) + n*(4 label + weight, offset, fold if any) bytes: X once.
#include "include/one_model_block.h"
#include "include/one_model_tile.h"
#include "include/one_model_warp.h"

extern "C" __global__ void __launch_bounds__(128, 6) NAME(hess_vec_tile)(
    const stored *__restrict__ X, i64 n, int d, u32 inverse, int log_width,
    const real *__restrict__ coef, int ldw, const Output *__restrict__ out,
    const int *__restrict__ folds, int blocks, real *__restrict__ part,
    double *__restrict__ losses) {
  tile_rows<true>(X, n, d, inverse, log_width, coef, ldw, out, folds, blocks, part, losses);
}

#define ENTRY(form, threads, perSM, rows)                                                        \
  extern "C" __global__ void __launch_bounds__(threads, perSM) NAME(hess_vec_##form)(            \
      const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef,         \
      const Output *__restrict__ out, const int *__restrict__ folds, int blocks,                 \
      real *__restrict__ part, double *__restrict__ losses) {                                    \
    rows(X, n, d, ld, coef, out, folds, blocks, part, losses);                                   \
  }

#if defined(STORAGE_F64)
ENTRY(warp32, 256, 1, (warp_rows<true, 8, 1, 4>))
ENTRY(warp64, 256, 1, (warp_rows<true, 16, 1, 4>))
ENTRY(warp128, 256, 1, (warp_rows<true, 32, 1, 4>))
ENTRY(warp256, 256, 1, (warp_rows<true, 32, 2, 2>))
ENTRY(warp512, 256, 1, (warp_rows<true, 32, 4, 1>))
ENTRY(block2048, 512, 1, (block_rows<true, 1, 2>))
ENTRY(block4096, 512, 1, (block_rows<true, 2, 1>))
#else
ENTRY(warp32, 256, 2, (warp_rows<true, 8, 1, 8>))
ENTRY(warp64, 256, 2, (warp_rows<true, 16, 1, 8>))
ENTRY(warp128, 256, 2, (warp_rows<true, 32, 1, 8>))
ENTRY(warp256, 256, 2, (warp_rows<true, 32, 2, 4>))
ENTRY(warp512, 256, 1, (warp_rows<true, 32, 4, 4>))
ENTRY(warp1024, 256, 1, (warp_rows<true, 32, 8, 2>))
ENTRY(block2048, 512, 1, (block_rows<true, 1, 4>))
ENTRY(block4096, 512, 1, (block_rows<true, 2, 2>))
ENTRY(block8192, 512, 1, (block_rows<true, 4, 1>))
#endif
