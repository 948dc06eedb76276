"""Korean lunar dates: the whole table through two ways of reading it, round trips, and what is refused."""

import builtins
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from korean_lunar_calendar import KoreanLunarCalendar

from hypercube.core.calendar import LunarDate
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju import lunar as lunar_module
from hypercube.saju.lunar import (
    leap_month_of,
    load_lunar_table,
    lunar_months,
    lunar_to_solar,
    resolve_lunar,
    solar_to_lunar,
    to_lunar,
    to_solar,
)
from hypercube.saju.lunar_text import civil_birth, read_lunar

EPOCH = date(1970, 1, 1).toordinal()


def every_day() -> np.ndarray:
    table = load_lunar_table()
    return np.arange(table.starts[0], table.last_day + 1)


def refused(year: int, month: int, day: int, leap: bool = False) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        lunar_to_solar(LunarDate(year, month, day, leap))
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == "birth"
    assert caught.value.fix
    return caught.value


def test_the_range() -> None:
    table = load_lunar_table()
    assert (table.first_year, table.last_year) == (1000, 2050)
    assert lunar_to_solar(LunarDate(1000, 1, 1)) == date(1000, 2, 13)
    assert lunar_to_solar(LunarDate(2050, 11, 18)) == date(2050, 12, 31)
    assert len(every_day()) == 383_827


def test_every_day_there_and_back() -> None:
    days = every_day()
    found = to_lunar(days)
    assert (
        to_solar(*(a.astype(np.int64) for a in (found.year, found.month, found.day)), found.leap) == days
    ).all()


def test_days_of_a_month_count_up_and_months_follow() -> None:
    found = to_lunar(every_day())
    number = np.array([found.year, found.month, found.leap, found.day], dtype=np.int64)
    step = np.diff(number, axis=1)
    first = number[3, 1:] == 1
    assert (step[3][~first] == 1).all()
    assert (step[:3, ~first] == 0).all()
    assert set(number[3, :-1][first].tolist()) == {29, 30}
    # Into a leap month; out of it; to the next month; over the new year.
    kinds = {tuple(column) for column in step[:3, first].T.tolist()}
    assert kinds == {(0, 0, 1), (0, 1, -1), (0, 1, 0), (1, -11, 0), (1, -11, -1)}


def test_every_month_is_the_package_s() -> None:
    table = load_lunar_table()
    calendar = KoreanLunarCalendar()
    rows = np.flatnonzero(table.starts[:-1] <= table.last_day).tolist()
    assert len(rows) > 12_990
    for row in rows:
        year, month, leap = int(table.year[row]), int(table.month[row]), bool(table.leap[row])
        assert calendar.setLunarDate(year, month, 1, leap)
        assert calendar.SolarIsoFormat() == date.fromordinal(int(table.starts[row]) + EPOCH).isoformat()
        length = int(table.starts[row + 1] - table.starts[row])
        if table.starts[row + 1] <= table.last_day:
            assert calendar.setLunarDate(year, month, length, leap)
            assert not calendar.setLunarDate(year, month, length + 1, leap)


def test_a_month_is_29_or_30_days_and_a_year_12_or_13_months() -> None:
    table = load_lunar_table()
    assert set(np.diff(table.starts).tolist()) == {29, 30}
    assert set(np.diff(table.year_row).tolist()) == {12, 13}
    leap_years = np.count_nonzero(table.leap_month)
    # Seven leap months in nineteen years.
    assert abs(leap_years / len(table.leap_month) - 7 / 19) < 0.002


@given(st.dates(date(1000, 2, 13), date(2050, 12, 31)))
def test_one_date_there_and_back(day: date) -> None:
    found = solar_to_lunar(day)
    assert lunar_to_solar(found) == day
    tomorrow = day + timedelta(days=1)
    if tomorrow <= date(2050, 12, 31):
        after = solar_to_lunar(tomorrow)
        assert after.day in (found.day + 1, 1)


@given(
    st.lists(
        st.tuples(st.integers(990, 2060), st.integers(-1, 14), st.integers(-1, 32), st.booleans()), min_size=1
    )
)
def test_a_bad_row_leaves_its_neighbours_alone(rows: list[tuple[int, int, int, bool]]) -> None:
    year, month, day = (np.array([row[i] for row in rows], dtype=np.int64) for i in range(3))
    days, status = resolve_lunar(year, month, day, np.array([row[3] for row in rows]))
    for row, got, state in zip(rows, days.tolist(), status.tolist(), strict=True):
        try:
            want = lunar_to_solar(LunarDate(*row))
        except HyperCubeError:
            assert (state != lunar_module.OK, got) == (True, 0)
        else:
            assert (state, got) == (lunar_module.OK, want.toordinal() - EPOCH)
            assert str(solar_to_lunar(want)) == str(LunarDate(*row))


def test_a_leap_month_that_is_another() -> None:
    error = refused(2023, 3, 1, leap=True)
    assert error.message == "lunar 2023 has a leap 2nd month (윤2월); 윤3월 does not exist."
    assert error.details["leap_month"] == leap_month_of(2023) == 2
    assert lunar_to_solar(LunarDate(2023, 2, 1, leap=True)) == date(2023, 3, 22)


def test_a_leap_month_in_a_year_without_one() -> None:
    assert refused(2022, 3, 1, leap=True).message == "lunar 2022 has no leap month; 윤3월 does not exist."


@pytest.mark.parametrize("day", [0, 30, -5, 10**9])
def test_a_day_that_the_month_lacks(day: int) -> None:
    error = refused(2023, 2, day, leap=True)
    assert error.message == f"lunar 2023 윤2월 has 29 days; there is no day {day}."
    assert error.fix == "Days of that month run from 1 to 29. The ordinary 2월 is another month."


@pytest.mark.parametrize(
    ("year", "month", "day"), [(999, 1, 1), (2051, 1, 1), (10**30, 1, 1), (-(10**30), 1, 1)]
)
def test_a_year_outside(year: int, month: int, day: int) -> None:
    assert "outside the Korean lunar calendar table, 1000 to 2050" in refused(year, month, day).message


@pytest.mark.parametrize("month", [0, 13, -1])
def test_a_month_that_does_not_exist(month: int) -> None:
    assert refused(2000, month, 1).message == f"lunar month {month} of 2000 does not exist."


@pytest.mark.parametrize(("month", "day"), [(11, 19), (12, 1)])
def test_after_the_last_day(month: int, day: int) -> None:
    assert "after the last day" in refused(2050, month, day).message
    assert "2050-11-18 (2050-12-31)" in refused(2050, month, day).message


def test_rows_are_named() -> None:
    with pytest.raises(HyperCubeError) as caught:
        to_solar(np.array([2000, 2022]), np.array([1, 3]), np.array([1, 1]), np.array([False, True]))
    assert caught.value.param == "lunar[1]"
    with pytest.raises(HyperCubeError) as caught:
        to_lunar(np.array([0, 10**6]))
    assert caught.value.param == "days[1]"
    assert "1000-02-13 to 2050-12-31" in caught.value.message
    with pytest.raises(HyperCubeError) as caught:
        solar_to_lunar(date(2051, 1, 1))
    assert caught.value.param == "date"


def test_months_of_a_year() -> None:
    months = lunar_months(2023)
    assert [(m.month, m.leap) for m in months] == [
        (1, False),
        (2, False),
        (2, True),
        *((m, False) for m in range(3, 13)),
    ]
    assert months[2].first == "2023-03-22"
    assert sum(m.days for m in months) == 384
    assert len(lunar_months(2050)) == 12  # months 1 to 11 and 윤3월; the twelfth lies after the table


def test_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        load_lunar_table().starts[0] = 0


@pytest.mark.parametrize(
    ("text", "leap", "civil"),
    [
        ("1990-04-09", False, "1990-05-03"),
        ("1990-04-09T07:20", False, "1990-05-03T07:20"),
        ("1990-04-09 07:20:30", False, "1990-05-03 07:20:30"),
        ("2023-02-01", True, "2023-03-22"),
        ("2023-윤02-01", False, "2023-03-22"),
        ("2023-02-01", False, "2023-02-20"),
        ("2023-12-30", False, "2024-02-09"),
    ],
)
def test_births_as_lunar_dates(text: str, leap: bool, civil: str) -> None:
    assert civil_birth(text, leap) == civil


@pytest.mark.parametrize(
    "text", ["1990-4-9", "", "음력 1990-04-09", None, 19900409, "1990-04-09" + " " * 100]
)
def test_unreadable_text(text: object) -> None:
    with pytest.raises(HyperCubeError) as caught:
        read_lunar(text)
    assert caught.value.param == "birth"
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("leap", [None, 1, "true"])
def test_the_leap_flag_is_a_bool(leap: object) -> None:
    with pytest.raises(HyperCubeError) as caught:
        read_lunar("1990-04-09", leap)
    assert caught.value.param == "leap_month"


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str) -> object:
        if name == "korean_lunar_calendar":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(lunar_module.importlib, "import_module", missing)
    with pytest.raises(HyperCubeError) as caught:
        load_lunar_table.__wrapped__()
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert "heal7-hypercube[saju]" in str(caught.value)


def test_a_table_of_another_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    words = list(KoreanLunarCalendar.KOREAN_LUNAR_DATA)
    words[500] ^= 1 << 3
    monkeypatch.setattr(KoreanLunarCalendar, "KOREAN_LUNAR_DATA", words)
    with pytest.raises(HyperCubeError) as caught:
        load_lunar_table.__wrapped__()
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
