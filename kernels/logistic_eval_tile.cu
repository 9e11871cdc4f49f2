// logistic_eval_tile: loss and gradient of one logistic model, one thread a row; D <= 64, no multiple of 4.
//   z_i = x_i.w + b + offset_i,  r_i = m_i (sigmoid(z_i) - y_i),  g = sum_i r_i (x_i, 1)
// X [n][d] row-major without padding, aligned to 256 bytes; coef [ldw] real, intercept last;
// part [L][d+1] real; losses [L][2] double: fitted and left-out rows; L = f(n, d).
// inverse = ceil(2^20/d); log_width = the power of two next above d.
// Launch: 128 threads, any grid. Dynamic shared: 128*(d|1) reals (float64: D <= 40 keeps it
// under 48 KB); static 1.3 KB. Registers <= 72: 7 blocks an SM.
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L).
// Moves n*d*sizeof(stored) + n*(4 label + weight, offset, fold if any) bytes: X once.
#include "include/one_model_tile.h"

extern "C" __global__ void __launch_bounds__(128, 7) NAME(logistic_eval_tile)(
    const stored *__restrict__ X, i64 n, int d, u32 inverse, int log_width,
    const real *__restrict__ coef, int ldw, const Output *__restrict__ out,
    const int *__restrict__ folds, int blocks, real *__restrict__ part,
    double *__restrict__ losses) {
  tile_rows<false>(X, n, d, inverse, log_width, coef, ldw, out, folds, blocks, part, losses);
}
