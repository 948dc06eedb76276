"""On a CUDA device: scores and the best k of every GPU backend against the CPU, over torch and CuPy arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hypercube.core.errors import HyperCubeError
from hypercube.kernels.compatibility import compatibility, top_k, warm_up
from hypercube.kernels.compatibility.gpu_keys import TILE

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is usable here"),
]
BLOCKS = (TILE, 8 * TILE, 16 * TILE)
"""A tile, a step of a Triton program and of a block."""


def to_torch(array: np.ndarray) -> Any:
    return torch.from_numpy(array).cuda()


def to_cupy(array: np.ndarray) -> Any:
    return pytest.importorskip("cupy").asarray(array)


def host(array: Any) -> np.ndarray:
    return np.asarray(array.get() if hasattr(array, "get") else array.cpu().numpy())


WAYS: dict[str, tuple[str, Callable[[np.ndarray], Any]]] = {
    "cupy over torch": ("cupy", to_torch),
    "cupy over cupy": ("cupy", to_cupy),
    "auto over cupy": ("auto", to_cupy),
    "triton over torch": ("triton", to_torch),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[str, Callable[[np.ndarray], Any]]:
    backend, _ = WAYS[request.param]
    if backend != "auto":
        pytest.importorskip(backend)
    return WAYS[request.param]


def random_charts(rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


def assert_best(way: Any, queries: np.ndarray, charts: np.ndarray, k: int, against: str = "numba") -> None:
    backend, put = way
    want = top_k(queries, charts, k, backend=against)
    given = put(charts)
    got = top_k(put(queries), given, k, backend=backend)
    assert type(got.rows) is type(given)
    assert got.rows.device == given.device
    assert (host(got.scores) == want.scores).all()
    assert (host(got.rows) == want.rows).all()
    assert (host(top_k(queries, given, k, backend=backend).rows) == want.rows).all()  # queries on the CPU


@pytest.mark.parametrize("rows", sorted({0, 1, 7, 104_729, *(b + d for b in BLOCKS for d in (-1, 0, 1))}))
@pytest.mark.parametrize("queries", [1, 2, 5])
def test_scores_into_poisoned_memory(way: Any, rows: int, queries: int) -> None:
    backend, put = way
    asked, charts = random_charts(queries, seed=1), random_charts(rows, seed=rows)
    out = put(np.full((queries, rows), -31_000, dtype=np.int16))
    assert compatibility(put(asked), put(charts), backend=backend, out=out) is out
    assert (host(out) == compatibility(asked, charts, backend="reference")).all()


@pytest.mark.parametrize("rows", sorted({1, 104_729, *(b + d for b in BLOCKS for d in (-1, 0, 1))}))
@pytest.mark.parametrize("k", [1, 100, TILE + 1, 10**9])
def test_best_of_every_size(way: Any, rows: int, k: int) -> None:
    assert_best(way, random_charts(3, seed=2), random_charts(rows, seed=rows), k, "reference")


@pytest.mark.parametrize("k", [1, 100, 5_000, 300_000])
@pytest.mark.parametrize("order", ["rising", "falling", "equal"])
def test_ties_go_to_the_lowest_row(way: Any, order: str, k: int) -> None:
    asked, charts = random_charts(2, seed=3), random_charts(1_000_003, seed=4)
    if order == "equal":
        charts[:] = charts[0]
    else:
        by_score = np.argsort(compatibility(asked, charts, backend="numba")[0], kind="stable")
        charts = np.ascontiguousarray(charts[by_score if order == "rising" else by_score[::-1]])
    assert_best(way, asked, charts, k)


def test_many_queries_in_several_batches(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hypercube.kernels.compatibility.gpu_keys._SCRATCH_KEYS", 1 << 18)
    assert_best(way, random_charts(33, seed=5), random_charts(200_003, seed=6), 50)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_hundred_million(way: Any) -> None:
    assert_best(way, random_charts(2, seed=7), random_charts(100_000_000, seed=8), 100)


def test_slices_that_begin_anywhere(way: Any) -> None:
    backend, put = way
    asked, charts = random_charts(2, seed=9), random_charts(10_001, seed=10)
    for first in (1, 2, 3):
        got = compatibility(asked, put(charts)[first:], backend=backend)
        assert (host(got) == compatibility(asked, charts[first:], backend="reference")).all()
        best = top_k(asked, put(charts)[first:], 9, backend=backend)
        assert (host(best.rows) == top_k(asked, charts[first:], 9, backend="reference").rows).all()


@pytest.mark.parametrize(("column", "value"), [(0, 60), (1, 255), (2, 200), (3, 60), (3, 254)])
@pytest.mark.parametrize("row", [0, 70_000])
def test_a_value_out_of_range_names_its_place(way: Any, column: int, value: int, row: int) -> None:
    backend, put = way
    asked, charts = random_charts(2, seed=11), random_charts(70_001, seed=12)
    charts[row, column] = value
    for call in (
        lambda: compatibility(asked, put(charts), backend=backend),
        lambda: top_k(asked, put(charts), 10, backend=backend),
        lambda: top_k(asked, put(charts), 70_001, backend=backend),
    ):
        with pytest.raises(HyperCubeError) as caught:
            call()
        assert (caught.value.param, caught.value.value) == (f"charts[{row}][{column}]", value)


@pytest.mark.parametrize("backend", ["triton", "cupy"])
def test_runs_on_torchs_current_stream(backend: str) -> None:
    """Charts written on a side stream are seen without a synchronisation in between."""
    pytest.importorskip(backend)
    asked, charts = random_charts(1, seed=13), random_charts(4_000_000, seed=14)
    want = top_k(asked, charts, 100, backend="numba")
    source = torch.from_numpy(charts).pin_memory()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        got = top_k(asked, source.cuda(non_blocking=True), 100, backend=backend)
    stream.synchronize()
    assert (host(got.rows) == want.rows).all()


def test_what_is_refused_on_a_device() -> None:
    charts = torch.zeros((64, 4), dtype=torch.uint8, device="cuda")
    odd = torch.zeros(257, dtype=torch.uint8, device="cuda")[1:].view(64, 4)
    given: dict[str, Any] = {"queries": charts[:2], "charts": charts}
    refused: list[tuple[dict[str, Any], str]] = [
        ({"backend": "numba"}, "backend"),
        ({"charts": charts.int()}, "charts"),
        ({"charts": odd}, "charts"),
        ({"charts": charts.repeat(1, 2)[:, ::2]}, "charts"),
        ({"queries": charts[:2].int()}, "queries"),
        ({"queries": charts[:2] + 60}, "queries[0][0]"),
        ({"out": torch.empty((2, 63), dtype=torch.int16, device="cuda")}, "out"),
        ({"out": torch.empty((2, 64), dtype=torch.int16)}, "out"),
    ]
    for change, param in refused:
        with pytest.raises(HyperCubeError) as caught:
            compatibility(**{**given, **change})
        assert caught.value.param == param


@pytest.mark.parametrize("backend", ["triton", "cupy"])
def test_warming_up(backend: str) -> None:
    pytest.importorskip(backend)
    assert warm_up(backend) == (backend,)
