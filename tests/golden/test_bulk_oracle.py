"""Every birth of the oracle as a row of `charts_table`, beside the single chart and the oracle's own answers."""

import csv
from pathlib import Path

import numpy as np
import pytest

from hypercube.core.chart import BirthInput, Sex, TimeBasis
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju import charts
from hypercube.saju.bulk import charts_table

ORACLE = Path(__file__).parent / "oracle"


def read(name: str) -> list[dict[str, str]]:
    with (ORACLE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def column(records: list[dict[str, str]], name: str, dtype: type = np.int64) -> np.ndarray:
    return np.array([dtype(record[name]) for record in records], dtype=dtype)


@pytest.mark.parametrize("day_boundary", ["midnight", "zi23", "same_day"])
@pytest.mark.parametrize("time_basis", ["civil", "true_solar"])
def test_a_row_is_the_single_chart(day_boundary: str, time_basis: str) -> None:
    oracle = read("pillars_random.csv") + read("pillars_adversarial.csv")
    longitude = np.random.default_rng(5).uniform(124, 132, len(oracle)).round(4)
    local = np.array([record["local"] for record in oracle], dtype="datetime64[s]")
    table = charts_table(
        {"local": local, "fold": column(oracle, "fold", np.int8), "longitude": longitude},
        time_basis=time_basis,
        day_boundary=day_boundary,
        include=("pillars",),
    )
    assert not table.status.any()
    single = charts(
        [
            BirthInput(
                birth=record["local"],
                longitude=degrees,
                zone=record["zone"],
                fold=int(record["fold"]),
                time_basis=TimeBasis(time_basis),
                day_boundary=day_boundary,  # type: ignore[arg-type]
            )
            for record, degrees in zip(oracle, longitude.tolist(), strict=True)
        ]
    )
    terms = load_terms()
    for row, result in enumerate(single):
        chart = result.chart
        assert chart is not None
        assert tuple(table.pillars[row].tolist()) == chart.pillars.indices()
        assert table.utc_seconds[row] == chart.instant.utc_seconds
        assert table.utc_offset_seconds[row] == chart.corrections.utc_offset_s
        assert table.offset_seconds[row] == chart.corrections.total_offset_s
        assert table.since_jie[row] == chart.boundary.term_distance_s
        assert terms.term_name(int(table.nearest_jie[row])) == chart.boundary.nearest_term.hangul
        assert table.ambiguous[row] == chart.ambiguous
    if time_basis == "civil" and day_boundary != "same_day":
        names = ("year", "month", f"day_{day_boundary}", f"hour_{day_boundary}")
        want = np.stack([column(oracle, name) for name in names], axis=1)
        assert (table.pillars == want).all()


def test_luck_of_the_oracle() -> None:
    oracle = read("luck.csv")
    assert len(oracle) > 200
    sex = np.array([0 if record["gender"] == "M" else 1 for record in oracle], dtype=np.int8)
    assert {Sex.MALE, Sex.FEMALE} == set(Sex)
    table = charts_table(
        {
            "local": np.array([record["local"] for record in oracle], dtype="datetime64[s]"),
            "fold": column(oracle, "fold", np.int8),
            "sex": sex,
        },
        include=("luck",),
    )
    luck = table.luck
    assert luck is not None
    assert not table.status.any()
    assert (luck.forward == column(oracle, "forward")).all()
    assert (luck.pillars[:, 0] == column(oracle, "first_luck_pillar")).all()
    assert (luck.rounded == column(oracle, "start_age_round")).all()
    assert np.abs(luck.exact - column(oracle, "start_age_exact", float)).max() < 4 / 86_400


def test_lunar_dates_of_the_oracle() -> None:
    oracle = read("lunar_pairs.csv")
    days = np.array([record["solar"] for record in oracle] + ["2051-01-01"], dtype="datetime64[D]")
    lunar = charts_table({"local": days}, include=("lunar",)).lunar
    assert lunar is not None
    for name, field in (
        ("year", "lunar_year"),
        ("month", "lunar_month"),
        ("day", "lunar_day"),
        ("leap", "is_leap"),
    ):
        assert (getattr(lunar, name)[:-1] == column(oracle, field)).all()
        assert getattr(lunar, name)[-1] == 0
