"""Files of charts, written a run of rows at a time."""

import json
from pathlib import Path
from typing import Any, Final

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.saju.bulk.arrow import pyarrow

SUFFIXES: Final = (".csv", ".jsonl", ".parquet")


class Charts:
    """An open file of charts; the first table decides its columns."""

    def __init__(self, path: Path, suffix: str) -> None:
        self.path, self.suffix = path, suffix
        self.writer: Any = None

    def __enter__(self) -> "Charts":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def write(self, table: Any) -> None:
        """Append the rows of an Arrow table."""
        if self.suffix == ".jsonl":
            if self.writer is None:
                self.writer = self.path.open("w", encoding="utf-8")
            self.writer.writelines(
                json.dumps(row, ensure_ascii=False, default=_isoformat) + "\n" for row in table.to_pylist()
            )
            return
        if self.suffix == ".csv":
            table = _plain(table)
        if self.writer is None:
            self.writer = _open_writer(self.path, self.suffix, table.schema)
        self.writer.write_table(table)

    def close(self) -> None:
        """Finish the file; one without rows is empty."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None
        elif not self.path.exists():
            self.path.touch()


def open_charts(path: Path, suffix: str) -> Charts:
    """Open for writing; INVALID_ARGUMENT for another suffix."""
    if suffix not in SUFFIXES:
        raise unknown_suffix(path.with_suffix(suffix), "output")
    return Charts(path, suffix)


def _open_writer(path: Path, suffix: str, schema: Any) -> Any:
    if suffix == ".csv":
        arrow_csv = pyarrow("csv")
        return arrow_csv.CSVWriter(path, schema, write_options=arrow_csv.WriteOptions(quoting_style="needed"))
    return pyarrow("parquet").ParquetWriter(path, schema, compression="zstd")


def _plain(table: Any) -> Any:
    """Words instead of dictionaries: the CSV writer knows no others."""
    pa = pyarrow()
    for index, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(index, column.name, table.column(index).cast(column.type.value_type))
    return table


def _isoformat(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def unknown_suffix(path: Path, param: str) -> HyperCubeError:
    """The error for a file whose format its name does not tell."""
    return invalid(
        f"{param} {str(path)!r} has no suffix that is known.",
        param=param,
        value=path.suffix,
        fix=f"Use {', '.join(SUFFIXES)}.",
    )
