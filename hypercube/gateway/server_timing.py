"""Where the time of a request went, as every transport says it."""

from typing import Final

from hypercube.core.cube import Timing

_SHORT: Final = tuple(f"{microseconds / 1000:.3f}" for microseconds in range(4_096))
"""Milliseconds of every short time: a chart takes a few microseconds, and to write a float takes one of them."""


def server_timing(timing: Timing, total_s: float) -> str:
    """The value of Server-Timing: where the time until now went, in milliseconds."""
    said = ""
    if timing.queue_s > 0:
        said += f"queue;dur={_milliseconds(timing.queue_s)}, "
    if timing.batch_s > 0:
        said += f"batch;dur={_milliseconds(timing.batch_s)}, "
    if timing.compute_s > 0:
        said += f"compute;dur={_milliseconds(timing.compute_s)}, "
    if timing.batch_size:
        said += f'items;desc="{timing.batch_size}", '
    return f"{said}total;dur={_milliseconds(total_s)}"


def _milliseconds(seconds: float) -> str:
    microseconds = round(seconds * 1e6)
    return _SHORT[microseconds] if 0 <= microseconds < 4_096 else f"{seconds * 1000:.3f}"
