// The few names of CUDA C that the kernels use, for compilers without NVIDIA's headers.
//
// nvcc brings these names itself; clang gets them here (-nocudainc -nocudalib).
// Floating point is IEEE throughout and contraction is explicit: files are compiled
// with -ffp-contract=off (nvcc: -fmad=false), and a fused multiply-add is written fma_.
#pragma once

#if defined(__NVCC__) || defined(__CUDACC_RTC__)
#define TID_X threadIdx.x
#define CTAID_X blockIdx.x
#define CTAID_Y blockIdx.y
#define NTID_X blockDim.x
#define NCTAID_X gridDim.x
#define NCTAID_Y gridDim.y
__device__ static __forceinline__ void sync_block() { __syncthreads(); }
__device__ static __forceinline__ float fma_(float a, float b, float c) { return __fmaf_rn(a, b, c); }
__device__ static __forceinline__ double fma_(double a, double b, double c) { return __fma_rn(a, b, c); }
__device__ static __forceinline__ float bits_float(unsigned u) { return __uint_as_float(u); }
__device__ static __forceinline__ unsigned float_bits(float f) { return __float_as_uint(f); }
__device__ static __forceinline__ double bits_double(long long u) { return __longlong_as_double(u); }
__device__ static __forceinline__ long long double_bits(double f) { return __double_as_longlong(f); }
__device__ static __forceinline__ unsigned atomic_add(unsigned *p, unsigned v) { return atomicAdd(p, v); }
__device__ static __forceinline__ void atomic_add(unsigned long long *p, unsigned long long v) { atomicAdd(p, v); }
__device__ static __forceinline__ void atomic_max(unsigned *p, unsigned v) { atomicMax(p, v); }
__device__ static __forceinline__ void atomic_max(unsigned long long *p, unsigned long long v) { atomicMax(p, v); }
#else
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define TID_X __nvvm_read_ptx_sreg_tid_x()
#define CTAID_X __nvvm_read_ptx_sreg_ctaid_x()
#define CTAID_Y __nvvm_read_ptx_sreg_ctaid_y()
#define NTID_X __nvvm_read_ptx_sreg_ntid_x()
#define NCTAID_X __nvvm_read_ptx_sreg_nctaid_x()
#define NCTAID_Y __nvvm_read_ptx_sreg_nctaid_y()
__device__ static __forceinline__ void sync_block() { __syncthreads(); }
__device__ static __forceinline__ float fma_(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
__device__ static __forceinline__ double fma_(double a, double b, double c) { return __builtin_fma(a, b, c); }
__device__ static __forceinline__ float bits_float(unsigned u) { return __builtin_bit_cast(float, u); }
__device__ static __forceinline__ unsigned float_bits(float f) { return __builtin_bit_cast(unsigned, f); }
__device__ static __forceinline__ double bits_double(long long u) { return __builtin_bit_cast(double, u); }
__device__ static __forceinline__ long long double_bits(double f) { return __builtin_bit_cast(long long, f); }
__device__ static __forceinline__ unsigned atomic_add(unsigned *p, unsigned v) { return (unsigned)__nvvm_atom_add_gen_i((int *)p, (int)v); }
__device__ static __forceinline__ void atomic_add(unsigned long long *p, unsigned long long v) { __nvvm_atom_add_gen_ll((long long *)p, (long long)v); }
__device__ static __forceinline__ void atomic_max(unsigned *p, unsigned v) { __nvvm_atom_max_gen_ui(p, v); }
__device__ static __forceinline__ void atomic_max(unsigned long long *p, unsigned long long v) { __nvvm_atom_max_gen_ull(p, v); }
#endif

#define DEV __device__ static __forceinline__
#define METHOD __device__ __forceinline__ // DEV of a struct
typedef long long i64;
typedef unsigned long long u64;
typedef unsigned u32;
typedef unsigned short u16;

DEV float abs_(float x) { return bits_float(float_bits(x) & 0x7fffffffu); }
DEV double abs_(double x) { return bits_double(double_bits(x) & 0x7fffffffffffffffll); }
template <class A> DEV A min_(A a, A b) { return b < a ? b : a; }
template <class A> DEV A max_(A a, A b) { return a < b ? b : a; }

// Exchanges within a warp; every lane takes part.
DEV float shfl_xor(float v, int mask) {
  u32 r;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 31, 0xffffffff;" : "=r"(r) : "r"(float_bits(v)), "r"(mask));
  return bits_float(r);
}
DEV u32 shfl_u32(u32 v, int lane) {
  u32 r;
  asm volatile("shfl.sync.idx.b32 %0, %1, %2, 31, 0xffffffff;" : "=r"(r) : "r"(v), "r"(lane));
  return r;
}
DEV u32 shfl_xor_u32(u32 v, int mask) {
  u32 r;
  asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 31, 0xffffffff;" : "=r"(r) : "r"(v), "r"(mask));
  return r;
}
DEV double shfl_xor(double v, int mask) {
  u64 b = (u64)double_bits(v);
  u32 lo = shfl_xor_u32((u32)b, mask), hi = shfl_xor_u32((u32)(b >> 32), mask);
  return bits_double((i64)((u64)hi << 32 | lo));
}
DEV float shfl(float v, int lane) { return bits_float(shfl_u32(float_bits(v), lane)); }
DEV double shfl(double v, int lane) {
  u64 b = (u64)double_bits(v);
  u32 lo = shfl_u32((u32)b, lane), hi = shfl_u32((u32)(b >> 32), lane);
  return bits_double((i64)((u64)hi << 32 | lo));
}
