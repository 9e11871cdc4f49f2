// hess_vec_k, softmax_hess: the Hessian's product with one vector a model, up to 16 outputs; D <= 1024.
//   u_ik = (x_i, 1).v_k;  out_k = sum_i m_ik p_ik (1 - p_ik) u_ik (x_i, 1)
//   softmax: out_k = sum_i m_i p_ik (u_ik - sum_j p_ij u_ij) (x_i, 1)
// Shapes as in logistic_eval_k; coef [2K][ldw]: all coefficients, then all vectors. losses is unused.
// Dynamic shared: tile*(32 + stride) reals, at least 16*128. Launch, determinism: as logistic_eval_k.
// Moves n*ld*sizeof(stored) + n*K*(4 label + weight, offset, fold if any) bytes: X once.
#include "include/many_models.h"

#ifdef STORAGE_F64
MANY_ENTRY(hess_vec_k256, 1, (many_models<true, false, 1>))
MANY_ENTRY(hess_vec_k512, 1, (many_models<true, false, 2>))
MANY_ENTRY(softmax_hess256, 1, (many_models<true, true, 1>))
MANY_ENTRY(softmax_hess512, 1, (many_models<true, true, 2>))
#else
MANY_ENTRY(hess_vec_k256, 2, (many_models<true, false, 1>))
MANY_ENTRY(hess_vec_k1024, 1, (many_models<true, false, 4>))
MANY_ENTRY(softmax_hess256, 2, (many_models<true, true, 1>))
MANY_ENTRY(softmax_hess1024, 1, (many_models<true, true, 4>))
#endif
