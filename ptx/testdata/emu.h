// emu.h: the little of CUDA that the test kernels need from clang without NVIDIA's headers.
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#include <__clang_cuda_builtin_vars.h>
__device__ void __syncthreads() __asm__("llvm.nvvm.barrier0");
