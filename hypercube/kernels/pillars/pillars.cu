// Four pillars, one chart = 12 bytes read, 4 written. The same `chart` runs on the GPU and on the CPU.
//
// Month and year: one gather in the bucket table of packed.py, one carry. Day and hour: all conventions repeat
// after 60 days = 324,000 steps of 16 s, so the clock hour inside that cycle is
// a fraction multiplied out, without a division and without a second table:
//
//     x = local seconds / 16                    v = (x * C mod 2^64) >> 32,   C = ceil(2^64 / 324000)
//     clock hour of the cycle = (v + 1) * 1440 >> 32
//
// Exact: let x / 324000 have the fraction f, a multiple of 1/324000. x * C mod 2^64 is f 2^64 + x e with
// 0 <= e < 1 and x < 2^30, so (v + 1) / 2^32 lies above f by more than 0 and at most 2^-32 + 2^-34. Times 1,440
// the excess is below 1/225, the distance from a value j/225 to the next hour: the floor is that of 1440 f.
//
// The small divisions (M = ceil(2^s / d), e = M d - 2^s; exact while x e < 2^s):
//     / 12  x <= 720    M = 5462,  s = 16, e = 8
//     / 24  x <= 1440   M = 2731,  s = 16, e = 8
//     / 60  x <= 722    M = 1093,  s = 16, e = 44

#include "shim.h"

struct Tables {
    i64 base_utc_s;    // first second that has an answer
    u64 span_s;        // how many follow
    i64 base_local_s;  // 00:00 of a local cycle's first day
    i32 widest_s;      // largest |offset|
    u32 last_bucket;
};

#define BUCKET_BITS 21
#define NO_CHART 0xFFFFFFFFu
#define CYCLE 56934395289228ull  // ceil(2^64 / 324000)

// Day boundaries: 0 midnight, 1 zi23, 2 same_day.
DEV u32 chart(i64 utc, i32 offset, const u32* __restrict__ entries, Tables t, int boundary) {
    u64 u = (u64)utc - (u64)t.base_utc_s;
    u32 bucket = (u32)(u >> BUCKET_BITS);
    bucket = bucket < t.last_bucket ? bucket : t.last_bucket;  // outside: a valid read, then NO_CHART
    // The index is signed because x86 gathers are: unsigned, g++ reads the lanes one by one (12 % slower).
    u32 month720 = (entries[(i32)bucket] + ((u32)u & ((1u << BUCKET_BITS) - 1))) >> BUCKET_BITS;
    u32 year = month720 * 5462u >> 16;
    year = year == 60 ? 0 : year;
    u32 month = month720 + 2;
    month -= (month * 1093u >> 16) * 60u;

    u64 steps = ((u64)utc + (u64)(i64)offset - (u64)t.base_local_s) >> 4;
    u64 fraction = (steps * CYCLE >> 32) + 1;
    u32 clock_hour = (u32)(fraction * 1440u >> 32);
    u32 day = clock_hour * 2731u >> 16;
    u32 double_hour = (clock_hour + 1) >> 1;
    if (boundary == 1) {
        day = (clock_hour + 1) * 2731u >> 16;
        day = day == 60 ? 0 : day;
    }
    if (boundary == 2) double_hour -= clock_hour - day * 24u == 23 ? 12 : 0;
    u32 hour = double_hour - (double_hour * 1093u >> 16) * 60u;

    bool inside = (u < t.span_s) & ((u32)offset + (u32)t.widest_s <= 2u * (u32)t.widest_s);
    u32 packed = year | month << 8 | day << 16 | hour << 24;
    return inside ? packed : NO_CHART;
}

#if ON_GPU

// Each thread takes four charts a step: 2 x 16 bytes of instants, 16 of offsets, 16 of charts. The bucket table
// (24 kB) sits in shared memory, where 32 random reads cost a few bank conflicts instead of 32 cache lines. A
// block walks the grid for up to 32 steps (`grid` in cupy.py), which repays its copy of the table.
template <int BOUNDARY>
DEV void walk(const i64* __restrict__ utc, const i32* __restrict__ offset, u32* __restrict__ out, i64 rows,
              const u32* __restrict__ entries, Tables t, u32* outside) {
    extern __shared__ u32 near_entries[];
    for (u32 i = threadIdx.x; i <= t.last_bucket; i += blockDim.x) near_entries[i] = entries[i];
    __syncthreads();
    const i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    const i64 step = (i64)gridDim.x * blockDim.x;
    bool bad = false;
    i64 done = 0;
    if ((((u64)utc | (u64)offset | (u64)out) & 15) == 0) {
        const i64 quads = rows >> 2;
        for (i64 i = first; i < quads; i += step) {
            const longlong2 a = reinterpret_cast<const longlong2*>(utc)[2 * i];
            const longlong2 b = reinterpret_cast<const longlong2*>(utc)[2 * i + 1];
            const int4 o = reinterpret_cast<const int4*>(offset)[i];
            uint4 c;
            c.x = chart(a.x, o.x, near_entries, t, BOUNDARY);
            c.y = chart(a.y, o.y, near_entries, t, BOUNDARY);
            c.z = chart(b.x, o.z, near_entries, t, BOUNDARY);
            c.w = chart(b.y, o.w, near_entries, t, BOUNDARY);
            bad |= c.x == NO_CHART | c.y == NO_CHART | c.z == NO_CHART | c.w == NO_CHART;
            reinterpret_cast<uint4*>(out)[i] = c;
        }
        done = quads << 2;
    }
    for (i64 i = done + first; i < rows; i += step) {  // the last three, or an array that starts anywhere
        const u32 c = chart(utc[i], offset[i], near_entries, t, BOUNDARY);
        bad |= c == NO_CHART;
        out[i] = c;
    }
    if (bad && outside) atomicOr(outside, 1u);
}

// One kernel a convention, so that none pays for the others' instructions.
#define KERNEL(NAME, BOUNDARY)                                                                                  \
    extern "C" __global__ void __launch_bounds__(512) NAME(                                                     \
        const i64* __restrict__ utc, const i32* __restrict__ offset, u32* __restrict__ out, i64 rows,           \
        const u32* __restrict__ entries, i64 base_utc_s, u64 span_s, i64 base_local_s, i32 widest_s,            \
        u32 last_bucket, u32* outside) {                                                                        \
        const Tables t = {base_utc_s, span_s, base_local_s, widest_s, last_bucket};                             \
        walk<BOUNDARY>(utc, offset, out, rows, entries, t, outside);                                            \
    }

KERNEL(pillars_midnight, 0)
KERNEL(pillars_zi23, 1)
KERNEL(pillars_same_day, 2)

#else

template <int BOUNDARY>
static u32 run(const i64* __restrict__ utc, const i32* __restrict__ offset, u32* __restrict__ out, i64 rows,
               const u32* __restrict__ entries, Tables t) {
    u32 bad = 0;
#pragma omp simd reduction(| : bad)
    for (i64 i = 0; i < rows; i++) {
        const u32 c = chart(utc[i], offset[i], entries, t, BOUNDARY);
        bad |= c == NO_CHART;
        out[i] = c;
    }
    return bad;
}

// Returns 1 when a row was out of range (its chart is NO_CHART), else 0.
EXPORT i32 pillars_cpu(const i64* utc, const i32* offset, u32* out, i64 rows, const u32* entries,
                       const Tables* tables, i32 boundary) {
    switch (boundary) {
        case 1: return (i32)run<1>(utc, offset, out, rows, entries, *tables);
        case 2: return (i32)run<2>(utc, offset, out, rows, entries, *tables);
        default: return (i32)run<0>(utc, offset, out, rows, entries, *tables);
    }
}

#endif
