"""Host to device and back: bare copies, and operations from host memory to host memory, overlapped or not."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.gpu.machine import Machine, Red, Row, Run, times
from benchmarks.gpu.operations import Operation, host
from benchmarks.gpu.parity import differing, fastest_cpu

BYTES = 1 << 28


def bare(machine: Machine, rounds: int, size: int = BYTES) -> Iterator[Row]:
    """Copies of 256 MiB from and to pinned and pageable memory."""
    import torch

    there = torch.empty(size, dtype=torch.uint8, device=machine.kind)
    for memory in ("pinned", "pageable"):
        here = torch.ones(size, dtype=torch.uint8)
        if memory == "pinned" and not machine.dry:
            here = here.pin_memory()
        ways: dict[str, Run] = {
            "host to device": lambda here=here: there.copy_(here, non_blocking=True),  # type: ignore[misc]
            "device to host": lambda here=here: here.copy_(there, non_blocking=True),  # type: ignore[misc]
        }
        for way, run in ways.items():
            seconds = machine.wall(run, rounds)
            rate = size / float(np.median(seconds)) / 1e9
            head = {"section": "transfer", "op": way, "memory": memory, "bytes": size}
            yield head | times(seconds) | {"gb_per_s": round(rate, 2)} | machine.steady(run)


class HostToHost:
    """One operation over arrays in pinned host memory, a chunk at a time, each stream with buffers of its own."""

    def __init__(self, machine: Machine, operation: Operation, backend: str, rows: int, chunk: int) -> None:
        self._machine, self._operation, self._backend = machine, operation, backend
        self._rows, self._chunk = rows, min(chunk, rows)
        on_device = operation.inputs(machine, rows)
        self.fixed = on_device[: operation.fixed]
        self.inputs = tuple(self._pinned(each) for each in on_device[operation.fixed :])
        self.out = self._pinned(operation.empty_out(machine, rows))

    def _pinned(self, array: Any) -> Any:
        return array if self._machine.dry else array.cpu().pin_memory()

    def lanes(self, count: int) -> list[tuple[Any, tuple[Any, ...], Any]]:
        """Streams with device buffers for one chunk each."""
        import torch

        made = []
        for _ in range(count):
            buffers = tuple(
                torch.empty((self._chunk, *each.shape[1:]), dtype=each.dtype, device=self._machine.kind)
                for each in self.inputs
            )
            out = self._operation.empty_out(self._machine, self._chunk)
            made.append((self._machine.stream(), buffers, out))
        self._machine.synchronize()  # the buffers were filled on another stream than theirs
        return made

    def run(self, lanes: list[tuple[Any, tuple[Any, ...], Any]]) -> None:
        """All chunks, the lanes in turn; within a lane the stream's order keeps its buffers safe."""
        for number, start in enumerate(range(0, self._rows, self._chunk)):
            stream, buffers, out = lanes[number % len(lanes)]
            part = slice(start, min(start + self._chunk, self._rows))
            size = slice(0, part.stop - part.start)
            with self._machine.on(stream):
                there = tuple(each[size] for each in buffers)
                for target, source in zip(there, self.inputs, strict=True):
                    target.copy_(source[part], non_blocking=True)
                made = self._operation.out_part(out, size)
                self._operation.run((*self.fixed, *there), self._backend, made)
                self._operation.out_part(self.out, part).copy_(made, non_blocking=True)
        self._machine.synchronize()


def with_transfers(
    machine: Machine, operation: Operation, backend: str, rows: int, chunk: int, rounds: int
) -> Iterator[Row]:
    """One stream, then two, so that a copy runs beside a kernel and a copy the other way; parity of each."""
    work = HostToHost(machine, operation, backend, rows, chunk)
    cpu = fastest_cpu(operation.op)
    fixed = tuple(host(each) for each in work.fixed)
    want = operation.run((*fixed, *(host(each) for each in work.inputs)), cpu)
    on_bus = sum(each.nbytes for each in work.inputs) + work.out.nbytes
    for section, count in (("with transfers", 1), ("with transfers, two streams", 2)):
        lanes = work.lanes(count)
        work.out.zero_()
        work.run(lanes)
        if wrong := differing(host(work.out), want, operation.tolerance):
            raise Red(f"{operation.name}, {backend}, {section}: {wrong} values differ; no figures on red.")
        seconds = machine.wall(lambda lanes=lanes: work.run(lanes), rounds)  # type: ignore[misc]
        median = float(np.median(seconds))
        yield {
            "section": section,
            "op": operation.name,
            "backend": backend,
            "rows": rows,
            "chunk_rows": chunk,
            **times(seconds),
            "items_per_s": round(rows / median),
            "bus_gb_per_s": float(f"{on_bus / median / 1e9:.4g}"),
            "parity_rows": rows,
        }
