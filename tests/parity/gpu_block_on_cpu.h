// Runs a CUDA kernel on the CPU with true barriers and warp shuffles: every thread of a block is a fibre with its
// own stack, which gives way wherever the GPU would wait for others. Shared memory is whatever the caller's
// `before` leaves there, so a read before the barrier shows. A barrier that some thread never reaches is reported.
#pragma once
#include <ucontext.h>

#include <cstdlib>
#include <functional>
#include <vector>

#include "gpu_on_cpu.h"

struct Meeting {
    unsigned arrived = 0, round = 0;
};
struct Fibre {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(1 << 16);
    bool done = false;
};
static std::vector<Fibre> fibres;
static ucontext_t scheduler;
static Meeting whole_block;
static std::vector<Meeting> warps;
static std::vector<unsigned> lanes;
static std::function<void()> kernel_body;
static unsigned long long meetings_ended;

static void give_way() {
    const unsigned me = threadIdx.x;
    swapcontext(&fibres[me].context, &scheduler);
}
static void meet(Meeting& meeting, unsigned members) {
    const unsigned round = meeting.round;
    if (++meeting.arrived == members) {
        meeting.arrived = 0;
        meeting.round++;
        meetings_ended++;
    } else {
        while (meeting.round == round) give_way();
    }
}
static void block_barrier() { meet(whole_block, blockDim.x); }
#define __syncthreads block_barrier

static inline unsigned __shfl_xor_sync(unsigned, unsigned value, unsigned mask) {
    const unsigned me = threadIdx.x, warp = me >> 5;
    lanes[me] = value;
    meet(warps[warp], 32);
    const unsigned got = lanes[me ^ mask];
    meet(warps[warp], 32);
    return got;
}
static inline unsigned __vmaxu2(unsigned a, unsigned b) {
    const unsigned low = (a & 0xFFFF) > (b & 0xFFFF) ? a & 0xFFFF : b & 0xFFFF;
    return low | ((a >> 16) > (b >> 16) ? a >> 16 : b >> 16) << 16;
}
static inline unsigned __vsub2(unsigned a, unsigned b) {
    return ((a - b) & 0xFFFF) | ((a >> 16) - (b >> 16)) << 16;
}

static void fibre_main() {
    kernel_body();
    fibres[threadIdx.x].done = true;
}

// Returns false when threads wait for ever. Threads are a multiple of 32, as shuffles need.
static bool launch_blocks(unsigned columns, unsigned lines, unsigned threads, std::function<void()> before,
                          std::function<void()> body) {
    gridDim.x = columns, gridDim.y = lines, blockDim.x = threads, blockDim.y = 1;
    fibres.resize(threads), warps.resize(threads / 32), lanes.resize(threads);
    kernel_body = body;
    for (unsigned line = 0; line < lines; line++)
        for (unsigned column = 0; column < columns; column++) {
            blockIdx.x = column, blockIdx.y = line;
            before();
            whole_block = Meeting();
            for (Meeting& warp : warps) warp = Meeting();
            for (Fibre& fibre : fibres) {
                fibre.done = false;
                getcontext(&fibre.context);
                fibre.context.uc_stack.ss_sp = fibre.stack.data();
                fibre.context.uc_stack.ss_size = fibre.stack.size();
                fibre.context.uc_link = &scheduler;
                makecontext(&fibre.context, fibre_main, 0);
            }
            for (unsigned left = threads; left;) {
                const unsigned long long ended = meetings_ended;
                const unsigned before_round = left;
                // Backwards, so that nothing is right only because thread 0 went first.
                for (unsigned me = threads; me-- > 0;) {
                    if (fibres[me].done) continue;
                    threadIdx.x = me;
                    swapcontext(&scheduler, &fibres[me].context);
                    left -= fibres[me].done;
                }
                if (left == before_round && ended == meetings_ended) return false;
            }
        }
    return true;
}
