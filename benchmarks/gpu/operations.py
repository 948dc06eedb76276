"""The registry of what is measured: each operation's inputs, output, bytes an item, backends and parity.

Inputs are made on the device, since 2**30 births would take the host a minute. Parity is twofold: rows around the
edges against the reference, every value; then each measured size, into poisoned memory, against the fastest CPU
backend: the whole array up to `WHOLE_BYTES`, five runs of rows of a larger one.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.gpu.machine import Machine
from hypercube.core.errors import HyperCubeError
from hypercube.kernels import backends
from hypercube.kernels.compatibility import compatibility, top_k
from hypercube.kernels.features import ROW_BYTES, features
from hypercube.kernels.pillars import MAX_OFFSET_S, pillars
from hypercube.kernels.pillars.terms import load_terms
from hypercube.kernels.solar_offset import solar_offset

Arrays = tuple[Any, ...]
POISON: Final = 0xA5
WHOLE_BYTES: Final = 1 << 29
SAMPLE_ROWS: Final = 1 << 16
CHUNK_ROWS: Final = 1 << 22
EDGE_ROWS: Final = 200_000
K: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One thing to measure.

    Attributes:
        name: as in the rows; `op` is the kernels' registry's name.
        function: the public function, given the arrays, then `backend=`, and `out=` and `check=` where it has them.
        inputs: makes the arrays for so many rows on a machine.
        edges: makes NumPy arrays around the edges of the inputs' range, and so many at random.
        bytes_a_row: read and written for one row of the last input.
        sizes: rows to measure.
        out: shape and torch dtype of the output for so many rows, or None where the function makes its own.
        fixed: so many of the first arrays are the same for every row: the queries, which stay on the host.
        row_axis: the axis of `out` that counts rows.
        tolerance: largest difference from the CPU that is no error, in the output's unit.
    """

    name: str
    op: str
    function: Callable[..., Any]
    inputs: Callable[[Machine, int], Arrays]
    edges: Callable[[int], Arrays]
    bytes_a_row: float
    sizes: tuple[int, ...]
    out: Callable[[int], tuple[tuple[int, ...], str]] | None
    fixed: int = 0
    row_axis: int = 0
    tolerance: int = 0
    chunked: bool = True
    """Whether rows can be run a chunk at a time, the outputs lying one after another."""

    def backends(self, machine: Machine) -> list[str]:
        """The installed backends of the machine's kind, and, under Triton's interpreter, Triton in a dry run."""
        try:
            known = backends.backends(self.op)
        except HyperCubeError:  # the op has no backends to choose from
            return []
        wanted = [each for each in known if each.device == machine.kind and each.missing() is None]
        if machine.dry:
            wanted += [each for each in known if each.name == "triton" and interpreted()]
        return [each.name for each in wanted]

    def run(self, arrays: Arrays, backend: str, out: Any = None, *, check: bool = False) -> Any:
        """One call. CPU backends are given the same memory as NumPy arrays."""
        options: dict[str, Any] = {"backend": backend, "check": check}
        if out is not None:
            options["out"] = out
        if backends.get(self.op, backend).device == "cpu":
            arrays = tuple(host(each) for each in arrays)
            options |= {"out": host(out)} if out is not None else {}
        accepted = parameters(self.function)
        return self.function(*arrays, **{name: value for name, value in options.items() if name in accepted})

    def waits(self) -> bool:
        """Whether every call waits for its kernel: it reads back whether a value was out of range."""
        return "check" not in parameters(self.function)

    def part(self, arrays: Arrays, rows: slice) -> Arrays:
        """The same inputs for some of the rows."""
        return (*arrays[: self.fixed], *(each[rows] for each in arrays[self.fixed :]))

    def out_part(self, out: Any, rows: slice) -> Any:
        """The output of some of the rows."""
        return out[rows] if self.row_axis == 0 else out[:, rows]

    def empty_out(self, machine: Machine, rows: int) -> Any:
        """Poisoned memory for the output, or None."""
        if self.out is None:
            return None
        import torch

        shape, dtype = self.out(rows)
        made = torch.empty(shape, dtype=getattr(torch, dtype), device=machine.kind)
        made.view(torch.uint8).fill_(POISON)
        return made


@functools.cache
def parameters(function: Callable[..., Any]) -> frozenset[str]:
    """The names of a function's parameters."""
    wrapped = function.func if isinstance(function, functools.partial) else function
    return frozenset(inspect.signature(wrapped).parameters)


def interpreted() -> bool:
    """Whether Triton runs in its interpreter."""
    import os

    return os.environ.get("TRITON_INTERPRET") == "1"


def host(array: Any) -> Any:
    """A NumPy array of the same values; of CPU memory, the same memory."""
    return array if isinstance(array, np.ndarray) else array.detach().cpu().numpy()


def _random(machine: Machine, low: int, high: int, shape: tuple[int, ...], dtype: str, seed: int) -> Any:
    import torch

    generator = torch.Generator(device=machine.kind).manual_seed(seed)
    kind: dict[str, Any] = {"dtype": getattr(torch, dtype), "device": machine.kind, "generator": generator}
    return torch.randint(low, high, shape, **kind)


def births(machine: Machine, rows: int) -> Arrays:
    """int64[rows] instants over the whole table and int32[rows] offsets within 12 hours."""
    table = load_terms()
    utc = _random(machine, table.first_utc_s, table.last_utc_s + 1, (rows,), "int64", 1)
    return utc, _random(machine, -43_200, 43_201, (rows,), "int32", 2)


def places(machine: Machine, rows: int) -> Arrays:
    """int64[rows] instants and float64[rows] longitudes, thousandths of a degree."""
    longitude = _random(machine, -180_000, 180_001, (rows,), "int32", 3)
    return births(machine, rows)[0], longitude.double() / 1000


def charts(machine: Machine, rows: int, seed: int = 4) -> Any:
    """uint8[rows, 4] of any four pillars, one in six without an hour."""
    made = _random(machine, 0, 60, (rows, 4), "uint8", seed)
    made[::6, 3] = 255
    return made


def edge_births(rows: int) -> Arrays:
    """Every 절 and a second about it, the widest offsets, and births at random."""
    table, rng = load_terms(), np.random.default_rng(7)
    around = (table.jie_s[1:-1, None] + np.array([-1, 0, 1])).reshape(-1)
    ends = np.array([table.first_utc_s, table.last_utc_s])
    anywhere = rng.integers(table.first_utc_s, table.last_utc_s + 1, rows)
    utc = np.concatenate([ends, around, anywhere])
    return utc, rng.integers(-MAX_OFFSET_S, MAX_OFFSET_S + 1, len(utc), dtype=np.int32)


def edge_places(rows: int) -> Arrays:
    """The same instants with the longest longitudes among others."""
    utc = edge_births(rows)[0]
    longitude = np.random.default_rng(8).uniform(-180, 180, len(utc))
    longitude[:4] = -180, 180, 0, 126.978
    return utc, longitude


def edge_charts(rows: int) -> Any:
    """Any four pillars, one in six without an hour."""
    made = np.random.default_rng(9).integers(0, 60, (rows + 1, 4), dtype=np.uint8)
    made[::6, 3] = 255
    return made


def _compatibility(queries: int, best: bool) -> Operation:
    of = f"{queries} quer{'y' if queries == 1 else 'ies'}"
    return Operation(
        name=f"top_k {of}" if best else f"compatibility {of}",
        op="compatibility",
        function=functools.partial(top_k, k=K) if best else compatibility,
        inputs=lambda machine, rows: (edge_charts(100)[5 : 5 + queries], charts(machine, rows)),
        edges=lambda rows: (edge_charts(100)[5 : 5 + queries], edge_charts(rows)),
        bytes_a_row=4 if best else 4 + 2 * queries,
        sizes=(1 << 20, 10_000_000, 100_000_000),
        out=None if best else lambda rows: ((queries, rows), "int16"),
        fixed=1,
        row_axis=1,
        chunked=queries == 1 and not best,
    )


OPERATIONS: Final = (
    Operation(
        name="pillars",
        op="pillars",
        function=pillars,
        inputs=births,
        edges=edge_births,
        bytes_a_row=8 + 4 + 4,
        sizes=(1 << 20, 1 << 24, 1 << 27, 1 << 30),
        out=lambda rows: ((rows, 4), "uint8"),
    ),
    Operation(
        name="solar_offset",
        op="solar_offset",
        function=functools.partial(solar_offset, apparent=True),
        inputs=places,
        edges=edge_places,
        bytes_a_row=8 + 8 + 4,
        sizes=(1 << 20, 1 << 24, 1 << 27),
        out=lambda rows: ((rows,), "int32"),
    ),
    Operation(
        name="features",
        op="features",
        function=features,
        inputs=lambda machine, rows: (charts(machine, rows),),
        edges=lambda rows: (edge_charts(rows),),
        bytes_a_row=4 + ROW_BYTES,
        sizes=(1 << 20, 1 << 24, 1 << 27),
        out=lambda rows: ((rows, ROW_BYTES), "uint8"),
    ),
    _compatibility(1, best=False),
    _compatibility(16, best=False),
    _compatibility(1, best=True),
    _compatibility(16, best=True),
)
