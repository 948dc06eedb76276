"""`features` over torch CPU tensors, and arrays that it or a backend cannot take."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import backends, compile_cpu
from hypercube.kernels.features import OP, ROW_BYTES, explain, features

CPU = [
    "auto",
    "reference",
    "numba",
    pytest.param(
        "native",
        marks=pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed"),
    ),
]


def random_charts(rows: int, seed: int = 1) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize("backend", CPU)
@pytest.mark.parametrize("threads", [1, 2])
def test_cpu_tensors_share_their_memory(torch: Any, backend: str, threads: int) -> None:
    charts = random_charts(140_001)
    want = features(charts, backend="reference")
    got = features(torch.from_numpy(charts), backend=backend, threads=threads)
    assert isinstance(got, torch.Tensor)
    assert got.dtype == torch.uint8
    assert (got.numpy() == want).all()
    out = torch.full((140_001, ROW_BYTES), 0xAB, dtype=torch.uint8)
    address = out.data_ptr()
    assert features(torch.from_numpy(charts), backend=backend, threads=threads, out=out) is out
    assert out.data_ptr() == address
    assert (out.numpy() == want).all()


@pytest.mark.parametrize("backend", CPU)
def test_a_tensor_that_begins_anywhere(torch: Any, backend: str) -> None:
    charts = random_charts(501)
    room, room_out = torch.zeros(501 * 4 + 8, dtype=torch.uint8), torch.zeros(501 * 64 + 8, dtype=torch.uint8)
    source, out = room[1 : 1 + 501 * 4].view(501, 4), room_out[3 : 3 + 501 * 64].view(501, 64)
    source.copy_(torch.from_numpy(charts))
    assert features(source, backend=backend, out=out) is out
    assert (out.numpy() == features(charts, backend="reference")).all()
    assert room_out[:3].sum() + room_out[3 + 501 * 64 :].sum() == 0


@pytest.mark.parametrize("backend", CPU)
def test_a_wrong_value_of_a_tensor_names_its_place(torch: Any, backend: str) -> None:
    charts = random_charts(6_000)
    charts[5_500, 2] = 60
    with pytest.raises(HyperCubeError) as caught:
        features(torch.from_numpy(charts), backend=backend)
    assert caught.value.param == "charts[5500][2]"
    assert caught.value.value == 60


REFUSED: dict[str, tuple[Any, str]] = {
    "dtype": (lambda t, c: {"charts": c.to(t.int32)}, "charts"),
    "flat": (lambda t, c: {"charts": c.reshape(-1)}, "charts"),
    "columns": (lambda t, c: {"charts": c.reshape(8, 5)}, "charts"),
    "scalar": (lambda t, c: {"charts": c[0, 0]}, "charts"),
    "strided": (lambda t, c: {"charts": c[::2]}, "charts"),
    "meta": (lambda t, c: {"charts": t.zeros((10, 4), dtype=t.uint8, device="meta")}, "charts"),
    "out rows": (lambda t, c: {"out": t.zeros((9, 64), dtype=t.uint8)}, "out"),
    "out columns": (lambda t, c: {"out": t.zeros((10, 63), dtype=t.uint8)}, "out"),
    "out dtype": (lambda t, c: {"out": t.zeros((10, 64), dtype=t.int8)}, "out"),
    "out meta": (lambda t, c: {"out": t.zeros((10, 64), dtype=t.uint8, device="meta")}, "out"),
    "out list": (lambda t, c: {"out": []}, "out"),
    "cupy": (lambda t, c: {"backend": "cupy"}, "backend"),
    "triton": (lambda t, c: {"backend": "triton"}, "backend"),
    "backend": (lambda t, c: {"backend": "natve"}, "backend"),
    "threads": (lambda t, c: {"threads": 0}, "threads"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_tensors_that_are_refused(torch: Any, case: str) -> None:
    change, param = REFUSED[case]
    charts = torch.from_numpy(random_charts(10))
    with pytest.raises(HyperCubeError) as caught:
        features(**{"charts": charts, **change(torch, charts)})
    assert caught.value.param == param
    assert caught.value.fix


@pytest.mark.parametrize("backend", ["triton", "cupy"])
def test_a_gpu_backend_does_not_take_numpy_arrays(backend: str) -> None:
    with pytest.raises(HyperCubeError, match="runs on cuda, and charts is a numpy array on cpu") as caught:
        features(random_charts(3), backend=backend)
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == "backend"
    assert "torch.from_numpy(charts).cuda()" in (caught.value.fix or "")


def test_an_array_of_another_library_is_told_the_way_over() -> None:
    class Foreign:
        def __dlpack__(self) -> None: ...

    with pytest.raises(HyperCubeError, match=r"is a Foreign, expected a NumPy array uint8\[N, 4\]") as caught:
        features(Foreign())
    assert "from_dlpack(charts)" in (caught.value.fix or "")


@pytest.mark.parametrize("backend", ["triton", "cupy"])
def test_warming_a_gpu_backend_without_a_device_says_so(torch: Any, backend: str) -> None:
    pytest.importorskip(backend)
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is usable here")
    with pytest.raises(HyperCubeError, match="needs a CUDA device") as caught:
        backends.warm_up(OP, backend)
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_each_device_has_its_own_order_of_preference() -> None:
    assert [b.name for b in backends.backends(OP) if b.device == "cpu"] == ["native", "numba", "reference"]
    assert [b.name for b in backends.backends(OP) if b.device == "cuda"] == ["cupy", "triton"]


@pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")
def test_auto_takes_native_for_many_rows_once_it_is_built() -> None:
    backends.warm_up(OP, "native")
    assert explain(1_000_000).name == "native"
    assert explain(4_096).name == "native"
    assert explain(4_095).name != "native"


@pytest.mark.parametrize("rows", [1, 255, 256, 257, 10_007, 10**8, 2**31 + 1])
def test_the_grid_covers_the_rows(rows: int) -> None:
    cupy = pytest.importorskip("hypercube.kernels.features.cupy")
    blocks = cupy.grid(rows, 132)
    assert 1 <= blocks <= -(-rows // cupy.THREADS)
    # A block walks the grid at most 65 times.
    assert rows / (blocks * cupy.THREADS) < 66
