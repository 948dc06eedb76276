"""The Triton kernel in Triton's interpreter against the reference. Run by test_pillars_triton.py, which sets
TRITON_INTERPRET before anything is imported; blocks are large because a program costs 4 ms there."""

import os

import numpy as np
import pytest
import torch

from hypercube.core.errors import HyperCubeError
from hypercube.kernels.pillars import DAY_BOUNDARIES, MAX_OFFSET_S, pillars
from hypercube.kernels.pillars.terms import load_terms
from hypercube.kernels.pillars.triton import INTERPRETED, INTERPRETED_BLOCK

TERMS = load_terms()
FIRST, LAST = TERMS.first_utc_s, TERMS.last_utc_s
assert INTERPRETED, os.environ.get("TRITON_INTERPRET")


def random_births(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(FIRST, LAST + 1, rows), rng.integers(
        -MAX_OFFSET_S, MAX_OFFSET_S + 1, rows, dtype=np.int32
    )


def assert_equal(utc: np.ndarray, offset: np.ndarray, day_boundary: str) -> None:
    want = pillars(utc, offset, day_boundary=day_boundary, backend="reference")
    out = torch.full((len(utc), 4), 255, dtype=torch.uint8)
    got = pillars(
        torch.from_numpy(utc), torch.from_numpy(offset), day_boundary=day_boundary, backend="triton", out=out
    )
    assert got is out
    wrong = np.flatnonzero((got.numpy() != want).any(axis=1))
    assert not wrong.size, f"{wrong.size} of {len(utc)} differ, first at row {wrong[0]}: utc {utc[wrong[0]]}"


@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_around_every_jie_and_clock_hour(day_boundary: str) -> None:
    hours = FIRST // 3_600 * 3_600 + np.arange(48, 1_500, dtype=np.int64) * 3_600
    centres = np.concatenate([TERMS.jie_s[1:-1], hours])
    around = (centres[:, None] + np.array([-1, 0, 1])).reshape(-1)
    for offset in (0, 32_400, -MAX_OFFSET_S):
        assert_equal(around, np.full(len(around), offset, dtype=np.int32), day_boundary)


@pytest.mark.parametrize("rows", [1, 2, INTERPRETED_BLOCK - 1, INTERPRETED_BLOCK, INTERPRETED_BLOCK + 1])
def test_sizes(rows: int) -> None:
    assert_equal(*random_births(rows, seed=rows), "midnight")


def test_no_rows() -> None:
    empty = torch.empty(0, dtype=torch.int64)
    assert pillars(empty, 0, backend="triton").shape == (0, 4)


@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_random_births(day_boundary: str) -> None:
    assert_equal(*random_births(104_729, seed=5), day_boundary)


@pytest.mark.slow
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_a_million_random_births(day_boundary: str) -> None:
    assert_equal(*random_births(1_000_000, seed=6), day_boundary)


@pytest.mark.parametrize("value", [FIRST - 1, LAST + 1, -(2**63), 2**63 - 1])
def test_an_instant_out_of_range_names_its_row(value: int) -> None:
    utc, offset = random_births(300, seed=7)
    utc[123] = value
    births = torch.from_numpy(utc), torch.from_numpy(offset)
    with pytest.raises(HyperCubeError) as caught:
        pillars(*births, backend="triton")
    assert caught.value.param == "utc_seconds[123]"
    unchecked = pillars(*births, backend="triton", check=False).numpy()
    assert unchecked[123].tolist() == [255] * 4
    kept = np.delete(np.arange(300), 123)
    assert (unchecked[kept] == pillars(utc[kept], offset[kept], backend="reference")).all()


@pytest.mark.parametrize("value", [MAX_OFFSET_S + 1, -MAX_OFFSET_S - 1, 2**31 - 1, -(2**31)])
def test_an_offset_out_of_range_names_its_row(value: int) -> None:
    utc, offset = random_births(200, seed=8)
    offset[17] = value
    with pytest.raises(HyperCubeError) as caught:
        pillars(torch.from_numpy(utc), torch.from_numpy(offset), backend="triton")
    assert caught.value.param == "offset_seconds[17]"
