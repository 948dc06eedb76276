"""A request on its way to one of a model's versions, and to the one that answers if that fails before its first byte.

Nothing that a canary does loses a request: as long as nothing of its answer went out, the version that the canary is
compared with answers instead. That is so, too, for those who wait for a canary when it is withdrawn.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final, TypeVar

from hypercube.core.cube import Call
from hypercube.core.engine import GenerationEvent, GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.canary import FAULTS, Trial
from hypercube.inference.served import ServedEngine
from hypercube.inference.versions import Pick, WithdrawnError

T = TypeVar("T")

ELSEWHERE: Final = FAULTS | {
    ErrorKind.OVERLOADED,
    ErrorKind.FAILED_PRECONDITION,
    ErrorKind.CONTEXT_LENGTH_EXCEEDED,
}
"""What another version may answer all the same."""


async def stream(pick: Pick, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
    """As `ServedEngine.generate`, of the version picked or its spare."""
    while True:
        untouched, trial = True, _begin(pick, call)
        try:
            work = pick.served.generate(request, call, again=pick.spare is None)
            async with aclosing(work) as events:
                while (event := await _next(events, pick, untouched)) is not None:
                    if untouched and trial is not None:
                        trial.first()
                    untouched = False
                    yield event
        except Exception as error:
            if not (_ended(error, trial) and untouched and pick.spare is not None):
                raise
        except BaseException:
            # The caller left.
            if trial is not None:
                trial.left()
            raise
        else:
            if trial is not None:
                trial.answered()
            return
        pick = pick.instead()


async def whole(pick: Pick, call: Call, work: Callable[[ServedEngine], Coroutine[Any, Any, T]]) -> T:
    """What `work` answers with the version picked, or with its spare."""
    while True:
        trial = _begin(pick, call)
        try:
            answer = await _unless_withdrawn(work(pick.served), pick)
        except Exception as error:
            if not (_ended(error, trial) and pick.spare is not None):
                raise
        except BaseException:
            if trial is not None:
                trial.left()
            raise
        else:
            if trial is not None:
                trial.answered()
            return answer
        pick = pick.instead()


def _begin(pick: Pick, call: Call) -> Trial | None:
    call.only_version = pick.only
    return None if pick.canary is None else pick.canary.window.begin()


def _ended(error: Exception, trial: Trial | None) -> bool:
    """Keep account of how it ended; whether another version may be asked."""
    if isinstance(error, WithdrawnError):
        if trial is not None:
            trial.left()
        return True
    # What is no typed error is a defect of the version.
    kind = error.kind if isinstance(error, HyperCubeError) else ErrorKind.INTERNAL
    if trial is not None:
        trial.failed(kind)
    return kind in ELSEWHERE


async def _next(
    events: AsyncGenerator[GenerationEvent, None], pick: Pick, untouched: bool
) -> GenerationEvent | None:
    if untouched:
        return await _unless_withdrawn(anext(events, None), pick)
    return await anext(events, None)


async def _unless_withdrawn(work: Awaitable[T], pick: Pick) -> T:
    """What `work` returns; it is given up when the canary that it waits for is withdrawn."""
    if pick.spare is None or pick.canary is None:
        return await work
    async with pick.canary.waited_for():
        return await work
