"""A chart straight to the bytes of its `ChartReply`: what charts repeat is serialised once.

Building the message of a chart takes some twenty small ones, three times the work of computing it. Here the sixty
pillars, the options, the versions and the terms are kept as bytes, and only what is the chart's own is made anew.
The bytes are those that `chart_to_proto` serialises to, field by field; a chart with more than its pillars goes
that way.
"""

from functools import partial
from typing import Final

from hypercube.core.calendar import LunarDate
from hypercube.core.chart import Chart, ChartOptions, Pillar, Term, Versions
from hypercube.wire.convert.charts import chart_to_proto, options_to_proto, versions_to_proto
from hypercube.wire.convert.kept import Kept
from hypercube.wire.convert.records import to_message
from hypercube.wire.v1 import calendar_pb2, saju_pb2


class PackedChart:
    """A chart as gRPC's answer."""

    __slots__ = ("_chart",)

    def __init__(self, chart: Chart) -> None:
        self._chart = chart

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes of its `ChartReply`."""
        return chart_to_bytes(self._chart)


def chart_to_bytes(chart: Chart) -> bytes:
    """`chart_to_proto(chart).SerializeToString()`, sooner."""
    options = chart.options
    if options.include or chart.ambiguous:
        return chart_to_proto(chart).SerializeToString()
    four, instant, corrections, boundary = chart.pillars, chart.instant, chart.corrections, chart.boundary
    pillars = _year(four.year) + _month(four.month) + _day(four.day)
    if four.hour is not None:
        pillars += _hour(four.hour)
    moment = saju_pb2.Instant(
        utc=instant.utc,
        utc_seconds=instant.utc_seconds,
        local=instant.local,
        solar=instant.solar,
        exact=instant.exact,
    )
    steps = saju_pb2.Corrections(
        utc_offset_s=corrections.utc_offset_s,
        dst_s=corrections.dst_s,
        longitude_s=corrections.longitude_s,
        equation_of_time_s=corrections.equation_of_time_s,
        total_offset_s=corrections.total_offset_s,
    )
    edges = saju_pb2.Boundary(
        term_distance_s=boundary.term_distance_s,
        hour_edge_s=boundary.hour_edge_s,
        day_edge_s=boundary.day_edge_s,
    )
    return b"".join(
        (
            _field(1, pillars),
            _field(2, moment.SerializeToString()),
            _field(3, steps.SerializeToString()),
            _field(4, _term(boundary.nearest_term) + edges.SerializeToString()),
            saju_pb2.ChartReply(notes=chart.notes).SerializeToString() if chart.notes else b"",
            _options(options),
            _versions(chart.versions),
            b"" if chart.lunar is None else _lunar(chart.lunar),
        )
    )


def _field(number: int, body: bytes) -> bytes:
    """A length-delimited field of a number under 16 (protobuf's encoding: tag, length as a varint, body)."""
    size = len(body)
    if size < 1 << 7:
        return b"%c%c%b" % (number << 3 | 2, size, body)
    if size < 1 << 14:
        return b"%c%c%c%b" % (number << 3 | 2, size & 127 | 128, size >> 7, body)
    raise ValueError(f"{size} bytes in one part of a chart")


def _lunar(date: LunarDate) -> bytes:
    message = calendar_pb2.LunarDate(year=date.year, month=date.month, day=date.day, leap=date.leap)
    return _field(10, message.SerializeToString())


def _written_options(options: ChartOptions) -> bytes:
    return _field(8, options_to_proto(options).SerializeToString())


def _written_versions(versions: Versions) -> bytes:
    return _field(9, versions_to_proto(versions).SerializeToString())


def _written_term(term: Term) -> bytes:
    message = saju_pb2.Term(
        hangul=term.hangul, hanja=term.hanja, longitude_deg=term.longitude_deg, utc=term.utc
    )
    return _field(1, message.SerializeToString())


def _written_pillar(place: int, pillar: Pillar) -> bytes:
    return _field(place, to_message(pillar).SerializeToString())


_options: Final = Kept(_written_options)
_versions: Final = Kept(_written_versions)
_term: Final = Kept(_written_term)
_year, _month, _day, _hour = (Kept(partial(_written_pillar, place)) for place in (1, 2, 3, 4))
