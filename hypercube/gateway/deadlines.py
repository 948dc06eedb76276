"""A deadline is kept at the door too, whatever the parts behind it do."""

import asyncio
from types import TracebackType

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError


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
