"""Luck pillars: symmetry of direction, the four ways to count, dates, births without an hour, what is refused."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.calendar import LuckAge
from hypercube.core.chart import Sex
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju.luck import (
    DATE_METHODS,
    FEMALE,
    MALE,
    SEX_MISSING,
    LuckColumns,
    luck_columns,
    luck_position,
)
from hypercube.saju.luck_pillars import current_luck, cut_days, luck, luck_over_day

DAY = 86_400
KST = 32_400
EPOCH = date(1970, 1, 1).toordinal()
TABLE = load_terms()
ANY_BIRTH = st.integers(TABLE.first_utc_s, TABLE.last_utc_s)


def columns(utc: list[int] | np.ndarray, sex: int, luck_age: str = "rounded") -> LuckColumns:
    seconds = np.asarray(utc, dtype=np.int64)
    return luck_columns(seconds, seconds + KST, np.full(len(seconds), sex, dtype=np.int8), luck_age=luck_age)


def random_births(count: int = 20_000) -> np.ndarray:
    return np.random.default_rng(7).integers(TABLE.first_utc_s, TABLE.last_utc_s + 1, count)


def posix(text: str) -> int:
    """Of a KST time after 1961."""
    return int(np.datetime64(text, "s").astype(np.int64)) - KST


def test_directions_of_the_sexes_are_opposite_and_meet_at_the_month() -> None:
    utc = random_births()
    man, woman = columns(utc, MALE), columns(utc, FEMALE)
    assert (man.forward + woman.forward == 1).all()
    # The two distances make up the whole month between two 절.
    number = TABLE.month_number(utc) - TABLE.jie_number0
    assert (man.distance_ms + woman.distance_ms == np.diff(TABLE.jie_ms)[number]).all()
    assert (
        (man.pillars[:, 0].astype(int) + woman.pillars[:, 0]) % 60
        == 2 * (number + TABLE.jie_number0 + 2) % 60
    ).all()


def test_pillars_walk_one_step_at_a_time() -> None:
    found = columns(random_births(), MALE)
    steps = np.diff(found.pillars.astype(int), axis=1) % 60
    assert (steps == np.where(found.forward, 1, 59)[:, None]).all()
    # Stem and branch are of one parity, so a step changes both: no pillar comes twice in ten.
    assert (np.sort(found.pillars, axis=1)[:, 1:] != np.sort(found.pillars, axis=1)[:, :-1]).all()


def test_yang_years_run_forward_for_men() -> None:
    # 2024 is 甲辰 (yang), 2025 乙巳 (yin).
    births = [posix("2024-07-01T12:00"), posix("2025-07-01T12:00")]
    assert columns(births, MALE).forward.tolist() == [1, 0]
    assert columns(births, FEMALE).forward.tolist() == [0, 1]


def test_the_year_is_that_of_ipchun() -> None:
    ipchun = 1_707_035_228  # 2024-02-04 17:27:07.593 KST, ceiled
    assert columns([ipchun - 1, ipchun], MALE).forward.tolist() == [0, 1]


def test_in_the_second_of_a_jie_forward_counts_the_whole_month() -> None:
    inner = TABLE.jie_s[5:-5]
    for sex in (MALE, FEMALE):
        found = columns(inner, sex)
        whole = found.days[found.forward == 1]
        assert whole.min() > 29
        assert (found.distance_ms[found.forward == 0] < 1_000).all()
        assert (found.distance_ms >= 0).all()


@given(st.lists(ANY_BIRTH, min_size=1, max_size=20), st.sampled_from(list(LuckAge)))
def test_results_do_not_depend_on_the_batch(births: list[int], luck_age: LuckAge) -> None:
    together = columns(births, FEMALE, luck_age)
    backwards = columns(births[::-1], FEMALE, luck_age)
    for row, birth in enumerate(births):
        alone = columns([birth], FEMALE, luck_age)
        for name in ("forward", "distance_ms", "rounded", "ymd", "pillars", "ages", "start_days"):
            assert np.array_equal(getattr(alone, name)[0], getattr(together, name)[row])
            assert np.array_equal(getattr(alone, name)[0], getattr(backwards, name)[len(births) - 1 - row])


def test_ways_to_count() -> None:
    found = columns(random_births(), MALE)
    exact = found.days / 3
    assert np.allclose(found.exact, exact)
    assert (found.floored == np.floor(exact)).all()
    assert (found.rounded == np.maximum(1, np.floor(exact + 0.5))).all()
    assert found.floored.min() == 0
    assert found.rounded.min() == 1
    assert found.rounded.max() == 10
    as_days = found.ymd @ np.array([360, 30, 1])
    assert np.abs(as_days - found.days * 120).max() <= 0.5 + 1e-9
    assert (found.ymd.min(axis=0) == 0).all()
    assert (found.ymd[:, 1:].max(axis=0) == [11, 29]).all()


def test_halves_round_up_exactly() -> None:
    """1.5 years are 4.5 days: a birth that far before a 절, to the millisecond, is 2; one second less is 1."""
    jie = int(np.flatnonzero(TABLE.jie_ms % 1_000 == 0)[3])
    births = [
        int(TABLE.jie_ms[jie] // 1_000) - 4 * DAY - DAY // 2,
        int(TABLE.jie_ms[jie] // 1_000) - 4 * DAY - DAY // 2 + 1,
    ]
    year_is_yang = int(TABLE.month_number(np.array(births[:1]))[0]) // 12 % 2 == 0
    found = columns(births, MALE if year_is_yang else FEMALE)
    assert found.forward.tolist() == [1, 1]
    assert found.rounded.tolist() == [2, 1]


def test_start_dates_of_each_option() -> None:
    # Male in 庚午 (yang): forward, 2.844 days to 입하, 0.948 years or 341.3 days of a year of 360.
    birth = [posix("1990-05-03T07:20")]
    starts = {
        age: np.datetime64(int(columns(birth, MALE, age).start_days[0, 0]), "D").astype(date).isoformat()
        for age in LuckAge
    }
    found = columns(birth, MALE)
    assert found.days[0] == pytest.approx(2.84405, abs=1e-5)
    assert (found.rounded[0], found.floored[0], found.ymd[0].tolist()) == (1, 0, [0, 11, 11])
    assert starts == {
        LuckAge.ROUNDED: "1991-05-03",
        LuckAge.FLOORED: "1990-05-03",
        LuckAge.YMD: "1991-04-14",  # 11 months on is 3 April
        LuckAge.EXACT: "1991-04-14",  # 346.26 days after 07:20
    }
    assert set(DATE_METHODS) == set(LuckAge)


def test_later_pillars_begin_on_the_same_day_of_the_year() -> None:
    for luck_age in LuckAge:
        found = columns(random_births(), FEMALE, luck_age)
        dates = found.start_days.astype("datetime64[D]")
        years = dates.astype("datetime64[Y]").astype(int)
        assert (np.diff(years, axis=1) == 10).all()
        of_year = (dates - dates.astype("datetime64[M]")).astype(int)
        months = dates.astype("datetime64[M]").astype(int) % 12
        leap_day = (of_year[:, 0] == 28) & (months[:, 0] == 1)
        assert leap_day.any()
        assert (of_year[~leap_day] == of_year[~leap_day, :1]).all()
        assert np.allclose(np.diff(found.ages, axis=1), 10)


def test_a_birthday_on_29_february_falls_on_1_march() -> None:
    found = columns([posix("2000-02-29T12:00")], MALE)
    first = np.datetime64(int(found.start_days[0, 0]), "D").astype(date)
    assert (first.month, first.day) == ((2, 29) if first.year % 4 == 0 else (3, 1))
    assert first.year == 2000 + int(found.rounded[0])


def test_month_ends_are_cut_in_ymd() -> None:
    """Years and months lead from the 31st into a shorter month: its last day, then the days."""
    births = posix("1999-01-31T12:00") + DAY * 365 * np.arange(0, 40)
    found = columns(births, MALE, "ymd")
    for row, birth in enumerate(births.tolist()):
        day = date.fromordinal((birth + KST) // DAY + EPOCH)
        years, months, over = found.ymd[row].tolist()
        month = day.month - 1 + months
        year, month = day.year + years + month // 12, month % 12 + 1
        last = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
        want = date(year, month, min(day.day, last)).toordinal() - EPOCH + over
        assert int(found.start_days[row, 0]) == want


def test_position_on_a_day() -> None:
    found = columns([posix("1990-05-03T07:20")] * 4, MALE)
    start = found.start_days[0]
    days = np.array([start[0] - 1, start[0], start[4] + 100, start[9] + 99_999])
    assert luck_position(found, days).tolist() == [-1, 0, 4, 9]
    assert current_luck(found, 0, date(1990, 6, 1)) is None
    now = current_luck(found, 0, date(2026, 11, 22))
    assert now is not None
    assert now.age == 31
    assert now.pillar.index == int(found.pillars[0, 3])


def test_a_birth_without_an_hour() -> None:
    start = posix("1990-05-03T00:00")
    (found,) = luck_over_day(start, start + DAY, (start + KST) // DAY, Sex.MALE)
    assert (found.from_utc, found.until_utc) == ("1990-05-02T15:00:00Z", "1990-05-03T15:00:00Z")
    assert found.earliest.pillars[0].pillar == found.latest.pillars[0].pillar
    assert found.latest.start.days - found.earliest.start.days == pytest.approx(1, abs=2 / DAY)
    noon = luck(start + DAY // 2, start + DAY // 2 + KST, Sex.MALE)
    assert found.earliest.start.exact < noon.start.exact < found.latest.start.exact


def test_a_birth_without_an_hour_on_the_day_of_ipchun() -> None:
    """2024-02-04: before 17:27 癸卯 and backward for a man, after it 甲辰 and forward."""
    start = posix("2024-02-04T00:00")
    before, after = luck_over_day(start, start + DAY, (start + KST) // DAY, Sex.MALE)
    assert before.until_utc == after.from_utc == "2024-02-04T08:27:08Z"
    assert [each.earliest.forward for each in (before, after)] == [False, True]
    assert after.earliest.start.days == pytest.approx(
        after.latest.start.days - (86_400 - 62_828) / DAY, abs=2 / DAY
    )
    # The dates are those of the day of birth, whatever the second.
    assert {
        each.pillars[0].start_date[5:] for span in (before, after) for each in (span.earliest, span.latest)
    } == {"02-04"}


@given(st.lists(ANY_BIRTH, min_size=1, max_size=30))
def test_days_are_cut_without_a_gap(births: list[int]) -> None:
    start = np.array(
        [birth // DAY * DAY for birth in births if birth < TABLE.last_utc_s - 2 * DAY], dtype=np.int64
    )
    start = start[start >= TABLE.first_utc_s]
    spans = cut_days(start, start + DAY)
    assert (np.diff(spans.row) >= 0).all()
    for row in range(len(start)):
        mine = spans.row == row
        assert spans.first_utc[mine][0] == start[row]
        assert spans.last_utc[mine][-1] == start[row] + DAY - 1
        assert (spans.first_utc[mine][1:] == spans.last_utc[mine][:-1] + 1).all()
        numbers = TABLE.month_number(np.concatenate([spans.first_utc[mine], spans.last_utc[mine]]))
        assert len(set(numbers.tolist())) == mine.sum()


def test_an_empty_day_is_refused() -> None:
    with pytest.raises(HyperCubeError) as caught:
        luck_over_day(0, 0, 0, Sex.MALE)
    assert caught.value.param == "day_end_utc"


def test_luck_needs_a_sex() -> None:
    with pytest.raises(HyperCubeError) as caught:
        luck(0, 0, None)
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "sex")
    with pytest.raises(HyperCubeError) as caught:
        luck_columns(
            np.zeros(3, dtype=np.int64),
            np.zeros(3, dtype=np.int64),
            np.array([0, 1, SEX_MISSING], dtype=np.int8),
        )
    assert caught.value.param == "sex[2]"


def test_an_unknown_way_to_count() -> None:
    with pytest.raises(HyperCubeError) as caught:
        luck(0, 0, Sex.MALE, luck_age="round")
    assert caught.value.param == "luck_age"
    assert caught.value.fix == "Did you mean 'rounded'? Use one of: exact, rounded, floored, ymd."


def test_outside_the_table() -> None:
    with pytest.raises(HyperCubeError) as caught:
        luck(TABLE.last_utc_s + 1, TABLE.last_utc_s + 1, Sex.MALE)
    assert caught.value.param == "utc_seconds[0]"
