"""Chat/Converse: turns in order, a history that holds only what went well, and a cancel that reaches the model."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from hypercube.gateway.grpc.conversation import MAX_WAITING
from hypercube.wire.v1 import chat_pb2, chat_pb2_grpc

WAIT = 20.0


def say(turn: str, content: str, **settings: Any) -> chat_pb2.ConverseRequest:
    message = chat_pb2.ChatMessage(role="user", content=content)
    return chat_pb2.ConverseRequest(turn=turn, say=chat_pb2.ChatRequest(messages=[message], **settings))


def cancel(turn: str) -> chat_pb2.ConverseRequest:
    return chat_pb2.ConverseRequest(turn=turn, cancel=chat_pb2.ConverseRequest.Cancel())


class Talk:
    """A conversation under way."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.call = chat_pb2_grpc.ChatStub(channel).Converse()

    async def write(self, *requests: chat_pb2.ConverseRequest) -> None:
        for request in requests:
            await asyncio.wait_for(self.call.write(request), WAIT)

    async def event(self) -> chat_pb2.ConverseEvent:
        event = await asyncio.wait_for(self.call.read(), WAIT)
        assert isinstance(event, chat_pb2.ConverseEvent)
        return event

    async def turn(self) -> tuple[str, str]:
        """Name and text of the next turn that ends; the text of one that failed is the kind of its error."""
        text = ""
        while True:
            event = await self.event()
            if event.HasField("error"):
                return event.turn, f"!{event.error.kind}"
            text += event.piece.text
            if event.piece.finish_reason:
                return event.turn, text


@pytest.fixture
async def talk(channel: grpc.aio.Channel) -> AsyncIterator[Talk]:
    made = Talk(channel)
    yield made
    made.call.cancel()


async def test_turns_are_answered_in_order_and_remembered(talk: Talk, house: Any) -> None:
    await talk.write(say("a", "one two", model="small", max_tokens=9), say("b", "three"), say("c", "four"))
    assert [await talk.turn() for _ in range(3)] == [("a", "one two"), ("b", "three"), ("c", "four")]
    last = house.engine.requests[-1]
    assert [(turn.role, turn.content) for turn in last.messages] == [
        ("user", "one two"),
        ("assistant", "one two"),
        ("user", "three"),
        ("assistant", "three"),
        ("user", "four"),
    ]
    assert (last.model, last.max_tokens) == ("small", 9), "settings hold until they are sent again"
    await talk.write(say("d", "five six", max_tokens=1))
    assert await talk.turn() == ("d", "five")
    assert (house.engine.requests[-1].model, house.engine.requests[-1].max_tokens) == ("", 1)
    await talk.call.done_writing()
    assert await talk.call.read() is grpc.aio.EOF
    assert await talk.call.code() is grpc.StatusCode.OK


async def test_a_turn_under_way_is_cancelled_and_forgotten(talk: Talk, house: Any) -> None:
    await talk.write(say("a", "hello"), say("b", "!wait two"), say("c", "three"))
    assert await talk.turn() == ("a", "hello")
    assert (await talk.event()).piece.text == "!wait"
    await talk.write(cancel("b"))
    await asyncio.wait_for(house.engine.closed.wait(), WAIT)
    assert await talk.turn() == ("b", "!cancelled")
    assert await talk.turn() == ("c", "three")
    assert [turn.content for turn in house.engine.requests[-1].messages] == ["hello", "hello", "three"]


async def test_a_turn_that_waits_is_cancelled_and_never_begun(talk: Talk, house: Any) -> None:
    await talk.write(say("a", "!wait two"), say("b", "never"), cancel("b"), cancel("nobody"), say("c", "end"))
    assert (await talk.event()).piece.text == "!wait"
    house.engine.release.set()
    assert await talk.turn() == ("a", " two")
    assert await talk.turn() == ("b", "!cancelled")
    assert await talk.turn() == ("c", "end")
    assert len(house.engine.requests) == 2


async def test_a_turn_that_hangs_before_its_first_piece_is_cancelled(talk: Talk, house: Any) -> None:
    await talk.write(say("a", "!hang"))
    await asyncio.wait_for(house.engine.started.wait(), WAIT)
    await talk.write(cancel("a"))
    assert await talk.turn() == ("a", "!cancelled")
    await talk.write(say("a", "again"))
    assert await talk.turn() == ("a", "again"), "an answered name may come again"


async def test_a_failed_turn_leaves_the_conversation_as_it_was(talk: Talk, house: Any) -> None:
    await talk.write(say("a", "hello"), say("b", "!break two"), say("c", "three"))
    assert await talk.turn() == ("a", "hello")
    assert (await talk.event()).piece.text == "!break"
    assert await talk.turn() == ("b", "!engine_failed")
    assert await talk.turn() == ("c", "three")
    assert [turn.content for turn in house.engine.requests[-1].messages] == ["hello", "hello", "three"]


async def test_what_is_wrong_is_told_in_its_place(talk: Talk) -> None:
    wrong = chat_pb2.ChatMessage(role="nobody", content="x")
    await talk.write(
        say("a", "hello"),
        chat_pb2.ConverseRequest(turn="b"),
        chat_pb2.ConverseRequest(turn="c", say=chat_pb2.ChatRequest(model="small")),
        say("", "x"),
        chat_pb2.ConverseRequest(turn="d", say=chat_pb2.ChatRequest(messages=[wrong])),
        say("e", "x", n=2),
        say("f", "bye"),
    )
    assert await talk.turn() == ("a", "hello")
    params = []
    for _ in range(5):
        event = await talk.event()
        assert event.error.kind == "invalid_argument"
        params.append((event.turn, event.error.param))
    assert params == [
        ("b", "say"),
        ("c", "messages"),
        ("", "turn"),
        ("d", "messages[0].role"),  # the third message of the conversation, but the first of the turn
        ("e", "n"),
    ]
    assert await talk.turn() == ("f", "bye")


async def test_bytes_that_are_no_turn(channel: grpc.aio.Channel) -> None:
    call = channel.stream_stream("/hypercube.v1.Chat/Converse")()
    await call.write(b"\xff\xff\xff")
    event = chat_pb2.ConverseEvent.FromString(await asyncio.wait_for(call.read(), WAIT))
    assert event.error.kind == "invalid_argument"
    call.cancel()


async def test_a_name_in_use_is_refused(talk: Talk, house: Any) -> None:
    await talk.write(say("a", "!wait two"), say("a", "twice"))
    assert (await talk.event()).piece.text == "!wait"
    house.engine.release.set()
    assert await talk.turn() == ("a", " two")
    assert await talk.turn() == ("a", "!invalid_argument")


async def test_many_turns_wait_at_the_client(talk: Talk) -> None:
    names = [str(number) for number in range(3 * MAX_WAITING)]

    async def speak() -> None:
        await talk.write(*(say(name, name) for name in names))

    speaking = asyncio.ensure_future(speak())
    answered = 0
    context = 0
    for name in names:
        got, text = await talk.turn()
        assert got == name
        # The model of the test takes 64 words; its own answers count, too.
        assert text in (name, "!context_length_exceeded")
        answered += 1
        context += text == name
    await speaking
    assert answered == len(names)
    assert context > 0


async def test_the_call_itself_cancelled_stops_the_model(talk: Talk, house: Any) -> None:
    await talk.write(say("a", "!wait two"), say("b", "never"))
    assert (await talk.event()).piece.text == "!wait"
    talk.call.cancel()
    await asyncio.wait_for(house.engine.closed.wait(), WAIT)
    assert len(house.engine.requests) == 1


async def test_a_silent_conversation_does_not_hold_up_a_drain(talk: Talk, house: Any) -> None:
    await talk.write(say("a", "hello"))
    assert await talk.turn() == ("a", "hello")
    house.services.traffic.drain()
    assert await house.services.traffic.wait_idle(WAIT)
    await talk.write(say("b", "late"))
    assert await talk.turn() == ("b", "!unavailable")
