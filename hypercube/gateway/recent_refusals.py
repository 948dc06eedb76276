"""What was refused a moment ago, as a queue was full, is refused again at the door, as long as nothing left the queue.

A model's queue is bounded where it is, behind everything that a request costs the front-end. Of three times what a
model can do, two requests of three would pay that only to be refused. Two requests that look alike (method, model,
credential) wait in the same queue. So those who come after one that was refused are told the same, but for one for
each that has its answer, whose place is free, and one every `HELD_S`, since the queue may move for other reasons.
"""

from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, Failure

HELD_S: Final = 0.05
"""One in so long is judged by the queue itself in any case."""
_PLACES: Final = 1024
"""So many free places are room for anybody."""
_MOST: Final = 256
"""Kinds of request that are remembered."""

Kind = tuple[bytes, bytes, bytes]
"""Method, model and credential, as the door finds them."""


def queue_was_full(failure: Failure) -> bool:
    """Whether a request was refused for what waited before it, and not for who asked or for its own size."""
    return failure.kind is ErrorKind.OVERLOADED and "waiting" in (failure.details or {})


class _Told:
    """What those of one kind are told."""

    __slots__ = ("failure", "free", "probed", "until")

    def __init__(self, failure: Failure, until: float) -> None:
        self.failure = failure
        self.until = until
        self.free = 0
        """Places that became free since then."""
        self.probed = False
        """Whether one was let in although no place is known to be free."""


class RecentRefusals:
    """Those of one door; an event loop drives it."""

    __slots__ = ("_clock", "_told", "refused")

    def __init__(self, clock: Clock = monotonic) -> None:
        self.refused = 0
        """How many were refused by what was remembered."""
        self._clock = clock
        self._told: dict[Kind, _Told] = {}

    def __bool__(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self._told)

    def told(self, kind: Kind) -> Failure | None:
        """What one of this kind was told a moment ago, or None if it may be let in."""
        told = self._told.get(kind)
        if told is None:
            return None
        if told.free:
            told.free -= 1
            return None
        now = self._clock()
        if now >= told.until:
            if told.probed:  # and was not refused: the queue moved, and we did not hear of it
                del self._told[kind]
            else:
                told.probed = True
                told.until = now + HELD_S
            return None
        self.refused += 1
        return told.failure

    def hears(self, failure: Failure | None) -> bool:
        """Whether it matters here that a request ended so; `None` is an answer."""
        return bool(self._told) or (failure is not None and queue_was_full(failure))

    def ended(self, kind: Kind, failure: Failure | None) -> None:
        """A request of this kind has its answer; `failure` if that was one."""
        if failure is not None and queue_was_full(failure):
            if kind not in self._told and len(self._told) >= _MOST:
                del self._told[next(iter(self._told))]
            self._told[kind] = _Told(failure, self._clock() + HELD_S)
            return
        told = self._told.get(kind)
        if told is not None:
            told.free += 1
            if told.free > _PLACES:
                del self._told[kind]
