// csr_hess_vec: the factors of x_i in the Hessian's product with v, over sparse X; the backward
// is csr_xtr.
//   z_i = x_i.w + b, u_i = (x_i, 1).v;  r_i = m_i p_i (1 - p_i) u_i, softmax m_i p_ik (u_ik - sum_j p_ij u_ij);
//   sum_i r_i
// Not for BF16, F16: sparse X is stored in float32 or float64.
// Shapes as in csr_eval, but coef [d+1][2 C], the vectors beside the coefficients, and sums [L][outputs].
// Entries: csr_hessC for models of one output, csr_softmax_hessC for one softmax; C = 1, 4 or 16.
// Launch: 256 threads, any grid over L. Static shared: 3-17 KB (float64: 6-34 KB).
// Deterministic for any grid, as csr_eval.
// Moves what csr_eval does; coefficients twice.
#include "include/csr_rows.h"

#ifdef STORAGE_F64
enum { RESIDENT1 = 3, RESIDENT4 = 2, RESIDENT16 = 1 };
#else
enum { RESIDENT1 = 4, RESIDENT4 = 3, RESIDENT16 = 2 };
#endif

FORWARD(csr_hess1, true, false, 1, RESIDENT1)
FORWARD(csr_hess4, true, false, 4, RESIDENT4)
FORWARD(csr_hess16, true, false, 16, RESIDENT16)
FORWARD(csr_softmax_hess4, true, true, 4, RESIDENT4)
FORWARD(csr_softmax_hess16, true, true, 16, RESIDENT16)
