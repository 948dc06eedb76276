"""Which rows of benchmarks/results make which table; `render` writes them into docs/performance.md."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Row = Mapping[str, Any]
Cell = Callable[[Row], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table: of the rows of `file` that `where` takes, the last one for each value of `key`."""

    title: str
    note: str
    file: str
    key: tuple[str, ...]
    columns: Mapping[str, Cell]
    where: Callable[[Row], bool] = lambda row: True
    largest: str | None = None
    """Keep only the rows with the largest value of this field."""
    order: tuple[str, ...] = ()
    """Fields to sort by; within that, and without it, rows stay in the order of their first appearance."""

    def rows(self, results: Path) -> list[Row]:
        """The rows to show."""
        found = [row for row in read(results / self.file) if "missing" not in row and self.where(row)]
        if self.largest is not None and found:
            most = max(row[self.largest] for row in found)
            found = [row for row in found if row[self.largest] == most]
        latest = {tuple(row.get(name) for name in self.key): row for row in found}
        return sorted(latest.values(), key=lambda row: tuple(row[name] for name in self.order))

    def markdown(self, results: Path) -> str:
        """The table under its title, or "" without rows."""
        rows = self.rows(results)
        if not rows:
            return ""
        lines = [
            f"## {self.title}",
            "",
            self.note,
            "",
            "| " + " | ".join(self.columns) + " |",
            "|" + "---|" * len(self.columns),
            *("| " + " | ".join(cell(row) for cell in self.columns.values()) + " |" for row in rows),
        ]
        return "\n".join(lines)


def read(path: Path) -> list[Row]:
    """The rows of a JSON lines file; none where there is no file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def of(name: str, spec: str = "", scale: float = 1) -> Cell:
    """A cell that shows a field, multiplied and formatted; a dash where there is none."""

    def cell(row: Row) -> str:
        value = row.get(name)
        if value is None:
            return "–"
        return str(value) if not spec else format(value * scale, spec)

    return cell


RUN: Final[dict[str, Cell]] = {
    "Device": of("device"),
    "Load": of("load"),
    "Date (UTC)": lambda row: str(row.get("timestamp", "–"))[:16].replace("T", " "),
}
DEVICE: Final[dict[str, Cell]] = {"Device": RUN["Device"], "Date (UTC)": RUN["Date (UTC)"]}


def _section(*names: str) -> Callable[[Row], bool]:
    return lambda row: row.get("section") in names


def _is_peer(row: Row) -> bool:
    return "peer_version" in row


CPU_TABLES: Final[Sequence[Table]] = (
    Table(
        title="Four pillars on the CPU",
        note="8 million births into `out=`; the copy moves as many bytes with as many threads in the same rounds.",
        file="pillars-cpu.jsonl",
        key=("backend", "threads", "years"),
        where=lambda row: not _is_peer(row),
        largest="rows",
        order=("years", "threads", "median_s"),
        columns={
            "Births of": of("years"),
            "Backend": of("backend"),
            "Threads": of("threads"),
            "M charts/s": of("charts_per_s", ",.0f", 1e-6),
            "GB/s": of("gb_per_s", ".1f"),
            "Share of a copy": of("copy_share", ".3f"),
            "× `cast_pillars`": of("times_cast_pillars", ",.0f"),
            **RUN,
        },
    ),
    Table(
        title="Four pillars by other libraries",
        note="One birth a call, as they offer it, in the same rounds as the kernels above.",
        file="pillars-cpu.jsonl",
        key=("backend",),
        where=_is_peer,
        order=("years",),
        columns={
            "Library": of("backend"),
            "Version": of("peer_version"),
            "charts/s": of("charts_per_s", ",.0f"),
            **RUN,
        },
    ),
    Table(
        title="Charts with all their facts",
        note="One thread, per CPU-second; `times` compares with this project's row of the same extent.",
        file="saju-peers-cpu.jsonl",
        key=("name",),
        columns={
            "Library": of("name"),
            "Version": of("version"),
            "charts/CPU-s": of("charts_per_cpu_s", ",.0f"),
            "Ours is faster by": of("times", ",.0f"),
            **RUN,
        },
    ),
    Table(
        title="Feature rows on the CPU",
        note="Four million charts, 64 bytes a row, one thread.",
        file="features-cpu.jsonl",
        key=("backend", "threads"),
        largest="rows",
        order=("threads", "median_s"),
        columns={
            "Backend": of("backend"),
            "M rows/s": of("rows_per_s", ",.0f", 1e-6),
            "GB/s": of("gb_per_s", ".1f"),
            "Share of a copy": of("copy_share", ".3f"),
            **RUN,
        },
    ),
    Table(
        title="True solar time on the CPU",
        note="Instants and longitudes to offsets, one thread, into `out=`.",
        file="solar-offset-cpu.jsonl",
        key=("backend",),
        largest="rows",
        order=("median_s",),
        columns={
            "Backend": of("backend"),
            "M rows/s": of("rows_per_s", ",.0f", 1e-6),
            "GB/s": of("gb_per_s", ".1f"),
            "Share of a copy": of("copy_share", ".3f"),
            **RUN,
        },
    ),
    Table(
        title="The best 100 of 10 million on the CPU",
        note="One query; the number after a backend's name is its threads, `np.max` merely reads the charts.",
        file="compatibility-cpu.jsonl",
        key=("contestant",),
        largest="rows",
        order=("median_s",),
        columns={
            "Contestant": of("contestant"),
            "ms": of("median_s", ".1f", 1e3),
            "M candidates/s": of("candidates_per_s", ",.0f", 1e-6),
            "Share of a read": of("read_share", ".3f"),
            **RUN,
        },
    ),
    Table(
        title="Dynamic batching",
        note="Clients that send the next request when the last is answered; in `http` rows they share the cores.",
        file="batching-cpu.jsonl",
        key=("subject", "clients"),
        where=lambda row: "clients" in row,
        columns={
            "Subject": of("subject"),
            "Clients": of("clients"),
            "requests/s": of("rps_median", ",.0f"),
            "p50 ms": of("p50_ms", ".1f"),
            "p99 ms": of("p99_ms", ".1f"),
            "Mean batch": of("mean_batch", ".1f"),
            **RUN,
        },
    ),
)

GPU_TABLES: Final[Sequence[Table]] = (
    Table(
        title="Kernels on a GPU",
        note="Arrays on the device; the copy moves as many bytes in the same rounds.",
        file="gpu.jsonl",
        key=("op", "rows", "backend", "device"),
        where=lambda row: row.get("section") == "resident" and "left_out" not in row,
        columns={
            "Operation": of("op"),
            "Rows": of("rows", ","),
            "Backend": of("backend"),
            "ms": of("median_s", ".3f", 1e3),
            "G rows/s": of("items_per_s", ",.2f", 1e-9),
            "GB/s": of("gb_per_s", ",.0f"),
            "Share of a copy": of("copy_share", ".3f"),
            **DEVICE,
        },
    ),
    Table(
        title="Small batches and launches on a GPU",
        note="Back-to-back calls: until the host goes on, and until the device is done.",
        file="gpu.jsonl",
        key=("section", "op", "rows", "backend", "device"),
        where=lambda row: row.get("section") in ("launch", "call", "graph replay") and "host_us" in row,
        columns={
            "": of("section"),
            "Operation": of("op"),
            "Rows": of("rows", ","),
            "Backend": of("backend"),
            "Host µs": of("host_us", ".1f"),
            "Whole µs": of("whole_us", ".1f"),
            **DEVICE,
        },
    ),
    Table(
        title="Host to device and back",
        note="256 MiB a copy.",
        file="gpu.jsonl",
        key=("op", "memory", "device"),
        where=_section("transfer"),
        columns={
            "Way": of("op"),
            "Memory": of("memory"),
            "GB/s": of("gb_per_s", ".1f"),
            **DEVICE,
        },
    ),
    Table(
        title="From host memory to host memory",
        note="Pinned arrays, a chunk at a time.",
        file="gpu.jsonl",
        key=("section", "op", "backend", "device"),
        where=_section("with transfers", "with transfers, two streams"),
        columns={
            "": of("section"),
            "Operation": of("op"),
            "Backend": of("backend"),
            "M rows/s": of("items_per_s", ",.0f", 1e-6),
            "GB/s on the bus": of("bus_gb_per_s", ".1f"),
            **DEVICE,
        },
    ),
    Table(
        title="Encoder through the dynamic batcher",
        note="Random weights; lengths spread by their logarithm.",
        file="gpu.jsonl",
        key=("op", "precision", "way", "clients", "device"),
        where=_section("encoder"),
        columns={
            "Model": of("op"),
            "Precision": of("precision"),
            "": of("way"),
            "Clients": of("clients"),
            "requests/s": of("requests_per_s", ",.0f"),
            "tokens/s": of("tokens_per_s", ",.0f"),
            "p50 ms": of("p50_ms", ".1f"),
            "p99 ms": of("p99_ms", ".1f"),
            "Mean batch": of("mean_batch", ".1f"),
            **DEVICE,
        },
    ),
    Table(
        title="Decoding with a KV cache",
        note="Random weights, greedy; the share is of the memory's peak by the bytes that a step must read.",
        file="gpu.jsonl",
        key=("op", "precision", "way", "batch", "device"),
        where=lambda row: row.get("section") == "decode" and "failed" not in row,
        columns={
            "Model": of("op"),
            "Precision": of("precision"),
            "": of("way"),
            "Batch": of("batch"),
            "tokens/s": of("tokens_per_s", ",.0f"),
            "First token ms": of("first_token_s", ".1f", 1e3),
            "Share of bandwidth": of("bandwidth_share", ".3f"),
            "Share of FLOP/s": of("flops_share", ".4f"),
            **DEVICE,
        },
    ),
)
TABLES: Final = (*CPU_TABLES, *GPU_TABLES)
