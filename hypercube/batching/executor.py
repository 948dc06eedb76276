"""Work in an executor, so that the event loop stays free and the device's next batch lies ready."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from threading import Lock
from typing import Any, Generic, TypeVar

from hypercube.core.errors import ErrorKind, HyperCubeError

Payload = TypeVar("Payload")
Result = TypeVar("Result")
Work = Callable[[Hashable, Sequence[Payload]], Sequence[Result]]
Run = Callable[[Hashable, Sequence[Payload]], Awaitable[Sequence[Result]] | Sequence[Result]]


def in_thread(executor: Executor, work: Work[Payload, Result]) -> "InExecutor[Payload, Result]":
    """A `run` that computes in `executor`, off the event loop; it pays if `work` releases the GIL.

    One batch computes at a time, however many threads the executor has. `work` must not call back into the
    batcher and wait.
    """
    return InExecutor(executor, work)


class InExecutor(Generic[Payload, Result]):
    """What `in_thread` makes.

    `hand_over`, None for a process pool, lets the batcher queue a batch in the executor and still choose, at the
    moment the work begins, which of its items are alive.
    """

    def __init__(self, executor: Executor, work: Work[Payload, Result]) -> None:
        self._executor = executor
        self._work = work
        self._device = Lock()
        # What decides which items are alive lives here, so it cannot decide in another process.
        self.hand_over = None if isinstance(executor, ProcessPoolExecutor) else self._hand_over

    def __call__(self, key: Hashable, payloads: Sequence[Payload]) -> Awaitable[Sequence[Result]]:
        """Queue a batch as it is."""
        return self._submit(_guarded, self._work, key, payloads)

    def _hand_over(
        self, key: Hashable, claim: Callable[[], Sequence[Payload]]
    ) -> Awaitable[Sequence[Result]]:
        return self._submit(self._begin, key, claim)

    def _begin(self, key: Hashable, claim: Callable[[], Sequence[Payload]]) -> Sequence[Result]:
        with self._device:
            payloads = claim()
            return _guarded(self._work, key, payloads) if payloads else []

    def _submit(
        self, function: Callable[..., Sequence[Result]], *arguments: Any
    ) -> Awaitable[Sequence[Result]]:
        try:
            return asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
        except BrokenExecutor:
            raise
        except RuntimeError as error:
            raise HyperCubeError(
                ErrorKind.UNAVAILABLE, f"The executor takes no more work: {error}.", retry_after_s=1.0
            ) from error


def _guarded(work: Work[Payload, Result], key: Hashable, payloads: Sequence[Payload]) -> Sequence[Result]:
    try:
        return work(key, payloads)
    except StopIteration as error:
        # asyncio cannot set it on a future: the waiters would never hear of it.
        raise RuntimeError("the work raised StopIteration") from error
