"""A call that would find its model's queue full is refused as soon as its message says which model it means.

As over HTTP (`gateway.http.recent_refusals`): of those who ask a full queue for more, all but a few are told what the
one before them was told. What such a call is spared here is all that lies between the door and the queue, two thirds
of what its refusal cost. A chart, or another model's call, is never held against a full queue.
"""

from hypercube.core.clock import Clock
from hypercube.core.errors import Failure
from hypercube.gateway.grpc.methods import Context
from hypercube.gateway.http.recent_refusals import Asker, RecentRefusals, queue_was_full

_CREDENTIALS = ("authorization", "x-api-key")


class FullQueues:
    """What callers of one method were told because a queue was full. One event loop drives it."""

    __slots__ = ("_recent", "_route")

    def __init__(self, route: str, clock: Clock) -> None:
        self._route = route.encode()
        self._recent = RecentRefusals(clock)

    @property
    def refused(self) -> int:
        """How many were refused by what was remembered."""
        return self._recent.refused

    def told(self, asked: object, context: Context) -> Failure | None:
        """What one who asked the same queue was told a moment ago, or None if this one may ask it."""
        if not self._recent:
            return None
        asker = self._asker(asked, context)
        return None if asker is None else self._recent.told(b"", asker)

    def ended(self, asked: object, context: Context, failure: Failure | None) -> None:
        """The queue has answered; `failure` if that was one."""
        if self._recent or (failure is not None and queue_was_full(failure)):
            asker = self._asker(asked, context)
            if asker is not None:
                self._recent.ended(b"", failure, asker)

    def _asker(self, asked: object, context: Context) -> Asker | None:
        model = getattr(asked, "model", None)
        if not isinstance(model, str):
            return None
        given = [
            value if isinstance(value, bytes) else value.encode()
            for key, value in context.invocation_metadata() or ()
            if key in _CREDENTIALS
        ]
        return self._route + b"\0" + model.encode(), b"\0".join(given)
