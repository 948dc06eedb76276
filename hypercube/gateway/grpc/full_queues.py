"""A call that would find its model's queue full is refused as soon as its message says which model it means.

As over HTTP (`gateway.recent_refusals`): of those who ask a full queue for more, all but a few are told what the one
before them was told. What such a call is spared here is all that lies between the door and the queue, two thirds of
what its refusal cost. A chart, or another model's call, is never held against a full queue.
"""

from typing import Final

from hypercube.core.errors import Failure
from hypercube.gateway.grpc.methods import Context
from hypercube.gateway.recent_refusals import Kind, RecentRefusals

_CREDENTIALS: Final = ("authorization", "x-api-key")


class FullQueues:
    """What callers of one method were told because a queue was full. One event loop drives it."""

    __slots__ = ("_recent", "_route")

    def __init__(self, route: str, recent: RecentRefusals) -> None:
        """`recent` is what all methods of the door remember together."""
        self._route = route.encode()
        self._recent = recent

    def told(self, asked: object, context: Context) -> Failure | None:
        """What one who asked the same queue was told a moment ago, or None if this one may ask it."""
        if not self._recent:
            return None
        kind = self._kind(asked, context)
        return None if kind is None else self._recent.told(kind)

    def ended(self, asked: object, context: Context, failure: Failure | None) -> None:
        """The queue has answered; `failure` if that was one."""
        if self._recent.hears(failure):
            kind = self._kind(asked, context)
            if kind is not None:
                self._recent.ended(kind, failure)

    def _kind(self, asked: object, context: Context) -> Kind | None:
        model = getattr(asked, "model", None)
        if not isinstance(model, str):
            return None
        given = [
            value if isinstance(value, bytes) else value.encode()
            for key, value in context.invocation_metadata() or ()
            if key in _CREDENTIALS
        ]
        return self._route, model.encode(), b"\0".join(given)
