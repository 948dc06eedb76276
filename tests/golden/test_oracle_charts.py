"""Every birth of the oracle through `charts`, by the clock, under both day boundaries."""

import csv
from pathlib import Path

import pytest

from hypercube.core.chart import BirthInput, DayBoundary, TimeBasis
from hypercube.saju import charts

ORACLE = Path(__file__).parent / "oracle"


def records() -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for name in ("pillars_random.csv", "pillars_adversarial.csv"):
        with (ORACLE / name).open(encoding="utf-8", newline="") as stream:
            found.extend(csv.DictReader(stream))
    return found


@pytest.mark.parametrize("day_boundary", [DayBoundary.MIDNIGHT, DayBoundary.ZI23])
def test_every_birth_of_the_oracle(day_boundary: DayBoundary) -> None:
    oracle = records()
    assert len(oracle) == 3_000
    results = charts(
        [
            BirthInput(
                birth=record["local"],
                zone=record["zone"],
                fold=int(record["fold"]),
                time_basis=TimeBasis.CIVIL,
                day_boundary=day_boundary,
            )
            for record in oracle
        ]
    )
    mismatches = []
    for record, result in zip(oracle, results, strict=True):
        assert result.chart is not None, result.error
        chart = result.chart
        answer = (*chart.pillars.indices(), chart.instant.utc_seconds, chart.corrections.utc_offset_s)
        fields = ("year", "month", f"day_{day_boundary}", f"hour_{day_boundary}", "utc_s", "offset_s")
        expected = tuple(int(record[field]) for field in fields)
        # The oracle measures to the exact instant, a chart to the second it is rounded up to; and what ΔT will be
        # in the 2040s is not known to the second.
        apart = abs(chart.boundary.term_distance_s - float(record["jie_margin_s"]))
        close = apart < (2 if record["local"] < "2040" else 4)
        if answer != expected or not close:
            mismatches.append((record["id"], answer, expected, chart.boundary.term_distance_s))
    assert mismatches == []
