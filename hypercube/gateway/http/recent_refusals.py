"""What was refused a moment ago because a queue was full is refused again unread, as long as nothing left the queue.

A model's queue is bounded where it is, behind everything that a request costs the front-end. Of three times what a
model can do, two requests of three would pay that only to be refused. Two requests that look alike (path, model,
credential) wait in the same queue. So those who come after one that was refused are told the same, but for one for
each that has its answer, whose place is free, and one every `HELD_S`, since the queue may move for other reasons.
"""

import re
from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, Failure

HELD_S: Final = 0.05
"""One in so long is judged by the queue itself in any case."""
_PLACES: Final = 1024
"""So many free places are room for anybody."""
_MOST: Final = 256
"""Kinds of request that are remembered."""
_MODEL: Final = re.compile(rb'"model"\s*:\s*"[^"]*"')
_CREDENTIAL: Final = re.compile(rb"\r\n(?:authorization|x-api-key):[^\r\n]*", re.IGNORECASE)

Asker = tuple[bytes, bytes]
"""Method and path, credential."""
Kind = tuple[bytes, bytes, bytes]


def queue_was_full(failure: Failure) -> bool:
    """Whether a request was refused for what waited before it, and not for who asked or for its own size."""
    return failure.kind is ErrorKind.OVERLOADED and "waiting" in (failure.details or {})


def asker_of(packet: bytes) -> Asker:
    """What a request's head has in common with those that wait in the same queue; `packet` begins with it."""
    credential = _CREDENTIAL.search(packet)
    return (
        packet[: packet.find(b"\r")].partition(b"?")[0],
        b"" if credential is None else credential[0],
    )


def kind_of(packet: bytes, asker: Asker | None = None) -> Kind:
    """What a request has in common with those that wait in the same queue; `packet` holds it whole."""
    model = _MODEL.search(packet)
    line, credential = asker_of(packet) if asker is None else asker
    return line, b"" if model is None else model[0], credential


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
    """One front-end's; its event loop drives it."""

    __slots__ = ("_clock", "_told", "refused")

    def __init__(self, clock: Clock = monotonic) -> None:
        self.refused = 0
        """How many were refused unread."""
        self._clock = clock
        self._told: dict[Kind, _Told] = {}

    def __bool__(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self._told)

    def told(self, packet: bytes, asker: Asker | None = None) -> Failure | None:
        """What a request like this one was told a moment ago, or None if it may be let in.

        `asker` is what `asker_of` says of its head, if that is known already.
        """
        kind = kind_of(packet, asker)
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

    def ended(self, packet: bytes, failure: Failure | None, asker: Asker | None = None) -> None:
        """A request has its answer; `failure` if that was one. `asker` as for `told`."""
        if failure is not None and queue_was_full(failure):
            kind = kind_of(packet, asker)
            if kind not in self._told and len(self._told) >= _MOST:
                del self._told[next(iter(self._told))]
            self._told[kind] = _Told(failure, self._clock() + HELD_S)
        elif self._told:
            kind = kind_of(packet, asker)
            told = self._told.get(kind)
            if told is not None:
                told.free += 1
                if told.free > _PLACES:
                    del self._told[kind]
