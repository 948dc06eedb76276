"""The contract, run over every cube of the composed application."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from hypercube.app import Application
from hypercube.core.chart import BirthInput, ChartsRequest, Sex
from hypercube.core.compatibility import CompatibilityRequest
from hypercube.core.cube import Call, CubeState, Health, is_stream
from hypercube.core.engine import ChatMessage, EmbeddingRequest, GenerationRequest, TokenizeRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.model_admin import ModelAction, ModelCommand
from hypercube.core.reading import ReadingRequest
from hypercube.core.served_models import ModelsRequest
from hypercube.core.tensors import Datatype, Tensor, TensorRequest
from hypercube.cubes.contract import violations
from hypercube.settings import load_settings

EXAMPLES: dict[str, Any] = {
    "saju": ChartsRequest((BirthInput("1990-05-03T07:20", place="Seoul"),)),
    "reading": ReadingRequest("1990-05-03T07:20", Sex.FEMALE, "Seoul", as_of="2026-11-27"),
    "compatibility": CompatibilityRequest(
        BirthInput("1990-05-03T07:20", place="Seoul"), BirthInput("1993-09-17T21:10")
    ),
    "chat": GenerationRequest((ChatMessage("user", "안녕"),), max_tokens=3),
    "saju-chat": GenerationRequest((ChatMessage("user", "사주 봐주세요"),), model="saju"),
    "embeddings": EmbeddingRequest(("갑목", "을목")),
    "models": ModelsRequest(),
    "model-admin": ModelCommand(ModelAction.PIN, "fake"),
    "tokenizer": TokenizeRequest("갑목 일간"),
    "tensors": TensorRequest(
        "saju_features", (Tensor("pillars", Datatype.UINT8, (1, 4), memoryview(bytes((6, 16, 23, 53)))),)
    ),
}


def composed() -> Application:
    return Application(
        load_settings({"server": {"http_port": 0, "grpc_port": 0}, "model": {"name": "fake"}}, environ={})
    )


NAMES = composed().cubes.names()


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with composed().running() as running:
        await running.engines.settled()
        yield running


def test_every_cube_has_an_example_here() -> None:
    assert set(NAMES) == EXAMPLES.keys()


@pytest.mark.parametrize("name", NAMES)
def test_it_breaks_no_rule(name: str) -> None:
    cube = composed().cubes.get(name)
    assert violations(cube) == []
    assert cube.state is CubeState.CREATED


@pytest.mark.parametrize("name", NAMES)
def test_its_request_refuses_unknown_fields(name: str) -> None:
    adapter = TypeAdapter(composed().cubes.get(name).metadata.request_model)
    request = adapter.dump_python(EXAMPLES[name], mode="json")
    assert adapter.validate_python(request) == EXAMPLES[name]
    with pytest.raises(ValidationError):
        adapter.validate_python(request | {"colour": "blue"})


@pytest.mark.parametrize("name", NAMES)
async def test_it_answers_and_counts(application: Application, name: str) -> None:
    cube = application.cubes.get(name)
    assert cube.state is CubeState.RUNNING
    assert (await cube.health_check()).health is Health.HEALTHY
    adapter = TypeAdapter(cube.metadata.response_model)
    answer = await application.cubes.process(name, EXAMPLES[name], Call("contract"))
    pieces = [piece async for piece in answer] if is_stream(answer) else [answer]
    assert pieces
    assert ("stream" in cube.metadata.capabilities) == is_stream(answer)
    for piece in pieces:
        # The response has the JSON form that its schema promises.
        assert adapter.validate_json(adapter.dump_json(piece)) == piece
    assert any(span.request_id == "contract" and span.outcome == "ok" for span in cube.traces())
    assert {sample.name: sample.value for sample in cube.metrics()}["in_flight"] == 0
    assert cube.logs()


@pytest.mark.parametrize("name", NAMES)
async def test_stopped_it_refuses(application: Application, name: str) -> None:
    cube = application.cubes.get(name)
    await cube.stop()
    with pytest.raises(HyperCubeError) as refused:
        await application.cubes.process(name, EXAMPLES[name], Call())
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    await cube.start()
    await application.cubes.process(name, EXAMPLES[name], Call())


async def test_the_application_can_be_run_twice_in_one_process() -> None:
    for _ in range(2):
        async with composed().running() as running:
            assert (await running.readiness()).parts["charts"].ready
            ports = (running.http_port, running.grpc_port)
        assert all(ports)
    assert {cube.state for cube in running.cubes.all()} == {CubeState.DESTROYED}
    assert running.traffic.in_flight == 0
