"""The OpenAI surface on the default model: what llama.cpp says comes through the official client in strict mode."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openai import OpenAI

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(1200)]
MODEL = "qwen2.5-coder-1.5b-instruct"
ASKED: list[Any] = [{"role": "user", "content": "Name one of the five elements."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
def ai(real_server: Any) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=real_server.url + "/v1",
        api_key="none",
        max_retries=0,
        timeout=300,
        _strict_response_validation=True,
    ) as client:
        yield client


def test_a_stream_and_a_plain_answer_agree(ai: OpenAI) -> None:
    asked: dict[str, Any] = {
        "model": MODEL,
        "messages": ASKED,
        "max_tokens": 6,
        "seed": 11,
        "temperature": 0.8,
        "logprobs": True,
        "top_logprobs": 2,
    }
    whole = ai.chat.completions.create(**asked)
    chunks = list(ai.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert whole.usage == chunks[-1].usage
    for choice in whole.choices:
        pieces = [each for chunk in chunks for each in chunk.choices if each.index == choice.index]
        assert "".join(piece.delta.content or "" for piece in pieces) == choice.message.content
        assert pieces[-1].finish_reason == choice.finish_reason
        assert choice.logprobs is not None
        rated = [each for piece in pieces if piece.logprobs for each in piece.logprobs.content or ()]
        assert rated == choice.logprobs.content
        assert "".join(each.token for each in rated) == choice.message.content
        assert all(len(each.top_logprobs) == 2 for each in rated)


def test_several_choices_count_their_prompt_once(ai: OpenAI) -> None:
    # A count does not end before its third token, whatever the machine's rounding does to the choices.
    count: list[Any] = [{"role": "user", "content": "Count from 1 to 100."}]
    asked: dict[str, Any] = {"model": MODEL, "messages": count, "max_tokens": 3, "temperature": 0, "seed": 5}
    chunks = list(
        ai.chat.completions.create(**asked, n=2, stream=True, stream_options={"include_usage": True})
    )
    ended = {each.index for chunk in chunks for each in chunk.choices if each.finish_reason == "length"}
    assert ended == {0, 1}
    one, both = ai.chat.completions.create(**asked).usage, chunks[-1].usage
    assert one is not None
    assert both is not None
    assert (both.prompt_tokens, both.completion_tokens) == (one.prompt_tokens, 6)


def test_a_forbidden_token_does_not_come(ai: OpenAI, real_server: Any) -> None:
    def first(**more: Any) -> str:
        answer = ai.chat.completions.create(
            model=MODEL, messages=ASKED, max_tokens=1, temperature=0, seed=1, **more
        )
        return answer.choices[0].message.content or ""

    word = first()
    tokens = httpx.post(real_server.url + "/tokenize", json={"prompt": word}).json()["tokens"]
    assert len(tokens) == 1
    assert first(logit_bias={str(tokens[0]): -100}) != word


def test_json_as_the_schema_says(ai: OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"element": {"enum": ["wood", "fire", "earth", "metal", "water"]}},
        "required": ["element"],
        "additionalProperties": False,
    }
    answer = ai.chat.completions.create(
        model=MODEL,
        messages=ASKED,
        max_tokens=24,
        temperature=0,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "element", "strict": True, "schema": schema},
        },
    )
    said = json.loads(answer.choices[0].message.content or "")
    assert said["element"] in schema["properties"]["element"]["enum"]  # type: ignore[index]
    free = ai.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": 'Answer with {"ok": true}'}],
        max_tokens=24,
        temperature=0,
        response_format={"type": "json_object"},
    )
    assert isinstance(json.loads(free.choices[0].message.content or ""), dict)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_forced_call_comes_in_a_stream_and_whole(ai: OpenAI, choice: Any) -> None:
    asked: dict[str, Any] = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Weather in Seoul?"}],
        "tools": [WEATHER],
        "tool_choice": choice,
        "max_tokens": 48,
        "temperature": 0,
        "seed": 3,
    }
    whole = ai.chat.completions.create(**asked).choices[0]
    assert whole.finish_reason == "tool_calls"
    assert whole.message.tool_calls
    call = whole.message.tool_calls[0]
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city"}
    name, arguments, reason = "", "", None
    for chunk in ai.chat.completions.create(**asked, stream=True):
        for piece in chunk.choices[0].delta.tool_calls or ():
            assert piece.function is not None
            name += piece.function.name or ""
            arguments += piece.function.arguments or ""
        reason = chunk.choices[0].finish_reason
    assert (name, arguments, reason) == (call.function.name, call.function.arguments, "tool_calls")


def test_an_answer_after_a_call(ai: OpenAI) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Seoul"}'},
    }
    turns: list[Any] = [
        {"role": "user", "content": "Weather in Seoul?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"weather": "snow"}'},
    ]
    answer = ai.chat.completions.create(
        model=MODEL, messages=turns, tools=[WEATHER], max_tokens=4, temperature=0
    )
    # What a model of this size says of it is its own affair; that it read the call and its result is ours.
    before = ai.chat.completions.create(model=MODEL, messages=turns[:1], tools=[WEATHER], max_tokens=1)
    assert answer.usage is not None
    assert before.usage is not None
    assert answer.usage.prompt_tokens > before.usage.prompt_tokens + 10


def test_a_plain_text_and_its_tokens(ai: OpenAI, real_server: Any) -> None:
    text = "The capital of France is"
    tokens = httpx.post(
        real_server.url + "/tokenize", json={"prompt": text, "return_token_strs": True}
    ).json()
    assert "".join(tokens["token_strs"]) == text
    back = httpx.post(real_server.url + "/detokenize", json={"tokens": tokens["tokens"]}).json()
    assert back == {"prompt": text}
    said = [
        ai.completions.create(model=MODEL, prompt=prompt, max_tokens=2, temperature=0, seed=1, logprobs=1)
        for prompt in (text, tokens["tokens"])
    ]
    assert said[0].choices[0].text == said[1].choices[0].text == " Paris."
    assert said[0].usage is not None
    assert said[0].usage.prompt_tokens == tokens["count"]
    rated = said[0].choices[0].logprobs
    assert rated is not None
    assert rated.tokens == [" Paris", "."]
    chat = httpx.post(real_server.url + "/tokenize", json={"messages": ASKED}).json()
    answer = ai.chat.completions.create(model=MODEL, messages=ASKED, max_tokens=1)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == chat["count"]


def test_a_token_outside_the_vocabulary_is_refused(real_server: Any) -> None:
    for path, body in (
        ("/detokenize", {"tokens": [2_000_000_000]}),
        ("/v1/completions", {"prompt": [2_000_000_000], "max_tokens": 1}),
    ):
        answer = httpx.post(real_server.url + path, json=body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["fix"]
    assert httpx.get(real_server.url + "/readyz").status_code == 200
