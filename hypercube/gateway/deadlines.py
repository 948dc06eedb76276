"""A deadline is kept at the door too, whatever the parts behind it do."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import TypeVar

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.waiting import Begun

T = TypeVar("T")


def _too_late() -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.DEADLINE_EXCEEDED,
        "The deadline of this request passed before its answer was ready.",
        fix="Allow more time (the header x-request-timeout-seconds, or the timeout of the gRPC call) or ask for less.",
    )


class within:  # noqa: N801 - read as a word: `async with within(call, clock):`
    """Cancel the block when the call's deadline passes.

    Raises:
        HyperCubeError: DEADLINE_EXCEEDED.
    """

    __slots__ = ("_call", "_clock", "_scope")

    def __init__(self, call: Call, clock: Clock) -> None:
        self._call = call
        self._clock = clock
        self._scope: asyncio.Timeout | None = None

    async def __aenter__(self) -> None:
        """Start the time."""
        if self._call.deadline is None:
            return
        left = self._call.deadline - self._clock()
        if left <= 0:
            raise _too_late()
        self._scope = asyncio.timeout(left)
        await self._scope.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        if self._scope is None:
            return
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError:
            raise _too_late() from None


async def in_time(work: Awaitable[T], call: Call, clock: Clock) -> T:
    """The result of `work`, which is cancelled when the call's deadline passes.

    As `await` within `within`; but a timer is only made for work that has to wait. A chart and a piece of a stream
    that is here already do not, and a timer would be a fifth of what they cost.

    Raises:
        HyperCubeError: DEADLINE_EXCEEDED.
    """
    if call.deadline is None:
        return await work
    if call.deadline - clock() <= 0:
        _forget(work)
        raise _too_late()
    begun = Begun(work)
    if begun.done:
        return begun.result
    # Work that has begun must be cancelled, not dropped, though its time may be over by now.
    scope = asyncio.timeout(max(0.0, call.deadline - clock()))
    await scope.__aenter__()
    try:
        result = await begun
    except BaseException as error:
        try:
            await scope.__aexit__(type(error), error, error.__traceback__)
        except TimeoutError:
            raise _too_late() from None
        raise
    await scope.__aexit__(None, None, None)
    return result


def _forget(work: Awaitable[object]) -> None:
    """Work that is never begun; Python would warn of a coroutine that nobody awaited."""
    close = getattr(work, "close", None)
    if close is not None:
        close()
