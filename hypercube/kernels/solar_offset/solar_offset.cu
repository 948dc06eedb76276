// Seconds from UTC to mean or true solar time. A row = 8 bytes of instant, 8 of longitude (unless one serves all), 4
// written. The same `row` runs on the GPU and on the CPU, and all of it is whole numbers but for one product:
//
//     longitude   trunc(480 * degrees), then halved half away from zero. A multiplication followed by a conversion:
//                 IEEE rounds it in one way, and there is no addition that a compiler could fuse into it.
//     equation    the cubic of table.py, exact, with N >> 27 in place of N, which has 78 bits.
//
// Widths, from the bounds that table.py checks when it is read: b3 r in 31 bits and a sign, w in 58 and a sign (so
// that w >> 27 is an int), N >> 27 in 53.
//
// Divisions (M = ceil(2^s / d), e = M d - 2^s; exact while x e < 2^s):
//     / 675    x < 2^25    M = 50903317, s = 35, e = 607    (seconds / 512 -> point of the grid)
//     / UNIT   x < 2^53: the quotient of x >> 36 < 2^17 by UNIT / 2^36 = 26.85, which 39049 / 2^20 undercuts by 6e-7,
//              is too small by less than 0.04 + 0.08, so its floor lacks at most one; a comparison gives it back.

#include "shim.h"

struct Table {
    i64 base_utc_s;  // first second that has an answer
    u64 span_s;      // how many follow
    i64 lead_s;      // from the table's first point to base_utc_s
};

#define STEP_S 345600
#define SCALE 307546875ll  // 675^3 = STEP_S^3 / 2^27
#define UNIT (6000 * SCALE)
#define BIAS_S 2048
#define NO_OFFSET ((i32)0x80000000u)
#define MOST_DEGREES 180.0

DEV i32 longitude_part(double degrees) {
    const i32 doubled = (i32)(degrees * 480.0);
    const i32 sign = doubled >> 31;
    return (((((doubled ^ sign) - sign) + 1) >> 1) ^ sign) - sign;
}

// `since` counts from the table's first point.
DEV i32 equation(u64 since, const i32* __restrict__ table) {
    // Signed indices because x86 gathers are.
    const i32 point = (i32)((since >> 9) * 50903317ull >> 35);
    const i32 r = (i32)((u32)since - (u32)point * STEP_S);
    const i32 y0 = table[point - 1], y1 = table[point], y2 = table[point + 1], y3 = table[point + 2];
    const i32 b0 = 6 * y1, b1 = 6 * y2 - 2 * y0 - 3 * y1 - y3, b2 = 3 * (y0 - 2 * y1 + y2), b3 = y3 - y0 + 3 * (y1 - y2);
    const i64 w = ((i64)(b3 * r) + (i64)b2 * STEP_S) * r + (i64)b1 * 455625 * 262144;  // 455625 * 2^18 = STEP_S^2
    const i64 carry = (w & 0x7FFFFFF) * r;
    const i64 n = (i64)b0 * SCALE + (i64)(i32)(w >> 27) * r;
    const i64 negative = (n + (carry >> 27)) >> 63;  // -1 or 0
    const u64 x = (u64)(n + ((carry + negative) >> 27) + UNIT / 2 + BIAS_S * UNIT);
    const u32 least = ((u32)(x >> 36) * 39049u) >> 20;
    return (i32)least + (i32)(x - (u64)least * UNIT >= (u64)UNIT) - BIAS_S;
}

// NO_OFFSET where the instant or the longitude is out of range; `degrees` is read where EACH, else `seconds`.
template <bool APPARENT, bool EACH>
DEV i32 row(i64 utc, double degrees, i32 seconds, const i32* __restrict__ table, Table t) {
    const u64 u = (u64)utc - (u64)t.base_utc_s;
    bool inside = u < t.span_s;
    if (EACH) {
        const bool known = (degrees >= -MOST_DEGREES) & (degrees <= MOST_DEGREES);
        seconds = longitude_part(known ? degrees : 0.0);
        inside &= known;
    }
    if (APPARENT) seconds += equation((u < t.span_s ? u : 0) + (u64)t.lead_s, table);  // outside: a valid read
    return inside ? seconds : NO_OFFSET;
}

#if ON_GPU

// Each thread takes four rows a step: 2 x 16 bytes of instants, 2 x 16 of longitudes, 16 of offsets. With NEAR the
// table's four reads a row come from shared memory: of 32 rows anywhere in four centuries each would touch 32 lines.
template <bool APPARENT, bool EACH, bool NEAR>
DEV void walk(const i64* __restrict__ utc, const double* __restrict__ degrees, i32 seconds, i32* __restrict__ out,
              i64 rows, const i32* __restrict__ far_table, u32 points, Table t, u32* outside) {
    extern __shared__ i32 near_table[];
    if (NEAR) {
        for (u32 i = threadIdx.x; i < points; i += blockDim.x) near_table[i] = far_table[i];
        __syncthreads();
    }
    const i32* __restrict__ table = NEAR ? near_table : far_table;
    const i64 first = (i64)blockIdx.x * blockDim.x + threadIdx.x;
    const i64 step = (i64)gridDim.x * blockDim.x;
    bool bad = false;
    i64 done = 0;
    if ((((u64)utc | (EACH ? (u64)degrees : 0) | (u64)out) & 15) == 0) {
        const i64 quads = rows >> 2;
        for (i64 i = first; i < quads; i += step) {
            const longlong2 a = reinterpret_cast<const longlong2*>(utc)[2 * i];
            const longlong2 b = reinterpret_cast<const longlong2*>(utc)[2 * i + 1];
            double2 c = {0, 0}, d = {0, 0};
            if (EACH) {
                c = reinterpret_cast<const double2*>(degrees)[2 * i];
                d = reinterpret_cast<const double2*>(degrees)[2 * i + 1];
            }
            int4 o;
            o.x = row<APPARENT, EACH>(a.x, c.x, seconds, table, t);
            o.y = row<APPARENT, EACH>(a.y, c.y, seconds, table, t);
            o.z = row<APPARENT, EACH>(b.x, d.x, seconds, table, t);
            o.w = row<APPARENT, EACH>(b.y, d.y, seconds, table, t);
            bad |= o.x == NO_OFFSET | o.y == NO_OFFSET | o.z == NO_OFFSET | o.w == NO_OFFSET;
            reinterpret_cast<int4*>(out)[i] = o;
        }
        done = quads << 2;
    }
    for (i64 i = done + first; i < rows; i += step) {  // the last three, or an array that starts anywhere
        const i32 o = row<APPARENT, EACH>(utc[i], EACH ? degrees[i] : 0.0, seconds, table, t);
        bad |= o == NO_OFFSET;
        out[i] = o;
    }
    if (bad && outside) atomicOr(outside, 1u);
}

// BLOCKS a multiprocessor bound the registers. With NEAR one block fills it, and a thread may have 64.
#define KERNEL(NAME, THREADS, BLOCKS, APPARENT, EACH, NEAR)                                                     \
    extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) NAME(                                         \
        const i64* __restrict__ utc, const double* __restrict__ degrees, i32 seconds, i32* __restrict__ out,    \
        i64 rows, const i32* __restrict__ table, u32 points, i64 base_utc_s, u64 span_s, i64 lead_s,            \
        u32* outside) {                                                                                         \
        const Table t = {base_utc_s, span_s, lead_s};                                                           \
        walk<APPARENT, EACH, NEAR>(utc, degrees, seconds, out, rows, table, points, t, outside);                \
    }

KERNEL(mean_of_one, 256, 5, false, false, false)
KERNEL(mean_of_each, 256, 5, false, true, false)
KERNEL(apparent_of_one, 256, 5, true, false, false)
KERNEL(apparent_of_each, 256, 5, true, true, false)
KERNEL(apparent_of_one_near, 1024, 1, true, false, true)
KERNEL(apparent_of_each_near, 1024, 1, true, true, true)

#else

template <bool APPARENT, bool EACH>
static i32 run(const i64* __restrict__ utc, const double* __restrict__ degrees, i32 seconds, i32* __restrict__ out,
               i64 rows, const i32* __restrict__ table, Table t) {
    i32 bad = 0;
#pragma omp simd reduction(| : bad)
    for (i64 i = 0; i < rows; i++) {
        const i32 o = row<APPARENT, EACH>(utc[i], EACH ? degrees[i] : 0.0, seconds, table, t);
        bad |= o == NO_OFFSET;
        out[i] = o;
    }
    return bad;
}

// `degrees` may be null: `seconds` is then the longitude part of all. Returns 1 when a row was out of range (it holds
// NO_OFFSET), else 0.
EXPORT i32 solar_offset_cpu(const i64* utc, const double* degrees, i32 seconds, i32* out, i64 rows, const i32* table,
                            const Table* bounds, i32 apparent) {
    if (apparent)
        return degrees ? run<true, true>(utc, degrees, seconds, out, rows, table, *bounds)
                       : run<true, false>(utc, degrees, seconds, out, rows, table, *bounds);
    return degrees ? run<false, true>(utc, degrees, seconds, out, rows, table, *bounds)
                   : run<false, false>(utc, degrees, seconds, out, rows, table, *bounds);
}

#endif
