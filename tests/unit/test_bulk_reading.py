"""Births in words and Arrow tables, against the single path."""

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.chart import BirthInput
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju import charts
from hypercube.saju.births import read_time
from hypercube.saju.bulk import charts as arrow_charts
from hypercube.saju.bulk.births import BAD_LOCAL, END_LOCAL_S, FIRST_LOCAL_S
from hypercube.saju.bulk.reading import read_times

pa = pytest.importorskip("pyarrow")

WORDS = st.one_of(
    st.datetimes().map(lambda each: each.isoformat(sep=" ", timespec="minutes")),
    st.datetimes().map(lambda each: each.isoformat(timespec="seconds")),
    st.dates().map(str),
    st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?\Z"),
    st.text(alphabet="0123456789-T: /٣Z", max_size=22),
    st.text(max_size=30),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=40))
def test_texts_are_read_as_one_by_one(texts: list[str]) -> None:
    local, exact = read_times(texts)
    for row, text in enumerate(texts):
        inside = FIRST_LOCAL_S <= local[row] < END_LOCAL_S
        try:
            time = read_time(text)
        except HyperCubeError:
            assert not inside, text
            continue
        assert inside, text
        assert (int(local[row]), bool(exact[row])) == (time.seconds, time.exact)
    assert BAD_LOCAL < FIRST_LOCAL_S


ROWS: list[dict[str, Any]] = [
    {"birth": "1990-05-03 07:20", "sex": "male", "place": "Seoul"},
    {"birth": "1990-05-03T07:20:30", "sex": "female", "place": "부산", "time_basis": "true_solar"},
    {"birth": "1990-05-03", "longitude": 126.978},
    {"birth": "1990-04-09T07:20", "calendar": "lunar"},
    {"birth": "1990-05-01T07:20", "calendar": "lunar", "leap_month": True},
    {"birth": "1990-04-01T07:20", "calendar": "lunar", "leap_month": True},
    {"birth": "1990-05-01T07:20", "leap_month": True},
    {"birth": "1990-05-01T07:20", "calendar": "julian"},
    {"birth": "1990-02-30"},
    {"birth": "1990/5/3 7:20"},
    {"birth": ""},
    {"birth": None},
    {"birth": "1799-12-31T12:00"},
    {"birth": "1990-05-03T07:20", "sex": "x"},
    {"birth": "1990-05-03T07:20", "place": "Sowl"},
    {"birth": "1990-05-03T07:20", "zone": "Asia/Seul"},
    {"birth": "1990-05-03T07:20", "zone": "America/New_York", "longitude": -74.0},
    {"birth": "1990-05-03T07:20", "longitude": 200.0},
    {"birth": "1990-05-03T07:20", "time_basis": "sundial"},
    {"birth": "1990-05-03T07:20", "time_basis": "mean_solar"},
    {"birth": "1990-05-03T23:20", "day_boundary": "zi23"},
    {"birth": "1990-05-03T23:20", "day_boundary": "noon"},
    {"birth": "1988-05-08T02:30"},
    {"birth": "1988-05-08T02:30", "fold": 1},
    {"birth": "1988-10-09T02:30", "fold": 2},
]
FIELDS = (
    "birth",
    "sex",
    "place",
    "longitude",
    "zone",
    "time_basis",
    "day_boundary",
    "fold",
    "calendar",
    "leap_month",
)


def table(rows: list[dict[str, Any]]) -> Any:
    return pa.table(
        {name: [row.get(name) for row in rows] for name in FIELDS if any(name in row for row in rows)}
    )


def test_an_arrow_table_equals_the_single_charts() -> None:
    births = table(ROWS)
    found = arrow_charts(births, script="hanja")
    assert len(found) == len(ROWS)
    made = [
        BirthInput(**{"birth": "", **{name: each for name, each in row.items() if each is not None}})
        for row in ROWS
    ]
    refused = 0
    for row, (got, result) in enumerate(zip(found.to_pylist(), charts(made), strict=True)):
        if result.error is not None:
            refused += 1
            assert got["status"] != "ok", ROWS[row]
            assert result.error.message in got["error"]
            assert got["year_pillar"] is None
            assert got["strength"] is None
            continue
        chart = result.chart
        assert chart is not None
        assert (got["status"], got["error"]) == ("ok", None), ROWS[row]
        pillars = chart.pillars
        assert got["day_pillar"] == pillars.day.hanja
        assert got["hour_pillar"] == (pillars.hour.hanja if pillars.hour else None)
        assert got["offset_s"] == chart.corrections.total_offset_s
        assert got["nearest_term"] == chart.boundary.nearest_term.hanja
        assert int(got["utc"].timestamp()) == chart.instant.utc_seconds
    assert refused == 17


def test_columns_of_other_types_say_the_same() -> None:
    plain = table(
        [{"birth": f"199{i}-05-03T07:20", "sex": "male", "fold": 0, "place": "Seoul"} for i in range(6)]
    )
    want = arrow_charts(plain, include=("facts", "luck", "lunar"))
    stamps = pa.array(plain["birth"].to_numpy(zero_copy_only=False).astype("datetime64[s]"))
    other = plain.set_column(0, "birth", pa.chunked_array([stamps[:2], stamps[2:]]))
    other = other.set_column(1, "sex", plain["sex"].dictionary_encode())
    assert arrow_charts(other, include=("facts", "luck", "lunar")).equals(want)
    batch = plain.combine_chunks().to_batches()[0]
    assert arrow_charts(batch, include=("facts", "luck", "lunar")).equals(want)
    bare = plain.select(["birth"])
    defaults = {"sex": "male", "fold": 0, "place": "Seoul"}
    assert arrow_charts(bare, include=("facts", "luck", "lunar"), defaults=defaults).equals(want)
    assert want["lunar_year"].to_pylist() == [1990, 1991, 1992, 1993, 1994, 1995]


def test_dates_have_no_hour() -> None:
    days = pa.table({"birth": pa.array(np.array(["1990-05-03"], dtype="datetime64[D]"))})
    row = arrow_charts(days).to_pylist()[0]
    assert row["day_pillar"] == "무진"
    assert row["hour_pillar"] is None
    assert row["hour_sinsal"] is None
    assert row["relations_day_hour"] is None


@pytest.mark.parametrize(
    ("births", "param"),
    [
        ({"brith": ["1990-05-03"]}, "birth"),
        ({"birth": [1990]}, "birth"),
        ({"birth": ["1990-05-03"], "sex": [1]}, "sex"),
        ({"birth": ["1990-05-03"], "longitude": [True]}, "longitude"),
    ],
)
def test_a_wrong_column_is_named(births: dict[str, Any], param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        arrow_charts(pa.table(births))
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == param


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    births = pa.table({"birth": ["1990-05-03"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(HyperCubeError) as caught:
        arrow_charts(births)
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert "heal7-hypercube[arrow]" in str(caught.value.fix)
