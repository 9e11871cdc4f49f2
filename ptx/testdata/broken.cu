// Kernels that are wrong, one mistake each, for the emulator to find.
// clang-19 -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch=sm_75 --cuda-feature=+ptx64 -O1 -S broken.cu -o broken.sm_75.ptx
#include "emu.h"

// Reads one element too many.
extern "C" __global__ void out_of_bounds(const float *x, float *y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= n) y[0 * i] = x[i] * 0.0f;
}

// Writes behind a shared array.
extern "C" __global__ void shared_overrun(float *y) {
  __shared__ float a[32];
  __shared__ float b[32];
  volatile float *p = a;
  p[threadIdx.x + 1] = 1.0f;
  b[threadIdx.x] = 2.0f;
  __syncthreads();
  y[threadIdx.x] = a[(threadIdx.x + 1) & 31] + b[threadIdx.x ^ 1];
}

// Warps exchange through shared memory without a barrier.
extern "C" __global__ void unsynchronised(float *x) {
  __shared__ float s[64];
  s[threadIdx.x] = x[threadIdx.x];
  x[threadIdx.x] = s[63 - threadIdx.x];
}

// The barrier between the read and the next write is missing.
extern "C" __global__ void missing_barrier(float *x, int rounds) {
  __shared__ float s[64];
  float v = x[threadIdx.x];
  for (int r = 0; r < rounds; r++) {
    s[threadIdx.x] = v;
    __syncthreads();
    v = s[(threadIdx.x + 32) & 63] + 1.0f;
  }
  x[threadIdx.x] = v;
}

// The lanes of one warp exchange without __syncwarp.
extern "C" __global__ void missing_syncwarp(float *x) {
  __shared__ float s[32];
  s[threadIdx.x] = x[threadIdx.x];
  x[threadIdx.x] = s[threadIdx.x ^ 1];
}

// All blocks add to one number without atomics.
extern "C" __global__ void block_race(float *sum) {
  if (threadIdx.x == 0) *sum += (float)(blockIdx.x + 1);
}

// The last block reads what others wrote, but nobody fences.
extern "C" __global__ void missing_fence(float *part, float *out, unsigned *arrived) {
  if (threadIdx.x == 0) {
    part[blockIdx.x] = (float)blockIdx.x;
    if (__nvvm_atom_add_gen_i((int *)arrived, 1) == gridDim.x - 1) {
      float t = 0;
      for (unsigned b = 0; b < gridDim.x; b++) t += part[b];
      *out = t;
    }
  }
}

// Reads shared memory that only half of the threads have written.
extern "C" __global__ void uninitialised_shared(float *x) {
  __shared__ float s[64];
  if (threadIdx.x < 32) s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = s[63 - threadIdx.x];
}

// Copies a buffer that may not be written yet.
extern "C" __global__ void copy(const float *x, float *y) { y[threadIdx.x] = x[threadIdx.x]; }

// Only some threads of a warp come to the barrier.
extern "C" __global__ void divergent_barrier(float *x) {
  __shared__ float s[64];
  s[threadIdx.x] = x[threadIdx.x];
  if (threadIdx.x & 1) __syncthreads();
  x[threadIdx.x] = s[threadIdx.x] + 1.0f;
}

// Threads return before the barrier.
extern "C" __global__ void early_return(float *x, int n) {
  __shared__ float s[64];
  if (threadIdx.x >= n) return;
  s[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = s[n - 1 - threadIdx.x];
}

// Waits for a flag that nobody sets.
extern "C" __global__ void endless(volatile unsigned *flag) {
  while (*flag == 0) {
  }
}

// Reads a float at an odd address.
extern "C" __global__ void misaligned(const char *x, float *y) { y[threadIdx.x] = *(const float *)(x + 2 * threadIdx.x); }
