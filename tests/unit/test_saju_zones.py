import io
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju.tzif import transitions
from hypercube.saju.zones import AMBIGUOUS, OK, SKIPPED, load_zone, resolve, tzdata_version, zone_names

EPOCH = datetime(1970, 1, 1)
NAMES = [
    "Asia/Seoul",
    "America/New_York",
    "Asia/Tokyo",
    "Asia/Shanghai",
    "Europe/London",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Europe/Dublin",  # winter time counts as negative summer time
    "Africa/Casablanca",  # listed through 2087, no rule
    "Asia/Gaza",  # a rule whose time of day is 50:00
    "Pacific/Apia",  # left out a day
]


def seconds(text: str) -> int:
    return int((datetime.fromisoformat(text) - EPOCH).total_seconds())


def data(name: str) -> bytes:
    return files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


@cache
def peer(name: str) -> ZoneInfo:
    return ZoneInfo.from_file(io.BytesIO(data(name)), key=name)


def expected(name: str, local: int, fold: int) -> tuple[int, int, int, int]:
    """utc, offset, dst and status by zoneinfo."""
    naive = EPOCH + timedelta(seconds=local)
    readings = [naive.replace(tzinfo=peer(name), fold=f).utcoffset() for f in (0, 1)]
    first, second = (int(offset.total_seconds()) for offset in readings if offset is not None)
    status = OK if first == second else AMBIGUOUS if first > second else SKIPPED
    offset = second if fold == 1 else first
    dst = naive.replace(tzinfo=peer(name), fold=max(fold, 0)).dst()
    assert dst is not None
    return local - offset, offset, int(dst.total_seconds()), status


def answers(name: str, local: list[int], fold: int) -> list[tuple[int, int, int, int]]:
    times = np.array(local, dtype=np.int64)
    found = resolve(times, load_zone(name), np.full(len(times), fold, dtype=np.int8))
    columns = (found.utc_seconds, found.offset_seconds, found.dst_seconds, found.status)
    assert [column.dtype.name for column in columns] == ["int64", "int32", "int32", "uint8"]
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("fold", [-1, 0, 1])
def test_every_minute_around_every_change_of_seoul(fold: int) -> None:
    zone = load_zone("Asia/Seoul")
    assert len(zone.offsets) == 29  # local mean time, then 28 changes
    local = [wall + 60 * minute for wall in zone.wall_late.tolist() for minute in range(-120, 121)]
    wrong = [
        (time, got)
        for time, got in zip(local, answers("Asia/Seoul", local, fold), strict=True)
        if got != expected("Asia/Seoul", time, fold)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("local", "offset_s", "dst_s"),
    [
        ("1800-01-01T00:00", 30_472, 0),
        ("1908-03-31T23:59:59", 30_472, 0),
        ("1908-04-01T00:03", 30_600, 0),
        ("1911-12-31T23:59", 30_600, 0),
        ("1912-01-01T00:30", 32_400, 0),
        ("1948-07-01T12:00", 36_000, 3_600),
        ("1951-07-01T12:00", 36_000, 3_600),
        ("1952-07-01T12:00", 32_400, 0),
        ("1954-03-20T12:00", 32_400, 0),
        ("1954-03-21T00:00", 30_600, 0),
        ("1955-07-01T12:00", 34_200, 3_600),
        ("1960-07-01T12:00", 34_200, 3_600),
        ("1961-08-09T23:59", 30_600, 0),
        ("1961-08-10T00:30", 32_400, 0),
        ("1987-05-10T01:59", 32_400, 0),
        ("1987-05-10T03:00", 36_000, 3_600),
        ("1988-10-09T03:00", 32_400, 0),
        ("2026-07-01T12:00", 32_400, 0),
        ("2200-12-31T23:59:59", 32_400, 0),
    ],
)
def test_the_history_of_seoul(local: str, offset_s: int, dst_s: int) -> None:
    (answer,) = answers("Asia/Seoul", [seconds(local)], 0)
    assert answer == (seconds(local) - offset_s, offset_s, dst_s, OK)


FIRST, LAST = seconds("1800-01-01T00:00"), seconds("2200-12-31T23:59:59")


@given(
    name=st.sampled_from(NAMES),
    times=st.lists(st.integers(FIRST, LAST), min_size=1, max_size=40),
    near=st.lists(st.tuples(st.integers(0, 10_000), st.integers(-8_000, 8_000)), max_size=40),
    fold=st.sampled_from([-1, 0, 1]),
)
def test_any_time_is_read_as_zoneinfo_reads_it(
    name: str, times: list[int], near: list[tuple[int, int]], fold: int
) -> None:
    walls = load_zone(name).wall_late
    if len(walls):
        times = times + [int(walls[change % len(walls)]) + shift for change, shift in near]
    assert answers(name, times, fold) == [expected(name, time, fold) for time in times]


def test_rules_are_followed_to_the_end() -> None:
    local = [seconds(f"{year}-{month:02}-15T12:00") for year in range(2030, 2203) for month in (1, 7)]
    for name in ("America/New_York", "Europe/London", "Australia/Lord_Howe"):
        got = answers(name, local, 0)
        assert got == [expected(name, time, 0) for time in local]
        assert len({offset for _, offset, _, _ in got[-2:]}) == 2  # summer and winter of 2202


def test_every_zone_can_be_unrolled() -> None:
    names = zone_names()
    assert len(names) > 500
    for name in names:
        zone = load_zone(name)
        assert (np.diff(zone.wall_late) > 0).all()
        assert (np.diff(zone.wall_early) > 0).all()
        assert len(zone.offsets) == len(zone.dst) == len(zone.wall_late) + 1


def rule_only(footer: str) -> bytes:
    """A TZif file without a single transition, so that the rule alone speaks."""
    header = b"TZif2" + bytes(15) + b"".join(n.to_bytes(4, "big") for n in (0, 0, 0, 0, 1, 4))
    block = (0).to_bytes(4, "big") + b"\0\0" + b"STD\0"
    return header + block + header + block + f"\n{footer}\n".encode()


@pytest.mark.parametrize(
    "footer",
    [
        "EST5EDT,M3.2.0,M11.1.0",
        "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "STD-9:30:15DST-10,M2.4.0/2,M10.5.6/3:30",
        "STD-2DST,M2.5.4/50,M10.4.4/50",
    ],
)
def test_rules_of_every_form(footer: str) -> None:
    content = rule_only(footer)
    info = ZoneInfo.from_file(io.BytesIO(content))
    instants = [t for t in transitions(content, 2_101) if 1996 <= year_of(t) <= 2100]
    assert len(instants) == 210

    def offset(at: int) -> timedelta | None:
        return datetime.fromtimestamp(at, UTC).astimezone(info).utcoffset()

    assert all(offset(t - 1) != offset(t) for t in instants)
    # Nothing is missed in between.
    for before, after in pairwise(instants):
        assert offset(before) == offset(after - 1)


def year_of(at: int) -> int:
    return (EPOCH + timedelta(seconds=at)).year


@pytest.mark.parametrize("content", [b"TZif" + bytes(60), b"not zone data at all" + bytes(60)])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="TZif"):
        transitions(content, 2_100)


@pytest.mark.parametrize("footer", ["nonsense!", "EST5EDT,J60,J300", "EST5EDT,M3.2.0"])
def test_other_rules_are_refused(footer: str) -> None:
    with pytest.raises(ValueError, match="zone rule"):
        transitions(rule_only(footer), 2_100)


@pytest.mark.parametrize(
    ("name", "close"),
    [("asia/seoul", "Asia/Seoul"), ("Asia/Seul", "Asia/Seoul"), ("Seoul", "Asia/Seoul"), ("", None)],
)
def test_an_unknown_zone(name: str, close: str | None) -> None:
    with pytest.raises(HyperCubeError) as caught:
        load_zone(name)
    error = caught.value
    assert (error.kind, error.param, error.value) == (ErrorKind.INVALID_ARGUMENT, "zone", name)
    assert error.details["nearest"] == close
    assert repr(name) in error.message
    assert error.fix is not None
    assert close is None or close in error.fix


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "zones", "x" * 100_000, "Asia/\0"])
def test_a_zone_is_never_a_path(name: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        load_zone(name)
    assert len(caught.value.message) < 300


def test_the_data_say_their_version() -> None:
    version = tzdata_version()
    assert version[:4].isdecimal()
    assert version >= "2026a"
