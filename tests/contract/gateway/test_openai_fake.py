"""The OpenAI surface on a composed application with the fake model, judged by the official client in strict mode."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.tokenizer import TokenizerCube
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.http import create_http_app
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.inference.cluster import Hypercluster
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore

ASKED: list[Any] = [{"role": "user", "content": "what is weather, and lookup?"}]
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "…",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
    for name in ("weather", "lookup")
]


@dataclass
class Served:
    """A gateway before the fake model."""

    services: GatewayServices
    engines: Hypercluster


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[Served]:
    engines = Hypercluster([lookup("fake")], ModelStore(tmp_path))
    registry = CubeRegistry()
    for cube in (ChatCube(engines), TokenizerCube(engines), ModelsCube(engines)):
        registry.register(cube)
    await registry.start_all()
    engines.start()
    await engines.settled()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    served = Served(GatewayServices(registry, readiness, lambda: b""), engines)
    yield served
    assert served.services.traffic.in_flight == 0
    assert engines.in_flight == 0
    await registry.stop_all()
    await engines.close()


@pytest.fixture
async def ai(application: Served) -> AsyncIterator[openai.AsyncOpenAI]:
    transport = httpx2.ASGITransport(create_http_app(application.services))
    async with (
        httpx2.AsyncClient(transport=transport) as inner,
        openai.AsyncOpenAI(
            api_key="none",
            base_url="http://gateway/v1",
            http_client=inner,
            max_retries=0,
            _strict_response_validation=True,
        ) as client,
    ):
        yield client


@pytest.fixture
async def http(application: Served) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_http_app(application.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


def assembled(chunks: list[ChatCompletionChunk]) -> dict[str, Any]:
    """A stream's chunks as the plain answer that they amount to."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for piece in chunk.choices:
            choice = choices.setdefault(
                piece.index,
                {
                    "message": {"role": None, "content": None, "calls": {}},
                    "logprobs": None,
                    "finish_reason": None,
                },
            )
            message, delta = choice["message"], piece.delta
            message["role"] = delta.role or message["role"]
            if delta.content is not None:
                message["content"] = (message["content"] or "") + delta.content
            for call in delta.tool_calls or ():
                kept = message["calls"].setdefault(call.index, {"id": None, "name": None, "arguments": ""})
                kept["id"] = call.id or kept["id"]
                assert call.function is not None
                kept["name"] = call.function.name or kept["name"]
                kept["arguments"] += call.function.arguments or ""
            if piece.logprobs is not None:
                choice["logprobs"] = (choice["logprobs"] or []) + [
                    each.model_dump() for each in piece.logprobs.content or ()
                ]
            assert choice["finish_reason"] is None, "nothing follows the finish reason"
            choice["finish_reason"] = piece.finish_reason
    usage = chunks[-1].usage
    assert usage is not None
    return {"choices": choices, "usage": usage.model_dump(), "model": chunks[0].model}


def plain(answer: ChatCompletion) -> dict[str, Any]:
    choices: dict[int, dict[str, Any]] = {}
    for choice in answer.choices:
        calls = {
            at: {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
            for at, call in enumerate(choice.message.tool_calls or ())
            if call.type == "function"
        }
        rated = (
            None if choice.logprobs is None else [each.model_dump() for each in choice.logprobs.content or ()]
        )
        choices[choice.index] = {
            "message": {"role": choice.message.role, "content": choice.message.content, "calls": calls},
            "logprobs": rated,
            "finish_reason": choice.finish_reason,
        }
    assert answer.usage is not None
    return {"choices": choices, "usage": answer.usage.model_dump(), "model": answer.model}


async def both(ai: openai.AsyncOpenAI, **asked: Any) -> dict[str, Any]:
    """What a plain answer says; the streamed one must say the same."""
    whole = plain(await ai.chat.completions.create(**asked))
    stream = await ai.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert len({(chunk.id, chunk.created, chunk.object) for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert chunks[-1].choices == []
    assert assembled(chunks) == whole
    return whole


REQUEST = st.fixed_dictionaries(
    {
        "messages": st.lists(
            st.fixed_dictionaries(
                {
                    "role": st.just("user"),
                    "content": st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
                }
            ),
            min_size=1,
            max_size=3,
        ),
        "seed": st.integers(-(2**62), 2**62),
    },
    optional={
        "n": st.integers(1, 4),
        "max_tokens": st.integers(1, 60),
        "stop": st.lists(st.sampled_from(["e", "year", "목", ".", " w"]), min_size=1, max_size=3),
        "tools": st.just(TOOLS),
        "tool_choice": st.sampled_from(["auto", "none"]),
        "parallel_tool_calls": st.booleans(),
    },
)


@given(asked=REQUEST, rated=st.none() | st.integers(0, 5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_stream_and_a_plain_answer_agree_in_every_field(
    ai: openai.AsyncOpenAI, asked: dict[str, Any], rated: int | None
) -> None:
    if rated is not None and "tools" not in asked:
        asked = asked | {"logprobs": True, "top_logprobs": rated}
    whole = await both(ai, model="fake", **asked)
    assert set(whole["choices"]) == set(range(asked.get("n", 1)))
    assert await both(ai, model="fake", **asked) == whole, "the same seed, the same answer"
    for choice in whole["choices"].values():
        assert (choice["finish_reason"] == "tool_calls") == (
            bool(choice["message"]["calls"]) and choice["finish_reason"] != "length"
        )


async def test_several_choices_differ_and_the_prompt_counts_once(ai: openai.AsyncOpenAI) -> None:
    one = await both(ai, model="fake", messages=ASKED, seed=5)
    three = await both(ai, model="fake", messages=ASKED, seed=5, n=3)
    texts = [three["choices"][at]["message"]["content"] for at in range(3)]
    assert len(set(texts)) == 3
    assert three["choices"][0] == one["choices"][0], "the first has the seed that was asked for"
    assert three["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    assert three["usage"]["completion_tokens"] > one["usage"]["completion_tokens"]


async def test_logprobs_are_those_of_the_text(ai: openai.AsyncOpenAI) -> None:
    whole = await both(ai, model="fake", messages=ASKED, seed=5, logprobs=True, top_logprobs=3, max_tokens=9)
    choice = whole["choices"][0]
    assert "".join(each["token"] for each in choice["logprobs"]) == choice["message"]["content"]
    for each in choice["logprobs"]:
        assert bytes(each["bytes"]).decode() == each["token"]
        values = [top["logprob"] for top in each["top_logprobs"]]
        assert len(values) == 3
        assert values == sorted(values, reverse=True)
        assert each["logprob"] <= 0
    none = await both(ai, model="fake", messages=ASKED, seed=5, logprobs=True)
    assert all(each["top_logprobs"] == [] for each in none["choices"][0]["logprobs"])


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, ["weather", "lookup"]),
        ({"parallel_tool_calls": False}, ["weather"]),
        ({"tool_choice": "none"}, []),
        ({"tool_choice": "required", "messages": [{"role": "user", "content": "hi"}]}, ["weather"]),
        ({"tool_choice": {"type": "function", "function": {"name": "lookup"}}}, ["lookup"]),
    ],
)
async def test_tools_are_called(ai: openai.AsyncOpenAI, more: dict[str, Any], names: list[str]) -> None:
    whole = await both(ai, **{"model": "fake", "messages": ASKED, "tools": TOOLS, "seed": 1, **more})
    choice = whole["choices"][0]
    calls = choice["message"]["calls"]
    assert [call["name"] for call in calls.values()] == names
    assert len({call["id"] for call in calls.values()}) == len(names)
    assert all(set(json.loads(call["arguments"])) == {"city"} for call in calls.values())
    assert choice["finish_reason"] == ("tool_calls" if names else "stop")
    assert (choice["message"]["content"] is None) == bool(names)


async def test_a_conversation_goes_on_after_a_call(ai: openai.AsyncOpenAI) -> None:
    first = await ai.chat.completions.create(model="fake", messages=ASKED, tools=TOOLS)
    message = first.choices[0].message
    assert message.tool_calls
    turns: list[Any] = [*ASKED, message.model_dump(exclude_none=True)]
    turns += [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in message.tool_calls]
    second = await ai.chat.completions.create(model="fake", messages=turns, tools=TOOLS)
    assert second.choices[0].finish_reason == "stop"
    assert "rain" in (second.choices[0].message.content or "")


async def text_both(ai: openai.AsyncOpenAI, **asked: Any) -> Completion:
    whole = await ai.completions.create(**asked)
    # Its type of a chunk has no place for the null that OpenAI itself sends before the finish reason.
    loose = ai.with_options(_extra_kwargs={"_strict_response_validation": False})
    stream = await loose.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    for choice in whole.choices:
        pieces = [each for chunk in chunks for each in chunk.choices if each.index == choice.index]
        assert "".join(piece.text for piece in pieces) == choice.text
        assert pieces[-1].finish_reason == choice.finish_reason
        if choice.logprobs is not None:
            for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
                parts = [getattr(piece.logprobs, name) for piece in pieces if piece.logprobs is not None]
                expected = getattr(choice.logprobs, name)
                joined = None if expected is None else [each for part in parts for each in part]
                assert joined == expected
    return whole


async def test_plain_texts_are_continued(ai: openai.AsyncOpenAI) -> None:
    whole = await text_both(
        ai, model="fake", prompt=["one", "two words"], n=2, seed=3, max_tokens=12, logprobs=2
    )
    assert [choice.index for choice in whole.choices] == [0, 1, 2, 3]
    assert "one" in whole.choices[0].text
    assert "two words" in whole.choices[2].text
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == 2 + 3
    for choice in whole.choices:
        rated = choice.logprobs
        assert rated is not None
        assert rated.tokens is not None
        assert rated.text_offset is not None
        assert "".join(rated.tokens) == choice.text
        assert all(
            choice.text.startswith(token, at)
            for token, at in zip(rated.tokens, rated.text_offset, strict=True)
        )
    few = await text_both(ai, model="fake", prompt="one", seed=3)
    assert few.usage is not None
    assert few.usage.completion_tokens == 16, "OpenAI's default"


async def test_tokens_and_back(http: httpx.AsyncClient) -> None:
    asked = {"prompt": "갑목 일간, yes.", "return_token_strs": True}
    tokens = (await http.post("/tokenize", json=asked)).json()
    assert tokens["count"] == len(tokens["tokens"]) == 5
    assert "".join(tokens["token_strs"]) == asked["prompt"]
    back = await http.post("/detokenize", json={"tokens": tokens["tokens"]})
    assert back.json() == {"prompt": asked["prompt"]}
    usage = await http.post("/v1/completions", json={"prompt": tokens["tokens"], "max_tokens": 1})
    assert usage.json()["usage"]["prompt_tokens"] == 1 + tokens["count"]
    chat = await http.post("/tokenize", json={"messages": ASKED})
    answer = await http.post("/v1/chat/completions", json={"messages": ASKED, "max_tokens": 1})
    assert chat.json()["count"] == answer.json()["usage"]["prompt_tokens"]


SAYS = {"messages": ASKED}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/chat/completions", {**SAYS, "response_format": {"type": "json_object"}}, "response_format"),
        ("/v1/chat/completions", {**SAYS, "logit_bias": {"5": 1}}, "logit_bias"),
        ("/v1/chat/completions", {**SAYS, "logit_bias": {"5": 101}}, "logit_bias.5"),
        ("/v1/chat/completions", {**SAYS, "logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ("/v1/chat/completions", {**SAYS, "max_completion_tokens": 0}, "max_completion_tokens"),
        ("/v1/chat/completions", {**SAYS, "tool_choice": "required"}, "tool_choice"),
        ("/v1/chat/completions", {**SAYS, "tools": TOOLS, "logprobs": True}, "logprobs"),
        ("/v1/chat/completions", {**SAYS, "tools": [TOOLS[0]] * 2}, "tools[1].function.name"),
        (
            "/v1/chat/completions",
            {**SAYS, "tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice.function.name",
        ),
        ("/v1/chat/completions", {**SAYS, "store": True}, "store"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "tool", "content": "x"}]},
            "messages[0].tool_call_id",
        ),
        ("/v1/completions", {"prompt": ""}, "prompt"),
        ("/v1/completions", {"prompt": []}, "prompt"),
        ("/v1/completions", {"prompt": ["a"] * 17}, "prompt"),
        ("/v1/completions", {"prompt": "a", "echo": True}, "echo"),
        ("/v1/completions", {"prompt": "a", "suffix": "b"}, "suffix"),
        ("/v1/completions", {"prompt": "a", "best_of": 2}, "best_of"),
        ("/v1/completions", {"prompt": "a", "logprobs": 21}, "logprobs"),
        ("/v1/completions", {"prompt": [1, -1]}, "prompt[1]"),
        ("/v1/completions", {"prompt": [7]}, "prompt[0]"),
        ("/v1/completions", {"promt": "a"}, "prompt"),
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"prompt": "a", "messages": ASKED}, "prompt"),
        ("/detokenize", {"tokens": [7]}, "tokens[0]"),
        ("/detokenize", {"tokens": [2**31]}, "tokens[0]"),
    ],
)
async def test_what_is_wrong_gets_openais_error_body(
    http: httpx.AsyncClient, path: str, body: dict[str, Any], param: str
) -> None:
    answer = await http.post(path, json=body, headers={"x-request-id": "mine"})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert error["code"] == "invalid_argument"
    assert error["fix"]
    assert answer.headers["x-request-id"] == "mine"


async def test_an_engine_that_cannot_says_who_could(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/chat/completions", json={**SAYS, "logit_bias": {"5": 1}})
    assert "llama.cpp" in answer.json()["error"]["message"]
