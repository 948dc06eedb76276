"""Work on thousands at once goes on in slices, between which others have their turns."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from weakref import ReferenceType, ref

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.grpc.first_message import SECOND_LOOK_S, FirstMessage
from hypercube.gateway.slices import PAUSE_S, SLICE, slices_of

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def steps(count: int, units: int, done: list[float]) -> Iterator[int]:
    for _ in range(count):
        done.append(asyncio.get_running_loop().time())
        yield units


def most_at_a_time(times: list[float]) -> int:
    return max(times.count(moment) for moment in times)


def test_a_turn_does_a_slice_and_the_next_waits_for_others(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        began, done = loop.time(), []  # type: tuple[float, list[float]]
        slices_of(loop).add(steps(1_000, 16, done))
        await asyncio.sleep(10)
        assert len(done) == 1_000
        assert most_at_a_time(done) == SLICE // 16
        slices = -(-1_000 // (SLICE // 16))
        assert done[-1] - began == pytest.approx((slices - 1) * PAUSE_S)

    run_virtual(main)


def test_two_kinds_of_work_share_the_slices(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        one: list[float] = []
        other: list[float] = []
        assert slices_of(loop) is slices_of(loop)
        slices_of(loop).add(steps(500, 32, one))
        slices_of(loop).add(steps(500, 32, other))
        await asyncio.sleep(10)
        assert len(one) == len(other) == 500
        assert most_at_a_time(one + other) == SLICE // 32
        assert abs(one[-1] - other[-1]) <= 2 * PAUSE_S  # neither waits for the end of the other

    run_virtual(main)


def test_work_that_fails_stops_no_other(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told: list[Any] = []
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

        def broken() -> Iterator[int]:
            yield 1
            raise ValueError

        done: list[float] = []
        slices_of(loop).add(broken())
        slices_of(loop).add(steps(100, SLICE, done))
        await asyncio.sleep(10)
        assert len(done) == 100
        assert [type(error) for error in told] == [ValueError]

    run_virtual(main)


def test_no_loop_is_kept_though_it_ended_in_the_middle_of_its_work() -> None:
    def endless() -> Iterator[int]:
        loop = asyncio.get_running_loop()  # as most work knows it
        while loop:
            yield SLICE

    async def main() -> ReferenceType[asyncio.AbstractEventLoop]:
        loop = asyncio.get_running_loop()
        slices_of(loop).add(endless())
        await asyncio.sleep(3 * PAUSE_S)
        return ref(loop)

    kept = asyncio.run(main())
    gc.collect()
    assert kept() is None


class Silent:
    """A call whose message comes when the test says so."""

    def __init__(self) -> None:
        self.message: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def read(self) -> Any:
        return await self.message


def test_thousands_of_late_calls_end_a_few_a_turn_and_each_within_its_bound(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        first, count, began = FirstMessage(10), 2_000, loop.time()
        ended: list[float] = []

        async def call() -> None:
            with pytest.raises(HyperCubeError) as caught:
                await first.read(Silent())  # type: ignore[arg-type]
            assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED
            ended.append(loop.time())

        calls = [loop.create_task(call()) for _ in range(count)]
        await asyncio.sleep(10 + SECOND_LOOK_S / 2)
        assert first.waiting == count
        await asyncio.gather(*calls)
        few = most_at_a_time(ended)
        assert few <= 4
        assert min(ended) - began >= 10
        assert max(ended) - began <= 10 + 2 * SECOND_LOOK_S + (count / few) * PAUSE_S
        assert first.waiting == 0

    run_virtual(main)


def test_a_message_that_comes_before_its_call_s_slice_is_read(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        first = FirstMessage(10)
        wires = [Silent() for _ in range(1_000)]
        calls = [loop.create_task(first.read(wire)) for wire in wires]  # type: ignore[arg-type]
        await asyncio.sleep(10 + SECOND_LOOK_S + 2 * PAUSE_S)
        last = calls[-1]
        assert calls[0].done()
        assert not last.done()
        wires[-1].message.set_result(b"late, but before its turn")
        assert await last == b"late, but before its turn"
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(each, HyperCubeError) for each in outcomes) == 999
        assert first.waiting == 0

    run_virtual(main)


def test_who_leaves_before_its_slice_is_cancelled_and_not_told_of_a_deadline(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        first = FirstMessage(10)
        calls = [loop.create_task(first.read(Silent())) for _ in range(1_000)]  # type: ignore[arg-type]
        await asyncio.sleep(10 + SECOND_LOOK_S + 2 * PAUSE_S)
        calls[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await calls[-1]
        await asyncio.gather(*calls, return_exceptions=True)
        assert first.waiting == 0

    run_virtual(main)
