"""Deadlines at the door: a timer only for work that waits, and the same outcomes as with one."""

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.deadlines import in_time


async def ready() -> int:
    return 7


class Loop:
    """The running loop's timers, counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.timers = 0
        loop = asyncio.get_running_loop()
        real = loop.call_at

        def call_at(*arguments: Any, **named: Any) -> asyncio.TimerHandle:
            self.timers += 1
            return real(*arguments, **named)

        monkeypatch.setattr(loop, "call_at", call_at)


async def test_work_that_need_not_wait_makes_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(monkeypatch)
    assert await in_time(ready(), Call(deadline=100.0), lambda: 0.0) == 7
    assert loop.timers == 0


async def test_work_that_waits_is_given_its_results_and_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits() -> str:
        found = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(found.set_result, "a")
        first: str = await found
        failing = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(failing.set_exception, KeyError("b"))
        try:
            await failing
        except KeyError:
            await asyncio.sleep(0)
            return first + "b"
        raise AssertionError

    loop = Loop(monkeypatch)
    assert await in_time(waits(), Call(deadline=100.0), lambda: 0.0) == "ab"
    assert loop.timers == 1


async def test_the_deadline_cancels_work_that_waits() -> None:
    clock, left = iter((0.0, 101.0)), []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # it may still put its things away
            left.append(True)

    with pytest.raises(HyperCubeError) as caught:
        await in_time(waits(), Call(deadline=100.0), lambda: next(clock))
    assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED
    assert left == [True]


async def test_work_is_not_begun_after_the_deadline() -> None:
    async def begun() -> None:
        raise AssertionError

    with pytest.raises(HyperCubeError) as caught:
        await in_time(begun(), Call(deadline=100.0), lambda: 100.0)
    assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED


async def test_a_timeout_of_the_work_itself_is_no_deadline() -> None:
    async def times_out() -> None:
        await asyncio.sleep(0)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await in_time(times_out(), Call(deadline=100.0), lambda: 0.0)


async def test_cancelling_reaches_the_work() -> None:
    begun, left = asyncio.Event(), []

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.append(True)

    task = asyncio.ensure_future(in_time(waits(), Call(deadline=100.0), lambda: 0.0))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left == [True]


async def test_the_end_of_a_stream_is_its_end() -> None:
    async def empty() -> AsyncIterator[int]:
        return
        yield 0

    with pytest.raises(StopAsyncIteration):
        await in_time(anext(empty()), Call(deadline=100.0), lambda: 0.0)


async def test_closing_what_waits_closes_the_work() -> None:
    left = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.append(True)

    steps: Generator[Any, None, Any] = in_time(waits(), Call(deadline=100.0), lambda: 0.0).__await__()
    next(steps)
    steps.close()
    assert left == [True]
