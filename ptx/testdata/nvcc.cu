// What nvcc makes of common code: expf, log1pf, division, atomics, switch tables, a
// last block and a grid barrier. NVRTC 12.4.127 (wheel nvidia-cuda-nvrtc-cu12) gives
// the PTX: nvrtcCompileProgram with --gpu-architecture=compute_80 --std=c++17
extern "C" __global__ void logistic(const float *__restrict__ x, const float *__restrict__ w, const float *y,
                                    double *loss, int n, int d) {
  __shared__ float s[32];
  float z = 0;
  int row = blockIdx.x;
  for (int j = threadIdx.x; j < d; j += blockDim.x) z += x[(size_t)row * d + j] * w[j];
  for (int o = 16; o; o >>= 1) z += __shfl_xor_sync(~0u, z, o);
  if ((threadIdx.x & 31) == 0) s[threadIdx.x >> 5] = z;
  __syncthreads();
  if (threadIdx.x == 0) {
    float t = 0;
    for (int i = 0; i < (blockDim.x + 31) / 32; i++) t += s[i];
    loss[row] = fmaxf(t, 0.f) - y[row] * t + log1pf(expf(-fabsf(t)));
  }
}

extern "C" __global__ void histogram(const unsigned *k, unsigned *h, int n) {
  extern __shared__ unsigned t[];
  for (int i = threadIdx.x; i < 64; i += blockDim.x) t[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&t[(k[i] * 2654435761u) % 61], 1);
  __syncthreads();
  for (int i = threadIdx.x; i < 64; i += blockDim.x) atomicAdd(&h[i], t[i]);
}

__device__ unsigned arrived;

// The last block to arrive adds the others' partial sums.
extern "C" __global__ void last_block(const float *x, float *part, float *out, int n) {
  __shared__ float s[256];
  __shared__ bool last;
  float a = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) a += x[i];
  s[threadIdx.x] = a;
  __syncthreads();
  for (int o = blockDim.x / 2; o; o >>= 1) {
    if (threadIdx.x < o) s[threadIdx.x] += s[threadIdx.x + o];
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    part[blockIdx.x] = s[0];
    __threadfence();
    last = atomicAdd(&arrived, 1) == gridDim.x - 1;
    __threadfence();
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    float t = 0;
    for (int b = 0; b < gridDim.x; b++) t += part[b];
    *out = t;
    arrived = 0;
  }
}

extern "C" __global__ void jump(const int *k, int *o) {
  int i = threadIdx.x, r;
  switch (k[i]) {
    case 0: r = i * 3; break;
    case 1: r = i + 7; break;
    case 2: r = i * 3 + 1; break;
    case 3: r = i ^ 5; break;
    case 4: r = i / 7; break;
    case 5: r = i % 9; break;
    case 6: r = __popc(i); break;
    case 7: r = __clz(i); break;
    default: r = -1;
  }
  o[i] = r;
}

// All blocks wait for each other twice an epoch.
extern "C" __global__ void grid_barrier(volatile unsigned *bar, float *w, int epochs) {
  for (int e = 0; e < epochs; e++) {
    float v = 0;
    for (int b = 0; b < gridDim.x; b++) v += w[b * blockDim.x + threadIdx.x];
    __syncthreads();
    if (threadIdx.x == 0) {
      __threadfence();
      atomicAdd((unsigned *)bar, 1);
      while (*bar < (2 * e + 1) * gridDim.x)
        ;
      __threadfence();
    }
    __syncthreads();
    w[blockIdx.x * blockDim.x + threadIdx.x] = v * 0.5f + blockIdx.x;
    __syncthreads();
    if (threadIdx.x == 0) {
      __threadfence();
      atomicAdd((unsigned *)bar, 1);
      while (*bar < (2 * e + 2) * gridDim.x)
        ;
      __threadfence();
    }
    __syncthreads();
  }
}

// A lock within a warp: lanes wait for each other, which needs fair scheduling.
extern "C" __global__ void lock(unsigned *mutex, volatile unsigned *count) {
  bool done = false;
  while (!done) {
    if (atomicCAS(mutex, 0, 1) == 0) {
      __threadfence();
      *count = *count + 1;
      __threadfence();
      atomicExch(mutex, 0);
      done = true;
    }
  }
}
