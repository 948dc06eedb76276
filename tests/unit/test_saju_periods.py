"""세운, 월운 and 일진: continuity across whole cycles, agreement with the kernel, and the day that counts as now."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels.pillars import pillars
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju import as_of as as_of_module
from hypercube.saju.as_of import resolve_as_of, system_today
from hypercube.saju.periods import (
    MAX_PERIODS,
    NO_INSTANT,
    day_periods,
    day_pillars,
    month_columns,
    month_periods,
    month_periods_between,
    periods_now,
    year_columns,
    year_periods,
)

DAY = 86_400
KST = 32_400
EPOCH = date(1970, 1, 1).toordinal()
TABLE = load_terms()


def test_years_follow_one_another_through_the_cycles() -> None:
    found = year_columns(1799, 2200)
    assert (np.diff(found.pillar.astype(int)) % 60 == 1).all()
    assert (found.from_ms[1:] == found.until_ms[:-1]).all()
    assert found.from_ms[0] == found.until_ms[-1] == NO_INSTANT
    lengths = np.diff(found.from_ms[1:]) / 86_400_000
    assert np.abs(lengths - 365.2422).max() < 0.02
    # 1984 and every sixtieth year is 甲子.
    assert found.number[found.pillar == 0].tolist() == [1804, 1864, 1924, 1984, 2044, 2104, 2164]


def test_months_follow_one_another_through_the_cycles() -> None:
    first, last = TABLE.jie_number0, TABLE.jie_number0 + len(TABLE.jie_s) - 1
    found = month_columns(first, last)
    assert len(found.number) == 12 * 401 + 2
    assert (np.diff(found.pillar.astype(int)) % 60 == 1).all()
    assert (found.from_ms[1:] == found.until_ms[:-1]).all()
    assert found.until_ms[-1] == NO_INSTANT
    lengths = (found.until_ms - found.from_ms)[:-1] / 86_400_000
    assert lengths.min() > 29
    assert lengths.max() < 32


def test_years_and_months_are_the_kernel_s() -> None:
    """The pillar of a period is what a birth in its first and in its last second gets."""
    for found, column in ((year_columns(1800, 2199), 0), (month_columns(12 * 1796 + 1, 12 * 2195), 1)):
        first = -(-found.from_ms // 1_000)
        last = -(-found.until_ms // 1_000) - 1
        for instants in (first, last):
            got = pillars(instants, np.full(len(instants), KST, dtype=np.int32))
            assert (got[:, column] == found.pillar).all()


def test_days_are_the_kernel_s_through_every_clock_change() -> None:
    days = np.arange(date(1800, 1, 2).toordinal(), date(2200, 12, 31).toordinal()) - EPOCH
    got = day_pillars(days)
    assert (np.diff(got.astype(int)) % 60 == 1).all()
    assert (pillars(days * DAY + DAY // 2, 0)[:, 2] == got).all()
    assert day_pillars(np.array([date(2000, 1, 1).toordinal() - EPOCH])).tolist() == [54]  # 戊午


def test_stems_and_branches_have_one_parity() -> None:
    for periods in (
        year_periods(1990, 2010),
        month_periods(2024),
        day_periods(date(2024, 1, 1), date(2024, 3, 1)),
    ):
        for period in periods:
            assert period.pillar.stem.index % 2 == period.pillar.branch.index % 2


def test_years_as_data() -> None:
    (year,) = year_periods(2024, 2024)
    assert (year.pillar.hangul, year.from_utc, year.until_utc) == (
        "갑진",
        "2024-02-04T08:27:07.593Z",
        "2025-02-03T14:10:28.122Z",
    )
    assert year_periods(2200, 2200)[0].until_utc is None
    assert year_periods(1799, 1799)[0].from_utc is None


def test_months_of_a_year_begin_with_the_tiger() -> None:
    for year in (1800, 1900, 2024, 2200):
        found = month_periods(year)
        assert [each.month for each in found] == list(range(1, 13))
        assert {each.year for each in found} == {year}
        assert [each.pillar.branch.hangul for each in found] == list("인묘진사오미신유술해자축")
        assert (
            " ".join(each.term for each in found)
            == "입춘 경칩 청명 입하 망종 소서 입추 백로 한로 입동 대설 소한"
        )
        (whole,) = year_periods(year, year)
        assert (found[0].from_utc, found[-1].until_utc) == (whole.from_utc, whole.until_utc)
    # 五虎遁: a 甲 year begins with 丙寅.
    assert month_periods(2024)[0].pillar.hanja == "丙寅"


@given(st.integers(TABLE.first_utc_s, TABLE.last_utc_s - 1), st.integers(1, 200 * DAY))
def test_months_between_cover_the_span(start: int, length: int) -> None:
    end = min(start + length, TABLE.last_utc_s)
    found = month_periods_between(start, end)
    texts = [each.from_utc or "" for each in found] + [found[-1].until_utc or "9999"]
    assert texts == sorted(texts)
    first, last = (f"{np.datetime64(second, 's')}Z" for second in (start, end - 1))
    # "." sorts before "Z", so an instant within the last second counts as before it.
    assert texts[0] <= first
    assert texts[-1] > last[:-1]
    assert length > 33 * DAY or len(found) <= 3


def test_days_as_data() -> None:
    found = day_periods(date(2024, 2, 28), date(2024, 3, 1))
    assert [each.date for each in found] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert [each.pillar.index for each in found] == [58, 59, 0]


def test_as_of_given_and_today() -> None:
    asked: list[str] = []

    def today(zone: str) -> date:
        asked.append(zone)
        return date(2026, 11, 22)

    given_day = resolve_as_of("2024-02-04", today=today)
    assert (given_day.date, given_day.zone, given_day.given) == ("2024-02-04", "Asia/Seoul", True)
    assert resolve_as_of(date(2024, 2, 4), today=today) == given_day
    assert asked == []
    now = resolve_as_of(None, "America/New_York", today)
    assert (now.date, now.zone, now.given) == ("2026-11-22", "America/New_York", False)
    assert asked == ["America/New_York"]


def test_today_is_that_of_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    # 2026-11-22 16:00 UTC is already the 23rd in Seoul.
    at = datetime(2026, 11, 22, 16, tzinfo=UTC).timestamp()
    monkeypatch.setattr(as_of_module.time, "time", lambda: at)
    assert system_today("Asia/Seoul") == date(2026, 11, 23)
    assert system_today("America/New_York") == date(2026, 11, 22)


@pytest.mark.parametrize(
    "value",
    [
        "2024-2-4",
        "2024-02-30",
        "today",
        20240204,
        datetime(2024, 2, 4, tzinfo=UTC),
        "1799-12-31",
        "2201-01-01",
        "",
    ],
)
def test_a_bad_as_of(value: object) -> None:
    with pytest.raises(HyperCubeError) as caught:
        resolve_as_of(value)
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "as_of")
    assert caught.value.fix


def test_now_on_an_ordinary_day() -> None:
    now = periods_now(resolve_as_of("2026-11-22"))
    assert (now.year.pillar.hangul, now.month.pillar.hangul, now.day.pillar.hangul) == (
        "병오",
        "기해",
        "경자",
    )
    assert now.month.term == "입동"
    assert now.term is None
    assert now.as_of.given


def test_now_on_the_day_of_ipchun() -> None:
    """2025-02-03 23:10 KST: at noon it is still the old year, and the answer says what comes."""
    now = periods_now(resolve_as_of("2025-02-03"))
    assert (now.year.pillar.hangul, now.month.pillar.hangul) == ("갑진", "정축")
    assert now.term is not None
    assert (now.term.hangul, now.term.local_minute) == ("입춘", "2025-02-03T23:10")
    later = periods_now(resolve_as_of("2025-02-04"))
    assert (later.year.pillar.hangul, later.month.pillar.hangul, later.term) == ("을사", "무인", None)


def test_a_term_on_a_day_of_another_zone() -> None:
    """입춘 of 2026 is 4 February 05:02 in Seoul and 3 February 15:02 in New York."""
    assert periods_now(resolve_as_of("2026-02-04")).term is not None
    assert periods_now(resolve_as_of("2026-02-04", "America/New_York")).term is None
    assert periods_now(resolve_as_of("2026-02-03", "America/New_York")).term is not None


@pytest.mark.parametrize("day", ["1800-01-01", "2200-12-31", "1987-05-10", "1988-10-09", "1961-08-10"])
def test_now_at_the_edges(day: str) -> None:
    now = periods_now(resolve_as_of(day))
    noon = int(np.datetime64(f"{day}T12:00", "s").astype(np.int64))
    got = pillars(np.array([noon - KST]), KST)[0].tolist()
    assert [now.year.pillar.index, now.month.pillar.index, now.day.pillar.index] == got[:3]


@pytest.mark.parametrize(
    ("call", "param"),
    [
        (lambda: year_periods(1798, 1800), "first_year"),
        (lambda: year_periods(2000, 2201), "last_year"),
        (lambda: year_periods(2001, 2000), "last_year"),
        (lambda: year_columns(2000.0, 2001), "first_year"),
        (lambda: month_periods(1799), "year"),
        (lambda: month_periods(True), "year"),
        (lambda: month_columns(0, 5), "first_number"),
        (lambda: month_columns(24_001, 24_000), "last_number"),
        (lambda: month_periods_between(10, 10), "utc_end"),
        (lambda: month_periods_between(-(10**12), 0), "utc_start"),
        (lambda: day_periods(date(1799, 1, 1), date(1800, 1, 1)), "first"),
        (lambda: day_periods(date(2000, 1, 2), date(2000, 1, 1)), "last"),
        (lambda: day_periods(date(1800, 1, 1), date(2200, 1, 1)), "last"),
    ],
)
def test_what_is_refused(call: object, param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        call()  # type: ignore[operator]
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, param)
    assert caught.value.fix


def test_a_range_of_days_is_bounded() -> None:
    last = date.fromordinal(date(1900, 1, 1).toordinal() + MAX_PERIODS - 1)
    assert len(day_periods(date(1900, 1, 1), last)) == MAX_PERIODS
