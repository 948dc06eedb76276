"""Births and charts on the wire."""

from collections.abc import Iterable
from typing import Final

from google.protobuf.message import Message

from hypercube.core.calendar import Luck, LuckAge, LuckRange, LunarDate, PeriodsNow
from hypercube.core.chart import (
    BirthInput,
    Boundary,
    Calendar,
    Candidate,
    Chart,
    ChartOptions,
    ChartResult,
    Corrections,
    DayBoundary,
    Include,
    Instant,
    Pillar,
    Pillars,
    Sex,
    Term,
    TimeBasis,
    Versions,
)
from hypercube.core.errors import invalid
from hypercube.core.facts import ChartFacts, Relation
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.wire.convert.errors import error_from_proto, error_to_proto
from hypercube.wire.convert.fields import put
from hypercube.wire.convert.records import from_message, member, number_of, to_message
from hypercube.wire.v1 import saju_pb2

_OPTIONS: Final = (
    "sex",
    "place",
    "longitude",
    "zone",
    "time_basis",
    "day_boundary",
    "fold",
    "calendar",
    "leap_month",
    "include",
    "luck_age",
    "as_of",
    "hidden_stems",
    "life_stages",
    "blade",
    "goegang",
)
"""What `BirthInput` and `ChartOptions` have in common."""


def _put_options(message: Message, options: BirthInput | ChartOptions) -> None:
    for field in _OPTIONS:
        value = getattr(options, field)
        if field == "include" and isinstance(value, tuple | list):
            value = [number_of(each) for each in value]
        put(message, field, number_of(value))


def _included(numbers: Iterable[int]) -> tuple[Include, ...]:
    found = []
    for at, number in enumerate(numbers):
        part = member(f"include[{at}]", number, Include)
        if part is None:
            raise invalid(
                f"include[{at}] is 0, which names no part.",
                param=f"include[{at}]",
                value=0,
                fix="Send 1 = facts, 2 = luck, 3 = periods.",
            )
        found.append(part)
    return tuple(found)


def birth_to_proto(birth: BirthInput) -> saju_pb2.Birth:
    """A birth as given; a value that its field cannot hold is INVALID_ARGUMENT."""
    message = saju_pb2.Birth()
    put(message, "birth", birth.birth)
    _put_options(message, birth)
    return message


def birth_from_proto(message: saju_pb2.Birth) -> BirthInput:
    """A birth as the caller gave it; its values are checked by the saju cube, its enum numbers here."""
    return BirthInput(
        birth=message.birth,
        sex=member("sex", message.sex, Sex),
        place=message.place or None,
        longitude=message.longitude if message.HasField("longitude") else None,
        zone=message.zone or None,
        time_basis=member("time_basis", message.time_basis, TimeBasis),
        day_boundary=member("day_boundary", message.day_boundary, DayBoundary) or DayBoundary.MIDNIGHT,
        fold=message.fold if message.HasField("fold") else None,
        calendar=member("calendar", message.calendar, Calendar) or Calendar.SOLAR,
        leap_month=message.leap_month,
        include=_included(message.include),
        luck_age=member("luck_age", message.luck_age, LuckAge) or LuckAge.ROUNDED,
        as_of=message.as_of or None,
        hidden_stems=member("hidden_stems", message.hidden_stems, HiddenStemSet) or HiddenStemSet.KOREAN,
        life_stages=member("life_stages", message.life_stages, LifeStageSchool)
        or LifeStageSchool.YIN_BACKWARD,
        blade=member("blade", message.blade, BladeSchool) or BladeSchool.YANG_STEMS,
        goegang=member("goegang", message.goegang, GoegangSchool) or GoegangSchool.FOUR_DAYS,
    )


def _pillars_to_proto(pillars: Pillars) -> saju_pb2.Pillars:
    return saju_pb2.Pillars(
        year=to_message(pillars.year),
        month=to_message(pillars.month),
        day=to_message(pillars.day),
        hour=None if pillars.hour is None else to_message(pillars.hour),
    )


def options_to_proto(options: ChartOptions) -> saju_pb2.ChartOptions:
    """The conventions of a chart."""
    message = saju_pb2.ChartOptions()
    _put_options(message, options)
    return message


def versions_to_proto(versions: Versions) -> saju_pb2.Versions:
    """What a chart rests on."""
    return saju_pb2.Versions(
        engine=versions.engine,
        ephemeris=versions.ephemeris,
        term_table=versions.term_table,
        delta_t=versions.delta_t,
        tzdata=versions.tzdata,
    )


def chart_to_proto(chart: Chart) -> saju_pb2.ChartReply:
    """A chart with everything needed to check it."""
    instant, corrections = chart.instant, chart.corrections
    boundary, term = chart.boundary, chart.boundary.nearest_term
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
        options=options_to_proto(chart.options),
        versions=versions_to_proto(chart.versions),
        lunar=None if chart.lunar is None else to_message(chart.lunar),
        facts=None if chart.facts is None else to_message(chart.facts),
        luck=None if chart.luck is None else to_message(chart.luck),
        luck_ranges=[to_message(each) for each in chart.luck_ranges],
        periods=None if chart.periods is None else to_message(chart.periods),
        period_relations=[to_message(each) for each in chart.period_relations],
    )


def _pillars_from_proto(message: saju_pb2.Pillars) -> Pillars:
    return Pillars(
        year=from_message(Pillar, message.year),
        month=from_message(Pillar, message.month),
        day=from_message(Pillar, message.day),
        hour=from_message(Pillar, message.hour) if message.HasField("hour") else None,
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
            sex=member("sex", options.sex, Sex),
            place=options.place or None,
            longitude=options.longitude if options.HasField("longitude") else None,
            zone=options.zone,
            time_basis=member("time_basis", options.time_basis, TimeBasis) or TimeBasis.CIVIL,
            day_boundary=member("day_boundary", options.day_boundary, DayBoundary) or DayBoundary.MIDNIGHT,
            fold=options.fold if options.HasField("fold") else None,
            calendar=member("calendar", options.calendar, Calendar) or Calendar.SOLAR,
            leap_month=options.leap_month,
            include=_included(options.include),
            luck_age=member("luck_age", options.luck_age, LuckAge) or LuckAge.ROUNDED,
            as_of=options.as_of or None,
            hidden_stems=member("hidden_stems", options.hidden_stems, HiddenStemSet) or HiddenStemSet.KOREAN,
            life_stages=member("life_stages", options.life_stages, LifeStageSchool)
            or LifeStageSchool.YIN_BACKWARD,
            blade=member("blade", options.blade, BladeSchool) or BladeSchool.YANG_STEMS,
            goegang=member("goegang", options.goegang, GoegangSchool) or GoegangSchool.FOUR_DAYS,
        ),
        versions=Versions(
            engine=versions.engine,
            ephemeris=versions.ephemeris,
            term_table=versions.term_table,
            delta_t=versions.delta_t,
            tzdata=versions.tzdata,
        ),
        lunar=from_message(LunarDate, message.lunar) if message.HasField("lunar") else None,
        facts=from_message(ChartFacts, message.facts) if message.HasField("facts") else None,
        luck=from_message(Luck, message.luck) if message.HasField("luck") else None,
        luck_ranges=tuple(from_message(LuckRange, each) for each in message.luck_ranges),
        periods=from_message(PeriodsNow, message.periods) if message.HasField("periods") else None,
        period_relations=tuple(from_message(Relation, each) for each in message.period_relations),
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
