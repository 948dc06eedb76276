"""Where the time of a request went, as every transport says it."""

from hypercube.core.cube import Timing


def server_timing(timing: Timing, total_s: float) -> str:
    """The value of Server-Timing: where the time until now went, in milliseconds."""
    parts = [
        f"{name};dur={seconds * 1000:.3f}"
        for name, seconds in (
            ("queue", timing.queue_s),
            ("batch", timing.batch_s),
            ("compute", timing.compute_s),
        )
        if seconds > 0
    ]
    if timing.batch_size:
        parts.append(f'items;desc="{timing.batch_size}"')
    parts.append(f"total;dur={total_s * 1000:.3f}")
    return ", ".join(parts)
