"""An everyday chart straight to the bytes of its `ChartReply`: what charts repeat is serialised once.

Building the message of a chart takes some twenty small ones, three times the work of computing it. Here the sixty
pillars, the options, the corrections, the versions and the terms are kept as bytes, and only what is the chart's own
is made anew. The bytes are those that `chart_to_proto` serialises to, field by field.
"""

from functools import partial
from typing import Final

from hypercube.core.calendar import LunarDate
from hypercube.core.chart import Pillar, Term
from hypercube.core.everyday import EverydayChart, Ground
from hypercube.core.kept import Kept
from hypercube.wire.convert.charts import options_to_proto, versions_to_proto
from hypercube.wire.convert.records import to_message
from hypercube.wire.v1 import calendar_pb2, saju_pb2


def everyday_to_bytes(chart: EverydayChart) -> bytes:
    """`chart_to_proto(chart.chart()).SerializeToString()`, sooner."""
    moment = saju_pb2.Instant(
        utc=chart.utc, utc_seconds=chart.utc_seconds, local=chart.local, solar=chart.solar, exact=True
    )
    edges = saju_pb2.Boundary(
        term_distance_s=chart.term_distance_s, hour_edge_s=chart.hour_edge_s, day_edge_s=chart.day_edge_s
    )
    corrections, conventions = _ground(chart.ground)
    return b"".join(
        (
            _field(1, _year_month(chart.year_month) + _day_hour(chart.day_hour)),
            _field(2, moment.SerializeToString()),
            corrections,
            _field(4, _term(chart.nearest_term) + edges.SerializeToString()),
            _notes(chart.notes) if chart.notes else b"",
            conventions,
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


def _written_ground(ground: Ground) -> tuple[bytes, bytes]:
    """The corrections, and behind the notes the options and the versions."""
    steps, options, versions = ground
    corrections = saju_pb2.Corrections(
        utc_offset_s=steps.utc_offset_s,
        dst_s=steps.dst_s,
        longitude_s=steps.longitude_s,
        equation_of_time_s=steps.equation_of_time_s,
        total_offset_s=steps.total_offset_s,
    )
    behind = saju_pb2.ChartReply(options=options_to_proto(options), versions=versions_to_proto(versions))
    return _field(3, corrections.SerializeToString()), behind.SerializeToString()


def _written_notes(notes: tuple[str, ...]) -> bytes:
    return saju_pb2.ChartReply(notes=notes).SerializeToString()


def _written_lunar(date: LunarDate) -> bytes:
    message = calendar_pb2.LunarDate(year=date.year, month=date.month, day=date.day, leap=date.leap)
    return _field(10, message.SerializeToString())


def _written_term(term: Term) -> bytes:
    message = saju_pb2.Term(
        hangul=term.hangul, hanja=term.hanja, longitude_deg=term.longitude_deg, utc=term.utc
    )
    return _field(1, message.SerializeToString())


def _written_pillars(places: tuple[int, int], pillars: tuple[Pillar, Pillar]) -> bytes:
    return b"".join(
        _field(place, to_message(pillar).SerializeToString())
        for place, pillar in zip(places, pillars, strict=True)
    )


_year_month: Final = Kept(partial(_written_pillars, (1, 2)))
_day_hour: Final = Kept(partial(_written_pillars, (3, 4)))
_ground: Final = Kept(_written_ground)
_notes: Final = Kept(_written_notes)
_lunar: Final = Kept(_written_lunar)
_term: Final = Kept(_written_term)
