"""The Triton kernels of `compatibility` in Triton's interpreter. Run by test_compatibility_triton.py, which sets
TRITON_INTERPRET before anything is imported."""

import os

import numpy as np
import pytest
import torch

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels.compatibility import compatibility, top_k, triton, warm_up
from hypercube.kernels.compatibility.gpu_keys import TILE

assert triton.INTERPRETED, os.environ.get("TRITON_INTERPRET")
BLOCK = triton.TILES_A_PROGRAM * TILE


def random_charts(rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


def assert_best(queries: np.ndarray, charts: np.ndarray, k: int) -> None:
    want = top_k(queries, charts, k, backend="reference")
    got = top_k(torch.from_numpy(queries), torch.from_numpy(charts), k, backend="triton")
    assert (got.rows.dtype, got.scores.dtype) == (torch.int64, torch.int16)
    assert (got.rows.numpy() == want.rows).all()
    assert (got.scores.numpy() == want.scores).all()


@pytest.mark.parametrize("rows", [1, 511, 513, BLOCK - 1, BLOCK, BLOCK + 1, 104_729])
@pytest.mark.parametrize("queries", [1, 2, 3])
def test_scores_of_every_size(rows: int, queries: int) -> None:
    asked, charts = random_charts(queries, seed=1), random_charts(rows, seed=rows)
    out = torch.full((queries, rows), -31_000, dtype=torch.int16)
    got = compatibility(torch.from_numpy(asked), torch.from_numpy(charts), backend="triton", out=out)
    assert got is out
    assert (got.numpy() == compatibility(asked, charts, backend="reference")).all()


@pytest.mark.parametrize("rows", [1, TILE, TILE + 1, 20_011, BLOCK + 1])
@pytest.mark.parametrize("k", [1, 3, 100, 700, 10**9])
def test_the_best_k(rows: int, k: int) -> None:
    assert_best(random_charts(3, seed=2), random_charts(rows, seed=rows), k)


@pytest.mark.parametrize("k", [1, 20, 2_000])
@pytest.mark.parametrize("order", ["rising", "falling", "equal", "runs"])
def test_ties_go_to_the_lowest_row(order: str, k: int) -> None:
    asked, charts = random_charts(2, seed=3), random_charts(BLOCK + 20_011, seed=4)
    if order == "equal":
        charts[:] = charts[0]
    elif order == "runs":
        charts = np.repeat(charts[:30], 668, axis=0)
    else:
        by_score = np.argsort(compatibility(asked, charts, backend="numba")[0], kind="stable")
        charts = np.ascontiguousarray(charts[by_score if order == "rising" else by_score[::-1]])
    assert_best(asked, charts, k)


@pytest.mark.parametrize("place", range(4))
def test_every_byte_is_judged_at_its_edges(place: int) -> None:
    asked = torch.from_numpy(random_charts(1, seed=5))
    for value in [0, 59, 60, 61, 63, 64, 127, 128, 187, 188, 251, 254, 255]:
        charts = np.zeros((3, 4), dtype=np.uint8)
        charts[1, place] = value
        given = torch.from_numpy(charts)
        if value < 60 or (place == 3 and value == 255):
            compatibility(asked, given, backend="triton")
            continue
        with pytest.raises(HyperCubeError) as caught:
            compatibility(asked, given, backend="triton")
        assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, f"charts[1][{place}]")


@pytest.mark.parametrize("row", [0, 20_010])
@pytest.mark.parametrize("k", [1, 20_011])
def test_a_wrong_value_is_named(row: int, k: int) -> None:
    charts = random_charts(20_011, seed=6)
    charts[row, 2] = 77
    with pytest.raises(HyperCubeError) as caught:
        top_k(torch.from_numpy(random_charts(1, seed=7)), torch.from_numpy(charts), k, backend="triton")
    assert (caught.value.param, caught.value.value) == (f"charts[{row}][2]", 77)


def test_nothing_to_do_and_warming_up() -> None:
    none = torch.empty((0, 4), dtype=torch.uint8)
    one = torch.zeros((1, 4), dtype=torch.uint8)
    assert compatibility(one, none, backend="triton").shape == (1, 0)
    assert compatibility(none, one, backend="triton").shape == (0, 1)
    assert top_k(one, none, 3, backend="triton").rows.shape == (1, 0)
    assert top_k(none, one, 3, backend="triton").scores.shape == (0, 1)
    assert warm_up("triton") == ("triton",)
    assert triton.is_warm()


def test_queries_may_be_numpy_and_slices_begin_anywhere() -> None:
    asked, charts = random_charts(2, seed=8), random_charts(3_000, seed=9)
    for first in (0, 1, 2, 3):
        got = top_k(asked, torch.from_numpy(charts)[first:], 9, backend="triton")
        assert (got.rows.numpy() == top_k(asked, charts[first:], 9, backend="reference").rows).all()


def test_what_is_refused() -> None:
    one = torch.zeros((4, 4), dtype=torch.uint8)
    odd = torch.zeros(17, dtype=torch.uint8)[1:].reshape(4, 4)
    refused = [
        ((one, one.int()), {}, "charts"),
        ((one, one[0]), {}, "charts"),
        ((one, one.repeat(1, 2)[:, ::2]), {}, "charts"),
        ((one, odd), {}, "charts"),
        ((one.int(), one), {}, "queries"),
        ((one + 60, one), {}, "queries[0][0]"),
        ((one, one), {"out": torch.empty((4, 3), dtype=torch.int16)}, "out"),
        ((one, one), {"out": torch.empty((4, 4), dtype=torch.int32)}, "out"),
        ((one[:2], one), {"out": one.view(torch.int16).reshape(2, 4)}, "out"),
    ]
    for arguments, options, param in refused:
        with pytest.raises(HyperCubeError) as caught:
            compatibility(*arguments, backend="triton", **options)
        assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, param)
        assert caught.value.fix


@pytest.mark.slow
def test_a_million_scores_and_their_best() -> None:
    asked, charts = random_charts(2, seed=10), random_charts(1_000_000, seed=11)
    got = compatibility(torch.from_numpy(asked), torch.from_numpy(charts), backend="triton")
    assert (got.numpy() == compatibility(asked, charts, backend="reference")).all()
    assert_best(asked, charts, 100)
