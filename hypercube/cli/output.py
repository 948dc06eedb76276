"""What the terminal shows: errors, tables, JSON. Results go to stdout, everything else to stderr."""

import dataclasses
import json
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hypercube.core.errors import HyperCubeError

OUT: Final = Console(highlight=False)
ERR: Final = Console(stderr=True, highlight=False)


def print_error(error: HyperCubeError) -> None:
    """The same fields that HTTP and gRPC carry, one a line."""
    ERR.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.param is not None:
        ERR.print(f"  field: {error.param}", markup=False)
    if error.value is not None:
        ERR.print(f"  value: {error.value}", markup=False)
    if error.fix is not None:
        ERR.print(f"  fix:   {error.fix}", markup=False)


def print_json(value: Any) -> None:
    """A dataclass, or plain data, as JSON."""
    plain = (
        dataclasses.asdict(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type)
        else value
    )
    OUT.print_json(json.dumps(plain, ensure_ascii=False, default=str), highlight=False)


def print_table(
    columns: tuple[str, ...], rows: list[tuple[str, ...]], *, whole: tuple[str, ...] = ()
) -> None:
    """Rows under a header; columns in `whole` are never cut."""
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    for column in columns:
        widest = (
            max((len(row[columns.index(column)]) for row in rows), default=0) if column in whole else None
        )
        table.add_column(column, no_wrap=column in whole, min_width=widest)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    OUT.print(table)
