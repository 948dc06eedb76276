"""What a call costs beside its work: launches, small batches, and replays of a CUDA graph."""

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.gpu.machine import Machine, Row, Run
from benchmarks.gpu.operations import Operation

CALLS = 100


def calls(machine: Machine, run: Run, rounds: int) -> Row:
    """Microseconds a call over back-to-back calls: of the host until it returns, and until the device is done."""
    host, whole = [], []
    count = 3 if machine.dry else CALLS
    run()
    for _ in range(rounds):
        machine.synchronize()
        begin = time.perf_counter()
        for _ in range(count):
            run()
        host.append((time.perf_counter() - begin) / count)
        machine.synchronize()
        whole.append((time.perf_counter() - begin) / count)
    p20, median, p80 = np.percentile(whole, [20, 50, 80]) * 1e6
    return {
        "host_us": round(float(np.median(host)) * 1e6, 2),
        "whole_us": round(median, 2),
        "whole_us_p20": round(p20, 2),
        "whole_us_p80": round(p80, 2),
        "rounds": rounds,
    }


def launch_cost(machine: Machine, rounds: int) -> Iterator[Row]:
    """The cheapest kernel of torch, one element: what any call pays at least."""
    import torch

    one = torch.zeros(1, device=machine.kind)
    yield {"section": "launch", "op": "torch add_ of one element"} | calls(
        machine, lambda: one.add_(1), rounds
    )


def small_batches(
    machine: Machine, operation: Operation, backend: str, rows: int, rounds: int
) -> Iterator[Row]:
    """Plain calls, and on a device replays of a graph of one call."""
    import torch

    arrays = operation.inputs(machine, rows)
    out = operation.empty_out(machine, rows)

    def run() -> object:
        return operation.run(arrays, backend, out)

    head: Row = {"op": operation.name, "backend": backend, "rows": rows}
    measured = calls(machine, run, rounds)
    yield {"section": "call"} | head | measured | {"items_per_s": _rate(rows, measured)}
    if machine.dry:
        return
    if out is None or operation.waits():
        yield {"section": "graph replay"} | head | {"left_out": "a call waits for its kernel"}
        return
    machine.synchronize()
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            run()
    except RuntimeError as error:  # the call waits or allocates outside the pool: it says what it did
        yield {"section": "graph replay"} | head | {"refused": str(error).partition("\n")[0]}
        return
    measured = calls(machine, graph.replay, rounds)
    yield {"section": "graph replay"} | head | measured | {"items_per_s": _rate(rows, measured)}


def _rate(rows: int, measured: Row) -> int:
    return round(rows / float(measured["whole_us"]) * 1e6)
