"""What the terminal shows: charts, errors, tables. Results go to stdout, everything else to stderr."""

import dataclasses
import json
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hypercube.core.chart import Candidate, Chart, Pillar, Pillars
from hypercube.core.errors import HyperCubeError

OUT: Final = Console(highlight=False)
ERR: Final = Console(stderr=True, highlight=False)

_ELEMENT_STYLE: Final = {
    "wood": "green",
    "fire": "red",
    "earth": "yellow",
    "metal": "bright_white",
    "water": "bright_blue",
}


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


def print_chart(chart: Chart) -> None:
    """Four columns, hour to year from left to right as charts are drawn in Korea, then what led to them."""
    OUT.print(_pillar_table(chart.pillars))
    instant, corrections = chart.instant, chart.corrections
    OUT.print(f"UTC {instant.utc}   local {instant.local}   deciding clock {instant.solar}", markup=False)
    OUT.print(
        f"offset {corrections.utc_offset_s:+d} s (summer time {corrections.dst_s:+d})   longitude "
        f"{corrections.longitude_s:+d} s   equation of time {corrections.equation_of_time_s:+d} s",
        markup=False,
    )
    term = chart.boundary.nearest_term
    OUT.print(
        f"nearest 절 {term.hangul} {term.hanja} {term.utc}, {chart.boundary.term_distance_s:+d} s from it",
        markup=False,
    )
    for candidate in chart.candidates:
        OUT.print(_candidate_line(candidate))
    for note in chart.notes:
        OUT.print(f"note: {note}", markup=False, style="dim")
    options, versions = chart.options, chart.versions
    OUT.print(
        f"{options.time_basis} · {options.day_boundary} · {options.zone}"
        + (f" · {options.place}" if options.place else "")
        + f" · {versions.ephemeris} table {versions.term_table} · tzdata {versions.tzdata}",
        markup=False,
        style="dim",
    )


def _pillar_table(pillars: Pillars) -> Table:
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    columns: list[tuple[str, Pillar | None]] = [
        ("hour 시", pillars.hour),
        ("day 일", pillars.day),
        ("month 월", pillars.month),
        ("year 년", pillars.year),
    ]
    for title, _ in columns:
        table.add_column(title, justify="center", min_width=10)
    for which in ("stem", "branch"):
        cells = []
        for _, pillar in columns:
            if pillar is None:
                cells.append(Text("?", style="dim"))
                continue
            sign = getattr(pillar, which)
            cells.append(Text(f"{sign.hanja} {sign.hangul}", style=f"bold {_ELEMENT_STYLE[sign.element]}"))
        table.add_row(*cells)
    return table


def _candidate_line(candidate: Candidate) -> Text:
    text = f"{'->' if candidate.chosen else '  '} {candidate.when} the 절: " + " ".join(
        pillar.hanja
        for pillar in (
            candidate.pillars.year,
            candidate.pillars.month,
            candidate.pillars.day,
            candidate.pillars.hour,
        )
        if pillar is not None
    )
    return Text(text + (f" (from {candidate.from_utc})" if candidate.from_utc else ""), style="yellow")


def print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Rows under a header."""
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    OUT.print(table)
