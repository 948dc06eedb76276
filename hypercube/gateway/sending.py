"""Answers of many pieces of which one is on its way to the client: how many of them the event loop carries.

Each piece waits for the transport and for a turn of the loop, so an answer all of whose pieces are there takes as many
turns as it has pieces. A loop that begins something new in each of them soon carries one such answer for each piece,
and what each of them costs grows by half: their objects are no longer in the processor's caches when their turn comes.
"""

from typing import Final

STALLED_S: Final = 0.1
"""A piece that takes longer waits for its client, and costs the loop nothing."""


class Sending:
    """Pieces on their way. One event loop drives it."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: dict[object, float] = {}
        """When each was given to the transport; the oldest is the first."""

    def __bool__(self) -> bool:
        """Whether there may be any."""
        return bool(self._since)

    def began(self, answer: object, now: float) -> None:
        """A piece of `answer` was given to the transport at `now` (seconds of the loop's clock)."""
        self._since[answer] = now

    def ended(self, answer: object) -> None:
        """It is away, or will never be."""
        self._since.pop(answer, None)

    def count(self, now: float) -> int:
        """Answers with a piece on its way, but for those whose clients do not read."""
        since = self._since
        while since:
            answer, began = next(iter(since.items()))
            if began > now - STALLED_S:
                break
            del since[answer]
        return len(since)
