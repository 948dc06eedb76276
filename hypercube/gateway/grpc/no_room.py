"""A call is ended before it is begun: nothing of it is read but the name that its client gave it.

Of three times too much, two calls are refused for each that is answered, so what a refusal costs decides how much of
its peak an overloaded server keeps. A call that gRPC begins has two tasks, is waited for to be cancelled, and has its
handler looked up; none of that is needed to say no.
"""

import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final

import grpc.aio
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from hypercube.gateway.door_queue import CROWDED
from hypercube.gateway.grpc.statuses import End, end_of
from hypercube.gateway.request_id import REQUEST_ID, request_id_of

_log: Final = logging.getLogger(__name__)
NO_ROOM: Final[End] = end_of(CROWDED)
"""Made once: it is said thousands of times a second, or never."""


def refuse(context: Any) -> None:
    """End the call of `context`, one that gRPC handed over and nobody began.

    The coroutine that does so waits once, for gRPC to have sent it; a task of its own would cost a third of it more.
    """
    given = None
    for key, value in context.invocation_metadata():
        if key == REQUEST_ID and isinstance(value, str):
            given = value
    code, words, told = NO_ROOM
    ending = context.abort(code, words, ((REQUEST_ID, request_id_of(given)), *told))
    try:
        sent = ending.send(None)
    except Exception as error:  # noqa: BLE001 - of a call that is no more nothing is to be ended
        _log.debug("A call could not be refused: %r", error)
        return
    sent._asyncio_future_blocking = False  # noqa: SLF001 - what a task says to a future that it waits for
    sent.add_done_callback(partial(_sent, ending))


def _sent(ending: Coroutine[Any, Any, None], _: object) -> None:
    """Let the coroutine give back what it holds."""
    try:
        ending.send(None)
    except grpc.aio.AbortError as end:  # as every abort ends
        end.__traceback__ = None  # gRPC keeps it beside the call, which its frames know
    except Exception as error:  # noqa: BLE001 - the client has left meanwhile
        _log.debug("A refusal was not sent: %r", error)


def context_of(state: Any, loop: Any) -> Any:
    """What gRPC's handlers know a call by."""
    return cygrpc._ServicerContext(state, None, None, loop)  # noqa: SLF001 - its only name
