"""What `include`, the lunar calendar and the other options beside a birth bring into a chart."""

import datetime as dt
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hypercube
from hypercube.core.calendar import LuckAge, LunarDate
from hypercube.core.chart import BirthInput, Calendar, Chart, ChartResult, Include, Sex
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.schools import HiddenStemSet
from hypercube.saju import assemble, chart, charts, pillars, prepare
from hypercube.saju.facts import describe, facts
from hypercube.saju.luck_pillars import luck, luck_over_day

BORN = "1990-05-03T07:20"
EVERYTHING = tuple(Include)


def refusal(birth: Any = BORN, **options: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        chart(birth, **options)
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.fix
    return caught.value


def without_extras(made: Chart) -> Chart:
    options = replace(made.options, include=(), as_of=None)
    return replace(
        made, facts=None, luck=None, luck_ranges=(), periods=None, period_relations=(), options=options
    )


# --- include ----------------------------------------------------------------------------------------------


def test_nothing_is_computed_that_was_not_asked_for() -> None:
    made = chart(BORN, sex="male")
    assert (made.facts, made.luck, made.luck_ranges, made.periods) == (None, None, (), None)
    assert made.options.include == ()
    assert made.options.as_of is None


def test_everything_beside_the_same_pillars() -> None:
    made = chart(BORN, sex="male", include=["periods", "luck", "facts", "luck"], as_of="2026-11-23")
    assert made.options.include == EVERYTHING
    assert without_extras(made) == chart(BORN, sex="male")
    assert made.facts == describe(facts([made.pillars.indices()]), 0)
    local = int((dt.datetime.fromisoformat(BORN) - dt.datetime(1970, 1, 1)).total_seconds())
    assert made.luck == luck(made.instant.utc_seconds, local, Sex.MALE)
    assert made.periods is not None
    assert (made.periods.as_of.date, made.periods.as_of.given) == ("2026-11-23", True)
    assert [made.periods.year.pillar.hanja, made.periods.month.pillar.hanja] == ["丙午", "己亥"]


def test_an_unknown_hour_leaves_out_what_needs_it() -> None:
    made = chart("1990-05-03", sex="male", include=EVERYTHING)
    assert made.facts is not None
    assert [each.position for each in made.facts.pillars] == ["year", "month", "day"]
    assert made.luck is None
    (only,) = made.luck_ranges
    start, end = (
        int(dt.datetime(1990, 5, day, tzinfo=dt.UTC).timestamp()) - 36_000 + 3_600 for day in (3, 4)
    )
    day = dt.date(1990, 5, 3).toordinal() - dt.date(1970, 1, 1).toordinal()
    assert (only,) == luck_over_day(start, end, day, Sex.MALE)
    assert only.earliest.start.days < only.latest.start.days


def test_a_term_on_the_birth_day_gives_two_ranges() -> None:
    made = chart("1990-02-04", sex="female", include=["luck"])
    before, after = made.luck_ranges
    assert before.until_utc == after.from_utc
    assert before.earliest.pillars[0].pillar != after.earliest.pillars[0].pillar


def test_luck_pillars_need_a_sex() -> None:
    error = refusal(include=["luck"])
    assert error.param == "sex"
    (failed,) = charts([BirthInput(BORN, include=(Include.LUCK,))])
    assert failed.error is not None
    assert failed.error.param == "births[0].sex"


def test_today_is_asked_once_a_zone_and_said_to_be_today() -> None:
    asked: list[str] = []

    def today(zone: str) -> dt.date:
        asked.append(zone)
        return dt.date(2024, 2, 4) if zone == "Asia/Seoul" else dt.date(2024, 2, 3)

    births = [
        BirthInput(BORN, include=(Include.PERIODS,), zone=zone) for zone in (None, "America/New_York")
    ] * 3
    prepared = prepare(
        [*births, BirthInput(BORN, include=(Include.PERIODS,), as_of="2000-01-01")], today=today
    )
    tables = [pillars(g.utc_seconds, g.offset_seconds, day_boundary=g.day_boundary) for g in prepared.groups]
    results: list[ChartResult] = assemble(prepared, tables)
    found = [result.chart.periods for result in results if result.chart is not None]
    assert asked == ["Asia/Seoul", "America/New_York"]
    assert [(each.as_of.date, each.as_of.given) for each in found if each] == [
        *[("2024-02-04", False), ("2024-02-03", False)] * 3,
        ("2000-01-01", True),
    ]
    assert found[0] is not None
    assert found[0].term is not None
    assert found[0].term.hangul == "입춘"
    assert results[0].chart is not None
    assert results[0].chart.options.as_of == "2024-02-04"


def test_schools_are_settled_echoed_and_used() -> None:
    made = chart(BORN, include=["facts"], hidden_stems="chinese", blade="all_stems")
    assert made.options.hidden_stems is HiddenStemSet.CHINESE
    assert made.facts is not None
    assert made.facts == describe(
        facts([made.pillars.indices()], hidden_stems="chinese", blade="all_stems"), 0
    )
    assert {each.version for each in made.facts.schools} >= {"hidden_stems/chinese@1", "blade/all_stems@1"}


def test_rows_of_every_school_and_age_in_one_batch() -> None:
    births = [
        BirthInput(
            birth, Sex.FEMALE, include=EVERYTHING, as_of="2026-01-01", hidden_stems=stems, luck_age=age
        )
        for birth in (BORN, "1975-11-20", "1990-02-04")
        for stems in HiddenStemSet
        for age in LuckAge
    ]
    together = charts(births)
    assert together == [charts([birth])[0] for birth in births]
    assert all(result.chart is not None and result.chart.facts is not None for result in together)


@pytest.mark.parametrize(
    ("options", "param", "said"),
    [
        ({"include": "facts"}, "include", "facts, luck, periods"),
        ({"include": ["fact"]}, "include[0]", "Did you mean 'facts'?"),
        ({"include": ["luck", ["facts"]]}, "include[1]", "facts, luck, periods"),
        ({"luck_age": "round"}, "luck_age", "rounded"),
        ({"as_of": "tomorrow"}, "as_of", "YYYY-MM-DD"),
        ({"as_of": "2300-01-01"}, "as_of", "1800 to 2200"),
        ({"hidden_stems": "korea"}, "hidden_stems", "'korean'"),
        ({"life_stages": None}, "life_stages", "yin_backward"),
        ({"blade": 1}, "blade", "yang_stems"),
        ({"goegang": {}}, "goegang", "four_days"),
        ({"calendar": "lunnar"}, "calendar", "'lunar'"),
        ({"leap_month": True}, "leap_month", "calendar 'lunar'"),
        ({"leap_month": 1, "calendar": "lunar"}, "leap_month", "true"),
    ],
)
def test_what_is_no_option(options: dict[str, Any], param: str, said: str) -> None:
    error = refusal(**options)
    assert error.param == param
    assert said in str(error.fix)


# --- the lunar calendar -----------------------------------------------------------------------------------


def test_a_lunar_birth_is_the_solar_one() -> None:
    lunar = chart("1990-04-09T07:20", calendar="lunar", place="Seoul")
    solar = chart(BORN, place="Seoul")
    assert lunar.options.calendar is Calendar.LUNAR
    assert replace(lunar, options=solar.options) == solar
    assert lunar.lunar == LunarDate(1990, 4, 9)


def test_the_leap_twin_is_said() -> None:
    leap = chart("2020-04-01", calendar="lunar", leap_month=True)
    ordinary = chart("2020-04-01T12:00", calendar="lunar")
    assert (leap.lunar, ordinary.lunar) == (LunarDate(2020, 4, 1, True), LunarDate(2020, 4, 1))
    assert leap.instant.local == "2020-05-23T12:00:00"
    assert ordinary.instant.local == "2020-04-23T12:00:00"
    assert any("leap one (윤4월)" in note for note in leap.notes)
    assert any("ordinary one (4월)" in note for note in ordinary.notes)
    assert not any("윤4월" in note for note in chart("2020-04-23T12:00").notes)


@pytest.mark.parametrize(
    ("birth", "leap_month", "param", "said"),
    [
        ("1990-04-31", False, "birth", "Days of that month run from 1 to 29"),
        ("1990-04-01", True, "birth", "leap 5th month"),
        ("1990-13-01", False, "birth", "Months run from 1 to 12"),
        ("2051-01-01", False, "birth", "the solar date"),
        ("1990/04/09", False, "birth", "YYYY-MM-DD"),
        ("1990-04-09T25:00", False, "birth", "Hours run from 00 to 23"),
        ("1500-04-09", False, "birth", "1800 to 2200"),
        (19900409, False, "birth", "YYYY-MM-DD"),
    ],
)
def test_a_lunar_birth_that_cannot_be(birth: Any, leap_month: bool, param: str, said: str) -> None:
    error = refusal(birth, calendar="lunar", leap_month=leap_month)
    assert error.param == param
    assert said in str(error.fix) + error.message
    if isinstance(birth, str):
        assert birth[:4] in error.message


def test_the_lunar_date_of_a_birth_ends_with_the_table() -> None:
    assert chart("2050-12-31").lunar == LunarDate(2050, 11, 18)
    assert chart("2051-01-01").lunar is None
    assert chart("1800-01-01").lunar == LunarDate(1799, 12, 7)
    many = charts([BirthInput(f"{year}-06-01") for year in range(2040, 2061)])
    lunar = [result.chart.lunar for result in many if result.chart is not None]
    assert [each is None for each in lunar] == [year > 2050 for year in range(2040, 2061)]
    assert lunar == [chart(f"{year}-06-01").lunar for year in range(2040, 2061)]


def test_only_a_lunar_birth_needs_the_package() -> None:
    code = (
        "import sys; sys.modules['korean_lunar_calendar'] = None\n"
        "from hypercube.saju import chart\n"
        "assert chart('1990-05-03T07:20').lunar is None\n"
        "chart('1990-04-09', calendar='lunar')"
    )
    root = Path(hypercube.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "korean-lunar-calendar" in done.stderr
    assert "heal7-hypercube[saju]" in done.stderr


def test_a_place_of_the_world() -> None:
    made = chart(BORN, place="Portland, US-OR")
    assert made.options.zone == "America/Los_Angeles"
    assert chart(BORN, place="강남구").options.place == "Gangnam-gu, Seoul"


def test_options_beside_a_whole_birth_are_refused() -> None:
    error = refusal(BirthInput(BORN), include=("facts",))
    assert error.param == "include"
