"""Answers of many pieces of which one is on its way to the client: when they go before newcomers.

Each piece waits for the transport and for a turn of the loop, so an answer all of whose pieces are there takes as many
turns as it has pieces. A loop that begins something new in each of them soon carries one such answer for each piece,
and what each of them costs grows by half: their objects are no longer in the processor's caches when their turn comes.
"""

from typing import Final

STALLED_S: Final = 0.1
"""A piece that takes longer waits for its client, and costs the loop nothing."""
CARRIED: Final = 16
"""Answers that are sent at a time before others are begun."""
HELD_S: Final = 0.05
"""Nobody is begun for them for so long, at most; then some are."""
WORTH: Final = 4_000.0
"""And for as long as so many pieces a second go away, which is a quarter of what a loop can send. Where fewer do, it is
for their clients that the pieces wait, not for the loop, and nobody is held back for the next `HELD_S`."""
_JUDGED_S: Final = 0.005
"""After so long at the earliest: the transport's threads tell of many at a time."""


class Sending:
    """Pieces on their way. One event loop drives it."""

    __slots__ = ("_away", "_away_before", "_held_since", "_not_before", "_since")

    def __init__(self) -> None:
        self._since: dict[object, float] = {}
        """When each was given to the transport; the oldest is the first."""
        self._away = 0
        """How many went away so far."""
        self._held_since: float | None = None
        """Since when nobody was begun for them."""
        self._away_before = 0
        """How many had gone away by then."""
        self._not_before = 0.0
        """When somebody may be held back again."""

    def __bool__(self) -> bool:
        """Whether there may be any."""
        return bool(self._since)

    @property
    def holds(self) -> bool:
        """Whether somebody was held back when it was asked last."""
        return self._held_since is not None

    def began(self, answer: object, now: float) -> None:
        """A piece of `answer` was given to the transport at `now` (seconds of the loop's clock)."""
        self._since[answer] = now

    def ended(self, answer: object) -> None:
        """It is away, or will never be."""
        if self._since.pop(answer, None) is not None:
            self._away += 1

    def count(self, now: float) -> int:
        """Answers with a piece on its way, but for those whose clients do not read."""
        since = self._since
        while since:
            answer, began = next(iter(since.items()))
            if began > now - STALLED_S:
                break
            del since[answer]
        return len(since)

    def many(self, now: float) -> bool:
        """Whether there are so many that they may go before newcomers."""
        return bool(self._since) and now >= self._not_before and self.count(now) >= CARRIED

    def goes_first(self, now: float) -> bool:
        """Whether they do, in a turn of the loop in which somebody waits; asked again a little later, if so."""
        since, self._held_since = self._held_since, None
        if not self.many(now):
            return False
        if since is None:
            self._away_before = self._away
            self._held_since = now
            return True
        held = now - since
        if held >= _JUDGED_S and self._away - self._away_before < WORTH * held:
            self._not_before = now + HELD_S
            return False
        if held < HELD_S:
            self._held_since = since
            return True
        return False

    def let_go(self) -> None:
        """Nobody waits any more."""
        self._held_since = None
