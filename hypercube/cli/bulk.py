"""Files of births, of any size, to files of charts; `bulk_command` is its command line."""

import csv
import difflib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hypercube.cli.bulk_files import Batch, open_births
from hypercube.cli.bulk_output import open_charts
from hypercube.core.calendar import LuckAge
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.saju.bulk import ChartColumns, charts_table
from hypercube.saju.bulk.arrow import chart_table, pyarrow
from hypercube.saju.bulk.reading import FIELDS, births_from

_ERROR_COLUMNS: Final = ("line", "field", "value", "reason", "fix", "row")


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a file."""

    rows: int
    """Births read: `charts` + `bad`."""
    charts: int
    bad: int
    seconds: float
    output: Path
    bad_rows: Path | None
    """Where the bad rows are, if there are any."""
    warnings: tuple[str, ...]


def convert(
    source: Path,
    output: Path,
    *,
    bad_rows: Path | None = None,
    include: Iterable[str] = ("pillars", "facts"),
    defaults: Mapping[str, Any] | None = None,
    script: str = "hangul",
    luck_age: LuckAge | str = LuckAge.ROUNDED,
    encoding: str = "utf-8-sig",
    overwrite: bool = False,
    backend: str = "auto",
    progress: Callable[[float], None] = lambda share: None,
) -> Summary:
    """Chart every birth of a file, in runs of `CHUNK` rows; memory does not grow with the file.

    Files appear under their names only when all is written; whatever ends the run early leaves nothing there.

    Args:
        source: .csv, .jsonl or .parquet with the columns of `FIELDS`; others are carried over.
        output: .csv, .jsonl or .parquet: the births, without those that are wrong, and their charts beside them.
        bad_rows: CSV for the births that are wrong, with line, field, value, reason and fix; by default
            `<output>.errors.csv`. Written only where there is one.
        include: as for `charts_table`.
        defaults: by field, what an empty cell or a missing column means.
        script: "hangul" or "hanja".
        luck_age: how the luck pillars' start age is counted.
        encoding: of a CSV or JSONL file.
        overwrite: replace files that are there.
        backend: kernel backend.
        progress: told the share of the file that is done, 0 to 1.

    Raises:
        HyperCubeError: the file is not there, cannot be read, or an option is wrong.
    """
    begin = time.perf_counter()
    errors = bad_rows or output.with_name(f"{output.name}.errors.csv")
    _require_paths(source, output, errors, overwrite)
    include = tuple(include)
    pyarrow()
    rows = charts = bad = 0
    with ExitStack() as stack:
        births = stack.enter_context(open_births(source, encoding))
        warnings = _warnings(births.columns)
        target = stack.enter_context(_Unfinished(output))
        refused = stack.enter_context(_Unfinished(errors))
        writer = stack.enter_context(open_charts(target.path, output.suffix.lower()))
        side = stack.enter_context(_BadRows(refused.path))
        for batch in births.batches():
            table = charts_table(
                births_from(batch.columns, batch.cells, defaults or {}),
                include=include,
                luck_age=luck_age,
                backend=backend,
            )
            good = np.flatnonzero(table.status == 0)
            refusals = [*batch.unread, *_refusals(batch, table)]
            for line, error, raw in sorted(refusals, key=lambda each: each[0]):
                side.write(line, error, raw)
            writer.write(_beside(batch, chart_table(table, script=script, errors=False), good, len(table)))
            rows += len(table) + len(batch.unread)
            charts += len(good)
            bad += len(table) - len(good) + len(batch.unread)
            progress(batch.share)
        if rows != charts + bad or rows != births.rows_read or bad != side.rows:
            raise HyperCubeError(
                ErrorKind.INTERNAL,
                f"{births.rows_read} rows were read, {charts} charts and {side.rows} bad rows written.",
            )
        writer.close()
        side.close()
        # The side file first: where the output is, its bad rows are too.
        if bad:
            refused.finish()
        else:
            errors.unlink(missing_ok=True)
        target.finish()
    seconds = time.perf_counter() - begin
    return Summary(rows, charts, bad, seconds, output, errors if bad else None, warnings)


def _refusals(batch: Batch, table: ChartColumns) -> Iterator[tuple[int, HyperCubeError, Any]]:
    for row in np.flatnonzero(table.status).tolist():
        error = table.error(row)
        assert error is not None
        yield batch.line(row), error, batch.raw(row)


def _require_paths(source: Path, output: Path, errors: Path, overwrite: bool) -> None:
    if not source.is_file():
        raise invalid(
            f"There is no file {str(source)!r}.",
            param="input",
            value=str(source),
            fix="Give a file of births.",
        )
    for path, param in ((output, "output"), (errors, "bad_rows")):
        if path.resolve() == source.resolve():
            raise invalid(
                f"{param} is {str(path)!r}, the input itself.",
                param=param,
                value=str(path),
                fix="Give another name.",
            )
        if not path.parent.is_dir():
            raise invalid(
                f"There is no folder {str(path.parent)!r}.",
                param=param,
                value=str(path),
                fix="Make it, or give another name.",
            )
        if path.exists() and not overwrite:
            raise invalid(
                f"{str(path)!r} is there already.",
                param=param,
                value=str(path),
                fix="Give another name, or --overwrite to replace it.",
            )


def _warnings(columns: tuple[str, ...]) -> tuple[str, ...]:
    """A misspelt column would be carried over and silently change what the charts rest on."""
    missing = [each for each in FIELDS if each not in columns]
    found = [
        f"column {column!r} is carried over unread; was {close!r} meant?"
        for column in columns
        if column not in FIELDS
        for close in difflib.get_close_matches(column.strip().lower(), missing, n=1, cutoff=0.75)
    ]
    return tuple(found)


def _beside(batch: Batch, charts: Any, good: Any, rows: int) -> Any:
    """The births' own columns and the charts', without the rows that are wrong."""
    table = charts.drop_columns(["status"])
    if clash := [name for name in batch.table.column_names if name in table.column_names]:
        raise invalid(
            f"The input has a column {clash[0]!r}, which the charts have too.",
            param=clash[0],
            fix="Rename it in the input.",
        )
    for position, name in enumerate(batch.table.column_names):
        table = table.add_column(position, name, batch.table.column(name))
    return table if len(good) == rows else table.take(good)


class _Unfinished:
    """A file under a name of its own beside the final one, until `finish`; removed if that never comes."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f".{final.name}.{os.getpid()}.part")

    def __enter__(self) -> "_Unfinished":
        return self

    def __exit__(self, *exc: object) -> None:
        self.path.unlink(missing_ok=True)

    def finish(self) -> None:
        self.path.replace(self.final)


class _BadRows:
    """The side file: one line a birth that has no chart."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self._stream = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream)
        self._writer.writerow(_ERROR_COLUMNS)

    def __enter__(self) -> "_BadRows":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def write(self, line: int, error: HyperCubeError, raw: Any) -> None:
        field = (error.param or "").partition("]")[2].lstrip(".") or error.param
        row = json.dumps(raw, ensure_ascii=False, default=str)
        self._writer.writerow((line, field, error.value, error.message, error.fix, row))
        self.rows += 1

    def close(self) -> None:
        self._stream.close()
