"""Streams of pieces that are certain to be closed.

They are classes, not generators, because a generator that was never started skips its `finally`: an answer
abandoned between its first piece and its first byte would then leave the model at work.
"""

from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.gateway.deadlines import in_time

T = TypeVar("T")
U = TypeVar("U")


async def close(stream: AsyncIterator[object]) -> None:
    """Close a stream that can be closed; closing is what cancels the work behind it."""
    aclose = getattr(stream, "aclose", None)
    if aclose is not None:
        await aclose()


class Foreseen(AsyncIterator[T], Generic[T]):
    """A stream that knows more of what comes than its next piece."""

    @property
    def complete(self) -> bool:
        """Whether the last piece was given: what follows is the end of the work, and nothing to be said."""
        raise NotImplementedError

    def besides(self) -> list[T]:
        """Pieces that came with the one given last, taken out."""
        raise NotImplementedError


class Bounded(AsyncIterator[T], Generic[T]):
    """The pieces of a stream until the call's deadline; DEADLINE_EXCEEDED after it."""

    def __init__(self, stream: AsyncIterator[T], call: Call, clock: Clock) -> None:
        self._stream = stream
        self._call = call
        self._clock = clock

    async def __anext__(self) -> T:
        try:
            return await in_time(anext(self._stream), self._call, self._clock)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Close the stream."""
        await close(self._stream)


class Started(AsyncIterator[T], Generic[T]):
    """A stream whose first pieces were taken already, and are given again."""

    def __init__(self, taken: list[T], rest: AsyncIterator[T], *, ended: bool = False) -> None:
        self._taken = taken
        self._rest = rest
        self._ended = ended

    async def __anext__(self) -> T:
        if self._ended:
            raise StopAsyncIteration
        return self._taken.pop(0) if self._taken else await anext(self._rest)

    async def aclose(self) -> None:
        """Close the stream."""
        await close(self._rest)


class Once(AsyncIterator[T], Generic[T]):
    """A stream of one piece."""

    def __init__(self, piece: T) -> None:
        self._left = [piece]

    async def __anext__(self) -> T:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class Mapped(AsyncIterator[U], Generic[T, U]):
    """Every piece of a stream turned into something else."""

    def __init__(self, stream: AsyncIterator[T], function: Callable[[T], U]) -> None:
        self._stream = stream
        self._function = function

    async def __anext__(self) -> U:
        return self._function(await anext(self._stream))

    async def aclose(self) -> None:
        """Close the stream."""
        await close(self._stream)


async def started(stream: AsyncIterator[T]) -> Started[T]:
    """Wait for the first piece, so that a failure before it is raised here; closes the stream if it fails."""
    try:
        return Started([await anext(stream)], stream)
    except StopAsyncIteration:
        return Started([], stream, ended=True)
    except BaseException:
        await close(stream)
        raise
