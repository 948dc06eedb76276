"""One everyday birth, read and written around what repeats, is the chart that everybody else gets, byte for byte."""

import datetime as dt
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.calendar import LuckAge
from hypercube.core.chart import BirthInput, Calendar, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.errors import HyperCubeError
from hypercube.core.everyday import BirthOptions, OneBirth
from hypercube.core.kept import Kept
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.gateway.grpc.births import BirthReader
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju import charts
from hypercube.saju.alone import everyday_chart
from hypercube.saju.years import FIRST_YEAR, LAST_YEAR
from hypercube.wire import convert
from hypercube.wire.convert.chart_bytes import _varint
from hypercube.wire.v1 import saju_pb2

PLACES = (
    None,
    "Seoul",
    "부산",
    "제주시",
    "Tokyo",
    "London",
    "New York",
    "Sydney",
    "Honolulu",
    "Apia",
    "Delhi",
)
times = st.builds(
    "{}-{:02}-{:02}T{:02}:{:02}{}".format,
    st.integers(1800, 2200),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(("", ":00", ":59")),
)
ordinary = st.fixed_dictionaries(
    {},
    optional={
        "sex": st.sampled_from(Sex),
        "place": st.sampled_from(PLACES),
        "longitude": st.floats(-180, 180),
        "zone": st.sampled_from(("Asia/Seoul", "America/New_York", "Europe/London", "Pacific/Apia")),
        "day_boundary": st.sampled_from(DayBoundary),
        "luck_age": st.sampled_from(LuckAge),
        "hidden_stems": st.sampled_from(HiddenStemSet),
        "life_stages": st.sampled_from(LifeStageSchool),
        "blade": st.sampled_from(BladeSchool),
        "goegang": st.sampled_from(GoegangSchool),
    },
)
anything = st.fixed_dictionaries(
    {},
    optional={
        "place": st.sampled_from((*PLACES, "Atlantis")),
        "time_basis": st.sampled_from(TimeBasis),
        "fold": st.sampled_from((0, 1, 2)),
        "calendar": st.sampled_from(Calendar),
        "leap_month": st.booleans(),
        "include": st.lists(st.sampled_from(Include), max_size=2).map(tuple),
        "zone": st.sampled_from(("Asia/Seoul", "Nowhere")),
    },
)


def written(birth: str, options: dict[str, Any]) -> bytes | None:
    chart = everyday_chart(OneBirth(birth, BirthOptions(BirthInput("", **options))))
    return None if chart is None else convert.everyday_to_bytes(chart)


@settings(deadline=None)  # the first one reads the tables
@given(times, ordinary)
def test_it_is_the_chart_of_the_arrays(birth: str, options: dict[str, Any]) -> None:
    found = written(birth, options)
    (result,) = charts([BirthInput(birth, **options)], backend="reference")
    if found is not None:
        assert result.chart is not None
        assert found == convert.chart_to_proto(result.chart).SerializeToString(deterministic=True)
    else:  # a minute about a 절, or a clock that was changed
        near = result.chart is not None and result.chart.ambiguous
        assert near or result.error is not None


@settings(deadline=None)  # the first one reads the tables
@given(times | st.sampled_from(("1990-05-03", "1990-02-30T01:00", "1990-05-03T24:00", "", "?")), anything)
def test_whatever_is_answered_is_answered_right(birth: str, options: dict[str, Any]) -> None:
    found = written(birth, options)
    if found is not None:
        (result,) = charts([BirthInput(birth, **options)], backend="reference")
        assert result.chart is not None
        assert found == convert.chart_to_proto(result.chart).SerializeToString(deterministic=True)


@pytest.mark.parametrize("boundary", list(DayBoundary))
@pytest.mark.parametrize("clock", ["22:59:59", "23:00", "23:59:59", "00:00", "00:59:59", "01:00"])
def test_every_edge_of_the_day(clock: str, boundary: DayBoundary) -> None:
    for place in ("Seoul", None):
        options: dict[str, Any] = {"place": place, "day_boundary": boundary}
        (result,) = charts([BirthInput(f"1988-07-20T{clock}", **options)], backend="reference")
        assert result.chart is not None
        assert (
            written(f"1988-07-20T{clock}", options)
            == convert.chart_to_proto(result.chart).SerializeToString()
        )


def test_both_sides_of_every_solar_term() -> None:
    terms = load_terms().jie_s.tolist()[1:-1]
    epoch = dt.datetime(1970, 1, 1)
    births = [
        (epoch + dt.timedelta(seconds=at + apart)).isoformat()
        for at in terms
        for apart in (-120, -61, 61, 120)
    ]
    births = [birth for birth in births if FIRST_YEAR <= int(birth[:4]) <= LAST_YEAR]
    given = BirthInput("", zone="Etc/UTC", time_basis=TimeBasis.CIVIL)
    options = BirthOptions(given)
    results = charts([replace(given, birth=birth) for birth in births], backend="reference")
    assert len(births) > 9_000
    for birth, result in zip(births, results, strict=True):
        found = everyday_chart(OneBirth(birth, options))
        assert found is not None
        assert found.chart() == result.chart


@pytest.mark.parametrize("birth", ["1970-01-01T09:00", "1970-01-01T09:00:01", "1970-01-01T08:59:59"])
def test_the_second_that_protobuf_does_not_write(birth: str) -> None:
    (result,) = charts([BirthInput(birth)], backend="reference")
    assert result.chart is not None
    assert written(birth, {}) == convert.chart_to_proto(result.chart).SerializeToString()


@given(st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**36), 2**36) | st.integers(-(2**15), 2**15))
def test_numbers_are_written_as_protobuf_writes_them(number: int) -> None:
    whole = saju_pb2.Instant(utc_seconds=number).SerializeToString()
    assert whole == (b"\x10" + _varint(number) if number else b"")


def test_options_that_were_read_before_are_not_read_again() -> None:
    read = BirthReader()
    first = convert.birth_to_proto(BirthInput("1990-05-03T07:20", Sex.MALE, "Seoul"))
    second = convert.birth_to_proto(BirthInput("2001-01-01T00:00", Sex.MALE, "Seoul"))
    whole = read(first.SerializeToString())
    assert isinstance(whole, BirthInput)
    around = read(second.SerializeToString())
    again = read(first.SerializeToString())
    assert isinstance(around, OneBirth)
    assert isinstance(again, OneBirth)
    assert again.options is around.options
    assert around.whole() == BirthInput("2001-01-01T00:00", Sex.MALE, "Seoul")
    assert again.whole() == whole


fragments = st.lists(
    st.sampled_from(
        (
            b"\x0a\x101990-05-03T07:20",
            b"\x0a\x00",
            b"\x0a\x0a1990-05-03",
            b"\x0a\x02\xc3\xa9",
            b"\x0a\x02\xff\xff",
            b"\x0a\x80\x01" + b"9" * 128,
            b"\x10\x01",
            b"\x10\x02",
            b"\x10\x09",
            b"\x1a\x05Seoul",
            b"\x1a\x05",
            b"\x5a\x01\x01",
            b"\x58\x01",
            b"\x98\x06\x01",
            b"\x08\x01",
            b"\x00",
        )
    ),
    max_size=5,
).map(b"".join)


@settings(deadline=None)  # the first one reads the tables
@given(st.lists(fragments | st.binary(max_size=24), min_size=1, max_size=12))
def test_a_reader_with_a_memory_reads_what_one_without_reads(messages: list[bytes]) -> None:
    remembering = BirthReader()
    for raw in messages + messages:
        assert _read(remembering, raw) == _read(BirthReader(), raw)


def _read(reader: BirthReader, raw: bytes) -> Any:
    try:
        found = reader(raw)
    except HyperCubeError as error:
        return error.failure()
    return found.whole() if isinstance(found, OneBirth) else found


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hypercube.gateway.grpc.births._KEPT", 3)
    read = BirthReader()
    for longitude in range(10):
        read(saju_pb2.Birth(birth="1990-05-03T07:20", longitude=longitude).SerializeToString())
        assert len(read._known) <= 3
    long = saju_pb2.Birth(birth="1990-05-03T07:20", place="x" * 300).SerializeToString()
    assert isinstance(read(long), BirthInput)
    assert isinstance(read(long), BirthInput)


def test_what_is_kept_is_kept_by_identity() -> None:
    numbers = itertools.count(1)
    kept: Kept[list[int], int] = Kept(lambda _: next(numbers))
    one, same = [1, 2], [1, 2]
    assert (kept(one), kept(one), kept(same), kept(one)) == (1, 1, 2, 1)
