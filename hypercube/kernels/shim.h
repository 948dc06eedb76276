// One source for three compilers: nvcc and NVRTC build the GPU kernels, g++ or clang++ the CPU loop.
// Plain names and no standard header, because NVRTC has none.
#pragma once

typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define ON_GPU 1
#define DEV static __device__ __forceinline__
#else
#define ON_GPU 0
#define DEV static inline __attribute__((always_inline))
#define __restrict__ __restrict
#if defined(_WIN32)
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#endif
#endif
