"""The upstream engine against a small HTTP server that misbehaves on command."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState, EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.upstream import UpstreamEngine, UpstreamOptions, upstream_manifest
from hypercube.inference.upstream.breaker import BreakerState
from hypercube.model_registry.store import ModelStore
from tests.unit.upstream_server import (
    KEY,
    Answer,
    Exchange,
    Upstream,
    gibberish,
    half,
    listening,
    no_end,
    reset,
    silence,
    status,
    well,
)


def options(upstream: Upstream, **more: Any) -> UpstreamOptions:
    url = f"http://127.0.0.1:{upstream.port}/v1"
    return UpstreamOptions(
        url, **{"model": "tiny", "api_key": KEY, "health_s": 60.0, "silence_s": 0.3} | more
    )


@asynccontextmanager
async def loaded(upstream: Upstream, **more: Any) -> AsyncIterator[UpstreamEngine]:
    """An engine that has seen one good answer; `upstream` forgets that one."""
    engine = UpstreamEngine(options(upstream, **more), EngineOptions(), dice=random.Random(1))
    answers, upstream.answers = upstream.answers, []
    always, upstream.always = (
        upstream.always,
        well if not engine.capabilities & {Capability.EMBED} else upstream.always,
    )
    await engine.load(None, lambda _: None)
    upstream.answers, upstream.always = answers, always
    upstream.chats.clear()
    try:
        yield engine
    finally:
        await engine.unload()


def chat(**more: Any) -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", "hello"),), **more)


async def ask(engine: UpstreamEngine, call: Call | None = None, **more: Any) -> str:
    return "".join([event.text async for event in engine.generate(chat(**more), call or Call())])


async def error_of(work: Coroutine[Any, Any, object]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    assert KEY not in f"{caught.value!r}{caught.value}{caught.value.failure()}"
    return caught.value


async def test_an_answer_with_key_model_and_request_id() -> None:
    async with listening(Upstream()) as upstream, loaded(upstream) as engine:
        schema = '{"type": "object"}'
        assert await ask(engine, Call(request_id="r-17"), max_tokens=7, json_schema=schema) == "안녕하세요"
        (seen,) = upstream.chats
        assert seen.path == "/v1/chat/completions"
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        assert seen.headers["x-request-id"] == "r-17"
        assert seen.headers["accept-encoding"] == "identity"
        assert (seen.body["model"], seen.body["max_tokens"], seen.body["stream"]) == ("tiny", 7, True)
        assert seen.body["response_format"]["json_schema"]["schema"] == {"type": "object"}
        assert KEY not in f"{engine._options!r}{engine.description}"


@pytest.mark.parametrize(
    "fault", [status(500), status(503), status(502), reset, silence, gibberish], ids=lambda f: f.__name__
)
async def test_what_failed_before_the_first_byte_is_tried_again(fault: Answer) -> None:
    async with listening(Upstream(answers=[fault])) as upstream, loaded(upstream) as engine:
        assert await ask(engine) == "안녕하세요"
        assert len(upstream.chats) == 2


@pytest.mark.parametrize("fault", [half, no_end], ids=lambda f: f.__name__)
async def test_what_broke_after_it_is_not(fault: Answer) -> None:
    async with listening(Upstream(always=fault)) as upstream, loaded(upstream) as engine:
        events = engine.generate(chat(), Call())
        assert (await anext(events)).text == "half"
        error = await error_of(anext(events))  # type: ignore[arg-type]
        assert error.kind is ErrorKind.ENGINE_FAILED
        assert "broke off in the middle" in error.message
        assert len(upstream.chats) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, ErrorKind.INVALID_ARGUMENT),
        (422, ErrorKind.INVALID_ARGUMENT),
        (401, ErrorKind.FAILED_PRECONDITION),
        (403, ErrorKind.FAILED_PRECONDITION),
        (404, ErrorKind.FAILED_PRECONDITION),
        (307, ErrorKind.FAILED_PRECONDITION),
    ],
)
async def test_a_refusal_is_told_once_and_never_opens_the_breaker(code: int, kind: ErrorKind) -> None:
    location = {"Location": "http://127.0.0.1:1/elsewhere"}
    async with listening(Upstream(always=status(code, f"{KEY} ", **location))) as upstream:
        upstream.always = status(code, "the field x is odd", **location)
        async with loaded(upstream) as engine:
            for _ in range(20):
                assert (await error_of(ask(engine))).kind is kind
            assert len(upstream.chats) == 20
            assert engine.breaker.state is BreakerState.CLOSED


async def test_a_prompt_that_is_too_long_is_told_as_such() -> None:
    async def too_long(exchange: Exchange) -> None:
        exchange.reply(400, {"error": {"message": "8000 > 4096", "code": "context_length_exceeded"}})

    async with listening(Upstream(always=too_long)) as upstream, loaded(upstream) as engine:
        assert (await error_of(ask(engine))).kind is ErrorKind.CONTEXT_LENGTH_EXCEEDED


async def test_too_many_requests_wait_as_long_as_the_server_says() -> None:
    async with (
        listening(Upstream(answers=[status(429, Retry_After="0.4")])) as upstream,
        loaded(upstream) as engine,
    ):
        began = time.monotonic()
        assert await ask(engine) == "안녕하세요"
        assert time.monotonic() - began >= 0.4


async def test_a_long_retry_after_goes_to_the_caller() -> None:
    upstream = Upstream(always=status(429, Retry_After="77"))
    async with listening(upstream), loaded(upstream) as engine:
        for _ in range(10):
            error = await error_of(ask(engine))
            assert (error.kind, error.retry_after_s) == (ErrorKind.OVERLOADED, 77.0)
        assert len(upstream.chats) == 10
        assert engine.breaker.state is BreakerState.CLOSED


async def test_a_server_that_fails_everybody_is_left_alone_and_comes_back() -> None:
    upstream = Upstream(always=status(500, "oops"))
    async with listening(upstream), loaded(upstream, health_s=0.1) as engine:
        said: list[str | None] = []
        engine.watch(said.append)
        kinds = [(await error_of(ask(engine))).kind for _ in range(20)]
        assert set(kinds) == {ErrorKind.UNAVAILABLE}
        assert engine.breaker.state is not BreakerState.CLOSED
        # 20 requests became 3 of theirs: after those nobody was sent there.
        assert len(upstream.chats) == 3
        error = await error_of(ask(engine))
        assert "failed too often" in error.message
        assert error.retry_after_s == pytest.approx(1.0, abs=0.5)
        assert said[-1] is not None
        upstream.always = well
        async with asyncio.timeout(10):
            while said[-1] is not None:  # noqa: ASYNC110 - the server is real
                await asyncio.sleep(0.01)
        assert await ask(engine) == "안녕하세요"


async def test_retries_stay_within_their_share() -> None:
    async with listening(Upstream()) as upstream, loaded(upstream) as engine:
        for _ in range(20):
            upstream.answers = [status(500)] if engine.breaker.state is BreakerState.CLOSED else []
            await asyncio.gather(ask(engine), return_exceptions=True)
        # 20 requests, a fifth of them and two again.
        assert len(upstream.chats) <= 20 + 4 + 2


async def test_closing_the_iterator_closes_the_connection() -> None:
    async def endless(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece("x")
        await exchange.writer.drain()
        await exchange.reader.read()

    async with listening(Upstream(always=endless)) as upstream, loaded(upstream, silence_s=30.0) as engine:
        events = engine.generate(chat(), Call())
        await anext(events)
        upstream.closed.clear()
        began = time.monotonic()
        await events.aclose()
        async with asyncio.timeout(5):
            await upstream.closed.wait()
        assert time.monotonic() - began < 1
        assert engine.breaker.state is BreakerState.CLOSED
        assert engine._passage.connections._value == 64


async def test_never_more_connections_than_allowed_and_a_deadline_is_kept_in_line() -> None:
    gate = asyncio.Event()
    under_way = most = 0

    async def gated(exchange: Exchange) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await gate.wait()
        under_way -= 1
        await well(exchange)

    upstream = Upstream(always=gated)
    async with listening(upstream), loaded(upstream, max_connections=3, silence_s=30.0) as engine:
        asked = [asyncio.create_task(ask(engine)) for _ in range(9)]
        while under_way < 3:  # noqa: ASYNC110 - the server is real
            await asyncio.sleep(0.01)
        late = await error_of(ask(engine, Call(deadline=time.monotonic() + 0.1)))
        assert late.kind is ErrorKind.DEADLINE_EXCEEDED
        gate.set()
        assert await asyncio.gather(*asked) == ["안녕하세요"] * 9
        assert most == 3


async def test_embeddings() -> None:
    async def vectors(exchange: Exchange) -> None:
        texts = exchange.body["input"]
        rows = [{"index": i, "embedding": [float(len(text)), 0.5]} for i, text in enumerate(texts)]
        exchange.reply(200, {"data": rows[::-1], "usage": {"prompt_tokens": 5}})

    upstream = Upstream(always=vectors)
    async with listening(upstream), loaded(upstream, embeddings=True) as engine:
        assert engine.capabilities == {Capability.EMBED}
        upstream.answers = [status(500)]
        one, two = await engine.embed(["a", "bcd"])
        assert (list(one.vector), list(two.vector)) == ([1.0, 0.5], [3.0, 0.5])
        assert (one.tokens, two.tokens) == (3, 2)
        assert upstream.chats[-1].path == "/v1/embeddings"

        async def short(exchange: Exchange) -> None:
            exchange.reply(200, {"data": [{"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 1}})

        upstream.always = short
        assert (await error_of(engine.embed(["a", "b"]))).kind is ErrorKind.ENGINE_FAILED


async def test_an_answer_that_cannot_be_unpacked_is_a_failure_of_the_server() -> None:
    async def packed(exchange: Exchange) -> None:
        exchange.reply(200, {"data": []}, Content_Encoding="gzip")

    async def vector(exchange: Exchange) -> None:
        exchange.reply(200, {"data": [{"index": 0, "embedding": [1.0]}], "usage": {"prompt_tokens": 1}})

    upstream = Upstream(always=vector)
    async with listening(upstream), loaded(upstream, embeddings=True) as engine:
        upstream.always = packed
        error = await error_of(engine.embed(["a"]))
        assert error.kind is ErrorKind.UNAVAILABLE
        assert "cannot be unpacked" in error.message


async def test_an_answer_without_an_end_is_not_read_on_and_on() -> None:
    """A list of models, a refusal, an event stream, vectors."""
    sent = 0

    def endless(head: bytes, begin: bytes) -> Answer:
        async def answer(exchange: Exchange) -> None:
            nonlocal sent
            exchange.writer.write(b"HTTP/1.1 %b\r\nConnection: close\r\n\r\n%b" % (head, begin))
            while True:  # until the connection breaks
                exchange.writer.write(b"1" * 65_536)
                await exchange.writer.drain()
                sent += 65_536

        return answer

    plain, stream = b"200 OK\r\nContent-Type: application/json", b"200 OK\r\nContent-Type: text/event-stream"
    upstream = Upstream(models=endless(plain, b'{"data": ['))
    async with listening(upstream), loaded(upstream) as engine:
        assert 1 << 20 < sent < 16 << 20
        upstream.answers = [endless(b"400 Bad", b'{"error": {"message": "')]
        assert (await error_of(ask(engine))).kind is ErrorKind.INVALID_ARGUMENT
        upstream.always = endless(stream, b"data: ")
        assert (await error_of(ask(engine))).kind is ErrorKind.UNAVAILABLE
        assert sent < 64 << 20
    sent = 0
    upstream = Upstream()
    async with listening(upstream), loaded(upstream) as engine:
        upstream.always = endless(plain, b'{"data": [{"index": 0, "embedding": [')
        assert (await error_of(engine.embed(["a"]))).kind is ErrorKind.ENGINE_FAILED
        assert 64 << 20 < sent < 96 << 20


async def test_an_answer_nested_without_sense_is_a_failure_of_the_server() -> None:
    async def nested(exchange: Exchange) -> None:
        body = b"[" * 200_000
        exchange.writer.write(b"HTTP/1.1 500 X\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with listening(Upstream()) as upstream, loaded(upstream) as engine:
        upstream.always = nested
        assert (await error_of(ask(engine))).kind is ErrorKind.UNAVAILABLE
        assert (await error_of(engine.embed(["a"]))).kind is ErrorKind.UNAVAILABLE


async def test_a_model_that_is_not_there_is_named_at_start() -> None:
    async with listening(Upstream()) as upstream:
        engine = UpstreamEngine(options(upstream, model="tinny"), EngineOptions())
        error = await error_of(engine.load(None, lambda _: None))
        await engine.unload()
        assert error.kind is ErrorKind.FAILED_PRECONDITION
        assert error.fix == "Did you mean 'tiny'?"


async def test_a_key_that_is_refused_is_told_at_start_without_the_key() -> None:
    async with listening(Upstream(models=status(401, f"Incorrect key {KEY}"))) as upstream:
        engine = UpstreamEngine(options(upstream), EngineOptions())
        error = await error_of(engine.load(None, lambda _: None))
        await engine.unload()
        assert error.kind is ErrorKind.FAILED_PRECONDITION
        assert "upstream.api_key" in (error.fix or "")


@pytest.mark.parametrize(
    ("url", "param"),
    [("", "upstream.url"), ("ftp://x", "upstream.url"), ("http://u:p@host", "upstream.url")],
)
def test_an_address_that_cannot_be_is_refused(url: str, param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        UpstreamOptions(url)
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, param)
    assert "u:p" not in str(caught.value)


def test_a_key_with_a_line_end_is_refused_without_showing_it() -> None:
    with pytest.raises(HyperCubeError) as caught:
        UpstreamOptions("http://host", api_key=KEY + "\n")
    assert KEY not in f"{caught.value}{caught.value.failure()}"


async def test_the_cluster_tells_the_truth_while_the_server_is_down_stopped_and_back(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    statuses: list[EngineStatus] = []
    upstream = Upstream()
    async with listening(upstream):
        pass  # only to know a port on which nobody listens
    make = engine_factory(EngineOptions(), options(upstream, health_s=0.2))
    cluster = Hypercluster(
        [upstream_manifest("upstream", 4096)],
        ModelStore(tmp_path),
        make=make,
        on_status=lambda _, status: statuses.append(status),
    )
    cluster.start()
    try:
        async with asyncio.timeout(30):
            while not statuses or "waiting for" not in statuses[-1].reason:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert statuses[-1].state is EngineState.LOADING
            assert "could not be reached" in statuses[-1].reason
            async with listening(upstream, upstream.port):
                assert (await cluster.settled()).state is EngineState.READY
                text = [event.text async for event in cluster.generate(chat(), Call()) if event.text]
                assert text == ["안녕", "하세요"]
                # It stops answering: nobody asks for anything, and it is noticed all the same.
                upstream.always = upstream.models = silence
                began = time.monotonic()
                while cluster.ready:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                noticed = time.monotonic() - began
                record_property("noticed_after_s", round(noticed, 2))
                assert noticed < 5
                events = cluster.generate(chat(), Call())
                refusal = await error_of(anext(events))  # type: ignore[arg-type]
                assert refusal.kind is ErrorKind.UNAVAILABLE
                assert refusal.retry_after_s is not None
                upstream.always, upstream.models = well, None
                assert (await cluster.settled()).state is EngineState.READY
        assert cluster.in_flight == 0
    finally:
        await cluster.close()
