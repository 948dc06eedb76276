"""A deadline is kept at the door too, whatever the parts behind it do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError


def _too_late() -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.DEADLINE_EXCEEDED,
        "The deadline of this request passed before its answer was ready.",
        fix="Allow more time (the header x-request-timeout-seconds, or the timeout of the gRPC call) or ask for less.",
    )


@asynccontextmanager
async def within(call: Call, clock: Clock) -> AsyncIterator[None]:
    """Cancel the block when the call's deadline passes.

    Raises:
        HyperCubeError: DEADLINE_EXCEEDED.
    """
    if call.deadline is None:
        yield
        return
    left = call.deadline - clock()
    if left <= 0:
        raise _too_late()
    scope = asyncio.timeout(left)
    try:
        async with scope:
            yield
    except TimeoutError:
        if scope.expired():
            raise _too_late() from None
        raise
