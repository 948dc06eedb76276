"""Charts from a running server: the oracle over HTTP and gRPC, and the largest batch."""

import csv
from pathlib import Path
from typing import Any

import httpx
import pytest

import hypercube
from hypercube.core.chart import BirthInput, DayBoundary, TimeBasis

ORACLE = Path(__file__).resolve().parents[1] / "golden" / "oracle"


def oracle() -> list[dict[str, str]]:
    rows = []
    for name in ("pillars_random.csv", "pillars_adversarial.csv"):
        with (ORACLE / name).open(encoding="utf-8") as lines:
            rows += list(csv.DictReader(lines))
    return rows


def expected(row: dict[str, str], variant: str) -> tuple[int, ...]:
    return tuple(int(row[key]) for key in ("year", "month", f"day_{variant}", f"hour_{variant}"))


def post(url: str, body: Any) -> Any:
    return httpx.post(url, json=body, timeout=60).raise_for_status().json()


@pytest.mark.parametrize("variant", ["midnight", "zi23"])
def test_the_oracle_over_http(fake_server: Any, variant: str) -> None:
    rows = oracle()
    births = [
        {
            "birth": r["local"],
            "fold": int(r["fold"]),
            "zone": r["zone"],
            "time_basis": "civil",
            "day_boundary": variant,
        }
        for r in rows
    ]
    results = post(fake_server.url + "/v1/saju/charts:batch", {"births": births})["results"]
    assert len(results) == len(rows) == 3000
    wrong = [
        (row["id"], result)
        for row, result in zip(rows, results, strict=True)
        if tuple(result["chart"]["pillars"][p]["index"] for p in ("year", "month", "day", "hour"))
        != expected(row, variant)
        or result["chart"]["instant"]["utc_seconds"] != int(row["utc_s"])
    ]
    assert wrong == []


@pytest.mark.parametrize("variant", ["midnight", "zi23"])
def test_the_oracle_over_grpc(fake_server: Any, variant: str) -> None:
    rows = oracle()
    births = [
        BirthInput(
            r["local"],
            fold=int(r["fold"]),
            zone=r["zone"],
            time_basis=TimeBasis.CIVIL,
            day_boundary=DayBoundary(variant),
        )
        for r in rows
    ]
    with hypercube.Client(fake_server.target) as client:
        results = client.charts(births)
        one = client.chart(births[17])
    assert one == results[17].chart, "a single chart is a batch of one"
    wrong = [
        row["id"]
        for row, result in zip(rows, results, strict=True)
        if result.chart is None or result.chart.pillars.indices() != expected(row, variant)
    ]
    assert wrong == []


def test_single_charts_over_http_equal_the_batch(fake_server: Any) -> None:
    for row in oracle()[::100]:
        birth = {"birth": row["local"], "fold": int(row["fold"]), "zone": row["zone"], "time_basis": "civil"}
        one = post(fake_server.url + "/v1/saju/charts", birth)
        batch = post(fake_server.url + "/v1/saju/charts:batch", {"births": [birth]})
        assert batch["results"][0]["chart"] == one


def test_ten_thousand_births_each_get_their_own_answer(fake_server: Any) -> None:
    births: list[dict[str, Any]] = [
        {
            "birth": f"{1900 + n % 150}-{n % 12 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:{n % 60:02}",
            "zone": "Asia/Tokyo",
        }
        for n in range(10_000)
    ]
    births[1234]["birth"] = "1990-02-31"
    births[5678]["colour"] = "blue"
    births[9999]["longitude"] = 200
    results = post(fake_server.url + "/v1/saju/charts:batch", {"births": births})["results"]
    errors = {n: result["error"] for n, result in enumerate(results) if result.get("error")}
    # Tokyo had summer time in 1948-51, so a few of these clocks never showed, or showed twice.
    assert {1234, 5678, 9999} <= errors.keys()
    assert all(
        "clock in Asia/Tokyo" in error["message"]
        for n, error in errors.items()
        if n not in (1234, 5678, 9999)
    )
    assert errors[1234]["param"] == "births[1234].birth"
    assert errors[5678]["param"] == "births[5678].colour"
    assert errors[9999]["param"] == "births[9999].longitude"
    assert len(results) == 10_000


def test_metrics_count_the_batches(fake_server: Any) -> None:
    post(fake_server.url + "/v1/saju/charts", {"birth": "2000-01-01T12:00"})
    text = httpx.get(fake_server.url + "/metrics").text
    assert 'hypercube_batches_total{batcher="pillars",reason="idle"}' in text
    assert 'hypercube_requests_total{outcome="ok",route="/v1/saju/charts",transport="http"}' in text
    assert 'hypercube_model_ready{model="fake"} 1.0' in text
