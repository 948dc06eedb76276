"""Lunar dates, luck pillars and solar terms of tests/golden/oracle (conventions in its README), 0 mismatches."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from hypercube.core.calendar import LuckAge, LunarDate
from hypercube.core.chart import Sex
from hypercube.saju.kasi_check import KasiTerm, compare_terms
from hypercube.saju.luck import FEMALE, MALE, luck_columns
from hypercube.saju.luck_pillars import luck
from hypercube.saju.lunar import lunar_to_solar, solar_to_lunar, to_lunar, to_solar
from hypercube.saju.lunar_text import civil_birth
from hypercube.saju.solar_terms import rounded_minutes, solar_terms, term_instants

ORACLE = Path(__file__).parent / "oracle"
EPOCH = date(1970, 1, 1).toordinal()


def read(name: str) -> list[dict[str, str]]:
    with (ORACLE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def column(rows: list[dict[str, str]], name: str, kind: Callable[[str], object] = int) -> np.ndarray:
    return np.array([kind(row[name]) for row in rows])


def days(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([date.fromisoformat(row[name]).toordinal() - EPOCH for row in rows], dtype=np.int64)


def lunar(row: dict[str, str], year: str, month: str, day: str, leap: str) -> LunarDate:
    return LunarDate(int(row[year]), int(row[month]), int(row[day]), row[leap] == "1")


def test_lunar_pairs_both_ways_in_arrays() -> None:
    rows = read("lunar_pairs.csv")
    assert len(rows) == 1_500
    solar = days(rows, "solar")
    got = to_lunar(solar)
    names = ("lunar_year", "lunar_month", "lunar_day", "is_leap")
    for mine, name in zip((got.year, got.month, got.day, got.leap), names, strict=True):
        assert (mine == column(rows, name)).all(), name
    assert (
        to_solar(*(column(rows, name) for name in names[:3]), column(rows, "is_leap") == 1) == solar
    ).all()


def test_lunar_pairs_one_at_a_time() -> None:
    for row in read("lunar_pairs.csv"):
        want = lunar(row, "lunar_year", "lunar_month", "lunar_day", "is_leap")
        assert solar_to_lunar(date.fromisoformat(row["solar"])) == want
        assert lunar_to_solar(want).isoformat() == row["solar"]
        text = f"{want.year:04}-{want.month:02}-{want.day:02}T23:30"
        assert civil_birth(text, want.leap) == f"{row['solar']}T23:30"


def test_korea_where_china_differs() -> None:
    rows = read("cn_kr_month_differences.csv")
    assert len(rows) == 63
    for row in rows:
        korean, chinese = (
            lunar(row, *(f"{c}_{part}" for part in ("y", "m", "d", "leap"))) for c in ("kr", "cn")
        )
        first = date.fromisoformat(row["from_solar"])
        assert solar_to_lunar(first) == korean
        assert solar_to_lunar(first) != chinese
        assert lunar_to_solar(korean) == first


def luck_arrays(rows: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sex = np.array([MALE if row["gender"] == "M" else FEMALE for row in rows], dtype=np.int8)
    local = np.array([np.datetime64(row["local"], "s") for row in rows]).astype(np.int64)
    return column(rows, "utc_s").astype(np.int64), local, sex


@pytest.mark.parametrize("luck_age", list(LuckAge))
def test_luck(luck_age: LuckAge) -> None:
    rows = read("luck.csv")
    assert len(rows) == 306
    got = luck_columns(*luck_arrays(rows), luck_age=luck_age)
    assert (got.forward == column(rows, "forward")).all()
    assert (got.pillars[:, 0] == column(rows, "first_luck_pillar")).all()
    assert (got.rounded == column(rows, "start_age_round")).all()
    assert (got.floored == np.floor(column(rows, "start_age_exact", float))).all()
    assert (got.ymd == np.stack([column(rows, f"start_{unit}") for unit in "ymd"], axis=1)).all()
    # The oracle gives five decimals.
    assert np.abs(got.days - column(rows, "days_to_jie", float)).max() < 0.6e-5
    assert np.abs(got.exact - column(rows, "start_age_exact", float)).max() < 0.6e-5
    start = {"exact": got.exact, "rounded": got.rounded, "floored": got.floored}.get(
        luck_age, got.ymd @ np.array([1, 1 / 12, 1 / 360])
    )
    assert np.allclose(got.ages, np.asarray(start)[:, None] + 10 * np.arange(10))


def test_luck_one_at_a_time() -> None:
    for row in read("luck.csv")[:60]:
        local = int(np.datetime64(row["local"], "s").astype(np.int64))
        got = luck(int(row["utc_s"]), local, Sex.MALE if row["gender"] == "M" else Sex.FEMALE)
        assert got.forward is (row["forward"] == "1")
        assert got.pillars[0].pillar.index == int(row["first_luck_pillar"])
        assert got.pillars[0].age == got.start.rounded == int(row["start_age_round"])
        assert (got.start.years, got.start.months, got.start.days_over) == tuple(
            int(row[f"start_{unit}"]) for unit in "ymd"
        )


def test_solar_terms_and_their_minutes() -> None:
    by_year: dict[int, list[dict[str, str]]] = {}
    for row in read("solar_terms.csv"):
        by_year.setdefault(int(row["year"]), []).append(row)
    assert len(by_year) == 75
    for year, rows in by_year.items():
        got = solar_terms(year)
        assert [term.k for term in got] == list(range(24))
        assert [term.hangul for term in got] == [row["name"] for row in rows]
        assert [term.kst_minute for term in got] == [row["kst_minute"] for row in rows]
        worst = max(abs(t.utc_ms / 1_000 - float(row["utc_s"])) for t, row in zip(got, rows, strict=True))
        assert worst < 0.5


def test_solar_terms_in_arrays() -> None:
    rows = read("solar_terms.csv")
    every = term_instants(1901, 2049)
    assert every.shape == (149, 24)
    got = every[::2].reshape(-1)
    assert np.abs(got / 1_000 - column(rows, "utc_s", float)).max() < 0.5
    minutes = rounded_minutes(got + 9 * 3_600_000).astype("datetime64[m]")
    assert (minutes == np.array([np.datetime64(row["kst_minute"], "m") for row in rows])).all()


def test_kasi_published_minutes() -> None:
    """docs/accuracy names the same 18 differences; three are errors of the press."""
    published = []
    for row in read("solar_terms.csv"):
        if row["kasi_kst_minute"]:
            head, _, minute = row["kasi_kst_minute"].rpartition(":")
            when = np.datetime64(f"{head}:00", "m") + int(minute)
            published.append(KasiTerm(int(row["year"]), int(row["k"]), row["name"], when.astype(object)))
    assert len(published) == 336
    found = compare_terms(published)
    assert len(found) == 18
    assert [(each.year, each.name) for each in found if each.gross] == [
        (2011, "대한"),
        (2011, "입동"),
        (2015, "하지"),
    ]
    assert all(abs(each.minutes) == 1 and abs(each.least_shift_s) < 9 for each in found if not each.gross)
    (late,) = (each for each in found if each.year == 2001)
    assert (late.name, late.ours[-5:], late.kasi[-5:], late.minutes) == ("경칩", "21:32", "21:33", 1)
    assert 0 < late.least_shift_s < 0.5
