"""An everyday chart straight to the bytes of its `ChartReply`: what charts repeat is serialised once.

Building the message of a chart takes some twenty small ones, three times the work of computing it. Here the sixty
pillars, the options, the corrections, the versions and the terms are kept as bytes, and only what is the chart's own
is made anew, without a message of its own. The bytes are those that `chart_to_proto` serialises to, field by field.
"""

from typing import Final

from hypercube.core.calendar import LunarDate
from hypercube.core.chart import Pillar, Term
from hypercube.core.everyday import EverydayChart, Ground
from hypercube.core.kept import Repeated
from hypercube.wire.convert.charts import chart_to_proto, options_to_proto, versions_to_proto
from hypercube.wire.convert.records import to_message
from hypercube.wire.packed import varint
from hypercube.wire.v1 import calendar_pb2, saju_pb2

_LENGTHS: Final = tuple(map(varint, range(2_048)))
"""Of a chart's parts; none is longer."""
_MOMENT_TEXTS: Final = 67
"""Bytes of an `Instant` but for its number: three texts of known length, five tags, `exact`."""


def everyday_to_bytes(chart: EverydayChart) -> bytes:
    """`chart_to_proto(chart.chart()).SerializeToString()`, sooner."""
    (
        year_month,
        day_hour,
        utc_seconds,
        utc,
        local,
        solar,
        term,
        term_distance_s,
        hour_edge_s,
        day_edge_s,
        notes,
        ground,
        lunar,
    ) = chart
    months = year_month.written or _write_pillars(year_month, (1, 2))
    hours = day_hour.written or _write_pillars(day_hour, (3, 4))
    nearest = term.written or _write_term(term)
    corrections, conventions = ground.written or _write_ground(ground)
    said = notes.written
    if said is None:
        said = _write_notes(notes)
    date = lunar.written
    if date is None:
        date = _write_lunar(lunar)
    seconds = _varint(utc_seconds)
    # Zigzag, as sint32 and sint64 are.
    distance = _varint(2 * term_distance_s if term_distance_s >= 0 else -2 * term_distance_s - 1)
    hour_edge, day_edge = _varint(2 * hour_edge_s), _varint(2 * day_edge_s)
    if not utc_seconds or not term_distance_s:
        return _with_a_zero(chart)
    # Every literal is a field's tag, and for a text of known length that too.
    return b"".join(
        (
            b"\n",
            _LENGTHS[len(months) + len(hours)],
            months,
            hours,
            b"\x12",
            _LENGTHS[_MOMENT_TEXTS + len(seconds)],
            b"\n\x14",
            utc.encode(),
            b"\x10",
            seconds,
            b"\x1a\x13",
            local.encode(),
            b'"\x13',
            solar.encode(),
            b"(\x01",
            corrections,
            b'"',
            _LENGTHS[len(nearest) + len(distance) + len(hour_edge) + len(day_edge) + 3],
            nearest,
            b"\x10",
            distance,
            b"\x18",
            hour_edge,
            b" ",
            day_edge,
            said,
            conventions,
            date,
        )
    )


def _with_a_zero(chart: EverydayChart) -> bytes:
    """A number that is 0 is not written; these are two seconds of all that there are."""
    return chart_to_proto(chart.chart()).SerializeToString()


def _varint(value: int) -> bytes:
    """A number of 64 bits; what charts hold takes two to five bytes, and ten for a moment before 1970."""
    if 0 <= value < 1 << 14:
        return b"%c%c" % (value & 127 | 128, value >> 7) if value > 127 else b"%c" % value
    low = (value & 127 | 128, value >> 7 & 127 | 128)
    if 0 <= value < 1 << 21:
        return b"%c%c%c" % (*low, value >> 14)
    if 1 << 28 <= value < 1 << 35:
        return b"%c%c%c%c%c" % (*low, value >> 14 & 127 | 128, value >> 21 & 127 | 128, value >> 28)
    if -1 << 35 <= value < 0:
        high = (value >> 14 & 127 | 128, value >> 21 & 127 | 128, value >> 28 & 127 | 128)
        return b"%c%c%c%c%c\xff\xff\xff\xff\x01" % (*low, *high)
    return varint(value if value >= 0 else value + (1 << 64))


def _field(number: int, body: bytes) -> bytes:
    """A length-delimited field of a number under 16."""
    return b"%c%b%b" % (number << 3 | 2, varint(len(body)), body)


def _write_pillars(pillars: Repeated[tuple[Pillar, Pillar], bytes], places: tuple[int, int]) -> bytes:
    pillars.written = b"".join(
        _field(place, to_message(pillar).SerializeToString())
        for place, pillar in zip(places, pillars.record, strict=True)
    )
    return pillars.written


def _write_ground(ground: Repeated[Ground, tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """The corrections, and behind the notes the options and the versions."""
    steps, options, versions = ground.record
    corrections = saju_pb2.Corrections(
        utc_offset_s=steps.utc_offset_s,
        dst_s=steps.dst_s,
        longitude_s=steps.longitude_s,
        equation_of_time_s=steps.equation_of_time_s,
        total_offset_s=steps.total_offset_s,
    )
    behind = saju_pb2.ChartReply(options=options_to_proto(options), versions=versions_to_proto(versions))
    ground.written = _field(3, corrections.SerializeToString()), behind.SerializeToString()
    return ground.written


def _write_notes(notes: Repeated[tuple[str, ...], bytes]) -> bytes:
    notes.written = saju_pb2.ChartReply(notes=notes.record).SerializeToString()
    return notes.written


def _write_lunar(lunar: Repeated[LunarDate | None, bytes]) -> bytes:
    date = lunar.record
    if date is None:
        lunar.written = b""
    else:
        message = calendar_pb2.LunarDate(year=date.year, month=date.month, day=date.day, leap=date.leap)
        lunar.written = _field(10, message.SerializeToString())
    return lunar.written


def _write_term(term: Repeated[Term, bytes]) -> bytes:
    shown = term.record
    message = saju_pb2.Term(
        hangul=shown.hangul, hanja=shown.hanja, longitude_deg=shown.longitude_deg, utc=shown.utc
    )
    term.written = _field(1, message.SerializeToString())
    return term.written
