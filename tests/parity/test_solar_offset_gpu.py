"""`solar_offset` on a CUDA device: every GPU backend against the reference, over torch tensors and CuPy arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hypercube.core.errors import HyperCubeError
from hypercube.kernels.solar_offset import explain, solar_offset
from hypercube.kernels.solar_offset.table import STEP_S, load_equation_of_time

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is usable here"),
]
TABLE = load_equation_of_time()
FIRST, LAST = TABLE.base_utc_s, TABLE.base_utc_s + TABLE.span_s - 1
# Rows of a Triton program, of a `cupy` block's step, and from where on `cupy` keeps the table in shared memory.
BLOCKS = (1_024, 256 * 4, 1 << 21)
SEOUL = 126.978
Way = tuple[str, Callable[[np.ndarray], Any]]


def to_torch(array: np.ndarray) -> Any:
    return torch.from_numpy(array).cuda()


def to_cupy(array: np.ndarray) -> Any:
    return pytest.importorskip("cupy").asarray(array)


def host(array: Any) -> np.ndarray:
    return array.get() if hasattr(array, "get") else array.cpu().numpy()


WAYS: dict[str, Way] = {
    "triton over torch": ("triton", to_torch),
    "cupy over torch": ("cupy", to_torch),
    "cupy over cupy": ("cupy", to_cupy),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    backend, _ = WAYS[request.param]
    pytest.importorskip(backend)
    return WAYS[request.param]


def births(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(FIRST, LAST + 1, rows), rng.uniform(-180.0, 180.0, rows)


def assert_equal(way: Way, utc: np.ndarray, longitude: Any, apparent: bool = True) -> None:
    """Into poisoned memory, so that a row that is never written shows."""
    backend, put = way
    out = put(np.full(len(utc), 0x55555555, dtype=np.int32))
    degrees = put(longitude) if isinstance(longitude, np.ndarray) else longitude
    got = solar_offset(put(utc), degrees, apparent=apparent, backend=backend, out=out)
    assert got is out
    want = solar_offset(utc, longitude, apparent=apparent, backend="reference")
    wrong = np.flatnonzero(host(got) != want)
    assert not wrong.size, f"{wrong.size} of {len(utc)} differ, first at row {wrong[0]}: utc {utc[wrong[0]]}"


def test_around_every_point_of_the_grid(way: Way) -> None:
    points = np.arange(TABLE.start_s + 3 * STEP_S, LAST, STEP_S, dtype=np.int64)
    utc = (points[:, None] + np.array([-1, 0, 1])).reshape(-1)
    assert_equal(way, utc, np.linspace(-180.0, 180.0, len(utc)))
    assert_equal(way, utc, SEOUL)


def test_every_half_second_of_longitude(way: Way) -> None:
    halves = (np.arange(-43_200, 43_200) + 0.5) / 240
    degrees = np.concatenate([np.nextafter(halves, -400), halves, np.nextafter(halves, 400)])
    assert_equal(way, np.zeros(len(degrees), dtype=np.int64), degrees, apparent=False)


@pytest.mark.parametrize("rows", sorted({0, 1, 3, 104_729, *(b + d for b in BLOCKS for d in (-1, 0, 1))}))
@pytest.mark.parametrize("apparent", [True, False])
def test_sizes(way: Way, rows: int, apparent: bool) -> None:
    utc, degrees = births(rows, seed=rows)
    assert_equal(way, utc, degrees, apparent)
    assert_equal(way, utc, SEOUL, apparent)


def test_ten_million(way: Way) -> None:
    assert_equal(way, *births(10_000_000, seed=1))


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_hundred_million(way: Way) -> None:
    assert_equal(way, *births(100_000_000, seed=2))


def test_slices_that_begin_anywhere(way: Way) -> None:
    """Not on a 16-byte edge: the wide transfers must step aside."""
    backend, put = way
    utc, degrees = births(10_001, seed=3)
    for first in (1, 2, 3):
        got = solar_offset(put(utc)[first:], put(degrees)[first:], apparent=True, backend=backend)
        want = solar_offset(utc[first:], degrees[first:], apparent=True, backend="reference")
        assert (host(got) == want).all()


def test_out_of_range_names_the_row_or_marks_it(way: Way) -> None:
    backend, put = way
    for fault, param in ((LAST + 1, "utc_seconds[4321]"), (float("nan"), "longitude_degrees[4321]")):
        utc, degrees = births(5_000, seed=4)
        (degrees if isinstance(fault, float) else utc)[4_321] = fault
        with pytest.raises(HyperCubeError) as caught:
            solar_offset(put(utc), put(degrees), apparent=True, backend=backend)
        assert caught.value.param == param
        marked = host(solar_offset(put(utc), put(degrees), apparent=True, backend=backend, check=False))
        assert np.flatnonzero(marked == -(2**31)).tolist() == [4_321]


def test_runs_on_torchs_current_stream() -> None:
    """Inputs written on a side stream are seen without a synchronisation in between."""
    utc, degrees = births(4_000_000, seed=5)
    want = solar_offset(utc, degrees, apparent=True, backend="reference")
    sources = torch.from_numpy(utc).pin_memory(), torch.from_numpy(degrees).pin_memory()
    for backend in ("triton", "cupy"):
        pytest.importorskip(backend)
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            there = (each.cuda(non_blocking=True) for each in sources)
            made = solar_offset(*there, apparent=True, backend=backend, check=False)
        stream.synchronize()
        assert (made.cpu().numpy() == want).all()


@pytest.mark.parametrize("backend", ["triton", "cupy"])
@pytest.mark.parametrize("rows", [4_096, 1 << 21])
def test_a_cuda_graph_replays_it(backend: str, rows: int) -> None:
    pytest.importorskip(backend)
    utc, degrees = (torch.from_numpy(each).cuda() for each in births(rows, seed=6))
    out = torch.zeros(rows, dtype=torch.int32, device="cuda")
    solar_offset(utc, degrees, apparent=True, backend=backend, out=out, check=False)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        solar_offset(utc, degrees, apparent=True, backend=backend, out=out, check=False)
    fresh = births(rows, seed=7)
    utc.copy_(torch.from_numpy(fresh[0]))
    degrees.copy_(torch.from_numpy(fresh[1]))
    graph.replay()
    torch.cuda.synchronize()
    assert (out.cpu().numpy() == solar_offset(*fresh, apparent=True, backend="reference")).all()


def test_what_is_refused_on_a_device() -> None:
    utc, degrees = (torch.from_numpy(each).cuda() for each in births(64, seed=8))
    refused: list[tuple[dict[str, Any], str]] = [
        ({"backend": "numba"}, "backend"),
        ({"longitude_degrees": degrees.cpu()}, "longitude_degrees"),
        ({"longitude_degrees": degrees.float()}, "longitude_degrees"),
        ({"utc_seconds": utc.int()}, "utc_seconds"),
        ({"out": torch.empty(63, dtype=torch.int32, device="cuda")}, "out"),
        ({"out": utc.view(torch.int32)[:64]}, "out"),
    ]
    for change, param in refused:
        with pytest.raises(HyperCubeError) as caught:
            solar_offset(**{"utc_seconds": utc, "longitude_degrees": degrees, "apparent": True, **change})
        assert caught.value.param == param


def test_auto_takes_a_gpu_backend_for_gpu_arrays() -> None:
    assert explain(1, device="cuda").name in {"triton", "cupy"}
    made = solar_offset(torch.zeros(3, dtype=torch.int64, device="cuda"), SEOUL, apparent=True)
    assert made.is_cuda
    want = solar_offset(np.zeros(3, dtype=np.int64), SEOUL, apparent=True)
    assert (made.cpu().numpy() == want).all()
    cupy = pytest.importorskip("cupy")
    assert (solar_offset(cupy.zeros(3, dtype="int64"), SEOUL, apparent=True).get() == want).all()
