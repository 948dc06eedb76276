"""The wait for a call's first message: bounded for each, by one timer for all, and fair where the loop was held up."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.grpc.first_message import SECOND_LOOK_S, FirstMessage

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


class Wire:
    """A call as `FirstMessage` sees it: a message comes when the test says so."""

    def __init__(self) -> None:
        self.message: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def read(self) -> Any:
        return await self.message


def reading(first: FirstMessage, wire: Any) -> "asyncio.Task[Any]":
    return asyncio.get_running_loop().create_task(first.read(wire))


async def outcome(task: "asyncio.Task[Any]") -> Any:
    try:
        return await task
    except HyperCubeError as error:
        return error.kind


def test_a_message_that_comes_in_time_is_read(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        first, wire = FirstMessage(10), Wire()
        call = reading(first, wire)
        await asyncio.sleep(9.9)
        wire.message.set_result(b"late but in time")
        assert await call == b"late but in time"
        assert first.waiting == 0
        await asyncio.sleep(100)  # and nothing comes after it
        assert not call.cancelled()

    run_virtual(main)


def test_each_of_many_waits_as_long_as_any(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        first = FirstMessage(10)
        ended: dict[int, float] = {}

        async def silent(number: int) -> None:
            began = loop.time()
            with pytest.raises(HyperCubeError) as caught:
                await first.read(Wire())  # type: ignore[arg-type]
            assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED
            assert "did not come within 10 s" in caught.value.message
            ended[number] = loop.time() - began

        calls = []
        for number in range(40):
            calls.append(loop.create_task(silent(number)))
            await asyncio.sleep(0.37)
        await asyncio.gather(*calls)
        assert len(ended) == 40
        assert min(ended.values()) >= 10
        assert max(ended.values()) <= 10 + 2 * SECOND_LOOK_S + 1e-6
        assert first.waiting == 0

    run_virtual(main)


def test_a_message_that_came_while_the_loop_was_held_up_is_read(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        first, heard, silent = FirstMessage(10), Wire(), Wire()
        calls = reading(first, heard), reading(first, silent)
        await asyncio.sleep(1)
        loop.now += 60  # held up: its timers run first, then it reads what came meanwhile
        loop.call_later(0, lambda: loop.call_soon(heard.message.set_result, b"was there"))
        assert await outcome(calls[0]) == b"was there"
        assert await outcome(calls[1]) is ErrorKind.DEADLINE_EXCEEDED

    run_virtual(main)


def test_a_message_in_the_very_turn_of_the_second_look_is_read(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        first, wire = FirstMessage(10), Wire()
        call = reading(first, wire)
        await asyncio.sleep(0)
        # Set to run before the look that would end the call, in the same turn of the loop.
        loop.call_at(loop.time() + 10 + SECOND_LOOK_S - 1e-10, wire.message.set_result, b"just so")
        assert await outcome(call) == b"just so"

    run_virtual(main)


def test_who_leaves_is_cancelled_and_not_told_of_a_deadline(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        first = FirstMessage(10)
        call = reading(first, Wire())
        await asyncio.sleep(5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert first.waiting == 0

    run_virtual(main)


def test_a_call_goes_on_after_it_was_told(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        first = FirstMessage(1)

        async def call() -> str:
            with pytest.raises(HyperCubeError):
                await first.read(Wire())  # type: ignore[arg-type]
            await asyncio.sleep(1)  # what is said to the client takes a while
            async with asyncio.timeout(5):
                await asyncio.sleep(1)
            return "told"

        assert await asyncio.get_running_loop().create_task(call()) == "told"

    run_virtual(main)


def test_a_table_that_was_empty_for_long_is_watched_again(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        first = FirstMessage(10)
        for _ in range(3):
            assert await outcome(reading(first, Wire())) is ErrorKind.DEADLINE_EXCEEDED
            await asyncio.sleep(1_000)

    run_virtual(main)
