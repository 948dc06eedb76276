"""Files of births, a run of rows at a time."""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from hypercube.cli.bulk_output import unknown_suffix
from hypercube.core.errors import HyperCubeError, invalid, nearest, shown
from hypercube.saju.bulk.arrow import pyarrow, read_table
from hypercube.saju.bulk.reading import FIELDS, coded

CHUNK: Final = 65_536
_UTF8: Final = "utf-8-sig"


@dataclass(frozen=True, eq=False, slots=True)
class Batch:
    """A run of births."""

    columns: Mapping[str, Any]
    """As `reading.births_from` takes them."""
    table: Any
    """Every column of the file, as an Arrow table: what is carried over."""
    lines: Any
    """[N] where each row begins: line of a text file, row of a Parquet file; from 1."""
    share: float
    """Of the file that has been read, 0 to 1."""
    unread: list[tuple[int, HyperCubeError, Any]] = field(default_factory=list)
    """Lines that are no rows: where, why, and what stands there."""

    def cells(self, row: int) -> dict[str, Any]:
        """The birth of one row, by field; None where there is nothing."""
        names = [name for name in FIELDS if name in self.table.column_names]
        cells = {name: self.table.column(name)[row].as_py() for name in names}
        # An empty cell of a text file is nothing; elsewhere "" was written.
        text = not isinstance(self.lines, range)
        return {name: None if text and cell == "" else cell for name, cell in cells.items()}

    def line(self, row: int) -> int:
        """Where one row begins."""
        return int(self.lines[row])

    def raw(self, row: int) -> dict[str, Any]:
        """One row as it was read."""
        return {name: self.table.column(name)[row].as_py() for name in self.table.column_names}


class Source(Protocol):
    """An open file of births."""

    columns: tuple[str, ...]
    rows_read: int

    def batches(self) -> Iterator[Batch]:
        """Runs of at most `CHUNK` rows."""
        ...

    def __enter__(self) -> "Source": ...

    def __exit__(self, *exc: object) -> None: ...


def open_births(path: Path, encoding: str = _UTF8) -> Source:
    """Open by suffix; INVALID_ARGUMENT for another, or where there is no column `birth`."""
    match path.suffix.lower():
        case ".csv":
            return _Csv(path, encoding)
        case ".jsonl" | ".ndjson":
            return _JsonLines(path, encoding)
        case ".parquet":
            return _Parquet(path)
    raise unknown_suffix(path, "input")


class _Text:
    """A text file whose place is known while it is read."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.path, self.encoding = path, encoding
        self.size = max(path.stat().st_size, 1)
        self.rows_read = 0
        self.columns: tuple[str, ...] = ()
        self.raw = path.open("rb")
        try:
            self.text = io.TextIOWrapper(self.raw, encoding=encoding, newline="")
        except LookupError:
            self.raw.close()
            raise invalid(
                f"encoding {shown(encoding)!r} is not known.",
                param="encoding",
                value=shown(encoding),
                fix="Use utf-8 or cp949.",
            ) from None

    def __exit__(self, *exc: object) -> None:
        self.text.close()

    def share(self) -> float:
        return min(self.raw.tell() / self.size, 1.0)

    def unreadable(self, error: UnicodeError) -> HyperCubeError:
        return invalid(
            f"{self.path.name} is not {self.encoding}: {error}.",
            param="encoding",
            value=self.encoding,
            fix="Korean Excel writes cp949: give --encoding cp949, or save the file as UTF-8.",
        )


class _Csv(_Text):
    def __init__(self, path: Path, encoding: str) -> None:
        super().__init__(path, encoding)
        self.reader = csv.reader(self.text)
        try:
            header = next(self.reader, [])
        except UnicodeError as error:
            self.text.close()
            raise self.unreadable(error) from error
        except csv.Error:
            header = []
        self.columns = tuple(name.strip() for name in header)
        try:
            _require_columns(self.columns)
        except HyperCubeError:
            self.text.close()
            raise

    def __enter__(self) -> "_Csv":
        return self

    def batches(self) -> Iterator[Batch]:
        pa = pyarrow()
        width = len(self.columns)
        done = False
        while not done:
            lines: list[int] = []
            rows: list[list[str]] = []
            unread: list[tuple[int, HyperCubeError, Any]] = []
            while len(rows) + len(unread) < CHUNK:
                # A quoted cell may run over several lines: a row begins after the line where the last one ended.
                line = self.reader.line_num + 1
                try:
                    row = next(self.reader)
                except StopIteration:
                    done = True
                    break
                except csv.Error as error:
                    unread.append((line, _not_a_row(f"cannot be read: {error}", error), None))
                    continue
                except UnicodeError as error:
                    raise self.unreadable(error) from error
                if len(row) == width:
                    lines.append(line)
                    rows.append(row)
                elif row:  # an empty line is not a row
                    unread.append((line, _wrong_width(row, width), row))
            self.rows_read += len(rows) + len(unread)
            cells = list(zip(*rows, strict=True)) if rows else [()] * width
            table = pa.table(
                {name: pa.array(each, pa.string()) for name, each in zip(self.columns, cells, strict=True)}
            )
            columns: dict[str, Any] = {
                name: list(each) if name == "birth" else coded(each)
                for name, each in zip(self.columns, cells, strict=True)
                if name in FIELDS
            }
            if rows or unread or not self.rows_read:
                yield Batch(columns, table, np.array(lines, dtype=np.int64), self.share(), unread)


class _JsonLines(_Text):
    """One JSON object a line; cells become text, null and missing ones empty."""

    def __init__(self, path: Path, encoding: str) -> None:
        super().__init__(path, encoding)
        first = self._first()
        self.columns = tuple(first)
        if first:
            try:
                _require_columns(self.columns)
            except HyperCubeError:
                self.text.close()
                raise

    def __enter__(self) -> "_JsonLines":
        return self

    def _first(self) -> dict[str, Any]:
        """The first object, whose keys are the columns."""
        try:
            for line in self.text:
                found = _object(line)
                if isinstance(found, dict):
                    return found
            return {}
        except UnicodeError as error:
            self.text.close()
            raise self.unreadable(error) from error
        finally:
            if not self.text.closed:
                self.text.seek(0)

    def batches(self) -> Iterator[Batch]:
        pa = pyarrow()
        numbered = enumerate(self.text, start=1)
        while chunk := self._chunk(numbered):
            lines: list[int] = []
            rows: list[dict[str, Any]] = []
            unread: list[tuple[int, HyperCubeError, Any]] = []
            for number, text in chunk:
                if not text.strip():
                    continue
                found = _object(text)
                strange = [key for key in found if key not in self.columns] if isinstance(found, dict) else []
                if isinstance(found, dict) and not strange:
                    lines.append(number)
                    rows.append(found)
                else:
                    problem = (
                        f"has the key {strange[0]!r}, which the first object has not"
                        if strange
                        else "is no JSON object"
                    )
                    unread.append((number, _not_a_row(problem, text), text.rstrip("\n")))
            self.rows_read += len(rows) + len(unread)
            cells = {name: [_cell(row.get(name)) for row in rows] for name in self.columns}
            table = pa.table({name: pa.array(each, pa.string()) for name, each in cells.items()})
            columns: dict[str, Any] = {
                name: each if name == "birth" else coded(each)
                for name, each in cells.items()
                if name in FIELDS
            }
            if columns or unread:
                columns = columns or {"birth": []}
                yield Batch(columns, table, np.array(lines, dtype=np.int64), self.share(), unread)

    def _chunk(self, numbered: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
        try:
            return list(itertools.islice(numbered, CHUNK))
        except UnicodeError as error:
            raise self.unreadable(error) from error


class _Parquet:
    def __init__(self, path: Path) -> None:
        pa = pyarrow()
        try:
            self.file = pyarrow("parquet").ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise invalid(
                f"{path.name} cannot be read as Parquet: {error}",
                param="input",
                value=str(path),
                fix="Give a Parquet file, or the suffix that it should have.",
            ) from error
        self.columns = tuple(self.file.schema_arrow.names)
        self.rows = max(self.file.metadata.num_rows, 1)
        self.rows_read = 0
        _require_columns(self.columns)

    def __enter__(self) -> "_Parquet":
        return self

    def __exit__(self, *exc: object) -> None:
        self.file.close()

    def batches(self) -> Iterator[Batch]:
        pa = pyarrow()
        empty = [] if self.file.metadata.num_rows else [None]
        for batch in itertools.chain(empty, self.file.iter_batches(batch_size=CHUNK)):
            table = pa.Table.from_batches([batch] if batch else [], self.file.schema_arrow)
            first = self.rows_read + 1
            self.rows_read += len(table)
            columns, _ = read_table(table)
            yield Batch(columns, table, range(first, first + len(table)), self.rows_read / self.rows)


def _require_columns(columns: tuple[str, ...]) -> None:
    if "birth" not in columns:
        close = nearest("birth", columns)
        raise invalid(
            "The input has no column 'birth'.",
            param="input",
            value=shown(", ".join(columns)),
            fix=f"{f'Rename {close!r}' if close else 'Name the column of civil times'} to 'birth'; the first line of a "
            f"CSV file names the columns. Read are: {', '.join(FIELDS)}.",
        )
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise invalid(
            f"The input has {columns.count(twice[0])} columns {twice[0]!r}.",
            param="input",
            value=twice[0],
            fix="Give every column a name of its own.",
        )


def _wrong_width(row: list[str], width: int) -> HyperCubeError:
    return invalid(
        f"The row has {len(row)} cells, the header {width}.",
        value=len(row),
        fix="Put cells that hold commas in quotes, and write a comma for every empty cell.",
    )


def _not_a_row(problem: str, value: object) -> HyperCubeError:
    return invalid(f"The line {problem}.", value=shown(str(value).strip()), fix="Mend the line.")


def _object(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
