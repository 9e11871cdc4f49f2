// eval_gram: loss, gradient and Hessian of one logistic model from one read of X; D <= 247 (float64: 123).
//   r_i, g and the losses as logistic_eval;  H = sum_i m_i p_i (1 - p_i) (x_i, 1)(x_i, 1)'
// X [n][ld] row-major; coef [ldw] real, intercept last; part [L][d+1 + pairs*E*E] real: the gradient,
// then H's E x E tiles (a, b), b <= a, as number a(a+1)/2 + b, E = 8 (float64: 4), pairs for
// ceil((d+1)/E) tiles; losses [L][2] double; L = f(n, d).
// Launch: threads = pairs rounded up to 32 and at least 128; any grid. Dynamic shared: 32 rows of
// ceil((d+1)/E)*E reals. Registers <= 128: 512 threads fill an SM
// (D = 256 would take 561 threads and spill).
// Deterministic for any grid: logical block l owns rows [l*n/L, (l+1)*n/L), added in order.
// Moves n*ld*sizeof(stored) + n*(4 label + weight, offset, fold if any) bytes: X once; bound by
// (d+1)^2/2 FFMA a row beyond D of about 64.
#include "include/output.h"
#include "include/reduce.h"

#ifdef STORAGE_F64
enum { E = 4 };
#else
enum { E = 8 };
#endif
enum { ROWS = 32 };

extern __shared__ __attribute__((aligned(16))) unsigned char gram_memory[];

extern "C" __global__ void __launch_bounds__(512, 1) NAME(eval_gram)(
    const stored *__restrict__ X, i64 n, int d, int ld, const real *__restrict__ coef, int ldw,
    const Output *__restrict__ out, const int *__restrict__ folds, int blocks, real *__restrict__ part,
    double *__restrict__ losses) {
  __shared__ real r[ROWS], q[ROWS];
  __shared__ double loss[16], held[16]; // a warp's each
  real *x = (real *)gram_memory;
  const int t = TID_X, tiles = d / E + 1, stride = tiles * E, pairs = tiles * (tiles + 1) / 2;
  const int warps = NTID_X / 32, lane = t % 32;
  int ta = 0;
  while ((ta + 1) * (ta + 2) / 2 <= t) ta++;
  const int ja = ta * E, jb = (t - ta * (ta + 1) / 2) * E;
  const Output o = *out;
  for (int l = CTAID_X; l < blocks; l += NCTAID_X) {
    const i64 end = first_row(n, l + 1, blocks);
    real h[E][E] = {}, g = 0;
    if (lane == 0) loss[t / 32] = held[t / 32] = 0;
#pragma unroll 1
    for (i64 i = first_row(n, l, blocks); i < end; i += ROWS) {
      const int rows = (int)min_<i64>(ROWS, end - i);
#pragma unroll 1
      for (int row = t / 32; row < rows; row += warps) { // a warp a row: read, dot, link
        real z = 0;
        for (int j = lane; j < stride; j += 32) {
          const real v = j < d ? widen(X[(i + row) * ld + j]) : (real)(j == d);
          x[row * stride + j] = v;
          if (j < d) z = fma_(v, coef[j], z);
        }
        z = warp_sum(z) + coef[ldw - 1];
        if (lane == 0) {
          r[row] = row_term<false>(o, folds, i + row, z, 0, loss[t / 32], held[t / 32]);
          const Weigh w = weigh(o, folds, i + row);
          const Logistic v = logistic(o.offset ? z + o.offset[i + row] : z, false);
          q[row] = w.held || w.m == 0 ? (real)0 : w.m * v.q;
        }
      }
      sync_block();
#pragma unroll 1
      for (int row = 0; row < rows; row++) {
        const real *xr = x + row * stride;
        if (t <= d) g = fma_(r[row], xr[t], g);
        if (t < pairs) {
          real u[E];
#pragma unroll
          for (int e = 0; e < E; e++) u[e] = q[row] * xr[ja + e];
#pragma unroll
          for (int f = 0; f < E; f++) {
            const real v = xr[jb + f];
#pragma unroll
            for (int e = 0; e < E; e++) h[e][f] = fma_(u[e], v, h[e][f]);
          }
        }
      }
      sync_block();
    }
    real *p = part + (i64)l * (d + 1 + pairs * E * E);
    if (t <= d) p[t] = g; // there are at least d+1 threads
    if (t < pairs)
#pragma unroll
      for (int e = 0; e < E; e++)
#pragma unroll
        for (int f = 0; f < E; f++) p[d + 1 + t * E * E + e * E + f] = h[e][f];
    if (t < 2) { // the last barrier above follows every row
      const double *s = t ? held : loss;
      double sum = 0;
      for (int w = 0; w < warps; w++) sum += s[w];
      losses[2 * l + t] = sum;
    }
    sync_block();
  }
}
