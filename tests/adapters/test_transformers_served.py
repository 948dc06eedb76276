"""A whole server with a real engine: `model:adapter` through every door, over a death of the engine."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from hypercube.app import Application
from hypercube.cli.models_server_command import DEFAULT_TARGET
from hypercube.client import AsyncClient, InvalidArgument, ModelNotFound, NotFound
from hypercube.client import _constants as const
from hypercube.core.served_models import EngineState
from hypercube.model_registry.adding import Wish, add_folder
from hypercube.model_registry.store import ModelStore
from hypercube.settings import load_settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOKENS = 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    tmp_path_factory: pytest.TempPathFactory, model: Path, adapters: dict[str, Path]
) -> AsyncIterator[Application]:
    root = tmp_path_factory.mktemp("served")
    store = ModelStore(root)
    add_folder(store, model, Wish("tiny-chat", licence="MIT"))
    add_folder(store, adapters["0"], Wish("ko-style", licence="MIT", base="tiny-chat"))
    add_folder(store, adapters["1"], Wish("ko-style", "1.1.0", licence="MIT", base="tiny-chat"))
    settings = load_settings(
        {
            "server": {"http_port": 0, "grpc_port": 0},
            "model": {
                "dir": str(root), "name": "tiny-chat", "engine": "transformers", "adapters": 2, "threads": 1,
                "slots": 2, "context_length": 256, "device": "cpu", "precision": "fp32",
            },
        },
        environ={},
    )  # fmt: skip
    async with Application(settings).running() as application:
        status = await application.engines.settled()
        assert status.state is EngineState.READY, status.reason
        yield application


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(server: Application) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://127.0.0.1:{server.http_port}"
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sdk(server: Application) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(f"127.0.0.1:{server.grpc_port}") as client:
        yield client


async def chat(http: httpx.AsyncClient, model: str, text: str) -> str:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": TOKENS,
        "temperature": 0,
    }
    answer = await http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert shown["model"] == model
    content: str = shown["choices"][0]["message"]["content"]
    return content


async def test_every_door_takes_an_adapter_and_the_first_request_loads_it(
    http: httpx.AsyncClient, sdk: AsyncClient, texts: list[str], expected: dict[tuple[str, str], str]
) -> None:
    text = texts[0]
    await sdk.set_alias("ko-style", "production", "1.0.0")
    assert await sdk.adapters("tiny-chat") == []
    assert await chat(http, "tiny-chat", text) == expected["", text]
    assert await chat(http, "tiny-chat:ko-style", text) == expected["0", text]
    assert await chat(http, "tiny-chat:ko-style@1.1.0", text) == expected["1", text]
    grpc = await sdk.chat(text, model="tiny-chat:ko-style", max_tokens=TOKENS, temperature=0)
    assert (grpc.content, grpc.model) == (expected["0", text], "tiny-chat:ko-style")
    wanted = {"model": "tiny-chat:ko-style", "input": text, "max_output_tokens": TOKENS, "temperature": 0}
    response = (await http.post("/v1/responses", json=wanted)).json()
    assert response["output"][0]["content"][0]["text"] == expected["0", text]
    body = {
        "inputs": [{"name": "text_input", "datatype": "BYTES", "shape": [1], "data": [text]}],
        "parameters": {"max_tokens": TOKENS, "temperature": 0.0},
    }
    inferred = (await http.post("/v2/models/tiny-chat:ko-style/infer", json=body)).json()
    assert inferred["outputs"][0]["data"] == [expected["0", text]]
    plain = [
        (await http.post("/v1/completions", json={"model": name, "prompt": text, "max_tokens": 4, "temperature": 0}))
        .json()["choices"][0]["text"]
        for name in ("tiny-chat", "tiny-chat:ko-style", "tiny-chat:ko-style@1.1.0")
    ]  # fmt: skip
    assert len(set(plain)) == 3
    tokens = [
        (await http.post("/tokenize", json={"model": name, "prompt": text})).json()["tokens"]
        for name in ("tiny-chat", "tiny-chat:ko-style")
    ]
    assert tokens[0] == tokens[1]
    names = [model.name for model in await sdk.models()]
    assert names == ["tiny-chat", "tiny-chat:ko-style", "tiny-chat:ko-style@1.1.0", "saju"]
    listed = (await http.get("/v1/models")).json()["data"]
    assert [entry["id"] for entry in listed] == names
    assert [entry["parent"] for entry in listed] == [None, "tiny-chat", "tiny-chat", None]
    assert len({entry["digest"] for entry in listed[:3]}) == 3


async def test_what_there_is_not_is_named(http: httpx.AsyncClient, sdk: AsyncClient) -> None:
    body = {"model": "tiny-chat:ko-stile", "messages": [{"role": "user", "content": "hi"}]}
    missing = await http.post("/v1/chat/completions", json=body)
    assert missing.status_code == 404
    assert "'ko-style'" in missing.json()["error"]["message"]
    with pytest.raises(ModelNotFound):
        await sdk.load_adapter("tiny-chat", "ko-stile")
    with pytest.raises(NotFound):
        await sdk.unload_adapter("tiny-chat", "ko-stile")
    with pytest.raises(InvalidArgument):
        await sdk.set_split("tiny-chat", {"1.0.0": -1})


async def test_adapters_outlive_their_engine(
    server: Application,
    http: httpx.AsyncClient,
    sdk: AsyncClient,
    texts: list[str],
    expected: dict[tuple[str, str], str],
) -> None:
    text = texts[1]
    voice = await sdk.load_adapter("tiny-chat", "voice", reference="ko-style@1.1.0")
    assert (voice.reference, voice.loaded, voice.kept) == ("ko-style@1.1.0", True, True)
    served = server.engines._served["tiny-chat"]
    pid, before = served.engine.pid, served.current  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGKILL)
    while served.current is before or served.status.state is not EngineState.READY:
        await served.next_status()
    assert served.engine.pid != pid  # type: ignore[attr-defined]
    assert await chat(http, "tiny-chat:voice", text) == expected["1", text]
    (kept,) = [adapter for adapter in await sdk.adapters("tiny-chat") if adapter.kept]
    assert (kept.name, kept.loaded) == ("voice", True)
    replaced = await sdk.load_adapter("tiny-chat", "voice", reference="ko-style@1.0.0")
    assert replaced.reference == "ko-style@1.0.0"
    assert await chat(http, "tiny-chat:voice", text) == expected["0", text]
    assert await chat(http, "tiny-chat", text) == expected["", text]


async def test_the_command_line_asks_the_server(server: Application) -> None:
    assert DEFAULT_TARGET == const.DEFAULT_TARGET
    target = f"127.0.0.1:{server.grpc_port}"

    async def run(*words: str, code: int = 0) -> Any:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hypercube", "models", *words, "--server", target, "--json",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, said = await process.communicate()
        assert process.returncode == code, said.decode()
        return json.loads(out) if code == 0 else said.decode()

    loaded = await run("adapters", "load", "tiny-chat", "ko-style", "--reference", "ko-style@1.0.0")
    assert (loaded["model"], loaded["reference"], loaded["loaded"]) == (
        "tiny-chat:ko-style",
        "ko-style@1.0.0",
        True,
    )
    assert "tiny-chat:ko-style" in [row["model"] for row in await run("adapters", "list", "tiny-chat")]
    assert (await run("adapters", "unload", "tiny-chat", "ko-style"))["loaded"] is False
    assert (await run("pin", "tiny-chat"))["pinned"] is True
    assert (await run("unload", "tiny-chat", "--drain", "5"))["state"] == "unloaded"
    assert "'tiny-chat'" in await run("load", "tiny-chatt", code=2)
