"""From a batch to its answers: every waiter gets one, whatever the batch does."""

import inspect
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import BrokenExecutor
from typing import Any, TypeVar, cast

from hypercube.batching.executor import Run
from hypercube.batching.flight import Flight
from hypercube.batching.item import Item
from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError

Payload = TypeVar("Payload")
Result = TypeVar("Result")


def deliver(name: str, batch: Sequence[Item[Any, Result]], results: object) -> None:
    """Give each item its result; a wrong number of results fails them all, since none can be trusted."""
    # `run` may break its contract. Arrays have an order and are no `Sequence`; sets and mappings have none.
    if not hasattr(results, "__len__") or isinstance(results, (Set, Mapping, str, bytes)):
        message = (
            f"The {name} returned {type(results).__name__} for {len(batch)} items, which is no sequence."
        )
        fail(name, batch, HyperCubeError(ErrorKind.ENGINE_FAILED, message))
        return
    try:
        answers: list[Result] = list(cast("Sequence[Result]", results))
    except Exception as error:  # noqa: BLE001 - every waiter must hear of it
        fail(name, batch, error)
        return
    if len(answers) != len(batch):
        message = f"The {name} returned {len(answers)} results for {len(batch)} items."
        fail(name, batch, HyperCubeError(ErrorKind.ENGINE_FAILED, message))
        return
    for item, result in zip(batch, answers, strict=True):
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


def worker_died(error: BaseException) -> bool:
    """Whether the worker is at fault, so that running the batch again in halves is pointless."""
    if isinstance(error, HyperCubeError):
        return error.kind is ErrorKind.UNAVAILABLE
    return isinstance(error, BrokenExecutor) or not isinstance(error, Exception)


async def run_in_halves(
    name: str, run: Run[Payload, Result], flight: Flight[Payload, Result], clock: Clock
) -> int:
    """Run a failed batch again in halves until the item that breaks it stands alone.

    Items that were cancelled or expired in the meantime are not run again, and not answered here.

    Returns:
        How many times a batch was halved.
    """
    items = flight.at_stake
    middle = len(items) // 2
    halved = 1
    for half in (items[:middle], items[middle:]):
        part = Flight(flight.lane, half, clock)
        try:
            answer = part.start(run)
            results = await answer if inspect.isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 - every waiter must hear of it
            if len(part.at_stake) > 1 and not worker_died(error):
                halved += await run_in_halves(name, run, part, clock)
            else:
                fail(name, part.at_stake, error)
        else:
            deliver(name, part.at_stake, results)
    return halved
