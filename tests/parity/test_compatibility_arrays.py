"""torch CPU tensors through `compatibility` and `top_k`, and arrays that a backend cannot reach."""

import functools
from typing import Any

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels.compatibility import compatibility, top_k, warm_up


def random_charts(rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize("backend", ["auto", "reference", "numba", "native"])
def test_cpu_tensors_share_their_memory(torch: Any, backend: str) -> None:
    if backend == "native":
        try:
            warm_up("native")
        except HyperCubeError as refused:
            pytest.skip(refused.message)
    asked, charts = random_charts(3, seed=1), random_charts(5_000, seed=2)
    tensors = torch.from_numpy(asked), torch.from_numpy(charts)
    want = compatibility(asked, charts, backend="reference")
    got = compatibility(*tensors, backend=backend)
    assert isinstance(got, torch.Tensor)
    assert got.dtype == torch.int16
    assert (got.numpy() == want).all()
    out = torch.full((3, 5_000), -31_000, dtype=torch.int16)
    address = out.data_ptr()
    assert compatibility(*tensors, backend=backend, out=out) is out
    assert out.data_ptr() == address
    assert (out.numpy() == want).all()
    best = top_k(*tensors, 7, backend=backend, threads=2)
    assert (best.rows.dtype, best.scores.dtype) == (torch.int64, torch.int16)
    assert (best.rows.numpy() == top_k(asked, charts, 7, backend="reference").rows).all()
    assert (top_k(asked, tensors[1], 7, backend=backend).rows.numpy() == best.rows.numpy()).all()


@pytest.mark.parametrize(
    ("change", "param"),
    [
        (lambda t, a: {"charts": a["charts"].to(t.int32)}, "charts"),
        (lambda t, a: {"charts": a["charts"][0]}, "charts"),
        (lambda t, a: {"charts": a["charts"].repeat(1, 2)[:, ::2]}, "charts"),
        (lambda t, a: {"charts": t.zeros((3, 4), dtype=t.uint8, device="meta")}, "charts"),
        (lambda t, a: {"charts": a["charts"].tolist()}, "charts"),
        (lambda t, a: {"charts": a["charts"] + 60}, "charts[0][0]"),
        (lambda t, a: {"queries": a["queries"].to(t.int8)}, "queries"),
        (lambda t, a: {"queries": a["queries"][:, :3]}, "queries"),
        (lambda t, a: {"queries": a["queries"].tolist()}, "queries"),
        (lambda t, a: {"queries": a["queries"] + 60}, "queries[0][0]"),
        (lambda t, a: {"out": t.zeros((3, 9), dtype=t.int16)}, "out"),
        (lambda t, a: {"out": t.zeros((2, 10), dtype=t.int32)}, "out"),
        (lambda t, a: {"backend": "cupy"}, "backend"),
        (lambda t, a: {"backend": "triton"}, "backend"),
        (lambda t, a: {"backend": "cuda"}, "backend"),
    ],
)
def test_tensors_that_are_refused(torch: Any, change: Any, param: str) -> None:
    given = {
        "queries": torch.from_numpy(random_charts(2, 3)),
        "charts": torch.zeros((10, 4), dtype=torch.uint8),
    }
    given["charts"][:, :] = 3
    with pytest.raises(HyperCubeError) as caught:
        compatibility(**{**given, **change(torch, given)})
    assert caught.value.param == param
    assert caught.value.fix


def test_charts_of_numpy_do_not_take_queries_of_torch(torch: Any) -> None:
    with pytest.raises(HyperCubeError) as caught:
        top_k(torch.zeros((1, 4), dtype=torch.uint8), random_charts(3, 1), 1)
    assert caught.value.param == "queries"


@pytest.mark.parametrize("backend", ["triton", "cupy"])
@pytest.mark.parametrize("call", ["scores", "best"])
def test_a_gpu_backend_does_not_take_numpy_arrays(backend: str, call: str) -> None:
    given = random_charts(1, 1), random_charts(3, 2)
    run = compatibility if call == "scores" else functools.partial(top_k, k=1)
    with pytest.raises(HyperCubeError, match="runs on cuda, and charts is a numpy array on cpu") as caught:
        run(*given, backend=backend)
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == "backend"
    assert "charts).cuda()" in (caught.value.fix or "")


def test_a_gpu_backend_says_that_a_cpu_tensor_is_on_the_cpu(torch: Any) -> None:
    given = torch.zeros((1, 4), dtype=torch.uint8), torch.zeros((3, 4), dtype=torch.uint8)
    pytest.importorskip("triton")
    with pytest.raises(HyperCubeError, match="runs on cuda") as caught:
        top_k(*given, 1, backend="triton")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert "TRITON_INTERPRET" in (caught.value.fix or "")


def test_an_array_of_another_library_is_told_the_way_over() -> None:
    class Foreign:
        def __dlpack__(self) -> None: ...

    with pytest.raises(HyperCubeError, match="charts is a Foreign") as caught:
        top_k(random_charts(1, 1), Foreign(), 1)
    assert "from_dlpack" in (caught.value.fix or "")
