"""Which sections run, in which order, and what becomes of their rows."""

import argparse
import gc
import json
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.gpu import decode, nvml, profile, small, transfers
from benchmarks.gpu.machine import Machine, Red, Row
from benchmarks.gpu.operations import EDGE_ROWS, OPERATIONS, Operation
from benchmarks.gpu.parity import check_edges
from benchmarks.gpu.precision import PRECISIONS, Precision
from benchmarks.gpu.resident import resident

QUICK_ROWS: Final = (4_099,)
BATCHES: Final = (1, 4, 16, 64, 128)
SMALL_ROWS: Final = (1, 128, 1_024, 16_384, 131_072)
OVERLAP_ROWS, OVERLAP_CHUNK = 1 << 25, 1 << 21
PROFILE_ROWS: Final = 1 << 24


@dataclass(kw_only=True)
class Suite:
    """One run: keeps its rows as they come, and remembers what failed."""

    machine: Machine
    options: argparse.Namespace
    common: Row
    failed: list[str] = field(default_factory=list)

    def run(self) -> int:
        """Every section; exit status 1 when anything was red or failed."""
        chosen = self.options.sections
        green = (
            [each for each in OPERATIONS if self._gate(each)] if set(chosen) - {"encoder", "decode"} else []
        )
        if "resident" in chosen:
            for operation in green:
                for rows in self._rows(operation):
                    self.keep(resident(self.machine, operation, rows, self.options.rounds))
        if "transfers" in chosen:
            size = 1 << 20 if self.options.quick else transfers.BYTES
            self.keep(transfers.bare(self.machine, self.options.rounds, size))
            for operation, backend in self._pairs(green):
                if operation.chunked:
                    self.keep(self._host_to_host(operation, backend))
        if "small" in chosen:
            self.keep(small.launch_cost(self.machine, self.options.rounds))
            for operation, backend in self._pairs(green):
                for rows in QUICK_ROWS if self.options.quick else SMALL_ROWS:
                    rowset = small.small_batches(self.machine, operation, backend, rows, self.options.rounds)
                    self.keep(rowset)
        if self.options.profile:
            for operation, backend in self._pairs(green):
                self.keep(self._profile(operation, backend))
        if "encoder" in chosen:
            self._encoder()
        if "decode" in chosen:
            self._decode()
        for each in self.failed:
            print(f"FAILED {each}")
        return 1 if self.failed else 0

    def keep(self, rows: Iterable[Row]) -> None:
        """Print and append the rows of a section; a section that is red or fails leaves the others alone."""
        try:
            for row in rows:
                self._keep_row(row)
        except Exception as error:  # noqa: BLE001 - the other sections are worth having
            self._fail(error)
        self._free()

    def _keep_row(self, row: Row) -> None:
        if "failed" in row:
            self.failed.append(f"{row['section']}, {row['op']}: {row['failed']}")
        print("  ".join(f"{key} {value}" for key, value in row.items() if value is not None), flush=True)
        if self.options.output:
            self.options.output.parent.mkdir(parents=True, exist_ok=True)
            with self.options.output.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row | self.common) + "\n")

    def _fail(self, error: Exception) -> None:
        self.failed.append(f"{type(error).__name__}: {error}"[:500])
        print(self.failed[-1], flush=True)
        if not isinstance(error, Red):
            traceback.print_exception(error)

    def _gate(self, operation: Operation) -> bool:
        """Whether an operation may be measured: chosen, with a backend, and equal to the reference."""
        if self.options.ops and operation.op not in self.options.ops:
            return False
        names = operation.backends(self.machine)
        if not names:
            print(f"{operation.name}: no backend for {self.machine.kind}, left out")
            return False
        try:
            compared = check_edges(self.machine, operation, names, 1_000 if self.options.quick else EDGE_ROWS)
        except Exception as error:  # noqa: BLE001 - the other operations are worth having
            self._fail(error)
            return False
        print(f"parity: {operation.name}, {compared:,} rows, 0 differences ({', '.join(names)})", flush=True)
        return True

    def _pairs(self, operations: list[Operation]) -> Iterator[tuple[Operation, str]]:
        for operation in operations:
            for backend in operation.backends(self.machine):
                yield operation, backend

    def _rows(self, operation: Operation) -> tuple[int, ...]:
        if self.options.rows:
            return tuple(self.options.rows)
        return QUICK_ROWS if self.options.quick else operation.sizes

    def _host_to_host(self, operation: Operation, backend: str) -> Iterator[Row]:
        rows, chunk = (4_099, 1_024) if self.options.quick else (OVERLAP_ROWS, OVERLAP_CHUNK)
        return transfers.with_transfers(
            self.machine, operation, backend, rows, chunk, min(7, self.options.rounds)
        )

    def _profile(self, operation: Operation, backend: str) -> Iterator[Row]:
        rows = QUICK_ROWS[0] if self.options.quick else PROFILE_ROWS
        arrays = operation.inputs(self.machine, rows)
        out = operation.empty_out(self.machine, rows)
        head: Row = {"op": operation.name, "backend": backend, "rows": rows}
        return profile.top_kernels(self.machine, head, lambda: operation.run(arrays, backend, out))

    def _encoder(self) -> None:
        from benchmarks.gpu import encoder

        quick, size = self.options.quick, "tiny" if self.options.size == "tiny" else "base"
        count, longest = (24, 32) if quick else (2_048, encoder.LONGEST)
        clients = (1, 8) if quick else (1, 16, 128)
        for precision in PRECISIONS:
            self.keep(encoder.encode(self.machine, size, precision, count, clients, longest))

    def _decode(self) -> None:
        quick, size = self.options.quick, self.options.size
        batches, prompt, new, rounds = ((1, 3), 8, 4, 2) if quick else (BATCHES, 128, 64, 5)
        for precision in PRECISIONS:
            self.keep(self._decode_in(precision, size, batches, (prompt, new, rounds)))
            if not self.machine.dry:
                head: Row = {"section": "memory", "op": f"causal LM {size}", "precision": precision.name}
                self.keep([head | self._memory() | {"nvml_now": dict(nvml.reading())}])

    def _decode_in(
        self, precision: Precision, size: str, batches: tuple[int, ...], lengths: tuple[int, int, int]
    ) -> Iterator[Row]:
        lm = decode.CausalLM(self.machine, size, precision)
        for batch in batches:
            yield from decode.decode(lm, size, batch, *lengths)
        if self.options.profile:
            yield from self._profile_decode(lm, size, batches[0], lengths[0])

    def _profile_decode(self, lm: Any, size: str, batch: int, prompt: int) -> Iterator[Row]:
        decoder = decode.Decoder(lm, lm.prompt(batch, prompt), 64, fixed=False)
        decoder.prefill()
        head: Row = {"op": f"decode step {size}", "precision": lm.precision.name, "batch": batch}
        return profile.top_kernels(self.machine, head, decoder.step)

    def _memory(self) -> Row:
        """The most that was held since the last call, and what is held now that all has been freed."""
        import torch

        peak, now = torch.cuda.max_memory_allocated(), torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return {"peak_mb": round(peak / 1e6, 1), "after_freeing_mb": round(now / 1e6, 1)}

    def _free(self) -> None:
        gc.collect()
        if not self.machine.dry:
            import torch

            torch.cuda.empty_cache()
