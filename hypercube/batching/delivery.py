"""From a batch to its answers: every waiter gets one, whatever the batch does."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

from hypercube.batching.lane import Item
from hypercube.core.errors import ErrorKind, HyperCubeError

Payload = TypeVar("Payload")
Result = TypeVar("Result")
Run = Callable[[Hashable, Sequence[Payload]], Awaitable[Sequence[Result]] | Sequence[Result]]


def in_thread(
    executor: Executor, work: Callable[[Hashable, Sequence[Payload]], Sequence[Result]]
) -> Run[Payload, Result]:
    """A `run` that computes in `executor`, off the event loop; it pays if `work` releases the GIL."""

    def run(key: Hashable, payloads: Sequence[Payload]) -> Awaitable[Sequence[Result]]:
        return asyncio.get_running_loop().run_in_executor(executor, work, key, payloads)

    return run


def deliver(name: str, batch: Sequence[Item[Any, Result]], results: Sequence[Result]) -> None:
    """Give each item its result; a wrong number of results fails them all, since none can be trusted."""
    if len(results) != len(batch):
        message = f"The {name} returned {len(results)} results for {len(batch)} items."
        fail(name, batch, HyperCubeError(ErrorKind.ENGINE_FAILED, message))
        return
    for item, result in zip(batch, results, strict=True):
        if not item.future.done():
            item.future.set_result(result)


def fail(name: str, batch: Sequence[Item[Any, Any]], cause: BaseException) -> None:
    """Give each item its own copy of the error (a shared one would collect everybody's traceback)."""
    for item in batch:
        if not item.future.done():
            item.future.set_exception(_as_error(name, cause))


def _as_error(name: str, cause: BaseException) -> HyperCubeError:
    if isinstance(cause, HyperCubeError):
        error = HyperCubeError.of(cause.failure())
    else:
        error = HyperCubeError(
            ErrorKind.ENGINE_FAILED, f"The {name} failed: {type(cause).__name__}: {cause}", retry_after_s=1.0
        )
    error.__cause__ = cause
    return error


async def run_in_halves(
    name: str, run: Run[Payload, Result], key: Hashable, batch: Sequence[Item[Payload, Result]]
) -> int:
    """Run a failed batch again in halves until the item that breaks it stands alone.

    Returns:
        How many times a batch was halved.
    """
    middle = len(batch) // 2
    halved = 1
    for half in (batch[:middle], batch[middle:]):
        waiting = [item for item in half if not item.future.done()]
        if not waiting:
            continue
        try:
            answer = run(key, [item.payload for item in waiting])
            deliver(name, waiting, await answer if inspect.isawaitable(answer) else answer)
        except asyncio.CancelledError as cancelled:
            fail(name, batch, cancelled)
            raise
        except Exception as error:  # noqa: BLE001 - every waiter must hear of it
            if len(waiting) > 1:
                halved += await run_in_halves(name, run, key, waiting)
            else:
                fail(name, waiting, error)
    return halved
