// csr_eval: losses and residuals of up to 16 outputs over sparse X; the backward is csr_xtr.
//   z_ik = x_i.w_k + b_k;  r_ik = m_ik l'(z_ik);  loss_k = sum_i m_ik l(z_ik, y_ik);  sum_i r_ik
// Not for BF16, F16: sparse X is stored in float32 or float64.
// X by compressed rows: start [n+1], index and val [entries], val null where every entry is 1;
// coef [d+1][C] real, intercepts last, zeros beyond the outputs; R [n][C] real; sums [L][outputs + 2
// models] double; L = f(n).
// Entries: csr_evalC for models of one output, csr_softmaxC for one softmax; C = 1, 4 or 16.
// Launch: 256 threads, any grid over L; 2^log_lanes lanes a row, 2 to 5, of long rows a
// warp. Static shared: 1-17 KB (float64: 2-35 KB).
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), a row's entries are
// added lane by lane and then as a tree.
// Moves 8 (n+1) + entries * (4 + sizeof(stored)), n C reals out, labels, weights, offsets and folds;
// C reals of coefficients for each entry come from the L1 and L2 caches, 32 bytes at least.
#include "include/csr_rows.h"

#ifdef STORAGE_F64
enum { RESIDENT1 = 3, RESIDENT4 = 3, RESIDENT16 = 2 };
#else
enum { RESIDENT1 = 4, RESIDENT4 = 4, RESIDENT16 = 2 };
#endif

FORWARD(csr_eval1, false, false, 1, RESIDENT1)
FORWARD(csr_eval4, false, false, 4, RESIDENT4)
FORWARD(csr_eval16, false, false, 16, RESIDENT16)
FORWARD(csr_softmax4, false, true, 4, RESIDENT4)
FORWARD(csr_softmax16, false, true, 16, RESIDENT16)
