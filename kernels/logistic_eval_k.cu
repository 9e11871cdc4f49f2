// logistic_eval_k: losses and gradients of up to 16 models of one output from one read of X; D <= 1024.
//   z_ik = x_i.w_k + b_k + offset_ik,  r_ik = m_ik (sigmoid(z_ik) - y_ik),  G_k = sum_i r_ik (x_i, 1)
// X [n][ld] row-major (D <= 64: no padding); coef [K][ldw] real, intercept last; out [K];
// part [L][K][d+1] real; losses [L][K][2] double: fitted and left-out rows; L = f(n, d).
// Entries: 256, 1024 = the most columns (float64: 256, 512).
// Launch: 256 threads, any grid. Dynamic shared: tile*(16 + stride) reals, stride d|1 or ld+4, and
// at least 16*128 reals. Registers <= 128; 1024 columns and float64: <= 255, 1 block an SM.
// Deterministic for any grid and tile: logical block l owns rows [l*n/L, (l+1)*n/L).
// Moves n*ld*sizeof(stored) + n*K*(4 label + weight, offset, fold if any) bytes: X once.
// FFMA: 4 flop a number of X and model; at K = 16 about 2.3 times what reading float32 X takes.
#include "include/many_models.h"

#ifdef STORAGE_F64
MANY_ENTRY(logistic_eval_k256, 1, (many_models<false, false, 1>))
MANY_ENTRY(logistic_eval_k512, 1, (many_models<false, false, 2>))
#else
MANY_ENTRY(logistic_eval_k256, 2, (many_models<false, false, 1>))
MANY_ENTRY(logistic_eval_k1024, 1, (many_models<false, false, 4>))
#endif
