"""Newcomers of a front-end: who is begun, who waits, and who is sent away unread when more come than it can begin.

A front-end does one thing at a time. Left to itself, its event loop begins whatever has come before it goes on with
what it has begun, so an answer of many steps waits at each of them for all newcomers: of more than it can serve it
does little but begin (measured: a fast model kept 7 % of its peak at three times its load). So in each turn of the
loop one newcomer is begun, or a few while its turns are short (of those who are known, and as many of the others), and
the rest wait in line.

The line's length tells what the front-end can do, and nobody has to know how long an answer takes:

-   While it is empty now and then, the front-end keeps up. Whatever waits further inside (for a model, for a batch)
    does not wait here, and is bounded there.
-   A line that stands, but grows no more, is a burst or clients that each wait for their answer: they have their turn.
-   A line whose *shortest* length grows from window to window is an overload. From then on only as many may wait as
    are begun in `_ROOM_S`, and the others are refused before anything is done for them, until in a window few were.
    Windows are longer than the loop's longest turns, so that one who held the loop up, and the many who came meanwhile,
    are no growth.

While it is one, and as many answers of many pieces are on their way as the loop carries cheaply (`gateway.sending`),
those pieces come first and hardly anybody is begun, as long as they do go away. What else keeps turns long, as a large
batch does, holds nobody back.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError
from hypercube.gateway.sending import Sending
from hypercube.gateway.two_lines import TwoLines

CROWDED: Final[Failure] = HyperCubeError(
    ErrorKind.OVERLOADED,
    "More requests come than this server can answer.",
    fix="Try again in 1 s.",
    retry_after_s=1.0,
).failure()
"""What those are told for whom there is no room."""
FEW: Final = 10
"""So many may always wait."""
_WINDOW_S: Final = 0.06
"""An overload of several times too much is noticed after three of them, where no turn of the loop is long."""
_RISE_SHARE: Final = 0.05
_SIGMAS: Final = 4.0
"""Grown by more than such a share of those who were begun meanwhile, and by more than chance makes of so many, is
grown."""
_MEMORY_S: Final = 5.0
"""Since when, at most."""
_ROOM_S: Final = 0.01
_TURNS: Final = 2.0
"""And than so many of the longest turns: for as long as that nobody can be begun."""
_OVER: Final = 0.25
"""An overload is over when no larger share of those who came in `_OVER_S` had to be refused."""
_OVER_S: Final = 0.5
_TURN_S: Final = 0.0005
"""After a shorter turn one newcomer more is begun in the next, after a longer one half as many are."""
_MOST: Final = 64
_FIRST_TURN_S: Final = 2e-4
_FADING: Final = 0.7
"""What is left of the longest turn's length in the next window."""

_LOOK_S: Final = 0.001
"""After so long it is looked again whether pieces on their way still go first. The loop sleeps meanwhile if it has
nothing to do: where it shares a core with the threads that send, they come to it sooner than by pushing it aside."""

Begin = Callable[[bool], object]
"""Called once: with True when the turn has come, with False when the one who waits is refused."""


class DoorQueue:
    """One front-end's newcomers; its event loop drives it.

    Attributes:
        waiting: newcomers that are not begun, known ones and others each in the order in which they came.
        crowded: whether more come than can be begun.
        refused: how many were sent away.
        sending: answers of many pieces that are on their way.
        refusing_s: what refusing took since the latest turn, in seconds, told by who refuses; a turn that it made long
            is not one in which fewer can be begun.
        work_s: what all else took in the latest turn.
    """

    __slots__ = (
        "_arrived",
        "_base",
        "_begun",
        "_burst_s",
        "_clock",
        "_in_turn",
        "_later",
        "_longest_s",
        "_low",
        "_most",
        "_refused_before",
        "_served",
        "_since",
        "_soon",
        "_turn_s",
        "_turned_at",
        "_turning",
        "_window",
        "crowded",
        "refused",
        "refusing_s",
        "room",
        "sending",
        "waiting",
        "work_s",
    )

    def __init__(
        self,
        burst_s: float = 1.0,
        clock: Clock = monotonic,
        soon: Callable[[Callable[[], object]], object] | None = None,
        later: Callable[[float, Callable[[], object]], object] | None = None,
    ) -> None:
        """`burst_s` is how long anybody may have to wait to be begun, in seconds.

        `soon` calls back after all that is ready now (default: the running loop's `call_soon`), `later` after so many
        seconds (default: its `call_later`).
        """
        self.waiting: TwoLines[Begin] = TwoLines()
        self.crowded = False
        self.refused = 0
        self.room = FEW
        """How many may wait while it is crowded."""
        self._burst_s = burst_s
        self._clock = clock
        self._soon = soon
        self._later = later
        self.sending = Sending()
        self.refusing_s = self.work_s = 0.0
        self._turn_s = _FIRST_TURN_S
        """From one newcomer's beginning to the next one's, while some wait."""
        self._most = 4
        """Newcomers that are begun in a turn."""
        self._turning = False
        self._in_turn = 0
        """Newcomers begun in this turn."""
        self._turned_at: float | None = None
        """When the latest turn began; None while nobody waits."""
        self._longest_s = 0.0
        """Of the latest turns."""
        self._window = 0.0
        """When it began; 0 while nobody waits."""
        self._low = 0
        """The line's shortest length in this window."""
        self._base: int | None = None
        """The shortest length of the windows before."""
        self._served = 0
        """Those who were begun since then."""
        self._since = 0.0
        """And how long ago that is."""
        self._begun = self._arrived = 0
        """In this window."""
        self._refused_before = 0

    @property
    def full(self) -> bool:
        """Whether a newcomer is to be refused."""
        waiting = len(self.waiting)
        if waiting < FEW:
            return False
        return waiting >= self.room if self.crowded else waiting * self._turn_s > self._burst_s

    def refuse(self) -> None:
        """Count one that was refused without having been in line."""
        self.refused += 1
        self._arrived += 1

    def begins_at_once(self) -> bool:
        """Whether a newcomer may begin now; if not, it has to `wait`."""
        self._arrived += 1
        if self.crowded:
            self._judge(self._clock())  # it may have ended while nobody had to wait
        if not self._turning:
            self._turning = True
            self._call(self._turn)
        if self.waiting or self._in_turn >= self._most or (self.crowded and self.sending.many(self._clock())):
            return False
        self._in_turn += 1
        self._begun += 1
        return True

    def wait(self, begin: Begin, *, known: bool = False) -> None:
        """Have a newcomer begun in its turn, which comes sooner for one who is `known`."""
        self.waiting.append(begin, known=known)

    def _call(self, what: Callable[[], object]) -> None:
        (self._soon or asyncio.get_running_loop().call_soon)(what)

    def _turn(self) -> None:
        """All that was ready has made a step; the next newcomers may make their first."""
        waiting = self.waiting
        self._in_turn = 0
        if not waiting:
            self._turning = False
            self._turned_at = None
            self.sending.let_go()
            self.refusing_s = 0.0
            self._low = 0
            if not self.crowded:
                self._forget()
            return
        now = self._clock()
        if self._turned_at is not None:
            lasted = now - self._turned_at
            self._longest_s = max(self._longest_s, lasted)
            self.work_s = lasted - self.refusing_s
            if not self.sending.holds:  # else it was long because the loop slept
                self._most = min(self._most + 1, _MOST) if self.work_s < _TURN_S else max(1, self._most // 2)
        self._turned_at = now
        self.refusing_s = 0.0
        self._judge(now)
        if self.crowded and self.sending.goes_first(now):
            (self._later or asyncio.get_running_loop().call_later)(_LOOK_S, self._turn)
            return
        self.sending.let_go()
        batch = waiting.take(self._most)
        self._in_turn = len(batch)
        self._begun += len(batch)
        for begin in batch:
            begin(True)
        self._call(self._turn)

    # -- whether more come than can be begun

    def _forget(self) -> None:
        """Nobody waits: there is nothing to judge."""
        self._window = 0.0
        self._begun = self._arrived = 0
        self._base = None
        self._longest_s *= _FADING

    def _judge(self, now: float) -> None:
        """At a turn in which some wait, and at a newcomer while it is crowded."""
        waiting = len(self.waiting)
        if not self._window:
            self._window = now
            self._low = waiting
            self._refused_before = self.refused
            return
        self._low = min(self._low, waiting)
        lasted = now - self._window
        if lasted < (_OVER_S if self.crowded else max(_WINDOW_S, _TURNS * self._longest_s)):
            return
        if self._low:  # else some of it passed without anybody to begin
            self._turn_s = lasted / max(1, self._begun)
        if self.crowded:
            # Twice as long is a while in which nobody came.
            if lasted > 2 * _OVER_S or self.refused - self._refused_before <= _OVER * self._arrived:
                self.crowded = False
                if not self.waiting:
                    self._forget()
                    return
        else:
            self._watch(lasted)
        if self.crowded:
            self.room = max(FEW, round(max(_ROOM_S, _TURNS * self._longest_s) / self._turn_s))
            self._turn_away()
        self._window = now
        self._low = len(self.waiting)
        self._begun = self._arrived = 0
        self._refused_before = self.refused
        self._longest_s *= _FADING

    def _watch(self, lasted: float) -> None:
        """Whether the line has grown since it was shortest."""
        self._since += lasted
        self._served += self._begun
        if self._base is None or self._low <= self._base or self._since > _MEMORY_S:
            self._base = self._low
            self._served = 0
            self._since = 0.0
            return
        chance = FEW + _RISE_SHARE * self._served + _SIGMAS * math.sqrt(self._served)
        if self._low - self._base > chance:
            self.crowded = True
            self._base = None

    def _turn_away(self) -> None:
        """Refuse those who came last and for whom there is no room."""
        while len(self.waiting) > self.room:
            self.refused += 1
            self.waiting.pop()(False)
