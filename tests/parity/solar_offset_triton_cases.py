"""The Triton kernel in Triton's interpreter against the reference. Run by test_solar_offset_builds.py, which sets
TRITON_INTERPRET before anything is imported; blocks are large because a program costs milliseconds there."""

import os
from typing import Any

import numpy as np
import pytest
import torch

from hypercube.core.errors import HyperCubeError
from hypercube.kernels.solar_offset import solar_offset
from hypercube.kernels.solar_offset.table import STEP_S, load_equation_of_time
from hypercube.kernels.solar_offset.triton import INTERPRETED, INTERPRETED_BLOCK

TABLE = load_equation_of_time()
FIRST, LAST = TABLE.base_utc_s, TABLE.base_utc_s + TABLE.span_s - 1
assert INTERPRETED, os.environ.get("TRITON_INTERPRET")


def random_births(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(FIRST, LAST + 1, rows), rng.uniform(-180.0, 180.0, rows)


def assert_equal(utc: np.ndarray, longitude: Any, apparent: bool) -> None:
    want = solar_offset(utc, longitude, apparent=apparent, backend="reference")
    out = torch.full((len(utc),), 0x55555555, dtype=torch.int32)
    degrees = torch.from_numpy(longitude) if isinstance(longitude, np.ndarray) else longitude
    got = solar_offset(torch.from_numpy(utc), degrees, apparent=apparent, backend="triton", out=out)
    assert got is out
    wrong = np.flatnonzero(got.numpy() != want)
    assert not wrong.size, f"{wrong.size} of {len(utc)} differ, first at row {wrong[0]}: utc {utc[wrong[0]]}"


def test_around_every_point_of_the_grid() -> None:
    points = np.arange(TABLE.start_s + 3 * STEP_S, LAST, STEP_S, dtype=np.int64)
    utc = (points[:, None] + np.array([-1, 0, 1])).reshape(-1)
    assert_equal(utc, np.linspace(-180.0, 180.0, len(utc)), True)


def test_every_half_second_of_longitude() -> None:
    halves = (np.arange(-43_200, 43_200) + 0.5) / 240
    degrees = np.concatenate([np.nextafter(halves, -400), halves, np.nextafter(halves, 400)])
    assert_equal(np.zeros(len(degrees), dtype=np.int64), degrees, False)


@pytest.mark.parametrize("apparent", [True, False])
@pytest.mark.parametrize("rows", [1, 2, INTERPRETED_BLOCK - 1, INTERPRETED_BLOCK, INTERPRETED_BLOCK + 1])
def test_sizes(rows: int, apparent: bool) -> None:
    utc, degrees = random_births(rows, seed=rows)
    assert_equal(utc, degrees, apparent)
    assert_equal(utc, -73.9857, apparent)


def test_no_rows() -> None:
    assert solar_offset(torch.empty(0, dtype=torch.int64), 0.0, apparent=True, backend="triton").shape == (0,)


def test_random_births() -> None:
    assert_equal(*random_births(499_979, seed=5), True)


@pytest.mark.slow
def test_a_million_random_births() -> None:
    assert_equal(*random_births(1_000_000, seed=6), True)


@pytest.mark.parametrize("value", [FIRST - 1, LAST + 1, -(2**63), 2**63 - 1])
def test_an_instant_out_of_range_names_its_row(value: int) -> None:
    utc, degrees = random_births(300, seed=7)
    utc[123] = value
    births = torch.from_numpy(utc), torch.from_numpy(degrees)
    with pytest.raises(HyperCubeError) as caught:
        solar_offset(*births, apparent=True, backend="triton")
    assert caught.value.param == "utc_seconds[123]"
    unchecked = solar_offset(*births, apparent=True, backend="triton", check=False).numpy()
    assert unchecked[123] == -(2**31)
    kept = np.delete(np.arange(300), 123)
    want = solar_offset(utc[kept], degrees[kept], apparent=True, backend="reference")
    assert (unchecked[kept] == want).all()


@pytest.mark.parametrize("value", [float("nan"), 180.0000000000001, -float("inf")])
def test_a_longitude_out_of_range_names_its_row(value: float) -> None:
    utc, degrees = random_births(200, seed=8)
    degrees[17] = value
    with pytest.raises(HyperCubeError) as caught:
        solar_offset(torch.from_numpy(utc), torch.from_numpy(degrees), apparent=True, backend="triton")
    assert caught.value.param == "longitude_degrees[17]"


def test_what_is_refused() -> None:
    utc = torch.zeros(64, dtype=torch.int64)
    degrees = torch.zeros(64, dtype=torch.float64)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"longitude_degrees": degrees.float()}, "longitude_degrees"),
        ({"longitude_degrees": degrees[:63]}, "longitude_degrees"),
        ({"longitude_degrees": degrees.numpy()}, "longitude_degrees"),
        ({"longitude_degrees": None}, "longitude_degrees"),
        ({"longitude_degrees": True}, "longitude_degrees"),
        ({"longitude_degrees": 181.0}, "longitude_degrees"),
        ({"utc_seconds": utc.int()}, "utc_seconds"),
        ({"utc_seconds": utc.repeat(2)[::2]}, "utc_seconds"),
        ({"utc_seconds": utc.reshape(8, 8)}, "utc_seconds"),
        ({"out": torch.zeros(63, dtype=torch.int32)}, "out"),
        ({"out": utc.view(torch.int32)[:64]}, "out"),
        ({"out": degrees.view(torch.int32)[64:]}, "out"),
    ]
    for change, param in refused:
        arguments = {"utc_seconds": utc, "longitude_degrees": degrees, **change}
        with pytest.raises(HyperCubeError) as caught:
            solar_offset(**arguments, apparent=True, backend="triton")
        assert caught.value.param == param, change
