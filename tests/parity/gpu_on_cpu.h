// Runs a CUDA kernel on the CPU, one thread after another, to test its indexing without a GPU.
// A launch runs every thread twice: shared memory is full only once all have passed the barrier.
#pragma once
#include <cstdint>

#define __CUDACC_RTC__ 1
#define __device__
#define __global__
#define __shared__
#define __forceinline__ inline
#define __launch_bounds__(threads)
#define __restrict__ __restrict

struct Index {
    unsigned x, y;
};
static Index threadIdx, blockIdx, blockDim, gridDim;
struct alignas(16) longlong2 {
    long long x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
static inline void __syncthreads() {}
static inline unsigned atomicOr(unsigned* address, unsigned value) {
    const unsigned before = *address;
    *address |= value;
    return before;
}

template <typename Body>
static void launch(unsigned blocks, unsigned threads, Body body) {
    gridDim.x = blocks;
    blockDim.x = threads;
    for (int pass = 0; pass < 2; pass++)
        for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
            for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++) body(pass);
}
