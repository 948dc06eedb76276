// Compatibility scores and the best k on a GPU: 4 bytes a candidate, two look-ups in shared memory, two queries at once.
//
// A table (tables.py, `by_pair`) holds two queries in the halves of a word, both biased to be positive, so that one
// addition scores a candidate for both and no half carries into the other.
//
// The best k without a histogram and without atomics: cut the candidates into tiles of 512 consecutive rows and
// order the tiles by (highest score, lowest tile). A row outside the first k tiles is beaten by the best row of
// each of them: that row scores higher, or the same and lies lower. So
//
//     tile_maxima   one pass over all candidates: the highest score of every tile, as a sortable key
//     (sort)        the first k tiles
//     row_keys      the keys of the 512 k rows in them
//     (sort)        the first k rows
//     answers       keys to rows and scores
//
// A key is query << 52 | biased score << 40 | (2^40 - 1 - row or tile): unique, and greater means better. One radix
// sort orders a whole batch, each query's keys staying where they lie. Score bits of 0 are no row.

#include "shim.h"

#define PILLARS 61  // and the unknown hour
#define HALF (PILLARS * PILLARS)
#define TILE 512
#define ROW_BITS 40
#define SCORE_BITS 12
#define LAST_ROW ((1ll << ROW_BITS) - 1)

#if ON_GPU

// A chart's word with the unknown hour as 60; what is no chart sets `wrong` and becomes the first chart of all.
// A byte of 60 or more (an hour of 61 where 60 stands for 255) shows in its highest bit, by itself or after the
// addition, which carries into no other byte.
DEV u32 checked(u32 word, u32& wrong) {
    const bool unknown = word >= 0xFF000000u;
    const u32 chart = unknown ? word ^ 0xC3000000u : word;
    const u32 bad = (((chart & 0x7F7F7F7Fu) + (unknown ? 0x43444444u : 0x44444444u)) | chart) & 0x80808080u;
    wrong |= bad;
    return bad ? 0 : chart;
}

DEV u32 both_scores(u32 word, const u32* __restrict__ table, u32& wrong) {
    const u32 chart = checked(word, wrong);
    return table[(chart & 255) + PILLARS * (chart >> 8 & 255)] +
           table[HALF + (chart >> 16 & 255) + PILLARS * (chart >> 24)];
}

DEV i64 key(i32 query, u32 biased, i64 row) {
    return ((i64)query << SCORE_BITS | biased) << ROW_BITS | (LAST_ROW - row);
}

extern __shared__ u32 near_table[];  // 30 kB

DEV void fetch_table(const u32* __restrict__ tables) {
    const u32* table = tables + (i64)blockIdx.y * 2 * HALF;
    for (u32 i = threadIdx.x; i < 2 * HALF; i += blockDim.x) near_table[i] = table[i];
    __syncthreads();
}

// Grid: blocks x pairs of queries. A warp takes a tile: four 16-byte loads in flight a lane. keys[queries, tiles].
extern "C" __global__ void __launch_bounds__(512)
    tile_maxima(const u32* __restrict__ charts, i64 rows, const u32* __restrict__ tables, i32 queries,
                i64* __restrict__ keys, u32* __restrict__ wrong) {
    fetch_table(tables);
    const u32 lane = threadIdx.x & 31;
    const i64 tiles = (rows + TILE - 1) / TILE;
    const i64 step = (i64)gridDim.x * (blockDim.x >> 5);
    const bool aligned = ((u64)charts & 15) == 0;
    const i32 query = 2 * blockIdx.y;
    u32 bad = 0;
    for (i64 tile = (i64)blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5); tile < tiles; tile += step) {
        const i64 first = tile * TILE;
        u32 best = 0;
        if (aligned && first + TILE <= rows) {
            const uint4* quads = reinterpret_cast<const uint4*>(charts + first) + lane;
            uint4 four[TILE / 128];
#pragma unroll
            for (u32 i = 0; i < TILE / 128; i++) four[i] = quads[i * 32];
#pragma unroll
            for (u32 i = 0; i < TILE / 128; i++) {
                best = __vmaxu2(best, both_scores(four[i].x, near_table, bad));
                best = __vmaxu2(best, both_scores(four[i].y, near_table, bad));
                best = __vmaxu2(best, both_scores(four[i].z, near_table, bad));
                best = __vmaxu2(best, both_scores(four[i].w, near_table, bad));
            }
        } else {
            const i64 stop = first + TILE < rows ? first + TILE : rows;
            for (i64 row = first + lane; row < stop; row += 32)
                best = __vmaxu2(best, both_scores(charts[row], near_table, bad));
        }
        for (u32 apart = 16; apart; apart >>= 1)
            best = __vmaxu2(best, __shfl_xor_sync(0xFFFFFFFFu, best, apart));
        if (lane == 0) {
            keys[query * tiles + tile] = key(query, best & 0xFFFF, tile);
            if (query + 1 < queries) keys[(query + 1) * tiles + tile] = key(query + 1, best >> 16, tile);
        }
    }
    if (bad) atomicOr(wrong, 1u);
}

// Grid: blocks x queries. keys[queries, taken, TILE] of the rows of the tiles whose keys are
// tile_keys[query * stride .. + taken], in whatever order; of the first `taken` tiles where there are no keys.
extern "C" __global__ void __launch_bounds__(512)
    row_keys(const u32* __restrict__ charts, i64 rows, const u32* __restrict__ tables,
             const i64* __restrict__ tile_keys, i64 stride, i64 taken, i64* __restrict__ keys,
             u32* __restrict__ wrong) {
    const i32 query = blockIdx.y;
    const u32* table = tables + (i64)(query >> 1) * 2 * HALF;
    const i64 step = (i64)gridDim.x * blockDim.x;
    u32 bad = 0;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < taken * TILE; i += step) {
        const i64 slot = i / TILE;
        const i64 tile = tile_keys ? LAST_ROW - (tile_keys[query * stride + slot] & LAST_ROW) : slot;
        const i64 row = tile * TILE + i % TILE;
        i64 made = key(query, 0, LAST_ROW);
        if (row < rows) {
            const u32 both = both_scores(charts[row], table, bad);
            made = key(query, query & 1 ? both >> 16 : both & 0xFFFF, row);
        }
        keys[query * taken * TILE + i] = made;
    }
    if (bad) atomicOr(wrong, 1u);
}

// Grid: blocks x queries. The best k keys, the last first, end at keys[query * stride + stride - 1].
extern "C" __global__ void __launch_bounds__(512)
    answers(const i64* __restrict__ keys, i64 stride, i64 k, i32 bias, i64* __restrict__ rows,
            short* __restrict__ scores) {
    const i64 step = (i64)gridDim.x * blockDim.x;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < k; i += step) {
        const i64 one = keys[blockIdx.y * stride + stride - 1 - i];
        rows[blockIdx.y * k + i] = LAST_ROW - (one & LAST_ROW);
        scores[blockIdx.y * k + i] = (short)((i32)(one >> ROW_BITS & ((1 << SCORE_BITS) - 1)) - bias);
    }
}

// Grid: blocks x pairs of queries. out[queries, rows]; a thread takes eight rows where all ends lie on 16 bytes.
extern "C" __global__ void __launch_bounds__(512)
    all_scores(const u32* __restrict__ charts, i64 rows, const u32* __restrict__ tables, i32 queries, i32 bias,
               short* __restrict__ out, u32* __restrict__ wrong) {
    fetch_table(tables);
    const i32 query = 2 * blockIdx.y;
    const bool pair = query + 1 < queries;
    short* one = out + query * rows;
    short* other = one + (pair ? rows : 0);
    const i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    const i64 step = (i64)gridDim.x * blockDim.x;
    const u32 biases = (u32)bias * 0x10001u;
    u32 bad = 0;
    i64 done = 0;
    if ((((u64)charts | (u64)one | (u64)other) & 15) == 0) {
        for (i64 i = first; i < rows >> 3; i += step) {
            const uint4 a = reinterpret_cast<const uint4*>(charts)[2 * i];
            const uint4 b = reinterpret_cast<const uint4*>(charts)[2 * i + 1];
            const u32 words[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
            u32 low[4], high[4];
#pragma unroll
            for (u32 j = 0; j < 4; j++) {
                const u32 even = __vsub2(both_scores(words[2 * j], near_table, bad), biases);
                const u32 odd = __vsub2(both_scores(words[2 * j + 1], near_table, bad), biases);
                low[j] = (even & 0xFFFF) | odd << 16;
                high[j] = even >> 16 | (odd & 0xFFFF0000u);
            }
            reinterpret_cast<uint4*>(one)[i] = {low[0], low[1], low[2], low[3]};
            if (pair) reinterpret_cast<uint4*>(other)[i] = {high[0], high[1], high[2], high[3]};
        }
        done = rows & ~7ll;
    }
    for (i64 row = done + first; row < rows; row += step) {
        const u32 both = both_scores(charts[row], near_table, bad);
        one[row] = (short)((i32)(both & 0xFFFF) - bias);
        if (pair) other[row] = (short)((i32)(both >> 16) - bias);
    }
    if (bad) atomicOr(wrong, 1u);
}

#endif
