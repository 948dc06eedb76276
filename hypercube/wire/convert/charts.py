"""Births and charts on the wire."""

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

from hypercube.core.chart import (
    BirthInput,
    Boundary,
    Candidate,
    Chart,
    ChartOptions,
    ChartResult,
    Corrections,
    DayBoundary,
    Instant,
    Pillar,
    Pillars,
    Sex,
    Sign,
    Term,
    TimeBasis,
    Versions,
)
from hypercube.core.errors import invalid
from hypercube.wire.convert.errors import error_from_proto, error_to_proto
from hypercube.wire.convert.fields import put
from hypercube.wire.v1 import saju_pb2

_E = TypeVar("_E", bound=StrEnum)

_SEXES: Final[dict[int, Sex]] = {saju_pb2.SEX_MALE: Sex.MALE, saju_pb2.SEX_FEMALE: Sex.FEMALE}
_TIME_BASES: Final[dict[int, TimeBasis]] = {
    saju_pb2.TIME_BASIS_CIVIL: TimeBasis.CIVIL,
    saju_pb2.TIME_BASIS_MEAN_SOLAR: TimeBasis.MEAN_SOLAR,
    saju_pb2.TIME_BASIS_TRUE_SOLAR: TimeBasis.TRUE_SOLAR,
}
_DAY_BOUNDARIES: Final[dict[int, DayBoundary]] = {
    saju_pb2.DAY_BOUNDARY_MIDNIGHT: DayBoundary.MIDNIGHT,
    saju_pb2.DAY_BOUNDARY_ZI23: DayBoundary.ZI23,
    saju_pb2.DAY_BOUNDARY_SAME_DAY: DayBoundary.SAME_DAY,
}
_NUMBERS: Final[dict[StrEnum, int]] = {
    member: number for table in (_SEXES, _TIME_BASES, _DAY_BOUNDARIES) for number, member in table.items()
}


def _member(param: str, number: int, table: dict[int, _E]) -> _E | None:
    """The core member of an enum number; None for 0 (unspecified)."""
    if number == 0:
        return None
    if number not in table:
        known = ", ".join(f"{at} = {member.value}" for at, member in table.items())
        raise invalid(
            f"{param} is {number}, which is no value of that enum.",
            param=param,
            value=number,
            fix=f"Send one of: {known}; or 0 for the default.",
        )
    return table[number]


def _plain(value: Any) -> Any:
    """An enum member as its number on the wire, anything else as it is."""
    return _NUMBERS[value] if isinstance(value, Sex | TimeBasis | DayBoundary) else value


def birth_to_proto(birth: BirthInput) -> saju_pb2.Birth:
    """A birth as given; a value that its field cannot hold is INVALID_ARGUMENT."""
    message = saju_pb2.Birth()
    for field in ("birth", "sex", "place", "longitude", "zone", "time_basis", "day_boundary", "fold"):
        put(message, field, _plain(getattr(birth, field)))
    return message


def birth_from_proto(message: saju_pb2.Birth) -> BirthInput:
    """A birth as the caller gave it; its values are checked by the saju cube, its enum numbers here."""
    return BirthInput(
        birth=message.birth,
        sex=_member("sex", message.sex, _SEXES),
        place=message.place or None,
        longitude=message.longitude if message.HasField("longitude") else None,
        zone=message.zone or None,
        time_basis=_member("time_basis", message.time_basis, _TIME_BASES),
        day_boundary=_member("day_boundary", message.day_boundary, _DAY_BOUNDARIES) or DayBoundary.MIDNIGHT,
        fold=message.fold if message.HasField("fold") else None,
    )


@lru_cache(maxsize=128)
def _pillar_to_proto(pillar: Pillar) -> saju_pb2.Pillar:
    """One of the sixty pillars; cached, for a batch repeats them. Callers copy it into their message."""
    stem, branch = (
        saju_pb2.Sign(
            index=sign.index,
            hanja=sign.hanja,
            hangul=sign.hangul,
            element=sign.element,
            polarity=sign.polarity,
        )
        for sign in (pillar.stem, pillar.branch)
    )
    return saju_pb2.Pillar(
        index=pillar.index, hanja=pillar.hanja, hangul=pillar.hangul, stem=stem, branch=branch
    )


def _pillars_to_proto(pillars: Pillars) -> saju_pb2.Pillars:
    return saju_pb2.Pillars(
        year=_pillar_to_proto(pillars.year),
        month=_pillar_to_proto(pillars.month),
        day=_pillar_to_proto(pillars.day),
        hour=None if pillars.hour is None else _pillar_to_proto(pillars.hour),
    )


def chart_to_proto(chart: Chart) -> saju_pb2.ChartReply:
    """A chart with everything needed to check it."""
    instant, corrections, versions = chart.instant, chart.corrections, chart.versions
    boundary, term = chart.boundary, chart.boundary.nearest_term
    options = saju_pb2.ChartOptions()
    for field in ("sex", "place", "longitude", "zone", "time_basis", "day_boundary", "fold"):
        put(options, field, _plain(getattr(chart.options, field)))
    return saju_pb2.ChartReply(
        pillars=_pillars_to_proto(chart.pillars),
        instant=saju_pb2.Instant(
            utc=instant.utc,
            utc_seconds=instant.utc_seconds,
            local=instant.local,
            solar=instant.solar,
            exact=instant.exact,
        ),
        corrections=saju_pb2.Corrections(
            utc_offset_s=corrections.utc_offset_s,
            dst_s=corrections.dst_s,
            longitude_s=corrections.longitude_s,
            equation_of_time_s=corrections.equation_of_time_s,
            total_offset_s=corrections.total_offset_s,
        ),
        boundary=saju_pb2.Boundary(
            nearest_term=saju_pb2.Term(
                hangul=term.hangul, hanja=term.hanja, longitude_deg=term.longitude_deg, utc=term.utc
            ),
            term_distance_s=boundary.term_distance_s,
            hour_edge_s=boundary.hour_edge_s,
            day_edge_s=boundary.day_edge_s,
        ),
        ambiguous=chart.ambiguous,
        candidates=[
            saju_pb2.Candidate(
                when=candidate.when,
                from_utc=candidate.from_utc or "",
                pillars=_pillars_to_proto(candidate.pillars),
                chosen=candidate.chosen,
            )
            for candidate in chart.candidates
        ],
        notes=chart.notes,
        options=options,
        versions=saju_pb2.Versions(
            engine=versions.engine,
            ephemeris=versions.ephemeris,
            term_table=versions.term_table,
            delta_t=versions.delta_t,
            tzdata=versions.tzdata,
        ),
    )


def _sign_from_proto(message: saju_pb2.Sign) -> Sign:
    return Sign(message.index, message.hanja, message.hangul, message.element, message.polarity)


def _pillar_from_proto(message: saju_pb2.Pillar) -> Pillar:
    return Pillar(
        index=message.index,
        hanja=message.hanja,
        hangul=message.hangul,
        stem=_sign_from_proto(message.stem),
        branch=_sign_from_proto(message.branch),
    )


def _pillars_from_proto(message: saju_pb2.Pillars) -> Pillars:
    return Pillars(
        year=_pillar_from_proto(message.year),
        month=_pillar_from_proto(message.month),
        day=_pillar_from_proto(message.day),
        hour=_pillar_from_proto(message.hour) if message.HasField("hour") else None,
    )


def chart_from_proto(message: saju_pb2.ChartReply) -> Chart:
    """The chart that `chart_to_proto` was given."""
    instant, corrections, boundary = message.instant, message.corrections, message.boundary
    term, options, versions = boundary.nearest_term, message.options, message.versions
    return Chart(
        pillars=_pillars_from_proto(message.pillars),
        instant=Instant(instant.utc, instant.utc_seconds, instant.local, instant.solar, instant.exact),
        corrections=Corrections(
            utc_offset_s=corrections.utc_offset_s,
            dst_s=corrections.dst_s,
            longitude_s=corrections.longitude_s,
            equation_of_time_s=corrections.equation_of_time_s,
            total_offset_s=corrections.total_offset_s,
        ),
        boundary=Boundary(
            nearest_term=Term(term.hangul, term.hanja, term.longitude_deg, term.utc),
            term_distance_s=boundary.term_distance_s,
            hour_edge_s=boundary.hour_edge_s if boundary.HasField("hour_edge_s") else None,
            day_edge_s=boundary.day_edge_s if boundary.HasField("day_edge_s") else None,
        ),
        ambiguous=message.ambiguous,
        candidates=tuple(
            Candidate(
                when=candidate.when,
                from_utc=candidate.from_utc or None,
                pillars=_pillars_from_proto(candidate.pillars),
                chosen=candidate.chosen,
            )
            for candidate in message.candidates
        ),
        notes=tuple(message.notes),
        options=ChartOptions(
            sex=_member("sex", options.sex, _SEXES),
            place=options.place or None,
            longitude=options.longitude if options.HasField("longitude") else None,
            zone=options.zone,
            time_basis=_member("time_basis", options.time_basis, _TIME_BASES) or TimeBasis.CIVIL,
            day_boundary=_member("day_boundary", options.day_boundary, _DAY_BOUNDARIES)
            or DayBoundary.MIDNIGHT,
            fold=options.fold if options.HasField("fold") else None,
        ),
        versions=Versions(
            engine=versions.engine,
            ephemeris=versions.ephemeris,
            term_table=versions.term_table,
            delta_t=versions.delta_t,
            tzdata=versions.tzdata,
        ),
    )


def charts_request_to_proto(births: Iterable[BirthInput]) -> saju_pb2.ChartsRequest:
    """A batch of births; a value that cannot travel is INVALID_ARGUMENT with the row in `param`."""
    return saju_pb2.ChartsRequest(births=[birth_to_proto(birth) for birth in births])


def result_to_proto(result: ChartResult) -> saju_pb2.ChartResult:
    """One row of a batch: a chart or an error."""
    if result.chart is not None:
        return saju_pb2.ChartResult(chart=chart_to_proto(result.chart))
    if result.error is not None:
        return saju_pb2.ChartResult(error=error_to_proto(result.error))
    raise ValueError("a ChartResult holds a chart or an error; this one holds neither")


def result_from_proto(message: saju_pb2.ChartResult) -> ChartResult:
    """One row of a batch."""
    if message.WhichOneof("result") == "error":
        return ChartResult(error=error_from_proto(message.error))
    return ChartResult(chart=chart_from_proto(message.chart))
