"""The solar-terms API: years, spans, clocks and the rounded minute."""

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju.local_time import local_day, local_ms, offset_at
from hypercube.saju.solar_terms import rounded_minutes, solar_terms, term_instants, terms_between
from hypercube.saju.zones import load_zone, resolve

TABLE = load_terms()


def test_a_year() -> None:
    terms = solar_terms(2024)
    assert len(terms) == 24
    ipchun = terms[2]
    assert (ipchun.hangul, ipchun.hanja, ipchun.longitude_deg) == ("입춘", "立春", 315)
    assert ipchun.utc == "2024-02-04T08:27:07.593Z"
    assert ipchun.local == "2024-02-04T17:27:07.593"
    assert ipchun.local_minute == ipchun.kst_minute == "2024-02-04T17:27"
    # 처서 falls on 22 August in Korea (KASI: 23:55), though some lists say 00:12 of the 23rd.
    assert (terms[15].hangul, terms[15].kst_minute) == ("처서", "2024-08-22T23:55")


def test_every_year_of_the_range() -> None:
    instants = term_instants(1800, 2200)
    assert instants.shape == (401, 24)
    assert (np.diff(instants.reshape(-1)) > 14 * 86_400_000).all()
    years = (instants + 32_400_000).astype("datetime64[ms]").astype("datetime64[Y]").astype(int) + 1970
    assert (years == np.arange(1800, 2201)[:, None]).all()
    for year in (1800, 1999, 2200):
        assert [term.utc_ms for term in solar_terms(year)] == instants[year - 1800].tolist()
    assert not instants.flags.writeable
    assert term_instants(2001, 2000).shape == (0, 24)


def test_the_clock_in_seoul_was_not_always_kst() -> None:
    # Summer time of 1988: the clock ran an hour ahead of what KASI's standard time says.
    soseo = solar_terms(1988)[12]
    assert (soseo.kst_minute, soseo.local_minute) == ("1988-07-07T06:33", "1988-07-07T07:33")
    # UTC+8:30 in 1955.
    ipchun = solar_terms(1955)[2]
    assert np.datetime64(ipchun.kst_minute) - np.datetime64(ipchun.local_minute) == np.timedelta64(30, "m")
    assert solar_terms(2024, "America/New_York")[2].local == "2024-02-04T03:27:07.593"


def test_minutes_round_half_up() -> None:
    # Also before 1970, where a truncation would go the other way.
    milliseconds = np.array([29_999, 30_000, 59_999, 89_999, 90_000, -30_000, -30_001, -90_000])
    assert rounded_minutes(milliseconds).tolist() == [0, 1, 1, 1, 2, 0, -1, -1]


def test_between_is_half_open() -> None:
    every = term_instants(2023, 2024).reshape(-1)
    seconds = -(-every // 1_000)
    start, end = int(seconds[5]), int(seconds[9])
    # The instants lie up to a second before their ceiled seconds, hence the one less.
    assert [term.utc_ms for term in terms_between(start - 1, end)] == every[5:10].tolist()
    assert [term.utc_ms for term in terms_between(start, end - 1)] == every[6:9].tolist()
    assert [term.k for term in terms_between(int(every[0] // 1_000), int(every[-1] // 1_000) + 1)] == [
        *range(24)
    ] * 2
    assert terms_between(start, start) == ()


def test_between_covers_the_table() -> None:
    first, last = -(-int(TABLE.instants_ms[0]) // 1_000), int(TABLE.instants_ms[-1]) // 1_000
    found = terms_between(first, last)
    assert len(found) == len(TABLE.instants_ms) - 2
    assert found[0].hangul == "동지"


@pytest.mark.parametrize("year", [1799, 2201, 2024.0, True, "2024", None, 10**40])
def test_a_year_outside(year: object) -> None:
    with pytest.raises(HyperCubeError) as caught:
        solar_terms(year)  # type: ignore[arg-type]
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "year")
    assert "1800 to 2200" in caught.value.message
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("start", "end", "param"),
    [(-(10**11), 0, "utc_start"), (0, 10**11, "utc_end"), (1, 0, "utc_end"), (0.5, 1, "utc_start")],
)
def test_a_span_outside(start: int, end: int, param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        terms_between(start, end)
    assert caught.value.param == param


def test_an_unknown_zone() -> None:
    with pytest.raises(HyperCubeError) as caught:
        solar_terms(2024, "Asia/Soul")
    assert caught.value.param == "zone"


@pytest.mark.parametrize("name", ["Asia/Seoul", "America/New_York", "Asia/Pyongyang", "Pacific/Apia", "UTC"])
def test_utc_to_the_clock_is_the_inverse_of_the_clock_to_utc(name: str) -> None:
    zone = load_zone(name)
    utc = np.random.default_rng(3).integers(TABLE.first_utc_s, TABLE.last_utc_s, 20_000)
    local = utc + offset_at(utc, zone)
    # One of the two readings of the clock must give the instant back.
    readings = [resolve(local, zone, np.full(len(utc), fold, dtype=np.int8)).utc_seconds for fold in (0, 1)]
    assert ((readings[0] == utc) | (readings[1] == utc)).all()
    assert (local_day(utc, zone) == local // 86_400).all()
    assert (local_ms(utc * 1_000, zone) == local * 1_000).all()
