"""One chart: its corrections, its edges, its candidates and its notes."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hypercube
from hypercube.core.chart import Chart
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju import chart
from hypercube.saju.zones import tzdata_version

EPOCH = datetime(1970, 1, 1)
ZONES = ["Asia/Seoul", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata"]


def iso(seconds: int) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat()


def seconds(text: str) -> int:
    return int((datetime.fromisoformat(text.removesuffix("Z")) - EPOCH).total_seconds())


def in_utc(at: int, **options: Any) -> Chart:
    """The chart of an instant, by a clock that shows UTC."""
    return chart(iso(at), zone="Etc/UTC", **options)


# --- corrections ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("birth", "utc_offset_s", "dst_s", "longitude_s", "total_s"),
    [
        ("1900-01-01T12:00", 30_472, 0, 3, 30_475),  # local mean time of Seoul
        ("1910-01-01T12:00", 30_600, 0, -125, 30_475),
        ("1930-01-01T12:00", 32_400, 0, -1_925, 30_475),
        ("1957-01-01T12:00", 30_600, 0, -125, 30_475),
        ("1957-07-01T12:00", 34_200, 3_600, -125, 30_475),
        ("1988-07-01T12:00", 36_000, 3_600, -1_925, 30_475),
        ("2020-07-01T12:00", 32_400, 0, -1_925, 30_475),
    ],
)
def test_corrections_of_every_era(
    birth: str, utc_offset_s: int, dst_s: int, longitude_s: int, total_s: int
) -> None:
    made = chart(birth, longitude=126.978)
    steps = made.corrections
    assert steps.utc_offset_s == utc_offset_s
    assert steps.dst_s == dst_s
    assert steps.longitude_s == longitude_s
    assert steps.equation_of_time_s == 0
    assert steps.total_offset_s == total_s
    civil = chart(birth).corrections
    assert (civil.dst_s, civil.longitude_s, civil.total_offset_s) == (dst_s, 0, utc_offset_s)


@given(
    at=st.integers(seconds("1800-01-02T00:00"), seconds("2200-12-30T00:00")),
    longitude=st.floats(-180, 180),
    zone=st.sampled_from(ZONES),
    basis=st.sampled_from(["civil", "mean_solar", "true_solar"]),
)
def test_corrections_add_up(at: int, longitude: float, zone: str, basis: str) -> None:
    made = chart(iso(at), longitude=longitude, zone=zone, time_basis=basis, fold=0)
    steps, instant = made.corrections, made.instant
    assert instant.utc_seconds == at - steps.utc_offset_s == seconds(instant.utc)
    assert instant.local == iso(at)
    assert seconds(instant.solar) == instant.utc_seconds + steps.total_offset_s
    if basis == "civil":
        assert steps.total_offset_s == steps.utc_offset_s
        assert steps.longitude_s == steps.equation_of_time_s == 0
        return
    assert steps.total_offset_s == (
        steps.utc_offset_s - steps.dst_s + steps.longitude_s + steps.equation_of_time_s
    )
    assert (steps.equation_of_time_s == 0) or basis == "true_solar"
    assert abs(steps.equation_of_time_s) < 1_020
    # Mean solar time is 240 s a degree from Greenwich, whatever the zone (a whole day apart over the date line).
    mean = steps.total_offset_s - steps.equation_of_time_s
    assert (
        abs(mean - 240 * longitude) % 86_400 == pytest.approx(0, abs=0.501) or zone == "Australia/Lord_Howe"
    )


@pytest.mark.parametrize(
    ("longitude", "mean_offset_s"),
    [
        (127.0, 30_480),
        (126.978, 30_475),
        (127.00625, 30_482),
        (0.0, 0),
        (-0.00625, -2),
        (0.00625, 2),
        (-74.0, -17_760),
    ],
)
def test_longitude_is_rounded_half_away_from_zero(longitude: float, mean_offset_s: int) -> None:
    # 0.00625 degrees are exactly 1.5 s.
    assert chart("1990-05-03T07:20", longitude=longitude).corrections.total_offset_s == mean_offset_s


@pytest.mark.parametrize(
    ("birth", "equation_s"),
    [
        ("2000-02-11T12:00", -854),
        ("2000-04-15T12:00", 0),
        ("2000-07-26T12:00", -391),
        ("2000-11-03T12:00", 987),
    ],
)
def test_the_equation_of_time(birth: str, equation_s: int) -> None:
    made = chart(birth, place="Seoul", time_basis="true_solar")
    assert made.corrections.equation_of_time_s == pytest.approx(equation_s, abs=8)
    mean = chart(birth, place="Seoul")
    assert mean.corrections.equation_of_time_s == 0
    assert seconds(made.instant.solar) - seconds(mean.instant.solar) == made.corrections.equation_of_time_s


@pytest.mark.parametrize(
    ("zone", "longitude"),
    [
        ("Pacific/Kiritimati", -157.4),
        ("Pacific/Chatham", -176.5),
        ("Pacific/Wallis", -176.2),
        ("America/Adak", 172.9),
    ],
)
def test_over_the_date_line_the_date_is_the_zones(zone: str, longitude: float) -> None:
    made = chart("2020-06-15T12:00", zone=zone, longitude=longitude)
    assert made.instant.solar.startswith("2020-06-15")
    assert abs(made.corrections.longitude_s) < 4 * 3_600


def test_longitude_and_zone_that_hardly_belong_together() -> None:
    notes = chart("1990-05-03T07:20", longitude=-126.978, zone="Asia/Seoul").notes
    assert any("check both" in note for note in notes)
    kashgar = chart("1990-05-03T07:20", longitude=75.99, zone="Asia/Shanghai").notes
    assert not any("check both" in note for note in kashgar)


# --- edges of hour and day --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "hour_edge_s", "to_midnight_s", "to_23_s"),
    [
        ("00:00", 3_600, 0, 3_600),
        ("00:59:59", 1, 3_599, 7_199),
        ("01:00", 0, 3_600, 7_200),
        ("12:00", 3_600, 43_200, 39_600),
        ("12:30", 1_800, 41_400, 37_800),
        ("22:59:30", 30, 3_630, 30),
        ("23:00", 0, 3_600, 0),
        ("23:31", 1_860, 1_740, 1_860),
    ],
)
def test_edges(time: str, hour_edge_s: int, to_midnight_s: int, to_23_s: int) -> None:
    for boundary, day_edge_s in (("midnight", to_midnight_s), ("same_day", to_midnight_s), ("zi23", to_23_s)):
        edges = chart(f"1990-05-03T{time}", day_boundary=boundary).boundary
        assert (edges.hour_edge_s, edges.day_edge_s) == (hour_edge_s, day_edge_s)


def test_edges_are_measured_on_the_deciding_clock() -> None:
    made = chart("1995-08-15T15:00", longitude=126.978)
    assert made.instant.solar == "1995-08-15T14:27:55"
    assert made.boundary.hour_edge_s == 1_925


# --- candidates -------------------------------------------------------------------------------------------


def some_jie() -> list[int]:
    """Indices of 절 spread over the table, every one of the twelve among them."""
    return list(range(40, len(load_terms().jie_s) - 40, 139))


@pytest.mark.parametrize("jie", some_jie())
def test_within_a_minute_of_a_term(jie: int) -> None:
    table = load_terms()
    instant = int(table.jie_s[jie])
    before, after = in_utc(instant - 61).pillars, in_utc(instant + 61).pillars
    assert (after.month.index - before.month.index) % 60 == 1
    assert (after.year.index - before.year.index) % 60 == (table.term_name(jie) == "입춘")
    for distance in (-61, -60, -1, 0, 1, 60, 61):
        made = in_utc(instant + distance)
        assert made.boundary.term_distance_s == distance
        assert made.boundary.nearest_term.hangul == table.term_name(jie)
        side = after if distance >= 0 else before
        assert (made.pillars.year, made.pillars.month) == (side.year, side.month)
        assert made.ambiguous is (abs(distance) <= 60)
        if not made.ambiguous:
            assert made.candidates == ()
            continue
        first, second = made.candidates
        assert (first.when, second.when) == ("before", "after")
        assert (first.from_utc, second.from_utc) == (None, made.boundary.nearest_term.utc)
        assert (first.chosen, second.chosen) == (distance < 0, distance >= 0)
        assert (first.pillars.year, first.pillars.month) == (before.year, before.month)
        assert (second.pillars.year, second.pillars.month) == (after.year, after.month)
        for candidate in made.candidates:
            assert (candidate.pillars.day, candidate.pillars.hour) == (made.pillars.day, made.pillars.hour)
            assert candidate.chosen is (candidate.pillars == made.pillars)
        assert any(table.term_name(jie) in note for note in made.notes)


def test_lichun_of_2024() -> None:
    # 17:27:07 in Korea; the clock is read to the minute.
    made = chart("2024-02-04T17:27", place="Seoul")
    assert made.ambiguous
    assert [c.pillars.year.hanja + c.pillars.month.hanja for c in made.candidates] == ["癸卯乙丑", "甲辰丙寅"]
    assert [c.chosen for c in made.candidates] == [True, False]
    assert made.boundary.nearest_term.hanja == "立春"
    assert made.boundary.nearest_term.longitude_deg == 315
    assert made.boundary.nearest_term.utc.startswith("2024-02-04T08:27:")
    assert made.notes[0].startswith("Born 8 s before 입춘 (立春)")


# --- a date without a time --------------------------------------------------------------------------------


def test_a_date_without_a_term() -> None:
    made = chart("2024-02-10", place="Seoul", sex="male")
    assert made.pillars.indices() == (40, 2, 40, 255)
    assert (made.pillars.day.hanja, made.pillars.hour) == ("甲辰", None)
    assert (made.instant.local, made.instant.solar) == ("2024-02-10T12:00:00", "2024-02-10T12:00:00")
    assert (made.instant.utc, made.instant.exact) == ("2024-02-10T03:00:00Z", False)
    assert (made.corrections.longitude_s, made.corrections.total_offset_s) == (0, 32_400)
    assert (made.boundary.hour_edge_s, made.boundary.day_edge_s) == (None, None)
    assert (made.ambiguous, made.candidates) == (False, ())
    assert made.options.time_basis == "civil"
    assert (made.options.place, made.options.longitude) == ("Seoul", 126.978)
    (note,) = made.notes
    assert "시 모름" in note


def test_a_date_with_lichun() -> None:
    made = chart("2024-02-04")
    assert made.ambiguous
    before, after = made.candidates
    assert before.pillars.indices() == (39, 1, 34, 255)
    assert after.pillars.indices() == (40, 2, 34, 255)
    assert (before.chosen, after.chosen) == (True, False)  # noon comes before 17:27
    assert (before.from_utc, after.from_utc) == (None, made.boundary.nearest_term.utc)
    assert any("입춘" in note for note in made.notes)
    assert not chart("2024-02-03").ambiguous
    assert not chart("2024-02-05").ambiguous


@pytest.mark.parametrize("boundary", ["midnight", "zi23", "same_day"])
@pytest.mark.parametrize("birth", ["1957-07-01", "1988-05-08", "1988-10-09", "1954-03-21", "1961-08-10"])
def test_the_civil_date_decides_the_day(birth: str, boundary: str) -> None:
    made = chart(birth, longitude=-180, day_boundary=boundary)
    days = (datetime.fromisoformat(birth) - EPOCH).days
    assert made.pillars.day.index == (days + 17) % 60


@given(jie=st.integers(20, 4_800), zone=st.sampled_from(ZONES))
def test_a_term_belongs_to_exactly_one_date(jie: int, zone: str) -> None:
    instant = int(load_terms().jie_s[jie])
    middle = chart(iso(instant)[:10], zone=zone)
    dates = [iso(instant + days * 86_400)[:10] for days in (-1, 0, 1)]
    charts = [chart(date, zone=zone) for date in dates]
    assert sum(made.ambiguous for made in charts) == 1
    (with_term,) = [made for made in charts if made.ambiguous]
    offset = with_term.corrections.utc_offset_s
    # The clock may change on the very day; its date cannot be more than an hour off.
    assert with_term.instant.local[:10] in {
        iso(instant + offset + shift)[:10] for shift in (-3_600, 0, 3_600)
    }
    assert with_term.candidates[0].pillars.day == with_term.candidates[1].pillars.day
    assert middle.instant.exact is False


def test_noon_twice_is_no_error_for_a_date() -> None:
    # New York put its clocks back by four minutes at noon of 1883-11-18.
    made = chart("1883-11-18", zone="America/New_York")
    assert made.instant.utc == "1883-11-18T16:56:02Z"
    assert made.pillars.hour is None


# --- notes and versions -----------------------------------------------------------------------------------


def test_summer_time_is_noted() -> None:
    def noted(**options: Any) -> str:
        return " ".join(chart(**options).notes)

    assert "the civil basis keeps it" in noted(birth="1988-07-15T12:30")
    assert "mean solar time leaves it out" in noted(birth="1988-07-15T12:30", place="Seoul")
    assert "ran 30 min ahead" in noted(birth="2020-01-15T12:30", zone="Australia/Lord_Howe")
    assert "Summer" not in noted(birth="1990-07-15T12:30")
    assert "Summer" not in noted(birth="2020-01-15T12:30", zone="Europe/Dublin")


@pytest.mark.parametrize(
    ("boundary", "said"),
    [
        ("midnight", "stays 甲午 (갑오), the hour stem is the next day's"),
        ("zi23", "乙未 (을미)"),
        ("same_day", "too"),
    ],
)
def test_the_last_hour_is_noted(boundary: str, said: str) -> None:
    (note,) = chart("1999-06-11T23:00", day_boundary=boundary).notes
    assert said in note
    assert chart("1999-06-11T22:59:59", day_boundary=boundary).notes == ()
    assert chart("1999-06-12T00:00", day_boundary=boundary).notes == ()


def test_no_note_where_nothing_changes() -> None:
    assert chart("1990-05-03T08:20", place="Seoul").notes == ()


def test_what_the_chart_rests_on() -> None:
    table = load_terms()
    versions = chart("1990-05-03T07:20").versions
    assert versions.engine == hypercube.__version__
    assert (versions.ephemeris, versions.term_table) == (table.ephemeris, table.version)
    assert (versions.delta_t, versions.tzdata) == (table.delta_t, tzdata_version())


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Manila", "America/Juneau"])
@pytest.mark.parametrize("birth", ["1800-01-01T00:00", "2200-12-31T23:59:59", "1800-01-01", "2200-12-31"])
def test_the_first_and_the_last_birth(birth: str, zone: str) -> None:
    made = chart(birth, zone=zone)
    assert made.instant.local[:10] == birth[:10]
