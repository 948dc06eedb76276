"""On a CUDA device: every GPU backend of features against the reference, over torch tensors and CuPy arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError
from hypercube.kernels.features import ROW_BYTES, explain, features

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is usable here"),
]
BLOCK = 256
"""Rows of a program or block, of both backends."""


def to_torch(array: NDArray[Any]) -> Any:
    return torch.from_numpy(array).cuda()


def to_cupy(array: NDArray[Any]) -> Any:
    return pytest.importorskip("cupy").asarray(array)


def host(array: Any) -> NDArray[np.uint8]:
    copied: NDArray[np.uint8] = array.get() if hasattr(array, "get") else array.cpu().numpy()
    return copied


WAYS: dict[str, tuple[str, Callable[[NDArray[Any]], Any]]] = {
    "triton over torch": ("triton", to_torch),
    "cupy over torch": ("cupy", to_torch),
    "cupy over cupy": ("cupy", to_cupy),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[str, Callable[[NDArray[Any]], Any]]:
    backend, _ = WAYS[request.param]
    pytest.importorskip(backend)
    return WAYS[request.param]


def random_charts(rows: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


def assert_equal(way: Any, charts: NDArray[np.uint8]) -> None:
    """Into poisoned memory, so that a row that is never written shows."""
    backend, put = way
    out = put(np.full((len(charts), ROW_BYTES), 0xAB, dtype=np.uint8))
    assert features(put(charts), backend=backend, out=out) is out
    wrong = np.flatnonzero((host(out) != features(charts, backend="numba")).any(axis=1))
    assert not wrong.size, (
        f"{wrong.size} of {len(charts)} differ, first at row {wrong[0]}: {charts[wrong[0]]}"
    )


@pytest.mark.parametrize(
    "rows", [0, 1, 3, BLOCK - 1, BLOCK, BLOCK + 1, 132 * 4 * BLOCK + 1, 104_729, 10_000_019]
)
def test_sizes(way: Any, rows: int) -> None:
    assert_equal(way, random_charts(rows, seed=rows))


def test_every_pair_of_pillars_at_every_pair_of_positions(way: Any) -> None:
    pairs = np.array([(a, b) for a in range(60) for b in range(60)], dtype=np.uint8)
    for first in range(4):
        for second in range(first + 1, 4):
            charts = random_charts(len(pairs), seed=first * 4 + second)
            charts[:, (first, second)] = pairs
            assert_equal(way, charts)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_hundred_million(way: Any) -> None:
    """6.8 GB at once on the device, compared on the host in parts."""
    backend, put = way
    rows = 100_000_000
    if torch.cuda.mem_get_info()[0] < rows * 68 * 1.1:
        pytest.skip("the device has less than 7.5 GB free")
    charts = random_charts(rows, seed=2)
    made = features(put(charts), backend=backend)
    for start in range(0, rows, 5_000_000):
        part = slice(start, start + 5_000_000)
        assert (host(made[part]) == features(charts[part], backend="numba", threads=2)).all()


def test_slices_that_begin_anywhere(way: Any) -> None:
    backend, put = way
    charts = random_charts(10_001, seed=3)
    for first in (1, 2, 3):
        got = features(put(charts)[first:], backend=backend)
        assert (host(got) == features(charts[first:], backend="reference")).all()


@pytest.mark.parametrize(("column", "value"), [(0, 60), (1, 255), (2, 128), (3, 60), (3, 254)])
@pytest.mark.parametrize("row", [0, 255, 69_999])
def test_what_is_no_chart_names_its_place_or_is_255(way: Any, column: int, value: int, row: int) -> None:
    backend, put = way
    charts = random_charts(70_000, seed=4)
    want = features(charts, backend="numba")
    want[row] = 255
    charts[row, column] = value
    with pytest.raises(HyperCubeError) as caught:
        features(put(charts), backend=backend)
    assert (caught.value.param, caught.value.value) == (f"charts[{row}][{column}]", value)
    assert (host(features(put(charts), backend=backend, check=False)) == want).all()


@pytest.mark.parametrize("backend", ["triton", "cupy"])
def test_runs_on_torchs_current_stream(backend: str) -> None:
    """Charts written on a side stream are seen without a synchronisation in between."""
    pytest.importorskip(backend)
    charts = random_charts(4_000_000, seed=5)
    source = torch.from_numpy(charts).pin_memory()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        made = features(source.cuda(non_blocking=True), backend=backend, check=False)
    stream.synchronize()
    assert (made.cpu().numpy() == features(charts, backend="numba")).all()


@pytest.mark.parametrize("backend", ["triton", "cupy"])
def test_a_cuda_graph_replays_it(backend: str) -> None:
    pytest.importorskip(backend)
    charts = torch.from_numpy(random_charts(4_096, seed=6)).cuda()
    out = torch.zeros((4_096, ROW_BYTES), dtype=torch.uint8, device="cuda")
    features(charts, backend=backend, out=out, check=False)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        features(charts, backend=backend, out=out, check=False)
    fresh = random_charts(4_096, seed=7)
    charts.copy_(torch.from_numpy(fresh))
    graph.replay()
    torch.cuda.synchronize()
    assert (out.cpu().numpy() == features(fresh, backend="reference")).all()


def test_what_is_refused_on_a_device() -> None:
    charts = torch.from_numpy(random_charts(64, seed=8)).cuda()
    room = torch.empty(64 * 64 + 16, dtype=torch.uint8, device="cuda")
    refused: list[tuple[dict[str, Any], str]] = [
        ({"backend": "numba"}, "backend"),
        ({"charts": charts.int()}, "charts"),
        ({"charts": charts.repeat(2, 1)[::2]}, "charts"),
        ({"charts": charts.view(32, 8)}, "charts"),
        ({"charts": room[1:257].view(64, 4)}, "charts"),
        ({"out": room[8 : 8 + 64 * 64].view(64, 64)}, "out"),
        ({"out": torch.empty((64, ROW_BYTES), dtype=torch.uint8)}, "out"),
        ({"out": torch.empty((63, ROW_BYTES), dtype=torch.uint8, device="cuda")}, "out"),
        ({"charts": room[:256].view(64, 4), "out": room[: 64 * 64].view(64, 64)}, "out"),
    ]
    for change, param in refused:
        with pytest.raises(HyperCubeError) as caught:
            features(**{"charts": charts, **change})
        assert caught.value.param == param


@pytest.mark.parametrize("put", [to_torch, to_cupy])
def test_auto_takes_a_gpu_backend_for_gpu_arrays(put: Callable[[NDArray[Any]], Any]) -> None:
    charts = random_charts(300, seed=9)
    there = put(charts)
    assert explain(300, device="cuda").name in {"triton", "cupy"}
    made = features(there)
    assert type(made) is type(there)
    assert made.device == there.device
    assert (host(made) == features(charts, backend="reference")).all()
