"""`charts_table` against the single path: any options, any batch, any fault."""

from typing import Any

import numpy as np
import pytest

from hypercube.core.chart import BirthInput, DayBoundary, Sex, TimeBasis
from hypercube.core.errors import HyperCubeError
from hypercube.saju import charts
from hypercube.saju.bulk import Births, births_of, charts_table, status
from hypercube.saju.bulk import table as bulk_table
from hypercube.saju.facts import facts
from hypercube.saju.luck import luck_columns

ZONES = ("Asia/Seoul", "America/New_York", "Pacific/Apia", "Europe/Dublin", "Asia/Kathmandu")
SPAN_S = (
    int(np.datetime64("1800-01-01", "s").astype(int)),
    int(np.datetime64("2201-01-01", "s").astype(int)),
)


def mixed(rows: int, seed: int = 0) -> dict[str, Any]:
    """Births of every kind, some of them wrong."""
    rng = np.random.default_rng(seed)
    local = rng.integers(*SPAN_S, rows)
    # A third close to the clock changes of the 20th century, where the faults are.
    local[::3] = np.datetime64("1948-06-01", "s").astype(int) + rng.integers(-600, 600, len(local[::3])) * 60
    local[rng.random(rows) < 0.02] = SPAN_S[1] + 5
    longitude = rng.uniform(-180, 180, rows).round(3)
    longitude[rng.random(rows) < 0.5] = np.nan
    longitude[rng.random(rows) < 0.02] = 200
    return {
        "local_seconds": local,
        "exact": rng.random(rows) < 0.8,
        "zone": (rng.integers(-1, len(ZONES) + 1, rows), (*ZONES, "Asia/Seul")),
        "place": (rng.integers(-1, 3, rows), ("Seoul", "부산", "Sowl")),
        "longitude": longitude,
        "sex": rng.choice(np.array([-1, 0, 1, 7], dtype=np.int8), rows, p=[0.3, 0.34, 0.34, 0.02]),
        "fold": rng.choice(np.array([-1, 0, 1, 3], dtype=np.int8), rows, p=[0.5, 0.24, 0.24, 0.02]),
        "time_basis": rng.choice(
            np.array([0, 1, 2, 255, 9], dtype=np.uint8), rows, p=[0.2, 0.2, 0.2, 0.38, 0.02]
        ),
        "day_boundary": rng.choice(np.array([0, 1, 2, 9], dtype=np.uint8), rows, p=[0.33, 0.33, 0.32, 0.02]),
    }


def test_rows_equal_single_charts_faults_included() -> None:
    columns = mixed(3_000)
    births = births_of(columns)
    table = charts_table(births, include=("pillars",))
    assert set(table.status.tolist()) >= set(range(10))
    single = charts([births.birth_input(row) for row in range(len(births))])
    for row, result in enumerate(single):
        error = table.error(row)
        if result.chart is None:
            assert error is not None, births.birth_input(row)
            assert result.error == error.failure()
            assert table.pillars[row].tolist() == [255] * 4
            param = str(error.param).partition(".")[2]
            assert status.NAMES[int(table.status[row])] in (f"bad_{param}", "unsettled_time", "vanished_date")
            continue
        assert error is None
        chart = result.chart
        hour = chart.pillars.hour
        got = table.pillars[row].tolist()
        assert got == [
            *(p.index for p in (chart.pillars.year, chart.pillars.month, chart.pillars.day)),
            hour.index if hour else 255,
        ]
        assert table.utc_seconds[row] == chart.instant.utc_seconds
        assert table.offset_seconds[row] == chart.corrections.total_offset_s
        assert table.since_jie[row] == chart.boundary.term_distance_s
        assert table.ambiguous[row] == chart.ambiguous


def test_a_date_that_the_zone_left_out() -> None:
    table = charts_table({"local": np.array(["2011-12-30"], dtype="datetime64[D]")}, zone="Pacific/Apia")
    assert table.status.tolist() == [status.VANISHED_DATE]
    error = table.error(0)
    assert error is not None
    assert error.param == "births[0].birth"
    assert "2011-12-29" in str(error)


def test_luck_and_facts_equal_their_array_functions() -> None:
    rng = np.random.default_rng(3)
    local = rng.integers(*SPAN_S, 20_000)
    sex = rng.integers(0, 2, len(local)).astype(np.int8)
    for luck_age in ("rounded", "floored", "exact", "ymd"):
        table = charts_table(
            {"local_seconds": local, "sex": sex, "fold": 0}, include=("facts", "luck"), luck_age=luck_age
        )
        want = luck_columns(table.utc_seconds, local, sex, luck_age=luck_age)
        luck = table.luck
        assert luck is not None
        for name in ("forward", "distance_ms", "exact", "rounded", "floored", "pillars"):
            assert (getattr(luck, name) == getattr(want, name)).all(), name
        assert (luck.first_day == want.start_days[:, 0]).all()
    found, own = facts(table.pillars), table.facts
    assert own is not None
    for name in ("stem_gods", "flags", "structure", "climate_gods", "group_weights"):
        assert (getattr(found, name) == getattr(own, name)).all()
    # A luck pillar seen from the day stem is what a chart with that pillar in the place of the hour says.
    for k in (0, 9):
        seen = facts(np.column_stack([table.pillars[:, :3], luck.pillars[:, k]]))
        assert (luck.stem_gods[:, k] == seen.stem_gods[:, 3]).all()
        assert (luck.branch_gods[:, k] == seen.branch_gods[:, 3]).all()
        assert (luck.stages[:, k] == seen.stages[:, 3]).all()


def test_luck_is_masked_where_it_is_not_known() -> None:
    local = np.array(
        ["1990-05-03T07:20", "1990-05-03T07:20", "1990-05-03", "1990-05-06"], dtype="datetime64[s]"
    )
    table = charts_table(
        {"local": local, "exact": np.array([True, True, False, False]), "sex": np.array([0, -1, 0, 0])},
        include=("luck",),
    )
    luck = table.luck
    assert luck is not None
    assert table.status.tolist() == [0, status.NO_SEX, 0, 0]
    error = table.error(1)
    assert error is not None
    assert error.param == "births[1].sex"
    assert luck.rounded.tolist()[1:] == [-1, -1, -1]
    assert luck.forward.tolist() == [1, 255, 1, 255]
    assert luck.pillars[2].tolist() == luck.pillars[0].tolist()
    assert luck.pillars[3].tolist() == [255] * 10
    assert table.ambiguous.tolist() == [False, False, False, True]


def test_results_do_not_depend_on_batch_size_or_order(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = mixed(2_000, seed=8)
    whole = charts_table(columns, include=("luck",))
    order = np.random.default_rng(1).permutation(2_000)
    shuffled = {
        name: (value[0][order], value[1]) if isinstance(value, tuple) else value[order]
        for name, value in columns.items()
    }
    monkeypatch.setattr(bulk_table, "CHUNK", 77)
    parts = charts_table(shuffled, include=("luck",))
    assert whole.luck is not None
    assert parts.luck is not None
    for name in ("status", "pillars", "utc_seconds", "offset_seconds", "since_jie", "ambiguous", "clock"):
        assert (getattr(whole, name)[order] == getattr(parts, name)).all(), name
    assert (whole.luck.walk[order] == parts.luck.walk).all()
    assert (whole.luck.first_day[order] == parts.luck.first_day).all()


def test_units_of_time_agree() -> None:
    minutes = np.arange(-30_000_000, 40_000_000, 700_001)
    tables = [
        charts_table(columns, include=())
        for columns in (
            {"local_minutes": minutes},
            {"local_seconds": minutes * 60},
            {"local": minutes.astype("datetime64[m]")},
            {"local": (minutes * 60_000).astype("datetime64[ms]")},
        )
    ]
    for table in tables[1:]:
        assert (table.pillars == tables[0].pillars).all()
    wild = charts_table({"local": np.array(["NaT"], dtype="datetime64[s]")})
    assert wild.status.tolist() == [status.BAD_BIRTH]
    assert charts_table({"local_minutes": np.array([2**62])}).status.tolist() == [status.BAD_BIRTH]
    assert charts_table({"local_minutes": np.array([2**62])}).error(0) is not None


def test_no_rows() -> None:
    table = charts_table({"local_minutes": np.array([], dtype=np.int64), "sex": 0}, include=("facts", "luck"))
    assert len(table) == 0
    assert table.luck is not None
    assert table.luck.pillars.shape == (0, 10)


@pytest.mark.parametrize(
    ("columns", "options", "param"),
    [
        ({"local_minutes": [1.5]}, {}, "columns.local_minutes"),
        ({"minutes": [1]}, {}, "columns.minutes"),
        ({}, {}, "columns"),
        ({"local_minutes": [1], "local_seconds": [1]}, {}, "columns"),
        ({"local_minutes": [1, 2], "fold": [0, 0, 0]}, {}, "columns.fold"),
        ({"local_minutes": [1, 2], "zone": ([0, 4], ("Asia/Seoul",))}, {}, "columns.zone"),
        ({"local_minutes": [1]}, {"include": "pillar"}, "include"),
        ({"local_minutes": [1]}, {"time_basis": "clock"}, "time_basis"),
        ({"local_minutes": [1]}, {"day_boundary": "noon"}, "day_boundary"),
        ({"local_minutes": [1]}, {"luck_age": "old"}, "luck_age"),
        ({"local_minutes": [1]}, {"backend": "abacus"}, "backend"),
    ],
)
def test_what_is_wrong_with_the_call_is_raised(columns: Any, options: Any, param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        charts_table(
            {name: value if isinstance(value, tuple) else np.array(value) for name, value in columns.items()},
            **options,
        )
    assert caught.value.param == param


def test_a_row_reads_back_as_it_was_given() -> None:
    births = births_of(
        {
            "local": np.array(["1990-05-03T07:20:30"], dtype="datetime64[s]"),
            "place": "부산",
            "longitude": 129.0,
            "sex": 1,
            "fold": 0,
            "time_basis": 2,
            "day_boundary": 1,
        }
    )
    assert isinstance(births, Births)
    assert births.birth_input(0) == BirthInput(
        "1990-05-03T07:20:30",
        Sex.FEMALE,
        "부산",
        129.0,
        "Asia/Seoul",
        TimeBasis.TRUE_SOLAR,
        DayBoundary.ZI23,
        0,
    )
