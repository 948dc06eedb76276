"""The reference answers of tests/golden/oracle (conventions in its README), through every CPU backend."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hypercube.kernels import pillars as pillars_op
from hypercube.kernels.compile_cpu import compiler
from hypercube.kernels.pillars import pillars
from hypercube.kernels.pillars.terms import TERMS, load_terms

ORACLE = Path(__file__).parent / "oracle"
CPU_BACKENDS = ("reference", "numba", "native")
VARIANTS = ("midnight", "zi23")


def read(name: str) -> list[dict[str, str]]:
    with (ORACLE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def births() -> list[dict[str, str]]:
    return read("pillars_random.csv") + read("pillars_adversarial.csv")


def column(rows: list[dict[str, str]], name: str, dtype: type = np.int64) -> np.ndarray:
    return np.array([dtype(row[name]) for row in rows], dtype=dtype)


def expected(rows: list[dict[str, str]], variant: str) -> np.ndarray:
    names = ("year", "month", f"day_{variant}", f"hour_{variant}")
    return np.stack([column(rows, name) for name in names], axis=1)


def mismatches(rows: list[dict[str, str]], got: np.ndarray, want: np.ndarray) -> Iterator[str]:
    for row, mine, theirs in zip(rows, got.tolist(), want.tolist(), strict=True):
        if mine != theirs:
            yield f"{row['id']} {row['class']} {row['local']}: {mine} but the oracle has {theirs}"


@pytest.mark.parametrize("backend", CPU_BACKENDS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_birth_of_the_oracle(backend: str, variant: str) -> None:
    if backend == "numba":
        pytest.importorskip("numba")
    if backend == "native" and compiler() is None:
        pytest.skip("no C++ compiler is installed")
    rows = births()
    got = pillars(
        column(rows, "utc_s"), column(rows, "offset_s", np.int32), day_boundary=variant, backend=backend
    )
    want = expected(rows, variant)
    assert got.shape == want.shape == (3_000, 4)
    wrong = list(mismatches(rows, got, want))
    assert not wrong, f"{len(wrong)} of {len(rows)}:\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_at_a_time_equals_the_batch(variant: str) -> None:
    """What a request for a single chart runs: `auto`, one row, offset as a plain integer."""
    rows = read("pillars_adversarial.csv")
    got = np.concatenate(
        [pillars(np.array([int(row["utc_s"])]), int(row["offset_s"]), day_boundary=variant) for row in rows]
    )
    assert not list(mismatches(rows, got, expected(rows, variant)))


def test_same_day_differs_from_midnight_only_in_the_hour_stem_at_23() -> None:
    """The oracle leaves this convention out; it is `midnight` with the civil day's stem at 23:xx."""
    rows = births()
    utc, offset = column(rows, "utc_s"), column(rows, "offset_s", np.int32)
    midnight = pillars(utc, offset, day_boundary="midnight").astype(int)
    same_day = pillars(utc, offset, day_boundary="same_day").astype(int)
    at_23 = np.array([row["local"][11:13] == "23" for row in rows])
    assert at_23.sum() > 100
    assert (midnight[:, :3] == same_day[:, :3]).all()
    assert (midnight[~at_23, 3] == same_day[~at_23, 3]).all()
    assert ((midnight[at_23, 3] - same_day[at_23, 3]) % 60 == 12).all()
    # 五鼠遁: the 子 hour of a 甲/己 day is 甲子, of a 乙/庚 day 丙子, ...
    assert (same_day[at_23, 3] == same_day[at_23, 2] % 5 * 12).all()


def test_saju_year_follows_from_the_month_number() -> None:
    rows = births()
    number = load_terms().month_number(column(rows, "utc_s"))
    assert (number // 12 + 4 == column(rows, "saju_year")).all()


def test_solar_terms_lie_within_half_a_second() -> None:
    rows = read("solar_terms.csv")
    assert len(rows) == 1_800
    table = load_terms()
    index = (column(rows, "year") - table.first_year) * 24 + column(rows, "k") - table.first_k
    difference = table.instants_ms[index] / 1_000 - column(rows, "utc_s", np.float64)
    assert np.abs(difference).max() < 0.5
    assert [TERMS[int(row["k"])].hangul for row in rows] == [row["name"] for row in rows]
    assert [TERMS[int(row["k"])].longitude_degrees for row in rows] == [
        int(row["longitude_deg"]) for row in rows
    ]


def test_distance_to_the_nearest_jie() -> None:
    """`jie_margin_s` is the smallest of the distances to the UTC, the UT1 and the ERFA instant.

    So it has our sign, is never larger than ours, and smaller by |UT1 - UTC| (0.9 s while there are leap
    seconds, 2.5 s without them in 2050) and ERFA's difference (0.4 s) at most; ours is ceiled (1 s).
    """
    rows = births()
    utc, margin = column(rows, "utc_s"), column(rows, "jie_margin_s", np.float64)
    table = load_terms()
    index, seconds = table.nearest_jie(utc)
    assert index.dtype == np.int32
    assert seconds.dtype == np.int64
    assert (utc - table.jie_s[index] == seconds).all()
    exact = utc - table.jie_ms[index] / 1_000
    assert (np.sign(exact) == np.sign(margin)).all()
    assert (exact - seconds >= 0).all()
    assert (exact - seconds < 1).all()
    excess = np.abs(exact) - np.abs(margin)
    until_2026 = column(rows, "saju_year") <= 2026
    assert (excess > -0.15).all()
    assert (excess[until_2026] < 0.9 + 0.4).all()
    assert (excess < 2.5 + 0.4).all()


def test_the_backends_of_the_cpu_are_registered() -> None:
    assert tuple(b.name for b in pillars_op.backends.backends("pillars") if b.device == "cpu") == (
        "native",
        "numba",
        "reference",
    )
