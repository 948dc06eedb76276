"""A batch is nothing but its births: order, size and neighbours change nothing."""

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hypercube
from hypercube import saju
from hypercube.core.calendar import LuckAge
from hypercube.core.chart import BirthInput, Calendar, ChartResult, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.errors import HyperCubeError
from hypercube.core.schools import HiddenStemSet
from hypercube.saju import assemble, chart, charts, pillars, prepare

years = st.integers(1795, 2204)
births = st.builds(
    BirthInput,
    birth=st.one_of(
        st.builds(
            "{:04}-{:02}-{:02}T{:02}:{:02}".format,
            years,
            st.integers(1, 12),
            st.integers(1, 31),
            st.integers(0, 24),
            st.integers(0, 59),
        ),
        st.builds("{:04}-{:02}-{:02}".format, years, st.integers(1, 12), st.integers(1, 31)),
        st.sampled_from(
            ["1988-10-09T02:30", "1988-05-08T02:30", "2024-02-04", "2024-02-04T17:27", "1999-06-11T23:31"]
        ),
        st.text(max_size=20),
    ),
    sex=st.sampled_from([None, Sex.MALE, Sex.FEMALE]),
    place=st.sampled_from([None, None, "Seoul", "부산", "Atlantis"]),
    longitude=st.one_of(st.none(), st.floats(-190, 190), st.just(float("nan"))),
    zone=st.sampled_from([None, None, "America/New_York", "Pacific/Apia", "Mars/Olympus"]),
    time_basis=st.sampled_from([None, *TimeBasis]),
    day_boundary=st.sampled_from(list(DayBoundary)),
    fold=st.sampled_from([None, 0, 1, 1, 7]),
    calendar=st.sampled_from([Calendar.SOLAR, Calendar.SOLAR, Calendar.LUNAR]),
    leap_month=st.sampled_from([False, False, True]),
    include=st.sampled_from([(), (), tuple(Include), (Include.FACTS,), (Include.LUCK, Include.PERIODS)]),
    luck_age=st.sampled_from(list(LuckAge)),
    as_of=st.sampled_from(["2026-11-23", "2024-02-04", "soon"]),
    hidden_stems=st.sampled_from(list(HiddenStemSet)),
)


def calculated(batch: list[BirthInput]) -> list[ChartResult]:
    prepared = prepare(batch)
    return assemble(
        prepared,
        [pillars(g.utc_seconds, g.offset_seconds, day_boundary=g.day_boundary) for g in prepared.groups],
    )


@settings(max_examples=60, deadline=None)  # the first place that is no office loads the gazetteer
@given(batch=st.lists(births, max_size=24), seed=st.integers(0, 99))
def test_order_size_and_neighbours_change_nothing(batch: list[BirthInput], seed: int) -> None:
    together = calculated(batch)
    assert together == [result for birth in batch for result in calculated([birth])]
    order = list(range(len(batch)))
    random.Random(seed).shuffle(order)
    assert calculated([batch[i] for i in order]) == [together[i] for i in order]
    for result in together:
        assert (result.chart is None) is (result.error is not None)


@settings(max_examples=60)
@given(birth=births)
def test_one_person_is_a_batch_of_one(birth: BirthInput) -> None:
    (result,) = calculated([birth])
    if result.chart is not None:
        assert chart(birth) == result.chart
        return
    with pytest.raises(HyperCubeError) as caught:
        chart(birth)
    assert caught.value.failure() == result.error


def test_a_bad_row_leaves_its_neighbours_alone() -> None:
    good = BirthInput("1990-05-03T07:20", place="Seoul")
    results = charts([good, BirthInput("1990-02-31"), good])
    assert results[0] == results[2]
    assert results[0].chart == chart("1990-05-03T07:20", place="Seoul")
    assert results[1].error is not None
    assert results[1].error.param == "births[1].birth"


def test_an_empty_batch() -> None:
    assert charts([]) == []
    assert prepare([]).groups == ()


def test_rows_are_ready_for_a_kernel() -> None:
    batch = [
        BirthInput(
            "1990-05-03T07:20", place="Seoul", day_boundary=DayBoundary.ZI23
        ),  # and a row by the clock
        BirthInput("1990-05-03T07:20"),
        BirthInput("2024-02-04"),  # and a row on either side of 입춘
        BirthInput("1990-05-03T07:20", zone="Europe/London"),
    ]
    groups = prepare(batch).groups
    assert [(g.day_boundary, len(g.utc_seconds)) for g in groups] == [("zi23", 2), ("midnight", 5)]
    for group in groups:
        assert (group.utc_seconds.dtype, group.offset_seconds.dtype) == (np.int64, np.int32)
        assert group.utc_seconds.flags.c_contiguous
        assert group.offset_seconds.flags.c_contiguous
        assert group.utc_seconds.shape == group.offset_seconds.shape


def test_tables_that_answer_other_groups_are_refused() -> None:
    prepared = prepare([BirthInput("1990-05-03T07:20")])
    for tables in ([], [np.zeros((2, 4), np.uint8)], [np.zeros((1, 4), np.uint8)] * 2):
        with pytest.raises(ValueError, match="shapes"):
            assemble(prepared, tables)


def test_the_public_names() -> None:
    functions = {
        "assemble",
        "chart",
        "charts",
        "lunar_day",
        "match",
        "pillars",
        "prepare",
        "to_text",
        "year_terms",
    }
    assert set(saju.__all__) == {"Prepared", "RowGroup"} | functions
    assert all(callable(getattr(saju, name)) for name in saju.__all__)


def python(code: str) -> "subprocess.CompletedProcess[str]":
    root = Path(hypercube.__file__).parents[1]
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)


def test_importing_it_pulls_in_no_server_and_no_device() -> None:
    heavy: Any = "{'pydantic', 'fastapi', 'grpc', 'numba', 'torch', 'cupy', 'triton'}"
    done = python(f"import sys, hypercube.saju; print(sorted({heavy} & set(sys.modules)))")
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.parametrize("missing", ["numpy", "tzdata"])
def test_a_missing_package_names_the_extra(missing: str) -> None:
    done = python(f"import sys; sys.modules[{missing!r}] = None; import hypercube.saju")
    assert done.returncode == 1
    assert f"hypercube.saju needs {missing}" in done.stderr
    assert "heal7-hypercube[saju]" in done.stderr
