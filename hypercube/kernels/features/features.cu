// Feature rows, one chart = 4 bytes read, 64 written. The same `feature_row` runs on the GPU and on the CPU.
//
// A row is put together from the tables of compact.py: the codes of its four pillars side by side, two sums over
// them, six pair flags, one group and one level look-up. A sum adds many small fields at once: compact.py says which.
//
// The small divisions (M = ceil(2^s / d), e = M d - 2^s; exact while x e < 2^s):
//     / 10  x <= 59     M = 205,   s = 11, e = 2
//     / 6   x <= 663    M = 683,   s = 12, e = 2;  x M < 2^20

#include "shim.h"

#if !ON_GPU && defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-vectorize")  // g++ would pair up look-ups in vector registers: 62 instead of 68 M rows/s
#endif

typedef unsigned char u8;
typedef unsigned short u16;

// Where the parts begin, in words of 8 bytes; compact.py.
#define SUMS 610
#define WEIGHTS 1830
#define LEVELS 2074
#define GROUPS 2106
#define PAIRS 3130
#define WORDS 4062
#define ROW_WORDS 8
#define UNKNOWN 60u

DEV u32 least(u32 a, u32 b) { return a < b ? a : b; }

// Seven fields of 4 bits to the low halves of seven bytes.
DEV u64 fields_to_bytes(u64 x) {
#if defined(__BMI2__) && !ON_GPU
    return __builtin_ia32_pdep_di(x, 0x000F0F0F0F0F0F0Full);
#else
    x = (x | x << 16) & 0x00000FFF0000FFFFull;
    x = (x | x << 8) & 0x000F00FF00FF00FFull;
    return (x | x << 4) & 0x000F0F0F0F0F0F0Full;
#endif
}

// Three lanes of 20 bits, each / 4096, to three bytes.
DEV u64 lanes_to_bytes(u64 x) {
#if defined(__BMI2__) && !ON_GPU
    return __builtin_ia32_pext_di(x, 0x0FF000FF000FF000ull);
#else
    return (x >> 12 & 0xFF) | (x >> 24 & 0xFF00) | (x >> 36 & 0xFF0000);
#endif
}

// Whether a chart is one: years, months and days below 60, hours too or 255.
DEV bool is_chart(u32 chart) {
    const u32 others = chart & 0xFFFFFF;
    // 68 more set the top bit of a byte of 60 to 127, and those above have it. 255 and 1 more are 0.
    return (((others + 0x444444u) | others) & 0x808080u) == 0 && (u8)((chart >> 24) + 1) <= 60;
}

// Fills w[8] for four pillars below 60; the hour may be 255.
DEV void feature_row(u32 chart, const u64* __restrict__ tables, u64* __restrict__ w) {
    const u32 year = chart & 255, month = chart >> 8 & 255, day = chart >> 16 & 255;
    const u32 hour = least(chart >> 24, UNKNOWN), unknown = hour == UNKNOWN;
    const u32 day_stem = day - (day * 205u >> 11) * 10u;

    const u64* codes = tables + day_stem * 61u;
    w[0] = codes[year];
    w[1] = codes[month];
    w[2] = codes[day] | 10u << 16;  // the day stem itself
    w[3] = codes[hour];

    const u64* sums = tables + SUMS + (day_stem >> 1) * 61u;
    const u64 a = sums[year], b = sums[305 + month], c = sums[610 + day], d = sums[915 + hour];
    const u64 sum = a + b + c + d;
    const u32 present = (u32)((a | b | c | d) >> 52);
    const u32 own = (u32)sum & 0xFFFF, rest = (u32)(sum >> 16) & 255;
    const u32 support = 10u + (own & 255) + (own >> 8) + rest;
    const u32 level = reinterpret_cast<const u8*>(tables + LEVELS)[support + (unknown << 7)];
    w[4] = fields_to_bytes(sum >> 24 & 0xFFFFFFF) | (u64)level << 56;

    const u64* weights = tables + WEIGHTS;
    const u64 lanes = weights[year] + weights[61 + month] + weights[122 + day] + weights[183 + hour];
    const u64 first = lanes_to_bytes((lanes & 0x3FF003FF003FFull) * 683u);
    const u64 last = lanes_to_bytes((lanes >> 10 & 0x3FF003FFull) * 683u);
    w[5] = first | last << 24 | (u64)(support | own << 8) << 40;

    const u16* pairs = reinterpret_cast<const u16*>(tables + PAIRS);
    const u16 *of_year = pairs + year * 61u, *of_month = pairs + month * 61u, *of_day = pairs + day * 61u;
    const u32 groups = reinterpret_cast<const u16*>(tables + GROUPS)[present];
    w[6] = (u64)of_year[month] | (u64)of_year[day] << 16 | (u64)of_year[hour] << 32 | (u64)of_month[day] << 48;
    w[7] = (u64)of_month[hour] | (u64)of_day[hour] << 16 | (u64)(groups | rest << 16 | (unknown ^ 1) << 24) << 32;
}

#if ON_GPU

// A thread makes one row a step. Stored from there, every instruction of a warp would write 16 bytes of 32 rows; so
// the warp first lays its 2 kB down in shared memory, beside the tables, and then writes 512 bytes in a run. The
// quarters of a row are turned by its number, so that of eight threads no two meet in one bank, either way.
// A row that is no chart is 255 throughout.
#define THREADS 256
#define WARP 32

DEV u32 turned(u32 row, u32 quarter) { return row * 4 + (quarter ^ (row >> 1 & 3)); }

extern "C" __global__ void __launch_bounds__(THREADS) features_rows(const u32* __restrict__ charts,
                                                                    uint4* __restrict__ out, i64 rows,
                                                                    const uint4* __restrict__ tables,
                                                                    u32* outside) {
    extern __shared__ uint4 near_tables[];  // the tables, then 2 kB a warp
    for (u32 i = threadIdx.x; i < WORDS / 2; i += blockDim.x) near_tables[i] = tables[i];
    __syncthreads();
    const u32 lane = threadIdx.x % WARP;
    uint4* stage = near_tables + WORDS / 2 + threadIdx.x / WARP * (4 * WARP);
    const i64 step = (i64)gridDim.x * blockDim.x;
    bool bad = false;
    for (i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x - lane; first < rows; first += step) {
        const i64 row = first + lane;
        u64 w[ROW_WORDS];
        const u32 chart = row < rows ? charts[row] : 0;
        const bool inside = is_chart(chart);
        feature_row(inside ? chart : 0, reinterpret_cast<const u64*>(near_tables), w);
        bad |= !inside;
#pragma unroll
        for (u32 quarter = 0; quarter < 4; quarter++) {
            const u64 low = inside ? w[2 * quarter] : ~0ull, high = inside ? w[2 * quarter + 1] : ~0ull;
            uint4 part;
            part.x = (u32)low, part.y = (u32)(low >> 32), part.z = (u32)high, part.w = (u32)(high >> 32);
            stage[turned(lane, quarter)] = part;
        }
        __syncwarp();
#pragma unroll
        for (u32 turn = 0; turn < 4; turn++) {
            const u32 at = turn * WARP + lane;
            if (first + (at >> 2) < rows) out[first * 4 + at] = stage[turned(at >> 2, at & 3)];
        }
        __syncwarp();
    }
    if (bad && outside) atomicOr(outside, 1u);
}

#else

// Returns 1 when a row is no chart, else 0.
EXPORT i32 features_cpu(const u32* __restrict__ charts, u64* __restrict__ out, i64 rows,
                        const u64* __restrict__ tables) {
    bool bad = false;
    for (i64 i = 0; i < rows; i++) {
        const bool inside = is_chart(charts[i]);
        bad |= !inside;
        feature_row(inside ? charts[i] : 0, tables, out + ROW_WORDS * i);
    }
    return bad;
}

#endif
