"""From the kernel's tables back to charts: the inverse of `preparation`."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube._version import __version__
from hypercube.core.chart import (
    Boundary,
    Candidate,
    Chart,
    ChartOptions,
    ChartResult,
    Corrections,
    DayBoundary,
    Instant,
    Pillars,
    Term,
    Versions,
)
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju import notes
from hypercube.saju.extras import Extras, extras
from hypercube.saju.preparation import Columns, Prepared
from hypercube.saju.signs import PILLARS
from hypercube.saju.zones import tzdata_version

_DAY_S: Final = 86_400
_DOUBLE_HOUR_S: Final = 7_200
_ZI_LEAD_S: Final = 3_600
"""The 子 double-hour, and the day under `zi23`, begin this long before midnight."""


def assemble(prepared: Prepared, tables: Sequence[NDArray[np.uint8]]) -> list[ChartResult]:
    """Charts of a prepared batch.

    Args:
        prepared: from `prepare`.
        tables: for each of `prepared.groups`, in order, the kernel's uint8[R, 4].

    Returns:
        One result a birth, in the order of the batch.

    Raises:
        ValueError: the tables are not the answer to these groups (a defect of the caller, not of a birth).
    """
    shapes = [(len(group.utc_seconds), 4) for group in prepared.groups]
    if [np.shape(table) for table in tables] != shapes:
        raise ValueError(f"tables of shapes {[np.shape(t) for t in tables]} for groups of {shapes}")
    results = [ChartResult(error=prepared.failures.get(row)) for row in range(prepared.size)]
    if prepared.columns is not None:
        rows = _rows(prepared.columns, np.concatenate(tables))
        for i, position in enumerate(prepared.columns.position):
            results[position] = ChartResult(chart=chart_of(rows, i))
    return results


@functools.cache
def versions() -> Versions:
    """What every chart of this process rests on."""
    table = load_terms()
    return Versions(
        engine=__version__,
        ephemeris=table.ephemeris,
        term_table=table.version,
        delta_t=table.delta_t,
        tzdata=tzdata_version(),
    )


@functools.lru_cache(maxsize=8_192)
def term(jie_index: int) -> Term:
    """A 절 of the term table as it is shown."""
    table = load_terms()
    kind = table.term(jie_index)
    instant = np.datetime64(int(table.jie_ms[jie_index]), "ms")
    return Term(kind.hangul, kind.hanja, kind.longitude_degrees, f"{instant}Z")


@dataclass(eq=False, slots=True)
class Rows:
    """The columns as plain lists: reading an array item by item would cost more than the charts."""

    pillar_rows: list[list[int]]
    extras: Extras
    options: list[ChartOptions]
    exact: list[bool]
    utc: list[int]
    utc_text: list[str]
    local_text: list[str]
    solar: list[int]
    solar_text: list[str]
    utc_offset: list[int]
    dst: list[int]
    status: list[int]
    longitude_s: list[int]
    equation_s: list[int]
    total: list[int]
    jie: list[int]
    since_jie: list[int]
    ambiguous: list[bool]
    row: list[int]
    clock_row: list[int]
    candidate_row: list[int]
    hour_edge: list[int]
    day_edge: list[int]


def _rows(columns: Columns, pillar_rows: NDArray[np.uint8]) -> Rows:
    solar = columns.utc + columns.total
    hour_edge, day_edge = _edges(columns, solar)
    return Rows(
        pillar_rows=pillar_rows.tolist(),
        extras=extras(columns, pillar_rows[columns.row]),
        options=columns.options,
        exact=columns.exact.tolist(),
        utc=columns.utc.tolist(),
        utc_text=_iso(columns.utc),
        local_text=_iso(columns.local),
        solar=solar.tolist(),
        solar_text=_iso(solar),
        utc_offset=columns.utc_offset.tolist(),
        dst=columns.dst.tolist(),
        status=columns.status.tolist(),
        longitude_s=columns.longitude_s.tolist(),
        equation_s=columns.equation_s.tolist(),
        total=columns.total.tolist(),
        jie=columns.jie.tolist(),
        since_jie=columns.since_jie.tolist(),
        ambiguous=columns.ambiguous.tolist(),
        row=columns.row.tolist(),
        clock_row=columns.clock_row.tolist(),
        candidate_row=columns.candidate_row.tolist(),
        hour_edge=hour_edge.tolist(),
        day_edge=day_edge.tolist(),
    )


def _iso(seconds: NDArray[np.int64]) -> list[str]:
    texts: list[str] = np.datetime_as_string(seconds.astype("datetime64[s]")).tolist()
    return texts


def _edges(columns: Columns, solar: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Seconds to the nearest double-hour edge and to the nearest edge of the day."""
    hour = (solar + _ZI_LEAD_S) % _DOUBLE_HOUR_S
    zi23 = np.array([each.day_boundary is DayBoundary.ZI23 for each in columns.options])
    day = (solar + np.where(zi23, _ZI_LEAD_S, 0)) % _DAY_S
    return np.minimum(hour, _DOUBLE_HOUR_S - hour), np.minimum(day, _DAY_S - day)


def chart_of(rows: Rows, i: int) -> Chart:
    """The chart of one row."""
    options, exact = rows.options[i], rows.exact[i]
    year, month, day, hour = rows.pillar_rows[rows.row[i]]
    pillars = Pillars(PILLARS[year], PILLARS[month], PILLARS[day], PILLARS[hour] if exact else None)
    nearest = term(rows.jie[i])
    beside = rows.extras
    return Chart(
        pillars,
        Instant(rows.utc_text[i] + "Z", rows.utc[i], rows.local_text[i], rows.solar_text[i], exact),
        Corrections(rows.utc_offset[i], rows.dst[i], rows.longitude_s[i], rows.equation_s[i], rows.total[i]),
        Boundary(
            nearest,
            rows.since_jie[i],
            rows.hour_edge[i] if exact else None,
            rows.day_edge[i] if exact else None,
        ),
        rows.ambiguous[i],
        _candidates(rows, i, pillars, nearest) if rows.ambiguous[i] else (),
        _notes(rows, i, pillars, nearest),
        options,
        versions(),
        beside.lunar[i],
        beside.facts.get(i),
        beside.luck.get(i),
        beside.luck_ranges.get(i, ()),
        beside.periods.get(i),
        beside.period_relations.get(i, ()),
    )


def _candidates(rows: Rows, i: int, pillars: Pillars, nearest: Term) -> tuple[Candidate, ...]:
    """Year and month of either side of the 절; day and hour are the birth's on both."""
    after = rows.since_jie[i] >= 0
    sides = []
    for side, when in enumerate(("before", "after")):
        year, month = rows.pillar_rows[rows.candidate_row[i] + side][:2]
        sides.append(
            Candidate(
                when=when,
                from_utc=nearest.utc if side else None,
                pillars=Pillars(PILLARS[year], PILLARS[month], pillars.day, pillars.hour),
                chosen=bool(side) is after,
            )
        )
    return tuple(sides)


def _notes(rows: Rows, i: int, pillars: Pillars, nearest: Term) -> tuple[str, ...]:
    options, ambiguous, since = rows.options[i], rows.ambiguous[i], rows.since_jie[i]
    if pillars.hour is None:
        on_date = notes.term_on_date(nearest) if ambiguous else None
        found = [notes.UNKNOWN_HOUR, on_date, notes.leap_twin(options, rows.extras.lunar[i])]
        return tuple(note for note in found if note)
    found = [
        notes.near_term(nearest, since) if ambiguous else None,
        notes.reading_of_clock(rows.status[i], options.fold),
        notes.summer_time(rows.dst[i], options.time_basis),
        notes.far_from_zone(rows.longitude_s[i], options),
        notes.late_zi(options.day_boundary, rows.solar[i], pillars.day),
        notes.leap_twin(options, rows.extras.lunar[i]),
    ]
    if rows.clock_row[i] >= 0:
        day, hour = rows.pillar_rows[rows.clock_row[i]][2:]
        shift = rows.total[i] - rows.utc_offset[i]
        by_clock, chosen = (PILLARS[day], PILLARS[hour]), (pillars.day, pillars.hour)
        found.insert(1, notes.by_the_clock(by_clock, chosen, options.time_basis, shift))
    return tuple(note for note in found if note)
