"""Server-sent events to the byte, and what happens when the client leaves."""

import asyncio
import json
from typing import Any

import httpx
import pytest


def chat(content: str, **more: Any) -> bytes:
    body = {"model": "small", "messages": [{"role": "user", "content": content}], "stream": True, **more}
    return json.dumps(body).encode()


async def test_the_grammar_to_the_byte(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/chat/completions", content=chat("one two"))
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "content-length" not in answer.headers
    *events, end = answer.content.split(b"\n\n")
    assert end == b""
    assert events[-1] == b"data: [DONE]"
    first = json.loads(events[0].removeprefix(b"data: "))
    head = (
        f'"id":"{first["id"]}","object":"chat.completion.chunk","created":{first["created"]},"model":"small"'
    )

    def line(delta: str, reason: str = "null") -> bytes:
        choice = f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}'
        return f'data: {{{head},"choices":[{choice}]}}'.encode()

    assert events[:-1] == [
        line('{"role":"assistant","content":""}'),
        line('{"content":"one"}'),
        line('{"content":" two"}'),
        line("{}", '"stop"'),
    ]


async def test_usage_comes_last_and_only_when_asked(http: httpx.AsyncClient) -> None:
    options = {"include_usage": True}
    answer = await http.post("/v1/chat/completions", content=chat("one", stream_options=options))
    *chunks, usage = [
        json.loads(event.removeprefix(b"data: ")) for event in answer.content.split(b"\n\n")[:-2]
    ]
    assert all(chunk["usage"] is None for chunk in chunks)
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


@pytest.mark.parametrize("order", ["!break x", "!cut x", "!bug x"])
async def test_a_late_failure_is_the_last_event_and_nothing_is_done(
    http: httpx.AsyncClient, house: Any, order: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await http.post("/v1/chat/completions", content=chat(order))
    assert answer.status_code == 200
    assert b"[DONE]" not in answer.content
    assert b"secret" not in answer.content
    error = json.loads(answer.content.split(b"\n\n")[-2].removeprefix(b"data: "))["error"]
    code = "internal" if "bug" in order else "engine_failed"
    assert error["code"] == code
    assert house.observed == [("http", "/v1/chat/completions", code)]
    assert ("ZeroDivisionError" in caplog.text) == ("bug" in order)


async def test_pieces_leave_as_they_come(house: Any, exchange: Any) -> None:
    talk = exchange(house.app(), "/v1/chat/completions", chat("!wait two"))
    assert (await talk.head())[0] == 200
    assert b'"role":"assistant"' in await talk.chunk()
    assert b'"content":"!wait"' in await talk.chunk()
    assert house.services.traffic.in_flight == 1
    assert talk.sent.empty()
    house.engine.release.set()
    assert b'"content":" two"' in await talk.chunk()
    assert b'"finish_reason":"stop"' in await talk.chunk()
    assert await talk.chunk() == b"data: [DONE]\n\n"
    await talk.task
    assert house.services.traffic.in_flight == 0


async def test_leaving_a_stream_stops_the_model(house: Any, exchange: Any) -> None:
    talk = exchange(house.app(), "/v1/chat/completions", chat("!wait two"))
    await talk.head()
    await talk.chunk()
    await talk.chunk()
    talk.disconnect()
    await asyncio.wait_for(house.engine.closed.wait(), 5)
    await talk.task
    assert talk.sent.empty(), "nothing is sent to a client that left"
    assert house.observed == [("http", "/v1/chat/completions", "cancelled")]


async def test_leaving_while_the_connection_is_full_stops_the_model(house: Any, exchange: Any) -> None:
    talk = exchange(house.app(), "/v1/chat/completions", chat("one two three " * 4), room=2)
    await house.engine.started.wait()
    assert house.engine.active == 1
    while not talk.sent.full():  # noqa: ASYNC110 - a queue has no event for being full
        await asyncio.sleep(0)
    talk.disconnect()
    await talk.task
    assert house.engine.active == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_leaving_before_the_first_piece_stops_the_model(
    house: Any, exchange: Any, stream: bool
) -> None:
    talk = exchange(house.app(), "/v1/chat/completions", chat("!hang", stream=stream))
    await house.engine.started.wait()
    talk.disconnect()
    await asyncio.wait_for(house.engine.closed.wait(), 5)
    await talk.task
    assert talk.sent.empty()
    assert house.observed == [("http", "/v1/chat/completions", "cancelled")]


async def test_leaving_while_the_body_is_sent(house: Any, exchange: Any) -> None:
    talk = exchange(house.app(), "/v1/chat/completions", None)
    talk.send_body(b'{"mess', more=True)
    talk.disconnect()
    await talk.task
    assert talk.sent.empty()
    assert house.engine.requests == []


async def test_a_closed_socket_stops_the_model(house: Any, listen: Any) -> None:
    """The same through a real server and the client's own close."""
    async with listen(house.app()) as port, httpx.AsyncClient() as client:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        async with client.stream("POST", url, content=chat("!wait two")) as answer:
            async for part in answer.aiter_bytes():
                if b"!wait" in part:
                    break
        await asyncio.wait_for(house.engine.closed.wait(), 5)


async def test_a_cancelled_server_stops_the_model(house: Any, exchange: Any) -> None:
    talk = exchange(house.app(), "/v1/chat/completions", chat("!wait two"))
    await talk.head()
    await talk.chunk()
    await talk.chunk()
    talk.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await talk.task
    assert house.engine.closed.is_set()


async def test_two_streams_side_by_side_keep_to_themselves(house: Any, exchange: Any) -> None:
    app = house.app()
    first = exchange(app, "/v1/chat/completions", chat("!wait red"))
    second = exchange(app, "/v1/chat/completions", chat("!wait blue"))
    for talk in (first, second):
        await talk.head()
        await talk.chunk()
        await talk.chunk()
    house.engine.release.set()
    for talk, mine, other in ((first, b"red", b"blue"), (second, b"blue", b"red")):
        rest = b"".join([await talk.chunk() for _ in range(3)])
        assert mine in rest
        assert other not in rest
        await talk.task
