"""torch tensors and CPU threads through the wrapper, and arrays that a backend cannot reach."""

import threading
from typing import Any

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels.parallel import run_ranges
from hypercube.kernels.pillars import DAY_BOUNDARIES, MAX_OFFSET_S, pillars
from hypercube.kernels.pillars.terms import load_terms

TERMS = load_terms()


def births(rows: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    utc = rng.integers(TERMS.first_utc_s, TERMS.last_utc_s + 1, rows)
    return utc, rng.integers(-MAX_OFFSET_S, MAX_OFFSET_S + 1, rows, dtype=np.int32)


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize("backend", ["auto", "reference", "numba"])
def test_cpu_tensors_share_their_memory(torch: Any, backend: str) -> None:
    utc, offset = births(5_000)
    want = pillars(utc, offset)
    got = pillars(torch.from_numpy(utc), torch.from_numpy(offset), backend=backend)
    assert isinstance(got, torch.Tensor)
    assert got.dtype == torch.uint8
    assert (got.numpy() == want).all()
    out = torch.full((5_000, 4), 255, dtype=torch.uint8)
    address = out.data_ptr()
    assert pillars(torch.from_numpy(utc), torch.from_numpy(offset), backend=backend, out=out) is out
    assert out.data_ptr() == address
    assert (out.numpy() == want).all()
    assert (pillars(torch.from_numpy(utc), torch.tensor(32_400)).numpy() == pillars(utc, 32_400)).all()


@pytest.mark.parametrize(
    ("change", "param"),
    [
        (lambda t, a: {"utc_seconds": a["utc_seconds"].to(t.int32)}, "utc_seconds"),
        (lambda t, a: {"utc_seconds": a["utc_seconds"].reshape(2, 5)}, "utc_seconds"),
        (lambda t, a: {"utc_seconds": t.zeros(20, dtype=t.int64)[::2]}, "utc_seconds"),
        (lambda t, a: {"offset_seconds": a["offset_seconds"].to(t.int64)}, "offset_seconds"),
        (lambda t, a: {"offset_seconds": a["offset_seconds"][:9]}, "offset_seconds"),
        (lambda t, a: {"out": t.zeros((9, 4), dtype=t.uint8)}, "out"),
        (lambda t, a: {"out": t.zeros((10, 4), dtype=t.int8)}, "out"),
        (lambda t, a: {"utc_seconds": t.zeros(10, dtype=t.int64, device="meta")}, "utc_seconds"),
        (lambda t, a: {"backend": "cupy"}, "backend"),
        (lambda t, a: {"backend": "triton"}, "backend"),
    ],
)
def test_tensors_that_are_refused(torch: Any, change: Any, param: str) -> None:
    utc, offset = births(10)
    arguments = {"utc_seconds": torch.from_numpy(utc), "offset_seconds": torch.from_numpy(offset)}
    with pytest.raises(HyperCubeError) as caught:
        pillars(**{**arguments, **change(torch, arguments)})
    assert caught.value.param == param
    assert caught.value.fix


@pytest.mark.parametrize("backend", ["triton", "cupy"])
def test_a_gpu_backend_does_not_take_numpy_arrays(backend: str) -> None:
    with pytest.raises(
        HyperCubeError, match="runs on cuda, and utc_seconds is a numpy array on cpu"
    ) as caught:
        pillars(*births(3), backend=backend)
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.param == "backend"
    assert "cuda()" in (caught.value.fix or "")


def test_an_array_of_another_library_is_told_the_way_over() -> None:
    class Foreign:
        def __dlpack__(self) -> None: ...

    with pytest.raises(HyperCubeError, match="is a Foreign") as caught:
        pillars(Foreign(), 0)
    assert "from_dlpack" in (caught.value.fix or "")


@pytest.mark.parametrize("backend", ["reference", "numba", "auto"])
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
@pytest.mark.parametrize("rows", [0, 1, 131_071, 131_072, 300_007])
def test_threads_change_nothing(backend: str, day_boundary: str, rows: int) -> None:
    utc, offset = births(rows, seed=rows)
    out = np.full((rows, 4), 255, dtype=np.uint8)
    options: dict[str, Any] = {"day_boundary": day_boundary, "backend": backend}
    pillars(utc, offset, threads=4, out=out, **options)
    assert (out == pillars(utc, offset, **options)).all()


@pytest.mark.parametrize("row", [0, 150_000, 299_999])
def test_threads_name_the_row_at_fault(row: int) -> None:
    utc, offset = births(300_000)
    utc[row] = 2**62
    with pytest.raises(HyperCubeError) as caught:
        pillars(utc, offset, backend="numba", threads=4)
    assert caught.value.param == f"utc_seconds[{row}]"


@pytest.mark.parametrize("threads", [0, -1, 1.0, True, None])
def test_threads_must_be_a_number_from_one(threads: Any) -> None:
    with pytest.raises(HyperCubeError) as caught:
        pillars(*births(3), threads=threads)
    assert caught.value.param == "threads"


def test_ranges_cover_the_rows_once_in_several_threads() -> None:
    seen: list[tuple[slice, int]] = []
    together = threading.Barrier(3, timeout=20)  # breaks unless three run at once

    def run(rows: slice) -> bool:
        together.wait()
        seen.append((rows, threading.get_ident()))
        return True

    assert run_ranges(run, 200_001, 3)
    covered = sorted((rows.start, rows.stop) for rows, _ in seen)
    assert [start for start, _ in covered] == [0, *(stop for _, stop in covered[:-1])]
    assert covered[-1][1] == 200_001
    assert all(start % 64 == 0 for start, _ in covered)
    assert len({thread for _, thread in seen}) == 3


def test_a_failing_range_raises_after_all_have_ended() -> None:
    ended: list[int] = []

    def run(rows: slice) -> bool:
        if rows.start == 0:
            raise KeyError("first")
        ended.append(rows.start)
        return True

    with pytest.raises(KeyError, match="first"):
        run_ranges(run, 200_000, 3)
    assert len(ended) == 2
