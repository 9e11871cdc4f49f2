// softmax_eval: loss and gradient of one softmax model of up to 16 outputs; D <= 1024.
//   z_ik = x_i.w_k + b_k + offset_i,  r_ik = m_i (softmax(z_i)_k - [y_i = k]),  G_k = sum_i r_ik (x_i, 1)
// X [n][ld] row-major (D <= 64: no padding); coef [K][ldw] real, intercept last; out [1 used];
// part [L][K][d+1] real; losses [L][2] double: fitted and left-out rows; L = f(n, d).
// Entries: 256, 1024 = the most columns (float64: 256, 512). More outputs: logits, residual, xtr.
// Launch, shared memory, registers, determinism: as logistic_eval_k.
// Moves n*ld*sizeof(stored) + n*(4 label + weight, offset, fold if any) bytes: X once.
#include "include/many_models.h"

#ifdef STORAGE_F64
MANY_ENTRY(softmax_eval256, 1, (many_models<false, true, 1>))
MANY_ENTRY(softmax_eval512, 1, (many_models<false, true, 2>))
#else
MANY_ENTRY(softmax_eval256, 2, (many_models<false, true, 1>))
MANY_ENTRY(softmax_eval1024, 1, (many_models<false, true, 4>))
#endif
