"""No figure on red: what a backend makes, compared with the CPU before it is timed."""

from typing import Any, Final

import numpy as np

from benchmarks.gpu.machine import Machine, Red
from benchmarks.gpu.operations import (
    CHUNK_ROWS,
    EDGE_ROWS,
    POISON,
    SAMPLE_ROWS,
    WHOLE_BYTES,
    Arrays,
    Operation,
    host,
)
from hypercube.kernels import backends

REFERENCE: Final = "reference"


def check_edges(machine: Machine, operation: Operation, names: list[str], rows: int = EDGE_ROWS) -> int:
    """Every backend against the reference around the edges; returns how many rows, `Red` on a difference."""
    import torch

    arrays = operation.edges(rows)
    want = _parts(operation.run(arrays, REFERENCE))
    there = tuple(
        each if number < operation.fixed else torch.from_numpy(each).to(machine.kind)
        for number, each in enumerate(arrays)
    )
    rows = len(arrays[-1])
    for name in names:
        out = operation.empty_out(machine, rows)
        got = _parts(operation.run(there, name, out, check=True))
        for mine, theirs in zip(got, want, strict=True):
            _require(operation, name, rows, mine, theirs)
    return rows


def check_size(machine: Machine, operation: Operation, name: str, arrays: Arrays, out: Any) -> int:
    """One backend at one size, into poisoned memory; returns how many rows were compared."""
    if out is None:
        return _check_best(operation, name, arrays)
    import torch

    out.view(torch.uint8).fill_(POISON)
    operation.run(arrays, name, out)
    machine.synchronize()
    rows = len(arrays[-1])
    cpu = fastest_cpu(operation.op)
    compared = 0
    whole = out.nbytes <= WHOLE_BYTES and (cpu != REFERENCE or rows <= CHUNK_ROWS)
    for part in _runs(rows, whole=whole):
        ours = tuple(host(each) for each in operation.part(arrays, part))
        want = operation.run(ours, cpu)
        _require(operation, name, rows, operation.out_part(out, part), want)
        compared += part.stop - part.start
    return compared


def fastest_cpu(op: str) -> str:
    """The fastest CPU backend there is, compiled."""
    backends.warm_up(op)
    return backends.select(op, CHUNK_ROWS).name


def _runs(rows: int, *, whole: bool) -> list[slice]:
    """All rows in chunks, or five runs: both ends, the middle and two between."""
    if whole:
        return [slice(start, min(start + CHUNK_ROWS, rows)) for start in range(0, rows, CHUNK_ROWS)]
    last = rows - SAMPLE_ROWS
    return [slice(start, start + SAMPLE_ROWS) for start in (0, last // 3, last // 2, 2 * last // 3, last)]


def _check_best(operation: Operation, name: str, arrays: Arrays) -> int:
    """The best of a large array, for which no CPU backend is asked.

    Their scores by the reference, and that no score of all is better, by the backend's own scores, whose parity has
    been checked. Which of equal scores are taken was checked about the edges.
    """
    import torch

    from hypercube.kernels.compatibility import compatibility

    queries, charts = arrays
    best = operation.run(arrays, name)
    cpu_only = backends.get(operation.op, name).device == "cpu"
    for number in range(len(queries)):
        query = queries[number : number + 1]
        found = torch.as_tensor(host(best.rows[number]))
        chosen = np.ascontiguousarray(host(charts[found.to(charts.device)]))
        want = compatibility(host(query), chosen, backend=REFERENCE)[0]
        _require(operation, name, len(charts), best.scores[number], want)
        both = (host(query), host(charts)) if cpu_only else (query, charts)
        scores = torch.as_tensor(compatibility(*both, backend=name)[0])
        highest = scores.float().topk(len(found)).values.short()
        _require(operation, name, len(charts), best.scores[number], host(highest))
    return len(charts)


def differing(got: Any, want: Any, tolerance: int) -> int:
    """How many values differ by more than `tolerance`."""
    if tolerance == 0:
        return int(np.count_nonzero(got != want))
    return int((np.abs(got.astype(np.int64) - want) > tolerance).sum())


def _parts(result: Any) -> tuple[Any, ...]:
    """The arrays of a result."""
    return tuple(result) if isinstance(result, tuple) else (result,)


def _require(operation: Operation, name: str, rows: int, got: Any, want: Any) -> None:
    mine, theirs = np.asarray(host(got)), np.asarray(want)
    if mine.shape != theirs.shape:
        raise Red(f"{operation.name}, {name}: shape {mine.shape}, expected {theirs.shape}.")
    wrong = differing(mine, theirs, operation.tolerance)
    if wrong:
        raise Red(
            f"{operation.name}, {name}, {rows:,} rows: {wrong} of {theirs.size} values differ; no figures on red."
        )
