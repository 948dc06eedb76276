"""Arrays on the device, results into `out=`, beside a copy of as many bytes in the same rounds."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from benchmarks.gpu.machine import Machine, Row, Run, rate_row
from benchmarks.gpu.operations import Operation
from benchmarks.gpu.parity import check_size

COPY: Final = "device copy"
HEADROOM: Final = 0.9


def resident(machine: Machine, operation: Operation, rows: int, rounds: int) -> Iterator[Row]:
    """One row a backend and one for the copy; one that says so where the arrays do not fit.

    `median_s` is device time of back-to-back calls, `call_s` the wall time of one call with the device idle before
    and after, as a lone caller sees it; `nvml` is read while one backend runs alone, over and over.
    """
    import torch

    names = operation.backends(machine)
    head: Row = {"section": "resident", "op": operation.name, "rows": rows}
    moved = round(rows * operation.bytes_a_row)
    free = machine.free_bytes()
    if free is not None and 2 * moved > free * HEADROOM:
        yield head | {"left_out": f"{2 * moved / 1e9:.0f} GB do not fit into {free / 1e9:.0f} GB"}
        return
    arrays = operation.inputs(machine, rows)
    out = operation.empty_out(machine, rows)
    compared = {name: check_size(machine, operation, name, arrays, out) for name in names}
    source = torch.ones(moved // 2, dtype=torch.uint8, device=machine.kind)
    target = torch.empty_like(source)

    def runner(name: str) -> Run:
        return lambda: operation.run(arrays, name, out)

    contestants = {name: runner(name) for name in names} | {COPY: lambda: target.copy_(source)}
    seconds = machine.interleaved(contestants, rounds)
    for name, run in contestants.items():
        items = None if name == COPY else rows
        bytes_moved = moved // 2 * 2 if name == COPY else moved
        yield (
            head
            | {"backend": name}
            | rate_row(seconds[name], items, bytes_moved, seconds[COPY], machine.peak_gb_per_s)
            | machine.steady(run)
            | {
                "call_s": float(f"{np.median(machine.wall(run, 5)):.4g}"),
                "parity_rows": compared.get(name),
            }
        )
