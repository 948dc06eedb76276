"""One birth by plain integers is the same chart as by arrays and the reference kernel."""

import datetime as dt
import random
from dataclasses import replace
from typing import Any

import pytest

from hypercube.core.calendar import LuckAge
from hypercube.core.chart import BirthInput, Calendar, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.kernels.pillars import pillars
from hypercube.saju import assemble, charts, prepare
from hypercube.saju.alone import chart_alone

PLACES = (
    "Seoul", "부산", "제주시", "Tokyo", "London", "New York", "Sydney", "Honolulu", "Apia", "Paris", "Delhi", None,
)  # fmt: skip


def _births(count: int, seed: int) -> list[BirthInput]:
    draw = random.Random(seed)
    births = []
    for _ in range(count):
        year, month, day = draw.randint(1800, 2200), draw.randint(1, 12), draw.randint(1, 28)
        hour, minute, second = draw.randint(0, 23), draw.randint(0, 59), draw.choice(("", ":00", ":59"))
        given: dict[str, Any] = {}
        if draw.random() < 0.2:
            given["longitude"] = round(draw.uniform(-180, 180), 3)
        if draw.random() < 0.2:
            given["zone"] = draw.choice(("Asia/Seoul", "America/New_York", "Europe/London", "Pacific/Apia"))
        if draw.random() < 0.3:
            given["time_basis"] = draw.choice(list(TimeBasis))
        births.append(
            BirthInput(
                f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}{second}",
                draw.choice((None, Sex.MALE, Sex.FEMALE)),
                draw.choice(PLACES),
                day_boundary=draw.choice(list(DayBoundary)),
                **given,
            )
        )
    return births


def test_random_births_are_equal_to_the_field() -> None:
    births = _births(6_000, seed=20)
    by_arrays = charts(births, backend="reference")
    answered = 0
    for birth, result in zip(births, by_arrays, strict=True):
        chart = chart_alone(birth)
        if chart is not None:
            assert chart == result.chart, birth
            answered += 1
    # Left to the arrays: the equation of time, births in error, clock changes, a minute about a 절.
    assert answered > 0.8 * sum(
        result.chart is not None and result.chart.options.time_basis is not TimeBasis.TRUE_SOLAR
        for result in by_arrays
    )


def test_random_births_with_all_that_stands_beside_the_pillars() -> None:
    draw = random.Random(21)
    births = []
    for birth in _births(4_000, seed=22):
        include = tuple(each for each in Include if draw.random() < 0.8)
        sex = draw.choice((Sex.MALE, Sex.FEMALE))
        births.append(
            replace(
                birth,
                sex=sex,
                fold=draw.choice((None, 0, 1)),
                include=include,
                luck_age=draw.choice((LuckAge.ROUNDED, LuckAge.FLOORED)),
                as_of=f"{draw.randint(1800, 2200)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
                hidden_stems=draw.choice(list(HiddenStemSet)),
                life_stages=draw.choice(list(LifeStageSchool)),
                blade=draw.choice(list(BladeSchool)),
                goegang=draw.choice(list(GoegangSchool)),
            )
        )
    answered = 0
    for birth, result in zip(births, charts(births, backend="reference"), strict=True):
        chart = chart_alone(birth)
        if chart is not None:
            assert chart == result.chart, birth
            answered += bool(birth.include)
    assert answered > 2_000


def test_without_a_day_that_counts_as_now_it_is_today() -> None:
    birth = BirthInput("1990-05-03T07:20", Sex.MALE, "Seoul", include=(Include.PERIODS,))
    day = dt.date(2031, 2, 4)
    prepared = prepare([birth], today=lambda _: day)
    (group,) = prepared.groups
    table = pillars(group.utc_seconds, group.offset_seconds, backend="reference")
    (result,) = assemble(prepared, [table])
    alone = chart_alone(birth, today=lambda _: day)
    assert alone == result.chart
    assert alone is not None
    assert alone.periods is not None
    assert not alone.periods.as_of.given


@pytest.mark.parametrize("boundary", list(DayBoundary))
@pytest.mark.parametrize("clock", ["22:59:59", "23:00", "23:59:59", "00:00", "00:59:59", "01:00"])
def test_every_edge_of_the_day(clock: str, boundary: DayBoundary) -> None:
    births = [
        BirthInput(f"1990-{month:02}-20T{clock}", place=place, day_boundary=boundary)
        for month in range(1, 13)
        for place in ("Seoul", None)
    ]
    for birth, result in zip(births, charts(births, backend="reference"), strict=True):
        assert chart_alone(birth) == result.chart


@pytest.mark.parametrize(
    "birth",
    [
        BirthInput("1990-05-03"),
        BirthInput("1990-05-03T07:20", include=(Include.LUCK,)),  # which way it runs, nobody knows
        BirthInput("1990-05-03T07:20", Sex.MALE, include=(Include.LUCK,), luck_age=LuckAge.YMD),
        BirthInput("1990-05-03T07:20", Sex.MALE, include=(Include.LUCK,), luck_age=LuckAge.EXACT),
        BirthInput("1988-02-29T07:20", Sex.MALE, include=(Include.LUCK,)),
        BirthInput("1990-05-03T07:20", place="Seoul", time_basis=TimeBasis.TRUE_SOLAR),
        BirthInput("1990-05-03T07:20", calendar=Calendar.LUNAR),
        BirthInput("1987-05-10T02:30"),  # summer time skipped it
        BirthInput("1987-10-11T02:30", fold=0),  # and gave it back
        BirthInput("2024-02-04T17:27"),  # 입춘 within the minute
        BirthInput("no date"),
        BirthInput("1990-05-03T07:20", place="Atlantis"),
    ],
)
def test_what_is_not_everyday_is_left_to_the_arrays(birth: BirthInput) -> None:
    assert chart_alone(birth) is None
