// Kernels that are right: what the emulator must run without a finding.
// clang-19 -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch=sm_75 --cuda-feature=+ptx64 -O3 -S basic.cu -o basic.sm_75.ptx
#include "emu.h"
struct __attribute__((aligned(16))) float4 { float x, y, z, w; };

__device__ float __attribute__((noinline)) affine(float a, float b) { return a * b + 1.0f; }

// y = (2 x + 1) + y / 3, with a call that is not inlined.
extern "C" __global__ void saxpy(const float *x, float *y, unsigned long n) {
  unsigned long i = blockIdx.x * (unsigned long)blockDim.x + threadIdx.x;
  if (i < n) y[i] = affine(x[i], 2.0f) + y[i] / 3.0f;
}

// out[block] = x . y; n a multiple of 4; 4 * blockDim.x bytes of dynamic shared memory.
extern "C" __global__ void dot(const float *x, const float *y, double *out, unsigned n) {
  __shared__ double s[8];
  extern __shared__ float tile[];
  float a = 0;
  for (unsigned i = threadIdx.x; i < n / 4; i += blockDim.x) {
    float4 u = ((const float4 *)x)[i], v = ((const float4 *)y)[i];
    a += u.x * v.x + u.y * v.y + u.z * v.z + u.w * v.w;
  }
  for (int o = 16; o; o >>= 1) a += __nvvm_shfl_sync_down_f32(0xffffffff, a, o, 31);
  tile[threadIdx.x] = a;
  if ((threadIdx.x & 31) == 0) s[threadIdx.x >> 5] = a;
  __syncthreads();
  if (threadIdx.x == 0) {
    double t = 0;
    for (unsigned w = 0; w < blockDim.x / 32; w++) t += s[w];
    out[blockIdx.x] = t;
  }
}

// Shared memory is used twice, with a barrier between readers and the next writer.
extern "C" __global__ void rotate(float *x, int rounds) {
  __shared__ float s[128];
  float v = x[blockIdx.x * 128 + threadIdx.x];
  for (int r = 0; r < rounds; r++) {
    s[threadIdx.x] = v;
    __syncthreads();
    v = s[(threadIdx.x + 1) & 127];
    __syncthreads();
  }
  x[blockIdx.x * 128 + threadIdx.x] = v;
}

// Lanes diverge, loop for different times and meet again.
extern "C" __global__ void collatz(const unsigned *x, unsigned *steps) {
  unsigned v = x[threadIdx.x], n = 0;
  while (v != 1) {
    v = v & 1 ? 3 * v + 1 : v / 2;
    n++;
  }
  steps[threadIdx.x] = n + __nvvm_vote_ballot_sync(0xffffffff, n > 10) * 0u;
}

// Local memory: an array that is indexed at run time.
extern "C" __global__ void reverse(const float *x, float *y, int n) {
  float a[16];
  for (int i = 0; i < n; i++) a[i] = x[threadIdx.x * 16 + i];
  for (int i = 0; i < n; i++) y[threadIdx.x * 16 + i] = a[n - 1 - i];
}
