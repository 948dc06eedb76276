"""Work that may not have to wait at all: what is only needed by work that waits is made when it does."""

from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Begun(Awaitable[T], Generic[T]):
    """Some work, run to its end or to where it first has to wait; then it must be awaited, once.

    Attributes:
        done: whether it ended; `result` is then what it returned.
    """

    __slots__ = ("_first", "_steps", "_waits_for", "done", "result")

    result: T

    def __init__(self, work: Awaitable[T]) -> None:
        """Begin it, in the task that will await it; raises what it raises."""
        self._first: Awaitable[object] | None = None
        self._steps: Generator[Any, Any, T] = work.__await__()
        try:
            self._waits_for = next(self._steps)
        except StopIteration as end:
            self.done = True
            self.result = end.value
        else:
            self.done = False

    def after(self, first: Awaitable[object]) -> "Begun[T]":
        """Wait for something else first; if that fails or is cancelled, the work is told so."""
        self._first = first
        return self

    def __await__(self) -> Generator[Any, Any, T]:
        """`yield from`, were it not for the first step."""
        steps, waits_for = self._steps, self._waits_for
        try:
            if self._first is not None:
                try:
                    yield from self._first.__await__()
                except GeneratorExit:
                    steps.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - the work's own to handle
                    waits_for = steps.throw(error)
            while True:
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    steps.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - the work's own to handle
                    waits_for = steps.throw(error)
                else:
                    waits_for = steps.send(sent)
        except StopIteration as end:
            result: T = end.value
            return result
