"""The kernels that take the time of a piece of work, by torch.profiler; one row a kernel."""

from collections.abc import Iterator
from typing import Any, Final

from benchmarks.gpu.machine import Machine, Row, Run

TOP: Final = 12
CALLS: Final = 5


def top_kernels(machine: Machine, head: Row, run: Run) -> Iterator[Row]:
    """The `TOP` kernels by their own device time over `CALLS` calls; in a dry run, torch's CPU operators.

    `share` is of the device time of all kernels, `of_wall` of the time that the calls took: what is missing to 1
    there, the device was idle.
    """
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU, *([] if machine.dry else [ProfilerActivity.CUDA])]
    run()
    wall_us = sum(machine.wall(run, CALLS)) * 1e6
    with profile(activities=activities) as profiler:
        for _ in range(CALLS):
            run()
        machine.synchronize()
    taken = [(event, _own_us(machine, event)) for event in profiler.key_averages()]
    taken = sorted((pair for pair in taken if pair[1] > 0), key=lambda pair: -pair[1])
    whole = sum(own for _, own in taken)
    for rank, (event, own) in enumerate(taken[:TOP], start=1):
        yield {
            "section": "profile",
            **head,
            "rank": rank,
            "kernel": event.key[:160],
            "calls": event.count,
            "own_us_a_call": round(own / CALLS, 2),
            "share": round(own / whole, 4),
            "of_wall": round(own / wall_us, 4),
        }


def _own_us(machine: Machine, event: Any) -> float:
    """The kernel's own time; an operator's on the host is no kernel's."""
    if machine.dry:
        return float(event.self_cpu_time_total)
    on_device = str(event.device_type).endswith("CUDA")
    return float(event.self_device_time_total) if on_device else 0.0
