"""On a CUDA device: every GPU backend against the reference, over torch tensors and CuPy arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hypercube.core.errors import HyperCubeError
from hypercube.kernels.pillars import DAY_BOUNDARIES, MAX_OFFSET_S, explain, pillars
from hypercube.kernels.pillars.terms import load_terms

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is usable here"),
]
TERMS = load_terms()
BLOCKS = (2_048, 512 * 4)


def to_torch(array: np.ndarray) -> Any:
    return torch.from_numpy(array).cuda()


def to_cupy(array: np.ndarray) -> Any:
    return pytest.importorskip("cupy").asarray(array)


def host(array: Any) -> np.ndarray:
    return array.get() if hasattr(array, "get") else array.cpu().numpy()


WAYS: dict[str, tuple[str, Callable[[np.ndarray], Any]]] = {
    "triton over torch": ("triton", to_torch),
    "cupy over torch": ("cupy", to_torch),
    "cupy over cupy": ("cupy", to_cupy),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[str, Callable[[np.ndarray], Any]]:
    backend, _ = WAYS[request.param]
    pytest.importorskip(backend)
    return WAYS[request.param]


def births(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    utc = rng.integers(TERMS.first_utc_s, TERMS.last_utc_s + 1, rows)
    return utc, rng.integers(-MAX_OFFSET_S, MAX_OFFSET_S + 1, rows, dtype=np.int32)


def assert_equal(way: Any, utc: np.ndarray, offset: np.ndarray, day_boundary: str) -> None:
    """Into poisoned memory, so that a row that is never written shows."""
    backend, put = way
    out = put(np.full((len(utc), 4), 0xAB, dtype=np.uint8))
    got = pillars(put(utc), put(offset), day_boundary=day_boundary, backend=backend, out=out)
    assert got is out
    want = pillars(utc, offset, day_boundary=day_boundary, backend="numba")
    wrong = np.flatnonzero((host(got) != want).any(axis=1))
    assert not wrong.size, f"{wrong.size} of {len(utc)} differ, first at row {wrong[0]}: utc {utc[wrong[0]]}"


@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
@pytest.mark.parametrize("offset", [0, 32_400, -MAX_OFFSET_S, MAX_OFFSET_S])
def test_around_every_jie(way: Any, day_boundary: str, offset: int) -> None:
    utc = (TERMS.jie_s[1:-1, None] + np.array([-1, 0, 1])).reshape(-1)
    assert_equal(way, utc, np.full(len(utc), offset, dtype=np.int32), day_boundary)


@pytest.mark.parametrize("rows", sorted({0, 1, 3, 104_729, *(b + d for b in BLOCKS for d in (-1, 0, 1))}))
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_sizes(way: Any, rows: int, day_boundary: str) -> None:
    assert_equal(way, *births(rows, seed=rows), day_boundary)


def test_ten_million(way: Any) -> None:
    assert_equal(way, *births(10_000_000, seed=1), "midnight")


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_a_hundred_million(way: Any, day_boundary: str) -> None:
    assert_equal(way, *births(100_000_000, seed=2), day_boundary)


def test_slices_that_begin_anywhere(way: Any) -> None:
    """Not on a 16-byte edge: the wide transfers must step aside."""
    backend, put = way
    utc, offset = births(10_001, seed=3)
    for first in (1, 2, 3):
        got = pillars(put(utc)[first:], put(offset)[first:], backend=backend)
        assert (host(got) == pillars(utc[first:], offset[first:], backend="reference")).all()


def test_out_of_range_names_the_row_or_says_255(way: Any) -> None:
    backend, put = way
    utc, offset = births(5_000, seed=4)
    utc[4_321] = TERMS.last_utc_s + 1
    with pytest.raises(HyperCubeError) as caught:
        pillars(put(utc), put(offset), backend=backend)
    assert caught.value.param == "utc_seconds[4321]"
    unchecked = host(pillars(put(utc), put(offset), backend=backend, check=False))
    assert unchecked[4_321].tolist() == [255] * 4
    assert (np.delete(unchecked, 4_321, axis=0) < 60).all()


def test_runs_on_torchs_current_stream() -> None:
    """Inputs written on a side stream are seen without a synchronisation in between."""
    utc, offset = births(4_000_000, seed=5)
    want = pillars(utc, offset, backend="numba")
    sources = torch.from_numpy(utc).pin_memory(), torch.from_numpy(offset).pin_memory()
    for backend in ("triton", "cupy"):
        pytest.importorskip(backend)
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            made = pillars(*(each.cuda(non_blocking=True) for each in sources), backend=backend, check=False)
        stream.synchronize()
        assert (made.cpu().numpy() == want).all()


@pytest.mark.parametrize("backend", ["triton", "cupy"])
def test_a_cuda_graph_replays_it(backend: str) -> None:
    pytest.importorskip(backend)
    utc, offset = (torch.from_numpy(each).cuda() for each in births(4_096, seed=6))
    out = torch.zeros((4_096, 4), dtype=torch.uint8, device="cuda")
    pillars(utc, offset, backend=backend, out=out, check=False)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        pillars(utc, offset, backend=backend, out=out, check=False)
    fresh = births(4_096, seed=7)
    utc.copy_(torch.from_numpy(fresh[0]))
    offset.copy_(torch.from_numpy(fresh[1]))
    graph.replay()
    torch.cuda.synchronize()
    assert (out.cpu().numpy() == pillars(*fresh, backend="reference")).all()


def test_what_is_refused_on_a_device() -> None:
    utc, offset = (torch.from_numpy(each).cuda() for each in births(64, seed=8))
    refused: list[tuple[dict[str, Any], str]] = [
        ({"backend": "numba"}, "backend"),
        ({"offset_seconds": offset.cpu()}, "offset_seconds"),
        ({"offset_seconds": offset.long()}, "offset_seconds"),
        ({"utc_seconds": utc.int()}, "utc_seconds"),
        ({"utc_seconds": utc.repeat(2)[::2]}, "utc_seconds"),
        ({"out": torch.empty((63, 4), dtype=torch.uint8, device="cuda")}, "out"),
        ({"out": utc.view(torch.uint8)[:256].view(64, 4)}, "out"),
    ]
    for change, param in refused:
        with pytest.raises(HyperCubeError) as caught:
            pillars(**{"utc_seconds": utc, "offset_seconds": offset, **change})
        assert caught.value.param == param


def test_auto_takes_a_gpu_backend_for_gpu_arrays() -> None:
    assert explain(1, device="cuda").name in {"triton", "cupy"}
    made = pillars(torch.zeros(3, dtype=torch.int64, device="cuda"), 32_400)
    assert made.is_cuda
    assert (made.cpu().numpy() == pillars(np.zeros(3, dtype=np.int64), 32_400)).all()
