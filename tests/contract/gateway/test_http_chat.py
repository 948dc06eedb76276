"""Chat over HTTP: the official client is the judge."""

import asyncio

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam


def says(content: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": content}]


async def test_a_whole_answer(ai: openai.AsyncOpenAI) -> None:
    answer = await ai.chat.completions.create(model="small", messages=says("물 불 나무"))
    choice = answer.choices[0]
    assert choice.message.content == "물 불 나무"
    assert choice.message.role == "assistant"
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (
        3,
        3,
        6,
    )
    assert answer.id.startswith("chatcmpl-")
    assert answer.model == "small"


async def test_a_streamed_answer(ai: openai.AsyncOpenAI) -> None:
    stream = await ai.chat.completions.create(
        model="small", messages=says("one two three"), stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    pieces = [chunk.choices[0].delta.content for chunk in chunks[1:-2]]
    assert pieces == ["one", " two", " three"]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 6
    assert len({chunk.id for chunk in chunks}) == 1


async def test_the_answers_own_message_can_be_sent_back(ai: openai.AsyncOpenAI) -> None:
    first = await ai.chat.completions.create(model="small", messages=says("hello"))
    history: list[ChatCompletionMessageParam] = [
        {"role": "developer", "content": [{"type": "text", "text": "be short"}]},
        *says("hello"),
        first.choices[0].message.model_dump(),  # type: ignore[list-item]
        *says("again please"),
    ]
    second = await ai.chat.completions.create(model="small", messages=history)
    assert second.choices[0].message.content == "again please"


async def test_every_supported_parameter_reaches_the_model(ai: openai.AsyncOpenAI, house: object) -> None:
    await ai.chat.completions.create(
        model="small",
        messages=says("a b c"),
        max_completion_tokens=2,
        temperature=0.5,
        top_p=0.9,
        stop="zzz",
        seed=7,
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        n=1,
        user="someone",
        metadata={"a": "b"},
        store=False,
        logprobs=False,
        response_format={"type": "text"},
        extra_body={"top_k": 40, "min_p": 0.05},
    )
    request = house.engine.requests[-1]  # type: ignore[attr-defined]
    sampling = request.sampling
    assert request.max_tokens == 2
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.min_p) == (0.5, 0.9, 40, 0.05)
    assert (sampling.seed, sampling.stop) == (7, ("zzz",))
    assert (sampling.frequency_penalty, sampling.presence_penalty) == (0.1, -0.1)


async def test_a_request_without_a_model_is_answered_by_the_default(http: httpx.AsyncClient) -> None:
    body = {"messages": [{"role": "user", "content": "hello"}]}
    answer = await http.post("/v1/chat/completions", json=body)
    assert answer.json()["model"] == "small"


@pytest.mark.parametrize(
    ("arguments", "param", "code"),
    [
        ({"max_tokens": -1}, "max_tokens", "invalid_argument"),
        ({"max_completion_tokens": -1}, "max_completion_tokens", "invalid_argument"),
        ({"messages": []}, "messages", "invalid_argument"),
        ({"messages": says("w " * 65)}, "messages", "context_length_exceeded"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", "invalid_argument"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content", "invalid_argument"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            "messages[0].content[0].type",
            "invalid_argument",
        ),
        ({"n": 17}, "n", "invalid_argument"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "invalid_argument"),
        ({"response_format": {"type": "json_object"}}, "response_format", "invalid_argument"),
        ({"logprobs": True}, "logprobs", "invalid_argument"),
        ({"temperature": 3}, "temperature", "invalid_argument"),
        ({"extra_body": {"temprature": 1}}, "temprature", "invalid_argument"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_bad_request_is_refused_before_the_first_byte(
    ai: openai.AsyncOpenAI, arguments: dict[str, object], param: str, code: str, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await ai.chat.completions.create(
            **{"model": "small", "messages": says("hi"), "stream": stream, **arguments}  # type: ignore[call-overload]
        )
    assert (caught.value.param, caught.value.code) == (param, code)
    assert caught.value.type == "invalid_request_error"
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["fix"]


async def test_an_unknown_model_is_not_found(ai: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await ai.chat.completions.create(model="gpt-9", messages=says("hi"), stream=True)
    assert (caught.value.param, caught.value.code) == ("model", "model_not_found")
    with pytest.raises(openai.NotFoundError) as caught:
        await ai.models.retrieve("smal")
    assert isinstance(caught.value.body, dict)
    assert "'small'" in caught.value.body["fix"]


async def test_the_models_are_listed(ai: openai.AsyncOpenAI) -> None:
    listed = [model async for model in await ai.models.list()]
    assert [model.id for model in listed] == ["small"]
    assert listed[0].created == 1_790_000_000
    one = await ai.models.retrieve("small")
    assert one.model_dump()["context_length"] == 64
    assert one.model_dump()["state"] == "ready"


async def test_a_failure_after_the_first_byte_reaches_the_client(ai: openai.AsyncOpenAI) -> None:
    stream = await ai.chat.completions.create(model="small", messages=says("!break two"), stream=True)
    chunks = aiter(stream)
    assert [(await anext(chunks)).choices[0].delta.content for _ in range(2)] == ["", "!break"]
    with pytest.raises(openai.APIError, match="The engine died") as caught:
        await anext(chunks)
    assert caught.value.code == "engine_failed"


async def test_a_failure_in_a_whole_answer_is_a_status(ai: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        await ai.chat.completions.create(model="small", messages=says("!cut two"))
    assert (caught.value.status_code, caught.value.code) == (502, "engine_failed")


async def test_answers_under_concurrency_never_cross(ai: openai.AsyncOpenAI) -> None:
    async def ask(nonce: int) -> None:
        words = " ".join(f"n{nonce}-{word}" for word in range(20))
        if nonce % 2:
            answer = await ai.chat.completions.create(model="small", messages=says(words))
            assert answer.choices[0].message.content == words
            return
        stream = await ai.chat.completions.create(model="small", messages=says(words), stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(pieces) == words

    await asyncio.gather(*(ask(nonce) for nonce in range(200)))
