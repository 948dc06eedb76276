"""Aliases and splits moved under a running server, seen through HTTP, the official OpenAI client, and gRPC."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import openai
import pytest

from hypercube.app.application import Application
from hypercube.core.served_models import EngineState
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore
from hypercube.settings import load_settings
from hypercube.wire.v1 import chat_pb2

HEADER = "x-hypercube-model"


@pytest.fixture
def operator(tmp_path: Path) -> ModelRegistry:
    """Somebody beside the server, with the same store."""
    registry = ModelRegistry(ModelStore(tmp_path), poll_s=0)
    for version in ("1.0.0", "1.1.0"):
        registry.store.publish(ModelManifest("tiny", version, "", "MIT", "fake", "none", 4096, 7), {})
    registry.set_alias("tiny", "production", "1.0.0")
    return registry


@pytest.fixture
async def application(tmp_path: Path, operator: ModelRegistry) -> AsyncIterator[Application]:
    settings = load_settings(
        {
            "model": {"name": "tiny", "dir": str(tmp_path)},
            "server": {"http_port": 0, "grpc_port": 0},
            "kernels": {"backend": "reference"},
            # A busy machine must not look like a slow canary.
            "canary": {"max_latency_ratio": 1e6},
        }
    )
    application = Application(settings)
    async with application.running():
        assert (await application.engines.settled("tiny")).state is EngineState.READY
        yield application


@pytest.fixture
async def http(application: Application) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{application.http_port}") as client:
        yield client


def chat(model: str = "tiny", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], **fields}


async def listed(http: httpx.AsyncClient, path: str = "/v1/models/tiny") -> dict[str, Any]:
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
    """The server sees a move within a quarter of a second, and then may have to load something."""
    async with asyncio.timeout(60):
        while not await wanted():  # noqa: ASYNC110 - what changes is on the other side of HTTP
            await asyncio.sleep(0.05)


async def test_the_model_keeps_its_name_and_the_version_is_told_beside(
    http: httpx.AsyncClient, application: Application
) -> None:
    for path, body in (
        ("/v1/chat/completions", chat()),
        ("/v1/completions", {"model": "tiny", "prompt": "hello"}),
        ("/v1/responses", {"model": "tiny", "input": "hello"}),
        ("/v1/embeddings", {"model": "tiny", "input": "hello"}),
    ):
        answer = await http.post(path, json=body)
        assert (answer.status_code, answer.json()["model"]) == (200, "tiny"), answer.text
        assert answer.headers[HEADER] == "tiny@1.0.0"
    async with http.stream("POST", "/v1/chat/completions", json=chat(stream=True)) as stream:
        assert stream.headers[HEADER] == "tiny@1.0.0"
        assert '"model":"tiny"' in await anext(stream.aiter_lines())
    assert HEADER not in (await http.get("/v1/models")).headers
    async with grpc.aio.insecure_channel(f"127.0.0.1:{application.grpc_port}") as channel:
        request = chat_pb2.ChatRequest(
            model="tiny", messages=[chat_pb2.ChatMessage(role="user", content="hello")]
        )
        ask = channel.unary_unary(
            "/hypercube.v1.Chat/Complete",
            request_serializer=chat_pb2.ChatRequest.SerializeToString,
            response_deserializer=chat_pb2.ChatReply.FromString,
        )
        call = ask(request)
        assert (await call).model == "tiny"
        assert (HEADER, "tiny@1.0.0") in tuple(await call.trailing_metadata())


async def test_aliases_and_splits_take_effect_without_a_restart(
    http: httpx.AsyncClient, operator: ModelRegistry
) -> None:
    unknown = await http.post("/v1/chat/completions", json=chat("tiny@canary"))
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    operator.set_alias("tiny", "canary", "1.1.0")

    async def is_known() -> bool:
        answer = await http.post("/v1/chat/completions", json=chat("tiny@canary"))
        return answer.status_code != 404

    await until(is_known)
    found = await http.post("/v1/chat/completions", json=chat("tiny@canary"))
    assert (found.headers[HEADER], found.json()["model"]) == ("tiny@1.1.0", "tiny@canary")
    assert (await listed(http, "/v1/models/tiny@canary"))["id"] == "tiny"
    operator.set_split("tiny", {"production": 50, "canary": 50})

    async def is_split() -> bool:
        version = (await listed(http))["versions"][-1]
        return (version["version"], version["state"], version["share"]) == ("1.1.0", "ready", 0.5)

    await until(is_split)
    versions: dict[str, str] = {}
    for number in range(24):
        for field in ("user", "safety_identifier"):
            user = f"{field} {number}"
            answers = [await http.post("/v1/chat/completions", json=chat(**{field: user})) for _ in range(2)]
            (versions[user],) = {answer.headers[HEADER] for answer in answers}
    assert set(versions.values()) == {"tiny@1.0.0", "tiny@1.1.0"}
    # What is no name of anybody is nobody's.
    for strange in ("", None, 7, ["x"], {"a": 1}, "x" * 10_000, "a\u0000b"):
        assert (await http.post("/v1/chat/completions", json=chat(user=strange))).status_code == 200
    model = await listed(http)
    assert (model["id"], model["version"], model["routing_note"]) == ("tiny", "1.0.0", "")
    assert [version["id"] for version in model["versions"]] == ["tiny@1.0.0", "tiny@1.1.0"]
    assert model["versions"][1]["aliases"] == ["canary"]
    assert model["versions"][1]["requests"] >= 10
    operator.drop_split("tiny")
    operator.set_alias("tiny", "production", "1.1.0")

    async def is_promoted() -> bool:
        return bool((await listed(http))["version"] == "1.1.0")

    await until(is_promoted)
    answer = await http.post("/v1/chat/completions", json=chat())
    assert (answer.headers[HEADER], answer.json()["model"]) == ("tiny@1.1.0", "tiny")


async def test_the_official_client_reads_it_all(application: Application) -> None:
    async with openai.AsyncOpenAI(
        api_key="none",
        base_url=f"http://127.0.0.1:{application.http_port}/v1",
        max_retries=0,
        _strict_response_validation=True,
    ) as ai:
        raw = await ai.chat.completions.with_raw_response.create(
            model="tiny", messages=[{"role": "user", "content": "hello"}], user="kim"
        )
        assert raw.headers[HEADER] == "tiny@1.0.0"
        assert raw.parse().model == "tiny"
        model, saju = [each async for each in ai.models.list()]
        assert (model.id, saju.id) == ("tiny", "saju")
        assert model.model_extra is not None
        assert model.model_extra["versions"][0]["share"] == 1.0
