"""Feature rows in Triton, over torch CUDA tensors; the arithmetic and its proofs are those of features.cu.

With TRITON_INTERPRET=1 in the environment before the first import, it runs on CPU tensors instead, which is how
its parity is tested without a GPU. Triton cannot hold tables in shared memory: they are read through the cache.
"""

import functools
from typing import Any, Final

import torch
import triton
import triton.language as tl

from hypercube.kernels.arrays import no_device
from hypercube.kernels.features import compact
from hypercube.kernels.features.layout import ROW_BYTES

LIBRARIES: Final = ("torch",)
BLOCK: Final = 256
INTERPRETED_BLOCK: Final = 65_536
"""A program costs the interpreter some milliseconds whatever its size."""
WARPS: Final = 4
INTERPRETED: Final = bool(triton.knobs.runtime.interpret)
_SUMS = tl.constexpr(compact.SUMS)
_WEIGHTS = tl.constexpr(compact.WEIGHTS)
_LEVELS = tl.constexpr(8 * compact.LEVELS)
_GROUPS = tl.constexpr(4 * compact.GROUPS)
_PAIRS = tl.constexpr(4 * compact.PAIRS)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _flags(pointer, index):  # type: ignore[no-untyped-def]
    """Sixteen bits of a table of flags, int64[BLOCK]."""
    return tl.load(pointer + index).to(tl.int64) & 0xFFFF


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _fields_to_bytes(fields):  # type: ignore[no-untyped-def]
    x = (fields | (fields << 16)) & 0x00000FFF0000FFFF
    x = (x | (x << 8)) & 0x000F00FF00FF00FF
    return (x | (x << 4)) & 0x000F0F0F0F0F0F0F


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _lanes_to_bytes(lanes):  # type: ignore[no-untyped-def]
    return ((lanes >> 12) & 0xFF) | ((lanes >> 24) & 0xFF00) | ((lanes >> 36) & 0xFF0000)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def features_kernel(  # type: ignore[no-untyped-def]
    charts_pointer,  # int32[rows]: year, month, day, hour from the lowest byte up
    out_pointer,  # int64[8 rows]; -1 throughout where a row is no chart
    outside_pointer,  # int32[1]: set to 1 when a row is no chart
    words_pointer,  # int64: the tables of compact.py,
    halves_pointer,  # int16: the same memory,
    bytes_pointer,  # uint8: the same memory
    rows,
    CHECK: tl.constexpr,  # noqa: N803
    BLOCK: tl.constexpr,  # noqa: N803
):
    """One program, BLOCK rows; `feature_row` of features.cu, line by line."""
    start = tl.program_id(0).to(tl.int64) * BLOCK
    row = start + tl.arange(0, BLOCK)
    chart = tl.load(charts_pointer + row, mask=row < rows, other=0)
    year, month, day, hour = chart & 255, (chart >> 8) & 255, (chart >> 16) & 255, (chart >> 24) & 255
    inside = (year < 60) & (month < 60) & (day < 60) & (((hour + 1) & 255) <= 60)
    year, month = tl.minimum(year, 60), tl.minimum(month, 60)
    day, hour = tl.minimum(day, 60), tl.minimum(hour, 60)
    unknown = (hour == 60).to(tl.int64)
    day_stem = day - ((day * 205) >> 11) * 10

    codes = words_pointer + day_stem * 61
    w0 = tl.load(codes + year)
    w1 = tl.load(codes + month)
    w2 = tl.load(codes + day) | (10 << 16)
    w3 = tl.load(codes + hour)

    sums = words_pointer + _SUMS + (day_stem >> 1) * 61
    a, b = tl.load(sums + year), tl.load(sums + (305 + month))
    c, d = tl.load(sums + (610 + day)), tl.load(sums + (915 + hour))
    total = a + b + c + d
    present = ((a | b | c | d) >> 52) & 0xFFF
    own, rest = total & 0xFFFF, (total >> 16) & 255
    support = (own & 255) + (own >> 8) + rest + 10
    level = tl.load(bytes_pointer + (_LEVELS + support + unknown * 128)).to(tl.int64)
    w4 = _fields_to_bytes((total >> 24) & 0xFFFFFFF) | (level << 56)

    weights = words_pointer + _WEIGHTS
    lanes = tl.load(weights + year) + tl.load(weights + (61 + month))
    lanes += tl.load(weights + (122 + day)) + tl.load(weights + (183 + hour))
    first = _lanes_to_bytes((lanes & 0x3FF003FF003FF) * 683)
    last = _lanes_to_bytes(((lanes >> 10) & 0x3FF003FF) * 683)
    w5 = first | (last << 24) | ((support | (own << 8)) << 40)

    pairs = halves_pointer + _PAIRS
    of_year, of_month, of_day = pairs + year * 61, pairs + month * 61, pairs + day * 61
    w6 = _flags(of_year, month) | (_flags(of_year, day) << 16)
    w6 = w6 | (_flags(of_year, hour) << 32) | (_flags(of_month, day) << 48)
    w7 = _flags(of_month, hour) | (_flags(of_day, hour) << 16)
    w7 = w7 | (_flags(halves_pointer + _GROUPS, present) << 32) | (rest << 48) | ((1 - unknown) << 56)

    # Word 4 i + 2 j + k of a row at [i, j, k]: rows side by side, so that neighbours write neighbouring bytes.
    none = tl.full((BLOCK,), -1, tl.int64)
    w0, w1 = tl.where(inside, w0, none), tl.where(inside, w1, none)
    w2, w3 = tl.where(inside, w2, none), tl.where(inside, w3, none)
    w4, w5 = tl.where(inside, w4, none), tl.where(inside, w5, none)
    w6, w7 = tl.where(inside, w6, none), tl.where(inside, w7, none)
    even = tl.join(tl.join(w0, w4), tl.join(w2, w6))
    odd = tl.join(tl.join(w1, w5), tl.join(w3, w7))
    made = tl.reshape(tl.join(even, odd), (8 * BLOCK,))
    place = tl.arange(0, 8 * BLOCK)
    # Only the last program needs a mask, and a mask would cost all the wide stores.
    if start + BLOCK <= rows:
        tl.store(out_pointer + 8 * start + place, made)
    else:
        tl.store(out_pointer + 8 * start + place, made, mask=place < 8 * (rows - start))
    if CHECK:
        bad = tl.max((~inside).to(tl.int32), axis=0)
        tl.atomic_max(outside_pointer, bad, mask=bad > 0)


@functools.cache
def _tables(device: Any) -> tuple[Any, Any, Any]:
    """The tables on a device as int64, int16 and uint8: one memory, three views."""
    words = torch.from_numpy(compact.load_compact().view("int64").copy()).to(device)
    return words, words.view(torch.int16), words.view(torch.uint8)


_warm: set[Any] = set()


def is_warm() -> bool:
    """Whether the kernel has run once on some device of this process."""
    return bool(_warm)


def warm_up() -> None:
    """Compile for the current device; FAILED_PRECONDITION without a device."""
    if not INTERPRETED and not torch.cuda.is_available():
        raise no_device("features", "triton")
    device = torch.device("cpu") if INTERPRETED else torch.device("cuda", torch.cuda.current_device())
    charts = torch.zeros((1, 4), dtype=torch.uint8, device=device)
    features(charts, torch.empty((1, ROW_BYTES), dtype=torch.uint8, device=device), True)


def features(charts: Any, out: Any, check: bool) -> bool:
    """Fill `out` on torch's current stream.

    Args:
        charts: torch uint8[N, 4], contiguous, at an address divisible by 4.
        out: torch uint8[N, 64], contiguous, at an address divisible by 16, same device.
        check: read the range flag back, which waits for the kernel; else nothing is allocated or waited for.

    Returns:
        False when `check` found a row that is no chart; such a row is 255 throughout in `out`.
    """
    rows = charts.shape[0]
    if rows == 0:
        return True
    device = charts.device
    tables = _tables(device)
    outside = torch.zeros(1, dtype=torch.int32, device=device) if check else tables[0].view(torch.int32)
    block = INTERPRETED_BLOCK if INTERPRETED else BLOCK
    with torch.cuda.device(device if device.type == "cuda" else -1):
        features_kernel[(triton.cdiv(rows, block),)](
            charts.view(torch.int32),
            out.view(torch.int64),
            outside,
            *tables,
            rows,
            CHECK=check,
            BLOCK=block,
            num_warps=WARPS,
        )
    _warm.add(device)
    return not check or outside.item() == 0
