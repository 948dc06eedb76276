"""Four pillars in Triton, over torch CUDA tensors; the arithmetic and its proofs are those of pillars.cu.

With TRITON_INTERPRET=1 in the environment before the first import, it runs on CPU tensors instead, which is how
its parity is tested without a GPU. Nothing is autotuned: the kernel is bound by memory, and a program takes
enough rows for 16-byte loads and stores in every thread.
"""

import functools
from typing import Any, Final

import torch
import triton
import triton.language as tl

from hypercube.kernels.arrays import no_device
from hypercube.kernels.pillars.packed import BUCKET_BITS, MAX_OFFSET_S, load_packed

LIBRARIES: Final = ("torch",)
BLOCK: Final = 2_048
INTERPRETED_BLOCK: Final = 65_536
"""A program costs the interpreter about 4 ms whatever its size."""
WARPS: Final = 8
BOUNDARY_CODES: Final = {"midnight": 0, "zi23": 1, "same_day": 2}
_BUCKET_BITS = tl.constexpr(BUCKET_BITS)
_POSITION = tl.constexpr((1 << BUCKET_BITS) - 1)
_CYCLE = tl.constexpr(-(-(2**64) // 324_000))
INTERPRETED: Final = bool(triton.knobs.runtime.interpret)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _charts(  # type: ignore[no-untyped-def]
    utc,  # int64[BLOCK]
    offset,  # int32[BLOCK]
    entries_pointer,
    BASE_UTC_S: tl.constexpr,  # noqa: N803
    SPAN_S: tl.constexpr,  # noqa: N803
    BASE_LOCAL_S: tl.constexpr,  # noqa: N803
    WIDEST_S: tl.constexpr,  # noqa: N803
    LAST_BUCKET: tl.constexpr,  # noqa: N803
    BOUNDARY: tl.constexpr,  # noqa: N803
):
    """Charts int32[BLOCK] and whether each is inside int1[BLOCK]; `chart` of pillars.cu, line by line."""
    u = utc - BASE_UTC_S
    bucket = tl.minimum(tl.maximum(u >> _BUCKET_BITS, 0), LAST_BUCKET).to(tl.int32)
    position = (u & _POSITION).to(tl.int32)
    month720 = (tl.load(entries_pointer + bucket) + position) >> _BUCKET_BITS
    year = (month720 * 5462) >> 16
    year = tl.where(year == 60, 0, year)
    month = month720 + 2
    month = month - ((month * 1093) >> 16) * 60

    steps = (utc + offset - BASE_LOCAL_S) >> 4
    fraction = (((steps * _CYCLE) >> 32) & 0xFFFFFFFF) + 1
    clock_hour = ((fraction * 1440) >> 32).to(tl.int32)
    double_hour = (clock_hour + 1) >> 1
    if BOUNDARY == 1:
        day = ((clock_hour + 1) * 2731) >> 16
        day = tl.where(day == 60, 0, day)
    else:
        day = (clock_hour * 2731) >> 16
    if BOUNDARY == 2:
        double_hour = double_hour - tl.where(clock_hour - day * 24 == 23, 12, 0)
    hour = double_hour - ((double_hour * 1093) >> 16) * 60

    inside = (u >= 0) & (u < SPAN_S) & (offset >= -WIDEST_S) & (offset <= WIDEST_S)
    packed = tl.where(inside, year | (month << 8) | (day << 16) | (hour << 24), -1)
    return packed, inside


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def pillars_kernel(  # type: ignore[no-untyped-def]
    utc_pointer,  # int64[rows]
    offset_pointer,  # int32[rows]
    out_pointer,  # int32[rows]: year, month, day, hour from the lowest byte up; -1 = out of range
    outside_pointer,  # int32[1]: set to 1 when a row is out of range
    entries_pointer,  # int32[buckets] of packed.py
    rows,
    BASE_UTC_S: tl.constexpr,  # noqa: N803
    SPAN_S: tl.constexpr,  # noqa: N803
    BASE_LOCAL_S: tl.constexpr,  # noqa: N803
    WIDEST_S: tl.constexpr,  # noqa: N803
    LAST_BUCKET: tl.constexpr,  # noqa: N803
    BOUNDARY: tl.constexpr,  # noqa: N803
    CHECK: tl.constexpr,  # noqa: N803
    BLOCK: tl.constexpr,  # noqa: N803
):
    """One program, BLOCK rows. Only the last may need a mask, and a mask would cost all the wide transfers."""
    start = tl.program_id(0).to(tl.int64) * BLOCK
    row = start + tl.arange(0, BLOCK)
    if start + BLOCK <= rows:
        utc = tl.load(utc_pointer + row)
        offset = tl.load(offset_pointer + row)
        packed, inside = _charts(
            utc, offset, entries_pointer, BASE_UTC_S, SPAN_S, BASE_LOCAL_S, WIDEST_S, LAST_BUCKET, BOUNDARY
        )
        tl.store(out_pointer + row, packed)
    else:
        here = row < rows
        utc = tl.load(utc_pointer + row, mask=here, other=BASE_UTC_S)
        offset = tl.load(offset_pointer + row, mask=here, other=0)
        packed, inside = _charts(
            utc, offset, entries_pointer, BASE_UTC_S, SPAN_S, BASE_LOCAL_S, WIDEST_S, LAST_BUCKET, BOUNDARY
        )
        tl.store(out_pointer + row, packed, mask=here)
    if CHECK:
        bad = tl.max((~inside).to(tl.int32), axis=0)
        tl.atomic_max(outside_pointer, bad, mask=bad > 0)


def constants(day_boundary: str, check: bool, block: int) -> dict[str, int | bool]:
    """The kernel's compile-time arguments by name."""
    packed = load_packed()
    return {
        "BASE_UTC_S": packed.base_utc_s,
        "SPAN_S": packed.span_s,
        "BASE_LOCAL_S": packed.base_local_s,
        "WIDEST_S": MAX_OFFSET_S,
        "LAST_BUCKET": len(packed.entries) - 1,
        "BOUNDARY": BOUNDARY_CODES[day_boundary],
        "CHECK": check,
        "BLOCK": block,
    }


@functools.cache
def _entries(device: Any) -> Any:
    return torch.from_numpy(load_packed().entries.view("int32").copy()).to(device)


_warm: set[Any] = set()


def is_warm() -> bool:
    """Whether the kernel has run once on some device of this process."""
    return bool(_warm)


def warm_up() -> None:
    """Compile for the current device, all three conventions; FAILED_PRECONDITION without a device."""
    if not INTERPRETED and not torch.cuda.is_available():
        raise no_device("pillars", "triton")
    device = torch.device("cpu") if INTERPRETED else torch.device("cuda", torch.cuda.current_device())
    utc = torch.zeros(1, dtype=torch.int64, device=device)
    offset = torch.zeros(1, dtype=torch.int32, device=device)
    out = torch.empty((1, 4), dtype=torch.uint8, device=device)
    for day_boundary in BOUNDARY_CODES:
        pillars(utc, offset, day_boundary, out, True)


def pillars(utc_seconds: Any, offset_seconds: Any, day_boundary: str, out: Any, check: bool) -> bool:
    """Fill `out` on torch's current stream.

    Args:
        utc_seconds: torch int64[N], contiguous.
        offset_seconds: torch int32[N], contiguous, same device.
        day_boundary: "midnight", "zi23" or "same_day".
        out: torch uint8[N, 4], contiguous, at an address divisible by 4, same device.
        check: read the range flag back, which waits for the kernel; else nothing is allocated or waited for.

    Returns:
        False when `check` found a row out of range; such a row is 255, 255, 255, 255 in `out`.
    """
    rows = utc_seconds.shape[0]
    if rows == 0:
        return True
    device = utc_seconds.device
    entries = _entries(device)
    outside = torch.zeros(1, dtype=torch.int32, device=device) if check else entries
    block = INTERPRETED_BLOCK if INTERPRETED else BLOCK
    grid = (triton.cdiv(rows, block),)
    with torch.cuda.device(device if device.type == "cuda" else -1):
        pillars_kernel[grid](
            utc_seconds,
            offset_seconds,
            out.view(torch.int32),
            outside,
            entries,
            rows,
            **constants(day_boundary, check, block),
            num_warps=WARPS,
        )
    _warm.add(device)
    return not check or outside.item() == 0
