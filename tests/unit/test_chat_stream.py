"""An engine's event stream is read strictly, and its refusals are told apart from its failures."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Sampling,
    Usage,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.chat_chunks import Answer, TextForm
from hypercube.inference.chat_stream import chat_body, stream_chat

ROLE = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}, "finish_reason": None}]}
FINISH = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}


def text(content: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": None}]}


def sse(*chunks: object, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks]
    return ("".join(lines) + ("data: [DONE]\n\n" if done else "")).encode()


class Pieces(httpx.AsyncByteStream):
    def __init__(self, body: bytes, size: int) -> None:
        self.body, self.size = body, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.body), self.size):
            yield self.body[at : at + self.size]


async def read(
    body: bytes, *, status: int = 200, size: int = 10_000, joined: bool = False
) -> list[GenerationEvent]:
    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Pieces(body, size))

    transport = httpx.MockTransport(respond)
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        return [event async for event in stream_chat(client, {}, joined=joined)]


async def failure(body: bytes, status: int = 200) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await read(body, status=status)
    return caught.value


async def test_an_answer_is_read_to_its_end_so_that_its_connection_is_used_again() -> None:
    ended = asyncio.Event()

    class Ending(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield sse(ROLE, text("a"), FINISH, USAGE)
            ended.set()

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Ending()))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        events = [event async for event in stream_chat(client, {})]
    assert events[-1].finish_reason is FinishReason.STOP
    assert ended.is_set()


async def test_a_server_that_does_not_end_its_answer_keeps_nobody_waiting() -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield sse(ROLE, text("a"), FINISH, USAGE)
            await asyncio.Event().wait()

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless()))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        events = [event async for event in stream_chat(client, {})]
    assert events[-1].usage == Usage(7, 2)


@pytest.mark.parametrize("size", [1, 3, 10_000])
async def test_a_stream_is_read_whatever_its_pieces(size: int) -> None:
    body = b": ping\n\n" + sse(ROLE, text("안녕"), text("\u2028\x85하"), FINISH, USAGE)
    events = await read(body.replace(b"\n\n", b"\r\n\r\n", 1), size=size)
    assert [event.text for event in events] == ["", "안녕", "\u2028\x85하", ""]
    assert events[-1] == GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(7, 2))


PROBABLE = text("p")
PROBABLE["choices"][0]["logprobs"] = {"content": [{"token": "p", "logprob": -1.0, "top_logprobs": []}]}
CALL = {
    "choices": [
        {"delta": {"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}]}}
    ]
}
said = st.lists(st.sampled_from((ROLE, text("a"), text("다"), text(""), PROBABLE, CALL)), max_size=8)


@given(said, st.integers(1, 400))
def test_pieces_that_came_together_are_joined_and_nothing_is_lost(chunks: list[Any], size: int) -> None:
    body = sse(*chunks, FINISH, USAGE)
    alone, joined = (asyncio.run(read(body, size=size, joined=each)) for each in (False, True))
    assert "".join(event.text for event in joined) == "".join(event.text for event in alone)
    for parts in ("logprobs", "tool_calls"):
        kept = [each for event in joined for each in getattr(event, parts)]
        assert kept == [each for event in alone for each in getattr(event, parts)]
        # Whatever stood beside something else than text stays as it was.
        own = [event for event in joined if getattr(event, parts)]
        assert own == [event for event in alone if getattr(event, parts)]
    assert replace(joined[-1], text="") == alone[-1]


async def test_only_what_came_together_is_joined() -> None:
    body = sse(ROLE, text("a"), text("b"), PROBABLE, text("c"), text("d"), FINISH, USAGE)
    together = await read(body, joined=True)
    assert [event.text for event in together] == ["ab", "p", "cd"]
    assert together[-1].finish_reason is FinishReason.STOP
    assert together[-1].usage == Usage(7, 2)
    one_by_one = await read(body, size=1, joined=True)
    assert [event.text for event in one_by_one] == ["", "a", "b", "p", "c", "d", ""]


Envelope = Callable[[str], dict[str, Any]]
ENVELOPES: tuple[Envelope, ...] = (
    text,
    lambda said: {"id": said, **text(said), "usage": None},
    lambda said: {**text(said), "content": said},
    lambda said: {
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": said}, "logprobs": None}]
    },
    lambda said: {**text(said), "obfuscation": said[::-1]},
    lambda said: {"choices": [{"delta": {"content": said}}, {"delta": {"content": "no"}}]},
)
any_text = st.text() | st.text(st.sampled_from('ab"\\\n\x7f다\u2028/,:{}'))


@given(st.lists(any_text, max_size=12), st.sampled_from(ENVELOPES), st.booleans(), st.booleans())
def test_texts_are_read_as_json_has_them_however_they_are_written(
    said: list[str], envelope: Envelope, ascii_alone: bool, tight: bool
) -> None:
    separators = (",", ":") if tight else (", ", ": ")
    written = [
        json.dumps(envelope(each), ensure_ascii=ascii_alone, separators=separators).encode("utf-8", "replace")
        for each in said
    ]
    ending = [json.dumps(chunk).encode() for chunk in (FINISH, USAGE)]
    answer = Answer(joined=True)
    events = answer.take([*written, *ending, b"[DONE]"])
    assert answer.failure is None
    assert "".join(event.text for event in events) + answer.rest == "".join(
        json.loads(line)["choices"][0]["delta"]["content"] for line in written
    )


def test_a_form_is_of_chunks_that_differ_in_their_text_alone() -> None:
    def line(chunk: dict[str, Any]) -> bytes:
        return json.dumps(chunk, ensure_ascii=False).encode()

    form = TextForm.of(line(text("안녕")), text("안녕"), "안녕")
    assert form is not None
    assert form.text_of(line(text("다른 말"))) == "다른 말"
    assert form.text_of(line(text(""))) == ""
    for other in (text('say "x"'), text("a\\b"), text("a\n"), FINISH, USAGE, PROBABLE, ROLE, CALL, {}):
        assert form.text_of(line(other)) is None, other
    assert form.text_of(line(text("x")).replace(b'"x"', b'"\xff"')) is None
    # Twice in the bytes: nobody knows which one is the text.
    twice = {"id": "a", **text("a")}
    assert TextForm.of(line(twice), twice, "a") is None
    # A chunk that says it elsewhere, too, is no form: another text would not be all of it.
    assert TextForm.of(b'{"choices": [{"delta": {"content": "\\u0061"}}], "id": "a"}', twice, "a") is None


async def test_what_came_before_a_failure_is_told_before_it() -> None:
    body = sse(text("a"), text("b"), {"error": "?"})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Pieces(body, 10_000)))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        events = stream_chat(client, {}, joined=True)
        assert (await anext(events)).text == "ab"
        with pytest.raises(HyperCubeError, match="answered HTTP 500"):
            await anext(events)


async def test_what_servers_send_and_json_has_not_is_read() -> None:
    half = sse(text("?"), done=False).replace(b'"?"', b'"\\ud83d"')
    nan = sse(text("b") | {"seconds": float("nan")}, done=False)
    assert b"NaN" in nan
    events = await read(half + nan + sse(FINISH, USAGE))
    assert [event.text for event in events] == ["\ud83d", "b", ""]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (sse(text("a"), done=False), "ended in the middle"),
        (b"", "ended in the middle"),
        (sse(text("a")), "without a finish reason"),
        (sse(FINISH), "without a finish reason"),
        (b"data: {\n\n", "not JSON"),
        (b"data: []\n\n", "not an object"),
        (sse({"choices": [{}]}), "no chat chunk"),
        (sse({}), "no chat chunk"),
        (sse({"choices": [{"delta": {"content": 5}}]}), "no chat chunk"),
        (sse({"choices": [{"delta": {}, "finish_reason": "tired"}]}), "no chat chunk"),
        (b"<html>\n", "the line"),
        (sse({"error": {"message": "out of memory", "code": 500}}), "out of memory"),
        (sse({"error": "?"}), "answered HTTP 500"),
    ],
)
async def test_what_is_no_chat_stream_is_a_failed_engine(body: bytes, complaint: str) -> None:
    error = await failure(body)
    assert error.kind is ErrorKind.ENGINE_FAILED
    assert complaint in error.message


async def test_a_prompt_over_the_window_comes_with_both_counts() -> None:
    refusal = {
        "error": {
            "code": 400,
            "message": "request exceeds the available context size",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 6030,
            "n_ctx": 4096,
        }
    }
    for error in (await failure(json.dumps(refusal).encode(), 400), await failure(sse(refusal))):
        assert error.kind is ErrorKind.CONTEXT_LENGTH_EXCEEDED
        assert dict(error.details) == {"prompt_tokens": 6030, "context_length": 4096}
        assert "6030" in error.message
        assert "4096" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ErrorKind.INVALID_ARGUMENT),
        (422, ErrorKind.INVALID_ARGUMENT),
        (500, ErrorKind.ENGINE_FAILED),
        (503, ErrorKind.ENGINE_FAILED),
    ],
)
async def test_a_refusal_is_not_a_failure(status: int, kind: ErrorKind) -> None:
    error = await failure(json.dumps({"error": {"message": "no such thing", "type": "x"}}).encode(), status)
    assert error.kind is kind
    assert "no such thing" in error.message


async def test_an_error_page_is_a_failed_engine() -> None:
    assert (await failure(b"<html>", 502)).kind is ErrorKind.ENGINE_FAILED


def test_only_what_was_asked_for_is_sent() -> None:
    request = GenerationRequest((ChatMessage("user", "hi"),))
    assert chat_body(request) == {
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    sampling = Sampling(0.0, 0.5, 40, 0.1, 0.2, 0.3, 7, ("x",))
    body = chat_body(GenerationRequest(request.messages, max_tokens=5, sampling=sampling))
    del body["messages"], body["stream"], body["stream_options"]
    assert body == {
        "max_tokens": 5,
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 40,
        "min_p": 0.1,
        "frequency_penalty": 0.2,
        "presence_penalty": 0.3,
        "seed": 7,
        "stop": ["x"],
    }


@pytest.mark.parametrize("seed", [-1, 2**32 - 1, 2**63 - 1, -(2**63)])
def test_every_seed_fits_the_engine_and_none_means_random(seed: int) -> None:
    body = chat_body(GenerationRequest((ChatMessage("user", "hi"),), sampling=Sampling(seed=seed)))
    assert 0 <= body["seed"] < 2**32 - 1
