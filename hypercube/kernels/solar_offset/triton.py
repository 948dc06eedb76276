"""Solar time in Triton, over torch CUDA tensors; the arithmetic and its bounds are those of solar_offset.cu.

With TRITON_INTERPRET=1 in the environment before the first import, it runs on CPU tensors instead, which is how
its parity is tested without a GPU. Nothing is autotuned: a program takes enough rows for 16-byte loads and stores
in every thread.
"""

import functools
from typing import Any, Final

import torch
import triton
import triton.language as tl

from hypercube.kernels.arrays import no_device
from hypercube.kernels.solar_offset.reference import MOST_DEGREES, SECONDS_A_DEGREE
from hypercube.kernels.solar_offset.table import BIAS_S, SCALE, STEP_S, UNIT, load_equation_of_time

LIBRARIES: Final = ("torch",)
BLOCK: Final = 1_024
INTERPRETED_BLOCK: Final = 65_536
"""A program costs the interpreter some milliseconds whatever its size."""
WARPS: Final = 8
_STEP_S = tl.constexpr(STEP_S)
_STEP_SQUARED = tl.constexpr(STEP_S * STEP_S)
_SCALE = tl.constexpr(SCALE)
_UNIT = tl.constexpr(UNIT)
_BIAS = tl.constexpr(UNIT // 2 + BIAS_S * UNIT)
_BIAS_S = tl.constexpr(BIAS_S)
_LOW = tl.constexpr((1 << 27) - 1)
_DOUBLED = tl.constexpr(float(2 * SECONDS_A_DEGREE))
_MOST_DEGREES = tl.constexpr(MOST_DEGREES)
_NO_OFFSET = tl.constexpr(-(2**31))
INTERPRETED: Final = bool(triton.knobs.runtime.interpret)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _longitude_part(degrees):  # type: ignore[no-untyped-def]  # float64[BLOCK] -> int32[BLOCK]
    doubled = (degrees * _DOUBLED).to(tl.int32)
    sign = doubled >> 31
    return (((((doubled ^ sign) - sign) + 1) >> 1) ^ sign) - sign


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _equation(since, table_pointer):  # type: ignore[no-untyped-def]  # int64[BLOCK] -> int32[BLOCK]
    """`equation` of solar_offset.cu, line by line."""
    point = ((since >> 9) * 50903317) >> 35
    r = since - point * _STEP_S
    window = table_pointer + point.to(tl.int32)
    y0 = tl.load(window - 1)
    y1 = tl.load(window)
    y2 = tl.load(window + 1)
    y3 = tl.load(window + 2)
    b1 = 6 * y2 - 2 * y0 - 3 * y1 - y3
    b2 = 3 * (y0 - 2 * y1 + y2)
    b3 = y3 - y0 + 3 * (y1 - y2)
    w = (b3 * r + b2.to(tl.int64) * _STEP_S) * r + b1.to(tl.int64) * _STEP_SQUARED
    carry = (w & _LOW) * r
    n = (6 * y1).to(tl.int64) * _SCALE + (w >> 27) * r
    negative = (n + (carry >> 27)) >> 63
    x = n + ((carry + negative) >> 27) + _BIAS
    least = ((x >> 36) * 39049) >> 20
    more = (x - least * _UNIT >= _UNIT).to(tl.int64)
    return (least + more - _BIAS_S).to(tl.int32)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _rows(  # type: ignore[no-untyped-def]
    utc,  # int64[BLOCK]
    degrees,  # float64[BLOCK], or anything
    seconds,
    table_pointer,
    BASE_UTC_S: tl.constexpr,  # noqa: N803
    SPAN_S: tl.constexpr,  # noqa: N803
    LEAD_S: tl.constexpr,  # noqa: N803
    APPARENT: tl.constexpr,  # noqa: N803
    EACH: tl.constexpr,  # noqa: N803
):
    """Offsets int32[BLOCK] and whether each row is inside int1[BLOCK]; `row` of solar_offset.cu."""
    u = utc - BASE_UTC_S
    here = (u >= 0) & (u < SPAN_S)
    inside = here
    total = tl.zeros_like(utc).to(tl.int32) + seconds
    if EACH:
        known = (degrees >= -_MOST_DEGREES) & (degrees <= _MOST_DEGREES)
        inside = inside & known
        total = _longitude_part(tl.where(known, degrees, 0.0))
    if APPARENT:
        total += _equation(tl.where(here, u, 0) + LEAD_S, table_pointer)
    return tl.where(inside, total, _NO_OFFSET), inside


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def solar_offset_kernel(  # type: ignore[no-untyped-def]
    utc_pointer,  # int64[rows]
    degrees_pointer,  # float64[rows]; not read unless EACH
    out_pointer,  # int32[rows]; -2**31 = out of range
    outside_pointer,  # int32[1]: set to 1 when a row is out of range
    table_pointer,  # int32[points]
    seconds,  # longitude part of all rows unless EACH
    rows,
    BASE_UTC_S: tl.constexpr,  # noqa: N803
    SPAN_S: tl.constexpr,  # noqa: N803
    LEAD_S: tl.constexpr,  # noqa: N803
    APPARENT: tl.constexpr,  # noqa: N803
    EACH: tl.constexpr,  # noqa: N803
    CHECK: tl.constexpr,  # noqa: N803
    BLOCK: tl.constexpr,  # noqa: N803
):
    """One program, BLOCK rows. Only the last may need a mask, and a mask would cost all the wide transfers."""
    start = tl.program_id(0).to(tl.int64) * BLOCK
    row = start + tl.arange(0, BLOCK)
    if start + BLOCK <= rows:
        utc = tl.load(utc_pointer + row)
        degrees = tl.load(degrees_pointer + row) if EACH else utc
        total, inside = _rows(
            utc, degrees, seconds, table_pointer, BASE_UTC_S, SPAN_S, LEAD_S, APPARENT, EACH
        )
        tl.store(out_pointer + row, total)
    else:
        here = row < rows
        utc = tl.load(utc_pointer + row, mask=here, other=BASE_UTC_S)
        degrees = tl.load(degrees_pointer + row, mask=here, other=0.0) if EACH else utc
        total, inside = _rows(
            utc, degrees, seconds, table_pointer, BASE_UTC_S, SPAN_S, LEAD_S, APPARENT, EACH
        )
        tl.store(out_pointer + row, total, mask=here)
    if CHECK:
        bad = tl.max((~inside).to(tl.int32), axis=0)
        tl.atomic_max(outside_pointer, bad, mask=bad > 0)


def constants(apparent: bool, each: bool, check: bool, block: int) -> dict[str, int | bool]:
    """The kernel's compile-time arguments by name."""
    table = load_equation_of_time()
    return {
        "BASE_UTC_S": table.base_utc_s,
        "SPAN_S": table.span_s,
        "LEAD_S": table.lead_s,
        "APPARENT": apparent,
        "EACH": each,
        "CHECK": check,
        "BLOCK": block,
    }


@functools.cache
def _points(device: Any) -> Any:
    return torch.from_numpy(load_equation_of_time().milliseconds.copy()).to(device)


_warm: set[Any] = set()


def is_warm() -> bool:
    """Whether the kernel has run once on some device of this process."""
    return bool(_warm)


def warm_up() -> None:
    """Compile for the current device, all four variants; FAILED_PRECONDITION without a device."""
    if not INTERPRETED and not torch.cuda.is_available():
        raise no_device("solar_offset", "triton")
    device = torch.device("cpu") if INTERPRETED else torch.device("cuda", torch.cuda.current_device())
    utc = torch.zeros(1, dtype=torch.int64, device=device)
    degrees = torch.zeros(1, dtype=torch.float64, device=device)
    out = torch.empty(1, dtype=torch.int32, device=device)
    for apparent in (False, True):
        for each in (None, degrees):
            solar_offset(utc, each, 0, apparent, out, True)


def solar_offset(
    utc_seconds: Any,
    longitude_degrees: Any,
    longitude_seconds: int,
    apparent: bool,
    out: Any,
    check: bool,
) -> bool:
    """Fill `out` on torch's current stream.

    Args:
        utc_seconds: torch int64[N], contiguous.
        longitude_degrees: torch float64[N], contiguous, same device, or None.
        longitude_seconds: the longitude part of all rows where `longitude_degrees` is None.
        apparent: add the equation of time.
        out: torch int32[N], contiguous, same device.
        check: read the range flag back, which waits for the kernel; else nothing is allocated or waited for.

    Returns:
        False when `check` found a row out of range; such a row is -2**31 in `out`.
    """
    rows = utc_seconds.shape[0]
    if rows == 0:
        return True
    device = utc_seconds.device
    points = _points(device)
    each = longitude_degrees is not None
    outside = torch.zeros(1, dtype=torch.int32, device=device) if check else points
    block = INTERPRETED_BLOCK if INTERPRETED else BLOCK
    with torch.cuda.device(device if device.type == "cuda" else -1):
        solar_offset_kernel[(triton.cdiv(rows, block),)](
            utc_seconds,
            longitude_degrees if each else utc_seconds,
            out,
            outside,
            points,
            longitude_seconds,
            rows,
            **constants(apparent, each, check, block),
            num_warps=WARPS,
        )
    _warm.add(device)
    return not check or outside.item() == 0
