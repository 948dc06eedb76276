"""Tensors as plain data, and the cube that computes them: its queues, its destinations, its refusals."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.tensors import (
    KERNEL_MODELS,
    Datatype,
    Tensor,
    TensorRequest,
    TensorResponse,
    check_shape,
    pack_bytes,
    unpack_bytes,
    unpack_texts,
)
from hypercube.cubes.feature.tensors import TensorsCube
from hypercube.cubes.feature.tensors.cube import BULK, SMALL
from hypercube.kernels.compatibility import top_k
from hypercube.kernels.features import ROW_BYTES, features
from hypercube.kernels.pillars import DAY_BOUNDARIES, pillars

UTC = np.random.default_rng(3).integers(-2_208_988_800, 2_556_144_000, 9_000)
CHARTS = pillars(UTC, 32_400, backend="reference")


@pytest.fixture
async def cube() -> AsyncIterator[TensorsCube]:
    made = TensorsCube(backend="reference")
    await made.initialize({})
    await made.start()
    yield made
    await made.stop()


def tensor(name: str, datatype: Datatype, array: Any) -> Tensor:
    return Tensor(name, datatype, array.shape, array.reshape(-1).view(np.uint8).data)


def births(rows: int, offset: int = 32_400, **more: Any) -> TensorRequest:
    inputs = (
        tensor("utc_seconds", Datatype.INT64, UTC[:rows]),
        tensor("offset_seconds", Datatype.INT32, np.array([offset], np.int32)),
    )
    return TensorRequest("saju_pillars", inputs, **more)


def found(answer: TensorResponse, at: int = 0) -> bytes:
    return bytes(answer.outputs[at].data)


def test_the_descriptions_are_those_of_the_kernels() -> None:
    assert KERNEL_MODELS["saju_features"].outputs[0].shape == (-1, ROW_BYTES)
    assert KERNEL_MODELS["saju_pillars"].parameters == ("day_boundary",)


async def test_requests_in_one_batch_are_one_call_and_each_gets_its_own(cube: TensorsCube) -> None:
    sizes = [1, 17, 0, 300, 2]
    into = memoryview(bytearray(17 * 4))
    requests = [births(size, into={"pillars": into} if size == 17 else {}) for size in sizes]
    answers = await asyncio.gather(*(cube.process(request, Call()) for request in requests))
    assert [found(answer) for answer in answers] == [CHARTS[:size].tobytes() for size in sizes]
    assert bytes(into) == CHARTS[:17].tobytes(), "also where an answer goes to memory of its own"
    assert max(cube.snapshots()[SMALL].sizes) == len(sizes)


async def test_one_bad_row_fails_its_own_request_only(cube: TensorsCube) -> None:
    good = tensor("pillars", Datatype.UINT8, CHARTS[:5])
    bad = tensor("pillars", Datatype.UINT8, np.array([[1, 2, 3, 4], [1, 60, 3, 4]], np.uint8))
    answers = await asyncio.gather(
        *(cube.process(TensorRequest("saju_features", (one,)), Call()) for one in (good, bad, good)),
        return_exceptions=True,
    )
    wanted = features(CHARTS[:5], backend="reference").tobytes()
    assert [found(each) for each in answers[::2]] == [wanted, wanted]  # type: ignore[arg-type]
    assert isinstance(answers[1], HyperCubeError)
    assert answers[1].param == "pillars[1][1]"


async def test_many_rows_go_their_own_way(cube: TensorsCube) -> None:
    large, small = await asyncio.gather(cube.process(births(9_000), Call()), cube.process(births(3), Call()))
    assert found(large) == CHARTS.tobytes()
    assert found(small) == CHARTS[:3].tobytes()
    counts = cube.snapshots()
    assert sum(counts[BULK].sizes.values()) == sum(counts[SMALL].sizes.values()) == 1


@pytest.mark.parametrize("boundary", DAY_BOUNDARIES)
async def test_options_are_kept_apart(cube: TensorsCube, boundary: str) -> None:
    others = [cube.process(births(50), Call()) for _ in range(3)]
    mine = births(50, parameters={"day_boundary": boundary})
    answers = await asyncio.gather(cube.process(mine, Call()), *others)
    wanted = pillars(UTC[:50], 32_400, day_boundary=boundary, backend="reference")
    assert found(answers[0]) == wanted.tobytes()
    assert {found(answer) for answer in answers[1:]} == {CHARTS[:50].tobytes()}


async def test_compatibility_into_memory(cube: TensorsCube) -> None:
    into = {"rows": memoryview(bytearray(100)), "scores": memoryview(bytearray(100))}
    request = TensorRequest(
        "saju_compatibility",
        (
            tensor("queries", Datatype.UINT8, CHARTS[:2]),
            tensor("charts", Datatype.UINT8, CHARTS),
        ),
        {"k": 4},
        into,
    )
    answer = await cube.process(request, Call())
    best = top_k(CHARTS[:2], CHARTS, 4, backend="reference")
    assert (found(answer), found(answer, 1)) == (best.rows.tobytes(), best.scores.tobytes())
    assert bytes(into["rows"][:64]) == best.rows.tobytes()
    assert bytes(into["scores"][:16]) == best.scores.tobytes()
    assert answer.outputs[1].shape == (2, 4)


async def test_unaligned_memory_is_as_good(cube: TensorsCube) -> None:
    whole = b"x" + UTC[:100].tobytes()
    utc = Tensor("utc_seconds", Datatype.INT64, (100,), memoryview(whole)[1:])
    into = memoryview(bytearray(401))[1:]
    request = TensorRequest("saju_pillars", (utc, births(1).inputs[1]), into={"pillars": into})
    assert found(await cube.process(request, Call())) == CHARTS[:100].tobytes() == bytes(into)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (births(3, into={"pillars": memoryview(b"x" * 12)}), "pillars"),
        (births(3, into={"pillars": memoryview(bytearray(11))}), "pillars"),
        (births(3, into={"charts": memoryview(bytearray(12))}), "into"),
        (births(3, max_answer_bytes=11), "pillars"),
        (births(3, offset=10**6), "offset_seconds[0]"),
        (births(3, parameters={"day_boundary": 5}), "parameters.day_boundary"),
        (TensorRequest("saju_pillars", births(3).inputs[:1]), "inputs"),
    ],
)
async def test_refusals(cube: TensorsCube, request_: TensorRequest, param: str) -> None:
    with pytest.raises(HyperCubeError) as refused:
        await cube.process(request_, Call())
    assert refused.value.kind is ErrorKind.INVALID_ARGUMENT
    assert refused.value.param == param
    assert refused.value.fix


async def test_an_unknown_model(cube: TensorsCube) -> None:
    with pytest.raises(HyperCubeError, match="Did you mean 'saju_pillars'"):
        await cube.process(TensorRequest("saju_pilars", ()), Call())


def test_the_json_form() -> None:
    adapter = TypeAdapter(TensorRequest)
    request = births(2)
    written = adapter.dump_json(request)
    assert adapter.validate_json(written, strict=True) == request
    with pytest.raises(ValidationError):
        adapter.validate_json(written.replace(b'"data":"', b'"data":"#'))


@pytest.mark.parametrize("elements", [[], [b""], [b"a", b"", "사주".encode()]])
def test_bytes_are_packed_and_unpacked(elements: list[bytes]) -> None:
    packed = Tensor("t", Datatype.BYTES, (len(elements),), pack_bytes(elements))
    assert unpack_bytes(packed) == elements
    assert unpack_texts(packed) == tuple(each.decode() for each in elements)


@pytest.mark.parametrize(
    ("data", "count"),
    [(b"\1\0\0\0", 1), (b"\1\0\0\0a", 2), (b"\1\0\0\0ab", 1), (b"\1\0\0", 1), (b"\xff" * 4, 1), (b"", 2**62)],
)
def test_bytes_that_do_not_add_up(data: bytes, count: int) -> None:
    with pytest.raises(HyperCubeError, match="elements"):
        unpack_bytes(Tensor("t", Datatype.BYTES, (count,), memoryview(data)))


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(HyperCubeError, match="UTF-8"):
        unpack_texts(Tensor("t", Datatype.BYTES, (1,), pack_bytes([b"\xff"])))


@pytest.mark.parametrize("shape", [(1,) * 9, (-1,), (2**63,), (10**5000,)])
def test_shapes_that_no_array_has(shape: tuple[int, ...]) -> None:
    with pytest.raises(HyperCubeError, match="has shape"):
        check_shape("t", shape)
