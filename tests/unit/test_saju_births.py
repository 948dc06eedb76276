"""What a birth may say, and what is answered to everything else."""

import json
import math
from typing import Any

import pytest

from hypercube.core.chart import BirthInput, DayBoundary, Sex, TimeBasis
from hypercube.core.errors import ErrorKind, HyperCubeError, shown
from hypercube.saju import chart, prepare
from hypercube.saju.births import read_time
from hypercube.saju.options import settle


def refusal(birth: Any = "1990-05-03T07:20", **options: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        chart(birth, **options)
    error = caught.value
    assert error.kind is ErrorKind.INVALID_ARGUMENT
    assert error.fix
    json.dumps(error.failure().value, allow_nan=False)
    return error


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00", 0),
        ("1970-01-01 00:01", 60),
        ("1970-01-02T01:02:03", 90_123),
        ("1969-12-31T23:59:59", -1),
        ("1972-02-29T00:00", 789 * 86_400),
        ("1800-01-01T00:00", -5_364_662_400),
        ("2200-12-31T23:59:59", 7_289_654_399),
    ],
)
def test_a_time(text: str, seconds: int) -> None:
    assert read_time(text) == (seconds, True)


def test_a_date_alone_is_noon_and_not_exact() -> None:
    assert read_time("1970-01-01") == (43_200, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1990-02-31", "1990-02-28"),
        ("2024-02-30T10:00", "2024-02-29"),
        ("1900-02-29", "1900-02-28"),
        ("1990-04-31", "1990-04-30"),
        ("1990-12-32", "1990-12-31"),
        ("1990-01-00", "days run from 01"),
        ("1990-13-01", "Months run from 01 to 12"),
        ("1990-00-01", "Months run from 01 to 12"),
        ("1200-01-01", "1800 to 2200"),
        ("0000-01-01", "1800 to 2200"),
        ("1799-12-31T23:59", "1800 to 2200"),
        ("2201-01-01", "1800 to 2200"),
        ("9999-12-31", "1800 to 2200"),
        ("9999-12-32", "9999-12-31"),
        ("1990-12-31T24:00", "1991-01-01T00:00"),
        ("1990-05-03T24:30", "from 00 to 23"),
        ("1990-05-03T07:60", "from 00 to 59"),
        ("1990-05-03T07:20:60", "from 00 to 59"),
        ("1990-05-03T07:20Z", "`zone`"),
        ("1990-05-03T07:20+09:00", "'1990-05-03T07:20'"),
        ("1990-05-03T07:20:30.5-0500", "`zone`"),
        ("1990/05/03 07:20", "Write 1990-05-03T07:20."),
        ("1990-5-3", "Write 1990-05-03."),
        ("1990-05-100", "Write YYYY"),
        ("1800 000 100", "Write YYYY"),
        ("1990년 5월 3일 7시 20분", "Write 1990-05-03T07:20."),
        ("1990-05-03T07:20:30.5", "YYYY-MM-DDTHH:MM"),
        ("19900503", "YYYY-MM-DDTHH:MM"),
        ("1990-05-03t07:20", "YYYY-MM-DDTHH:MM"),
        ("1990-05-03T", "YYYY-MM-DDTHH:MM"),
        ("1990-05-03T07:20\n", "YYYY-MM-DDTHH:MM"),
        ("１９９０-05-03", "YYYY-MM-DDTHH:MM"),
        ("2023/2/30", "YYYY-MM-DDTHH:MM"),
        ("", "YYYY-MM-DDTHH:MM"),
        ("now", "YYYY-MM-DDTHH:MM"),
        ("00:" * 100_000, "YYYY-MM-DDTHH:MM"),
    ],
)
def test_a_birth_that_cannot_be(text: str, said: str) -> None:
    error = refusal(text)
    assert error.param == "birth"
    assert error.value == shown(text)
    assert repr(text)[1:60].rstrip("'") in error.message
    assert error.fix is not None
    assert said in error.fix
    assert len(str(error)) < 600


def test_the_year_says_why() -> None:
    fix = refusal("1200-01-01").fix
    assert fix is not None
    assert "절기" in fix


@pytest.mark.parametrize("value", [None, 19900503, 1.5, ["1990-05-03"], b"1990-05-03"])
def test_a_birth_that_is_no_text(value: Any) -> None:
    assert refusal(value).param == "birth"


@pytest.mark.parametrize(
    "value", [200, 180.01, -181.0, math.nan, math.inf, -math.inf, "126.9", True, [1], 10**400]
)
def test_a_longitude_off_the_globe(value: Any) -> None:
    error = refusal(longitude=value)
    assert error.param == "longitude"
    assert "-180 to 180" in error.message


@pytest.mark.parametrize("value", [180, -180, 0, 126.978])
def test_a_longitude_on_the_globe(value: float) -> None:
    assert chart("1990-05-03T07:20", longitude=value).options.longitude == value


@pytest.mark.parametrize("value", [2, -1, True, 0.0, "0", [0]])
def test_a_fold_that_is_neither_pass(value: Any) -> None:
    chart("1990-05-03T07:20", fold=1)  # so that a cache could mistake True for it
    error = refusal(fold=value)
    assert error.param == "fold"
    assert repr(value) in error.message


@pytest.mark.parametrize(
    ("param", "value", "said"),
    [
        ("sex", "man", "male, female"),
        ("time_basis", "true-solar", "Did you mean 'true_solar'?"),
        ("day_boundary", "zi24", "Did you mean 'zi23'?"),
        ("day_boundary", None, "midnight, zi23, same_day"),
        ("sex", ["male"], "male, female"),
        ("place", 7, "Seoul"),
        ("place", {"name": "Seoul"}, "Seoul"),
        ("place", "Soul", "'Seoul'"),
        ("zone", "asia/seoul", "'Asia/Seoul'"),
        ("zone", 9, "Asia/Seoul"),
    ],
)
def test_an_option_that_is_no_choice(param: str, value: Any, said: str) -> None:
    error = refusal(**{param: value})
    assert error.param == param
    assert error.fix is not None
    assert said in error.fix


@pytest.mark.parametrize("basis", ["mean_solar", "true_solar"])
def test_solar_time_of_nowhere(basis: str) -> None:
    for birth in ("1990-05-03T07:20", "1990-05-03"):
        error = refusal(birth, time_basis=basis, zone="Asia/Seoul")
        assert (error.param, error.value) == ("time_basis", basis)
        assert error.fix is not None
        assert "`place` or `longitude`" in error.fix


@pytest.mark.parametrize(
    ("options", "place", "longitude", "zone", "basis"),
    [
        ({}, None, None, "Asia/Seoul", TimeBasis.CIVIL),
        ({"zone": "Asia/Tokyo"}, None, None, "Asia/Tokyo", TimeBasis.CIVIL),
        ({"place": "부산"}, "Busan", 129.0756, "Asia/Seoul", TimeBasis.MEAN_SOLAR),
        ({"longitude": 130}, None, 130.0, "Asia/Seoul", TimeBasis.MEAN_SOLAR),
        ({"place": "부산", "longitude": 130}, "Busan", 130.0, "Asia/Seoul", TimeBasis.MEAN_SOLAR),
        ({"place": "부산", "zone": "Asia/Tokyo"}, "Busan", 129.0756, "Asia/Tokyo", TimeBasis.MEAN_SOLAR),
        ({"place": "부산", "time_basis": "civil"}, "Busan", 129.0756, "Asia/Seoul", TimeBasis.CIVIL),
        ({"longitude": 0, "time_basis": "true_solar"}, None, 0.0, "Asia/Seoul", TimeBasis.TRUE_SOLAR),
    ],
)
def test_what_overrides_what(
    options: dict[str, Any], place: str | None, longitude: float | None, zone: str, basis: TimeBasis
) -> None:
    settled = settle(BirthInput("1990-05-03", **options))
    assert (settled.place, settled.longitude, settled.zone, settled.time_basis) == (
        place,
        longitude,
        zone,
        basis,
    )


def test_words_become_enumerations() -> None:
    options = chart("1990-05-03T07:20", sex="female", day_boundary="zi23", place="Seoul").options
    assert options.sex is Sex.FEMALE
    assert options.day_boundary is DayBoundary.ZI23
    assert options.time_basis is TimeBasis.MEAN_SOLAR
    assert options.fold is None


@pytest.mark.parametrize(
    ("birth", "zone", "happened", "choices"),
    [
        (
            "1988-05-08T02:30",
            None,
            "skipped",
            [(0, "1988-05-07T17:30:00Z", 32_400), (1, "1988-05-07T16:30:00Z", 36_000)],
        ),
        (
            "1988-10-09T02:30",
            None,
            "twice",
            [(0, "1988-10-08T16:30:00Z", 36_000), (1, "1988-10-08T17:30:00Z", 32_400)],
        ),
        (
            "1954-03-20T23:45",
            None,
            "twice",
            [(0, "1954-03-20T14:45:00Z", 32_400), (1, "1954-03-20T15:15:00Z", 30_600)],
        ),
        (
            "1908-04-01T00:01",
            None,
            "skipped",
            [(0, "1908-03-31T15:33:08Z", 30_472), (1, "1908-03-31T15:31:00Z", 30_600)],
        ),
        (
            "2199-11-03T01:30",
            "America/New_York",
            "twice",
            [(0, "2199-11-03T05:30:00Z", -14_400), (1, "2199-11-03T06:30:00Z", -18_000)],
        ),
    ],
)
def test_a_clock_time_that_did_not_come_once(
    birth: str, zone: str | None, happened: str, choices: list[tuple[int, str, int]]
) -> None:
    error = refusal(birth, zone=zone)
    assert (error.param, error.value) == ("birth", birth)
    assert happened in error.message
    assert error.details["choices"] == [
        {"fold": fold, "utc": utc, "offset_s": offset} for fold, utc, offset in choices
    ]
    assert error.fix is not None
    for fold, utc, offset in choices:
        assert f"fold {fold} for {utc}" in error.fix
        settled = chart(birth, zone=zone, fold=fold)
        assert settled.instant.utc == utc
        assert settled.instant.local == birth + ":00"
        assert settled.corrections.utc_offset_s == offset
        assert any(f"fold {fold}" in note for note in settled.notes)


def test_fold_does_nothing_where_the_clock_came_once() -> None:
    plain, folded = chart("1990-05-03T07:20"), chart("1990-05-03T07:20", fold=1)
    assert folded.instant == plain.instant
    assert folded.notes == plain.notes


def test_a_date_that_never_came() -> None:
    error = refusal("2011-12-30", zone="Pacific/Apia")
    assert error.param == "birth"
    assert error.fix == "The day before was 2011-12-29, the day after 2011-12-31."
    assert refusal("2011-12-30T09:00", zone="Pacific/Apia").details["choices"]


def test_options_beside_a_whole_birth() -> None:
    birth = BirthInput("1990-05-03T07:20", place="Seoul")
    assert chart(birth).options.place == "Seoul"
    assert refusal(birth, longitude=127.0).param == "longitude"
    assert refusal(birth, day_boundary="zi23").param == "day_boundary"


def test_an_unknown_backend() -> None:
    assert refusal(backend="abacus").param == "backend"


def test_failures_name_their_row() -> None:
    births: list[Any] = [
        BirthInput("1990-05-03T07:20"),
        BirthInput("1990-05-03T07:20", longitude=200),
        BirthInput("1988-10-09T02:30"),
        "1990-05-03T07:20",
        None,
    ]
    named = prepare(births, field="births").failures
    assert {row: failure.param for row, failure in named.items()} == {
        1: "births[1].longitude",
        2: "births[2].birth",
        3: "births[3]",
        4: "births[4]",
    }
    assert {failure.param for failure in prepare(births).failures.values()} == {"longitude", "birth", None}
