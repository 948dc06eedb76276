"""Streams are closed however they end, also when nobody ever asked them for a piece."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hypercube.core.clock import monotonic
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.deadlines import within
from hypercube.gateway.streams import Bounded, Mapped, close, started


class Source(AsyncIterator[int]):
    """Counts up; remembers whether it was closed."""

    def __init__(self, fail_at: int = -1, hang_at: int = -1, end_at: int = 3) -> None:
        self.closed = False
        self._at = 0
        self._fail_at, self._hang_at, self._end_at = fail_at, hang_at, end_at

    async def __anext__(self) -> int:
        at = self._at
        self._at += 1
        if at == self._fail_at:
            raise ValueError("broken")
        if at == self._hang_at:
            await asyncio.Event().wait()
        if at == self._end_at:
            raise StopAsyncIteration
        return at

    async def aclose(self) -> None:
        self.closed = True


def soon() -> Call:
    return Call(deadline=monotonic() + 0.02)


async def test_all_pieces_come_in_order_and_the_source_is_closed() -> None:
    source = Source()
    assert [piece async for piece in Mapped(await started(Bounded(source, Call(), monotonic)), str)] == [
        "0",
        "1",
        "2",
    ]
    assert source.closed


async def test_a_stream_that_was_never_started_is_closed() -> None:
    source = Source()
    await close(Mapped(Bounded(source, Call(), monotonic), str))
    assert source.closed


async def test_a_failure_before_the_first_piece_is_raised_at_the_start() -> None:
    source = Source(fail_at=0)
    with pytest.raises(ValueError, match="broken"):
        await started(Bounded(source, Call(), monotonic))
    assert source.closed


async def test_an_empty_stream_starts_and_ends() -> None:
    assert [piece async for piece in await started(Bounded(Source(end_at=0), Call(), monotonic))] == []


async def test_a_piece_that_comes_too_late_closes_the_stream() -> None:
    source = Source(hang_at=1)
    stream = await started(Bounded(source, soon(), monotonic))
    assert await anext(stream) == 0
    with pytest.raises(HyperCubeError) as caught:
        await anext(stream)
    assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED
    assert source.closed


async def test_cancelling_the_reader_closes_the_stream() -> None:
    source = Source(hang_at=0)
    reader = asyncio.create_task(started(Bounded(source, Call(), monotonic)))
    await asyncio.sleep(0)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert source.closed


async def test_a_deadline_in_the_past_runs_nothing() -> None:
    ran = False
    with pytest.raises(HyperCubeError) as caught:
        async with within(Call(deadline=monotonic() - 1), monotonic):
            ran = True
    assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED
    assert not ran


async def test_a_timeout_of_the_works_own_is_no_deadline() -> None:
    with pytest.raises(TimeoutError):
        async with within(Call(deadline=monotonic() + 60), monotonic):
            raise TimeoutError
