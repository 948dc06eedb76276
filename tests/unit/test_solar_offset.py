"""Solar time: the equation of time against published values, and the rounding of the longitude part."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels.pillars.terms import load_terms
from hypercube.kernels.solar_offset import equation_of_time, solar_offset

# Straight from Skyfield 1.55 and DE440 (scripts/build_terms.py, equation_of_time), not interpolated.
SKYFIELD_VALUES = [
    (-5_361_120_000, -878.094),  # 1800-02-11
    (-3_768_984_000, -369.824),  # 1850-07-26 12:00
    (-1_948_752_000, -249.271),  # 1908-04-01
    (-604_702_800, 983.519),  # 1950-11-03 03:00
    (547_948_800, 220.885),  # 1987-05-14
    (946_728_000, -197.115),  # 2000-01-01 12:00
    (1_276_387_200, 3.935),  # 2010-06-13
    (1_770_789_600, -850.483),  # 2026-02-11 06:00
    (1_793_664_000, 986.786),  # 2026-11-03
    (4_123_440_000, -13.445),  # 2100-09-01
    (7_289_049_600, 42.388),  # 2200-12-25
]

# "Equation of time" tables at https://home.kpn.nl/vanadovv/time/EoT_table.html, by Meeus, Astronomical
# Algorithms: truncated VSOP87, full nutation, 12 h dynamical time, whole seconds. January 1-6.
PUBLISHED_JANUARY = {
    2007: ("3:26", "3:54", "4:21", "4:49", "5:16", "5:42"),
    2008: ("3:18", "3:47", "4:14", "4:42", "5:10", "5:37"),
}


def posix(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(
        (datetime(year, month, day, hour, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    )


def year_of_hours(year: int) -> np.ndarray:
    return np.arange(posix(year, 1, 1), posix(year + 1, 1, 1), 3_600, dtype=np.int64)


def test_values_straight_from_skyfield() -> None:
    instants = np.array([instant for instant, _ in SKYFIELD_VALUES])
    values = np.array([value for _, value in SKYFIELD_VALUES])
    assert np.abs(equation_of_time(instants) - values).max() < 0.02


@pytest.mark.parametrize("year", [2007, 2008])
def test_published_table(year: int) -> None:
    instants = np.array([posix(year, 1, 1 + i, 12) for i in range(6)])
    minutes = [value.split(":") for value in PUBLISHED_JANUARY[year]]
    published = np.array([-(int(m) * 60 + int(s)) for m, s in minutes])
    assert np.abs(equation_of_time(instants) - published).max() <= 1.0


@pytest.mark.parametrize("year", [1990, 2001, 2015, 2026])
def test_yearly_course(year: int) -> None:
    """Extremes and zeros as almanacs round them: -14 min 15 s about February 11, +3 min 41 s about May 14,
    -6 min 30 s about July 26, +16 min 25 s about November 3; zero about April 15, June 13, September 1 and
    December 25.
    """
    hours = year_of_hours(year)
    values = equation_of_time(hours)

    def extreme(sign: int, first: int, last: int) -> tuple[float, datetime]:
        inside = (hours >= posix(year, first, 1)) & (hours < posix(year, last, 1))
        i = int(np.argmax(np.where(inside, sign * values, -np.inf)))
        return float(values[i]), datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(hours[i]))

    for sign, first, last, seconds, month, day in (
        (-1, 1, 4, -(14 * 60 + 15), 2, 11),
        (1, 4, 7, 3 * 60 + 41, 5, 14),
        (-1, 6, 9, -(6 * 60 + 30), 7, 26),
        (1, 9, 12, 16 * 60 + 25, 11, 3),
    ):
        value, when = extreme(sign, first, last)
        assert abs(value - seconds) < 6
        assert abs(when - datetime(year, month, day, 12, tzinfo=UTC)) < timedelta(days=1.5)

    zeros = hours[1:][np.sign(values[1:]) != np.sign(values[:-1])]
    wanted = [posix(year, month, day, 12) for month, day in ((4, 15), (6, 13), (9, 1), (12, 25))]
    assert len(zeros) == 4
    assert np.abs(zeros - wanted).max() < 1.5 * 86_400


def test_interpolation_has_no_steps_at_the_grid() -> None:
    table = load_terms()
    days = np.arange(table.first_utc_s, table.last_utc_s, 43_200, dtype=np.int64)
    # The equation of time moves by at most 30 s a day.
    assert np.abs(np.diff(equation_of_time(days))).max() < 15.5


@pytest.mark.parametrize(
    ("longitude", "seconds"),
    [
        (0.0, 0),
        (126.978, 30_475),  # Seoul: 30474.72
        (129.075, 30_978),  # Busan
        (-0.001, 0),  # -0.24
        (0.5 / 240, 1),  # halves go away from zero
        (-0.5 / 240, -1),
        (1.5 / 240, 2),
        (-2.5 / 240, -3),
        (180.0, 43_200),
        (-180.0, -43_200),
    ],
)
def test_longitude_is_rounded_half_away_from_zero(longitude: float, seconds: int) -> None:
    offset = solar_offset(np.array([0, 10**9]), longitude, apparent=False)
    assert offset.dtype == np.int32
    assert offset.tolist() == [seconds, seconds]


def test_true_solar_time_adds_the_rounded_equation_of_time() -> None:
    instants = np.array([instant for instant, _ in SKYFIELD_VALUES])
    added = solar_offset(instants, 126.978, apparent=True) - solar_offset(instants, 126.978, apparent=False)
    assert added.tolist() == [-878, -370, -249, 984, 221, -197, 4, -850, 987, -13, 42]


def test_longitudes_may_differ_by_row() -> None:
    offset = solar_offset(np.array([0, 0]), np.array([127.5, -75.0]), apparent=False)
    assert offset.tolist() == [30_600, -18_000]


def test_no_rows() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert solar_offset(nothing, 127.0, apparent=True).shape == (0,)
    assert equation_of_time(nothing).shape == (0,)


@pytest.mark.parametrize(
    ("instants", "longitude", "param"),
    [
        (np.array([0, 0]), np.array([127.0, 180.1]), "longitude_degrees[1]"),
        (np.array([0]), float("nan"), "longitude_degrees"),
        (np.array([0]), -181, "longitude_degrees"),
        (np.array([0]), "127", "longitude_degrees"),
        (np.array([0]), np.array([1.0, 2.0]), "longitude_degrees"),
        (np.array([0.0]), 127.0, "utc_seconds"),
        ([0], 127.0, "utc_seconds"),
        (np.array([0, 10**12]), 127.0, "utc_seconds[1]"),
    ],
)
def test_what_is_refused(instants: object, longitude: object, param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        solar_offset(instants, longitude, apparent=True)  # type: ignore[arg-type]
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == param
    assert caught.value.fix
