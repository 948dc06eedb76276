"""A stream of which all pieces are there already."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Whole(AsyncIterator[T], Generic[T]):
    """The pieces one by one, as any stream gives them, or all at once.

    Who turns each piece into something larger or smaller may do so for all while they are in the processor's caches.
    Between two pieces of a stream that is sent slowly others have theirs, and it finds its own again in memory.
    """

    __slots__ = ("_left",)

    def __init__(self, pieces: Iterable[T]) -> None:
        self._left: Iterator[T] = iter(pieces)

    async def __anext__(self) -> T:
        for piece in self._left:
            return piece
        raise StopAsyncIteration

    def turned(self, function: Callable[[T], U]) -> "Whole[U]":
        """What `function` makes of each that is left, made now; none is left here."""
        return Whole([function(piece) for piece in self._left])

    async def aclose(self) -> None:
        """Nothing is behind it that has to be ended; it gives no more."""
        self._left = iter(())
