// Scores and the best k on a CPU with AVX-512 VBMI and VNNI: sixteen candidates an iteration, no memory look-ups.
//
// A query's table (tables.py, `by_byte`) is 64 signed bytes a position, so one register holds a position's table and
// one byte permutation looks up 64 bytes at once; four of them, each for every fourth byte, replace each pillar
// by what it adds, and a dot product with ones sums the four bytes of each candidate. A permutation reads the
// lowest six bits of an index: the unknown hour, 255, finds entry 63, and the range check excludes a real 63.

#include "shim.h"

#if defined(__AVX512VBMI__) && defined(__AVX512VNNI__) && defined(__AVX512BW__)
#include <immintrin.h>

EXPORT i32 compatibility_cpu_supported() { return 1; }

#define LANES 16
#define BLOCK 1024  // candidates scored at once; looked at one by one only if the highest may win
#define LOWEST (-1024)  // below every score (SCORE_LIMIT of score.py)
#define LEVELS 2048

struct Query {
    __m512i year, month, day, hour;
};

static inline Query load(const signed char* table) {
    return {_mm512_loadu_si512(table), _mm512_loadu_si512(table + 64), _mm512_loadu_si512(table + 128),
            _mm512_loadu_si512(table + 192)};
}

// int32[16] scores; `wrong` collects a bit for each byte that is no pillar.
static inline __m512i sixteen(__m512i charts, const Query& query, u64& wrong) {
    const __mmask64 high = _mm512_cmpge_epu8_mask(charts, _mm512_set1_epi8(60));
    const __mmask64 unknown = _mm512_cmpeq_epi8_mask(charts, _mm512_set1_epi8(-1));
    wrong |= high & ~(unknown & 0x8888888888888888ull);
    __m512i adds = _mm512_permutexvar_epi8(charts, query.year);
    adds = _mm512_mask_permutexvar_epi8(adds, 0x2222222222222222ull, charts, query.month);
    adds = _mm512_mask_permutexvar_epi8(adds, 0x4444444444444444ull, charts, query.day);
    adds = _mm512_mask_permutexvar_epi8(adds, 0x8888888888888888ull, charts, query.hour);
    return _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), adds);
}

// Fill out[rows]; returns the highest score. Beyond the last candidate nothing is read, written or compared.
static inline i32 score(const unsigned char* charts, i64 rows, const Query& query, short* out, u64& wrong) {
    __m512i highest = _mm512_set1_epi32(LOWEST);
    i64 row = 0;
    for (; row + LANES <= rows; row += LANES) {
        const __m512i found = sixteen(_mm512_loadu_si512(charts + 4 * row), query, wrong);
        highest = _mm512_max_epi32(highest, found);
        _mm256_storeu_si256((__m256i*)(out + row), _mm512_cvtepi32_epi16(found));
    }
    if (row < rows) {
        const __mmask16 here = (__mmask16)((1u << (rows - row)) - 1);
        const __m512i found = sixteen(_mm512_maskz_loadu_epi32(here, charts + 4 * row), query, wrong);
        highest = _mm512_mask_max_epi32(highest, here, highest, found);
        _mm256_mask_storeu_epi16(out + row, here, _mm512_cvtepi32_epi16(found));
    }
    return _mm512_reduce_max_epi32(highest);
}

// Returns 1 when a value was out of range, else 0.
EXPORT i32 compatibility_cpu_scores(const unsigned char* charts, i64 rows, const signed char* table, short* out) {
    u64 wrong = 0;
    score(charts, rows, load(table), out, wrong);
    return wrong != 0;
}

// Keep the best k of `count` > k, in their order; of those that equal the worst kept, the first. Sets `worst`.
static i64 shrink(i64* index, short* scores, i64 count, i64 k, i32& worst) {
    i64 histogram[LEVELS] = {};
    for (i64 i = 0; i < count; i++) histogram[scores[i] - LOWEST]++;
    i64 above = 0;
    i32 level = LEVELS - 1;
    while (above + histogram[level] < k) above += histogram[level--];
    worst = level + LOWEST;
    i64 room = k - above, kept = 0;
    for (i64 i = 0; i < count; i++) {
        if (scores[i] < worst || (scores[i] == worst && room-- <= 0)) continue;
        index[kept] = index[i];
        scores[kept++] = scores[i];
    }
    return kept;
}

// The best k of candidates [start, stop) by index, into buffers of `capacity` > k; returns how many, -1 for a wrong
// value. Candidates come in order, so one that only equals the k-th best cannot enter: ties go to the lowest index.
EXPORT i64 compatibility_cpu_scan(const unsigned char* charts, i64 start, i64 stop, const signed char* table, i64 k,
                                  i64* index, short* scores, i64 capacity) {
    const Query query = load(table);
    short block[BLOCK];
    i64 count = 0;
    i32 worst = LOWEST;
    u64 wrong = 0;
    for (i64 begin = start; begin < stop; begin += BLOCK) {
        const i64 size = stop - begin < BLOCK ? stop - begin : BLOCK;
        const i32 highest = score(charts + 4 * begin, size, query, block, wrong);
        if (wrong) return -1;
        if (highest <= worst) continue;
        for (i64 row = 0; row < size; row += 32) {
            const __mmask32 here = size - row < 32 ? (1u << (size - row)) - 1 : 0xFFFFFFFFu;
            const __m512i some = _mm512_maskz_loadu_epi16(here, block + row);
            u32 better = _mm512_mask_cmpgt_epi16_mask(here, some, _mm512_set1_epi16((short)worst));
            for (; better; better &= better - 1) {
                const i64 at = row + __builtin_ctz(better);
                if (block[at] <= worst) continue;  // the buffer has shrunk since
                index[count] = begin + at;
                scores[count++] = block[at];
                if (count == capacity) count = shrink(index, scores, count, k, worst);
            }
        }
    }
    return count > k ? shrink(index, scores, count, k, worst) : count;
}

#else

EXPORT i32 compatibility_cpu_supported() { return 0; }

#endif
