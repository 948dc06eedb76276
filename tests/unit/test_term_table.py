"""The solar-term table: order, spacing, rounding, names, and what it refuses."""

from datetime import UTC, datetime

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels.pillars.packed import load_packed
from hypercube.kernels.pillars.terms import TERMS, load_terms


def posix(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(
        (datetime(year, month, day, hour, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    )


def test_sizes_and_dtypes() -> None:
    table = load_terms()
    # 대설 and 동지 of 1799, 24 terms of 401 years, 소한 and 대한 of 2201.
    assert table.instants_ms.shape == (2 + 24 * 401 + 2,)
    assert table.jie_s.shape == (1 + 12 * 401 + 1,)
    assert table.instants_ms.dtype == table.jie_s.dtype == np.int64
    assert load_terms() is table


def test_terms_rise_by_14_to_16_and_a_half_days() -> None:
    days = np.diff(load_terms().instants_ms) / 86_400_000
    assert days.min() > 14.0
    assert days.max() < 16.5


def test_a_year_of_terms_is_a_tropical_year() -> None:
    """Same longitude a year later: 365.2422 days in the mean; single years differ by up to 16 minutes."""
    instants = load_terms().instants_ms
    years = (instants[24:] - instants[:-24]) / 86_400_000
    assert abs(years.mean() - 365.2422) < 0.0005
    assert np.abs(years - 365.2422).max() * 1_440 < 25


def test_whole_seconds_are_ceiled() -> None:
    """A whole second s is at or after the instant t exactly when s >= ceil(t)."""
    table = load_terms()
    milliseconds = table.jie_s * 1_000
    assert (milliseconds >= table.jie_ms).all()
    assert (milliseconds - table.jie_ms < 1_000).all()
    # Not the rounded second: about half of all instants would round down.
    assert (table.jie_s != np.rint(table.jie_ms / 1_000).astype(np.int64)).mean() > 0.4


def test_the_month_changes_at_the_ceiled_second() -> None:
    table = load_terms()
    inner = table.jie_s[1:-1]
    number = table.jie_number0 + np.arange(1, len(table.jie_s) - 1)
    assert (table.month_number(inner) == number).all()
    assert (table.month_number(inner - 1) == number - 1).all()
    assert (table.month_number(inner + 1) == number).all()


def test_span_covers_every_birth_of_1800_to_2200() -> None:
    table = load_terms()
    day = 86_400
    assert table.first_utc_s < posix(1800, 1, 1) - 2 * day
    assert table.last_utc_s > posix(2201, 1, 1) + 2 * day
    assert table.last_utc_s == table.jie_s[-1] - 1


def test_month_numbers_count_from_gapja_year_four() -> None:
    table = load_terms()
    # 2000-02-04 20:40 KST is 입춘: 庚辰 year 2000 opens with month 0.
    assert int(table.month_number(np.array([posix(2000, 2, 5)]))[0]) == 12 * (2000 - 4)
    assert int(table.month_number(np.array([posix(2000, 2, 4)]))[0]) == 12 * (2000 - 4) - 1


def test_names_and_longitudes() -> None:
    assert len(TERMS) == 24
    assert [term.k for term in TERMS] == list(range(24))
    assert [term.longitude_degrees for term in TERMS] == [(285 + 15 * k) % 360 for k in range(24)]
    assert TERMS[2] == (2, "입춘", "立春", 315)
    assert TERMS[5] == (5, "춘분", "春分", 0)
    table = load_terms()
    names = " ".join(table.term_name(j) for j in range(13))
    assert names == "대설 소한 입춘 경칩 청명 입하 망종 소서 입추 백로 한로 입동 대설"
    assert table.term_name(len(table.jie_s) - 1) == "소한"
    ipchun = [j for j in range(len(table.jie_s)) if table.term(j).k == 2]
    assert ((table.jie_number0 + np.array(ipchun)) % 12 == 0).all()


@pytest.mark.parametrize("index", [-1, 4_814])
def test_an_unknown_jie_is_refused(index: int) -> None:
    with pytest.raises(HyperCubeError) as caught:
        load_terms().term(index)
    assert caught.value.param == "jie_index"


def test_arrays_are_read_only() -> None:
    table, packed = load_terms(), load_packed()
    arrays = [table.instants_ms, table.jie_s, table.jie_ms, packed.entries, packed.year_month]
    for array in [*arrays, *packed.day_hour.values()]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_the_table_says_where_it_comes_from() -> None:
    table = load_terms()
    assert table.version == "2026.1"
    assert table.ephemeris == "DE440"
    assert "Skyfield 1.55" in table.delta_t
    with pytest.raises(AttributeError):
        table.version = "other"  # type: ignore[misc]


def test_nearest_jie_takes_the_earlier_of_two_equally_far() -> None:
    table = load_terms()
    left, right = int(table.jie_s[100]), int(table.jie_s[101])
    middle = (left + right) // 2
    index, seconds = table.nearest_jie(np.array([left, left - 1, middle, middle + 1, right, right - 1]))
    assert index.tolist() == [100, 100, 100, 101, 101, 101]
    assert seconds.tolist() == [0, -1, middle - left, middle + 1 - right, 0, -1]


def test_nearest_jie_equals_a_search_of_all() -> None:
    table = load_terms()
    utc = np.random.default_rng(5).integers(table.first_utc_s, table.last_utc_s + 1, 500)
    index, seconds = table.nearest_jie(utc)
    distance = np.abs(utc[:, None] - table.jie_s[None, :])
    assert (distance.argmin(axis=1) == index).all()
    assert (distance.min(axis=1) == np.abs(seconds)).all()


def test_outside_the_table_is_refused_with_the_row_and_the_range() -> None:
    table = load_terms()
    for value in (table.first_utc_s - 1, table.last_utc_s + 1, -(2**63), 2**63 - 1):
        with pytest.raises(HyperCubeError) as caught:
            table.nearest_jie(np.array([0, value]))
        assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
        assert caught.value.param == "utc_seconds[1]"
        assert caught.value.value == value
        assert "1799-12-07T" in caught.value.message
        assert "2201-01-0" in caught.value.message
    table.nearest_jie(np.array([table.first_utc_s, table.last_utc_s]))


def test_nearest_jie_refuses_another_dtype() -> None:
    with pytest.raises(HyperCubeError) as caught:
        load_terms().nearest_jie(np.array([0.0]))  # type: ignore[arg-type]
    assert caught.value.param == "utc_seconds"


def test_no_bucket_holds_two_jie() -> None:
    table, packed = load_terms(), load_packed()
    assert packed.span_s == table.last_utc_s - table.first_utc_s + 1
    assert int(np.diff(table.jie_s).min()) > 1 << 21
    assert packed.base_local_s % 86_400 == 0
    assert packed.base_local_s <= table.first_utc_s - 26 * 3_600
