// logistic_eval_k_mma, softmax_eval_mma: as logistic_eval_k and softmax_eval, on tensor cores by 3xTF32.
// Targets: sm_80 and later.
// Not for F64: tensor cores of float64 have another shape, and FFMA in float64 another balance.
//   z = X W' and G = r' X in 16 x 8 x 8 products of TF32 parts; the link in float32
// Shapes as in logistic_eval_k, 64 < D <= 1024: ld = d rounded up to 4. inverse and log_width are unused.
// Entries: 128, 1024 = the most columns.
// Launch: 256 threads, any grid. Dynamic shared: tile*(16 + ld+4) reals; static 8.3 KB. Registers
// <= 128 (2 blocks an SM); 1024 columns: <= 255.
// Deterministic for any grid and given tile; products agree with FFMA to 2e-7 of |x||w|.
// Moves n*ld*sizeof(stored) + n*K*(4 label + weight, offset, fold if any) bytes: X once.
#include "include/many_models_mma.h"

MANY_ENTRY(logistic_eval_k_mma128, 2, (many_models_mma<false, 1>))
MANY_ENTRY(logistic_eval_k_mma1024, 1, (many_models_mma<false, 8>))
MANY_ENTRY(softmax_eval_mma128, 2, (many_models_mma<true, 1>))
MANY_ENTRY(softmax_eval_mma1024, 1, (many_models_mma<true, 8>))
