"""The SDK's conversations, both clients, against the gateway's own gRPC server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hypercube import client as sdk
from hypercube.gateway.grpc.server import create_grpc_server

WAIT = 20.0


@pytest.fixture
async def target(house: Any) -> AsyncIterator[str]:
    server = create_grpc_server(house.services, health_period_s=0.01)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)


def said(house: Any) -> list[str]:
    """What the model was shown last."""
    return [turn.content for turn in house.engine.requests[-1].messages]


async def test_turns_send_only_what_is_new(target: str, house: Any) -> None:
    async with sdk.AsyncClient(target) as client, await client.conversation(max_tokens=9) as talk:
        first = await talk.say("one two")
        second = await talk.say([{"role": "user", "content": "three"}], temperature=0.5)
        assert await second.whole() == "three", "what belongs to the first turn is kept for it"
        pieces = [piece.text async for piece in first]
        assert "".join(pieces) == first.text == "one two"
        assert first.finish_reason is sdk.FinishReason.STOP
        assert first.usage is not None
        assert first.message == sdk.ChatMessage("assistant", "one two")
        third = await talk.say("four")
        assert await third.whole() == "four"
        assert said(house) == ["one two", "one two", "three", "three", "four"]
        last = house.engine.requests[-1]
        assert (last.max_tokens, last.sampling.temperature) == (9, 0.5), "options hold"
        assert [each.sampling.temperature for each in house.engine.requests] == [None, 0.5, 0.5]


async def test_a_cancelled_turn_ends_alone(target: str, house: Any) -> None:
    async with sdk.AsyncClient(target) as client, await client.conversation() as talk:
        turn = await talk.say("!wait two")
        assert (await anext(turn)).text == "!wait"
        later = await talk.say("three")
        await turn.cancel()
        with pytest.raises(sdk.Cancelled):
            await turn.whole()
        assert turn.text == "!wait"
        await asyncio.wait_for(house.engine.closed.wait(), WAIT)
        assert await later.whole() == "three"
        assert said(house) == ["three"]
        await turn.cancel()  # harmless


async def test_a_reader_that_gives_up_leaves_the_conversation_alone(target: str, house: Any) -> None:
    async with sdk.AsyncClient(target) as client, await client.conversation() as talk:
        turn = await talk.say("!wait two")
        await anext(turn)
        reader = asyncio.ensure_future(turn.whole())
        await asyncio.sleep(0)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        house.engine.release.set()
        assert await turn.whole() == "!wait two"


async def test_a_failed_turn_raises_its_error_and_the_next_goes_on(target: str) -> None:
    async with sdk.AsyncClient(target) as client, await client.conversation() as talk:
        with pytest.raises(sdk.EngineFailed):
            await (await talk.say("!break two")).whole()
        with pytest.raises(sdk.InvalidArgument) as wrong:
            await (await talk.say([{"role": "nobody", "content": "x"}])).whole()
        assert wrong.value.param == "messages[0].role"
        assert await (await talk.say("three")).whole() == "three"


async def test_wrong_options_are_refused_where_they_are_written(target: str) -> None:
    async with sdk.AsyncClient(target) as client:
        with pytest.raises(sdk.InvalidArgument):
            await client.conversation(tool_choice="perhaps")
        async with await client.conversation() as talk:
            with pytest.raises(sdk.InvalidArgument):
                await talk.say("one", tool_choice="perhaps")
            assert await (await talk.say("one")).whole() == "one"


async def test_the_end_of_the_conversation_reaches_its_readers(target: str, house: Any) -> None:
    async with sdk.AsyncClient(target) as client:
        talk = await client.conversation()
        turn = await talk.say("!wait two")
        await anext(turn)
        await talk.close()
        with pytest.raises(sdk.EngineFailed, match="without a finish_reason"):
            await turn.whole()
        with pytest.raises(sdk.FailedPrecondition, match="closed"):
            await talk.say("more")
        await asyncio.wait_for(house.engine.closed.wait(), WAIT)


async def test_a_deadline_is_an_error_for_every_turn(target: str) -> None:
    async with sdk.AsyncClient(target) as client, await client.conversation(timeout=0.3) as talk:
        turns = [await talk.say("!wait two"), await talk.say("three")]
        for turn in turns:
            with pytest.raises(sdk.DeadlineExceeded):
                await turn.whole()


async def test_nobody_there(unused_tcp_port: int) -> None:
    async with sdk.AsyncClient(f"127.0.0.1:{unused_tcp_port}") as client:
        talk = await client.conversation()
        with pytest.raises(sdk.ConnectionFailed):
            await (await talk.say("one")).whole()


async def test_the_twin_for_ordinary_code_does_the_same(target: str, house: Any) -> None:
    def speak() -> None:
        with sdk.Client(target) as client, client.conversation(max_tokens=9) as talk:
            first, second = talk.say("one two"), talk.say("three")
            assert second.whole() == "three"
            assert first.whole() == "one two"
            with pytest.raises(sdk.EngineFailed):
                talk.say("!break two").whole()
            waiting = talk.say("!wait two")
            assert next(waiting).text == "!wait"
            waiting.cancel()
            with pytest.raises(sdk.Cancelled):
                waiting.whole()
            assert talk.say("four", max_tokens=8).whole() == "four"
            held = talk.say("!hang")
        with pytest.raises(sdk.EngineFailed, match="without a finish_reason"):
            held.whole()
        with pytest.raises(sdk.FailedPrecondition, match="closed"):
            talk.say("more")

    await asyncio.to_thread(speak)
    assert house.engine.requests[-1].max_tokens in (8, 9)
    assert ["one two", "one two", "three", "three", "four"] in [
        [turn.content for turn in request.messages] for request in house.engine.requests
    ]


async def test_the_twin_tells_a_deadline_and_an_absent_server(target: str, unused_tcp_port: int) -> None:
    def speak(address: str, timeout: float) -> None:
        with sdk.Client(address) as client, client.conversation(timeout=timeout) as talk:
            talk.say("!wait two").whole()

    with pytest.raises(sdk.DeadlineExceeded):
        await asyncio.to_thread(speak, target, 0.3)
    with pytest.raises(sdk.ConnectionFailed):
        await asyncio.to_thread(speak, f"127.0.0.1:{unused_tcp_port}", 60.0)
