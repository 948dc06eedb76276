"""Who is begun, who waits, and who is sent away unread: what a front-end does when more comes than it can do.

A front-end does one thing at a time. Left to itself, its event loop begins whatever has come before it goes on with
what it has begun, so an answer of many steps waits at each of them for all newcomers: of more than it can serve it
does little but begin and refuse (measured: a fast model kept 7 % of its peak at three times its load). So

-   newcomers get a slice of each turn of the loop, at least one of them; the others wait in line (`DoorQueue`);
-   a path (`Line`) to which more comes than is answered, for `NOTICED_S` without a break, takes in only what it can
    answer in about twice the time that its answers took before; the others are refused before anything is done for
    them. Nobody has to say what a machine can do, nor how long an answer takes.

Clients that ask again when they have their answer never bring more than is answered, however many they are; they and
a burst wait their turn, up to `burst_s`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, Failure

NOTICED_S: Final = 0.15
"""More than is answered, for so long, is an overload; longer where an answer takes longer."""
_WINDOW_S: Final = NOTICED_S / 2
_MORE: Final = 1.1
FEW: Final = 16
"""So many more than are answered in a window are no overload; so many always find a place."""
_OVER_S: Final = 1.0
"""An overload is over when none was noticed for so long."""
_LONGER: Final = 2.0
"""How much longer than before answers may take during an overload."""
_MEMORY_S: Final = 2.0
"""How long ago `before` is."""
_PATIENCE_S: Final = 60.0
"""How long answers have to take longer during an overload before that is taken for what they take."""
_NEWEST: Final = 0.3
"""Of the latest window in the rate."""
_SLICE_S: Final = 0.002
"""What of each turn newcomers get."""
_SHARE: Final = 0.1
"""Of the latest turn in what a newcomer is taken to cost."""
_FIRST_COST_S: Final = 2e-4
_NO_LIMIT: Final = 1 << 60

Begin = Callable[[], object]


def for_want_of_room(failure: Failure) -> bool:
    """Whether a request was refused because there were too many, rather than because of who asked what."""
    return failure.kind is ErrorKind.OVERLOADED and "quota" not in (failure.details or {})


class Line:
    """The requests of one path, from when they came until they are answered.

    Attributes:
        inside: in line or under way.
        room: how many may be; who finds as many is to be refused.
        refused: how many were.
    """

    __slots__ = (
        "_answered",
        "_arrived",
        "_clock",
        "_crowded",
        "_crowded_until",
        "_ended",
        "_noticed",
        "_rate",
        "_since_answered",
        "_since_arrived",
        "_spent_s",
        "_took_s",
        "_window_began",
        "inside",
        "refused",
        "room",
    )

    def __init__(self, clock: Clock = monotonic, crowded: "set[Line] | None" = None) -> None:
        """`crowded` are the lines of a door that are; this one sees to its own place there."""
        self._clock = clock
        self._crowded = set() if crowded is None else crowded
        self.inside = self.refused = 0
        self.room = _NO_LIMIT
        self._window_began = clock()
        self._arrived = self._answered = 0
        self._spent_s = 0.0
        """In this window."""
        self._took_s = 0.0
        """What an answer took while there was no overload, on average."""
        self._rate = 0.0
        """Answers a second."""
        self._noticed = 0
        """Windows in a row in which more came than is answered on average."""
        self._since_arrived = self._since_answered = 0
        """In these windows after the first one, whose surplus may be a burst. Answers may come by the batch, and so may
        those who wait for them; over several windows that makes no difference."""
        self._ended = False
        """Whether anything has since then."""
        self._crowded_until = 0.0

    @property
    def crowded(self) -> bool:
        """Whether more comes than is answered."""
        return self.room != _NO_LIMIT

    @property
    def full(self) -> bool:
        """Whether a newcomer is to be refused."""
        return self.inside >= self.room

    def refuse(self) -> None:
        """Count one that was."""
        self._arrived += 1
        self.refused += 1
        self._look_back(self._clock())

    def enter(self) -> float:
        """Count one that was let in; what it is given goes to `leave`."""
        self._arrived += 1
        self.inside += 1
        now = self._clock()
        self._look_back(now)
        return now

    def leave(self, entered: float, answered: bool) -> None:
        """It has ended; `answered` unless it was refused further inside."""
        now = self._clock()
        self._look_back(now)  # first, so that answers that come together are counted together
        self.inside -= 1
        self._ended = True
        if answered:
            self._answered += 1
            self._spent_s += now - entered

    def _look_back(self, now: float) -> None:
        """At a window, if it is over."""
        lasted = now - self._window_began
        window = max(_WINDOW_S, self._took_s)
        if lasted < window:
            return
        crowded = now < self._crowded_until
        self._rate += _NEWEST * (self._answered / lasted - self._rate)
        # Of a window in which nothing happened for a while nothing can be said of what came at its end; where many are
        # inside, a long one means that nobody came to look.
        if (lasted < 3 * window or self.inside > FEW) and self._arrived > self._rate * lasted * _MORE + FEW:
            if self._noticed:
                self._since_arrived += self._arrived
                self._since_answered += self._answered
            self._noticed += 1
            # Before anything has ended there is nothing to go by.
            if self._ended and self._since_arrived > self._since_answered * _MORE + FEW:
                self._crowded_until = now + _OVER_S
        else:
            self._noticed = self._since_arrived = self._since_answered = 0
            self._ended = False
        if self._answered:
            self._learn(self._spent_s / self._answered, lasted, quiet=not crowded and not self._noticed)
        self._make_room(now)
        self._window_began = now
        self._arrived = self._answered = 0
        self._spent_s = 0.0

    def _learn(self, took_s: float, lasted: float, *, quiet: bool) -> None:
        if not self._took_s:
            weight = 1.0
        elif quiet:
            weight = min(1.0, lasted / _MEMORY_S)
        elif self.room <= FEW * 5 // 4:
            # With so few inside they may take longer for another reason; who forgot that would never let more in.
            weight = min(1.0, lasted / _PATIENCE_S)
        else:
            return
        self._took_s += weight * (took_s - self._took_s)

    def _make_room(self, now: float) -> None:
        if now < self._crowded_until:
            self.room = max(FEW, int(_LONGER * self._rate * self._took_s))
            self._crowded.add(self)
        elif self.crowded:
            self.room = _NO_LIMIT
            self._crowded.discard(self)


class DoorQueue:
    """One front-end's newcomers of all paths; its event loop drives it.

    Attributes:
        lines: by path; a path that has none is never crowded.
        waiting: newcomers that are not begun, as what begins them.
        refused: how many were refused unread.
    """

    __slots__ = (
        "_batch",
        "_began",
        "_begun",
        "_burst_s",
        "_clock",
        "_cost_s",
        "_crowded",
        "_most",
        "_soon",
        "_turn_s",
        "_turning",
        "lines",
        "refused",
        "waiting",
    )

    def __init__(
        self,
        paths: Iterable[bytes] = (),
        burst_s: float = 1.0,
        clock: Clock = monotonic,
        soon: Callable[[Begin], object] | None = None,
    ) -> None:
        """`burst_s` is how long anybody may wait to be begun.

        `soon` calls back after all that is ready now (default: the running loop's `call_soon`).
        """
        self._crowded: set[Line] = set()
        self.lines = {path: Line(clock, self._crowded) for path in paths}
        self.waiting: deque[Begin] = deque()
        self.refused = 0
        self._burst_s = burst_s
        self._clock = clock
        self._soon = soon
        self._cost_s = _FIRST_COST_S
        """Of a newcomer's first step."""
        self._turn_s = _FIRST_COST_S
        """From one newcomer's beginning to the next one's, while some wait."""
        self._most = FEW
        """Newcomers that are begun in a turn."""
        self._turning = False
        self._begun = 0
        """Newcomers begun in this turn."""
        self._batch = 0
        """Those that waited, of them."""
        self._began: float | None = None
        """When these did."""

    @property
    def alert(self) -> bool:
        """Whether a newcomer may have to be refused."""
        return bool(self._crowded) or self._long

    @property
    def _long(self) -> bool:
        waiting = len(self.waiting)
        return waiting > FEW and waiting * self._turn_s > self._burst_s

    def full(self, path: bytes) -> bool:
        """Whether a newcomer on `path` is to be refused."""
        line = self.lines.get(path)
        return (line is not None and line.full) or self._long

    def refuse(self, path: bytes) -> None:
        """Count one that was."""
        self.refused += 1
        line = self.lines.get(path)
        if line is not None:
            line.refuse()

    def enter(self, begin: Begin) -> None:
        """Begin a newcomer, now or in its turn."""
        if not self.waiting and self._begun < self._most:
            self._begun += 1
            begin()
        else:
            self.waiting.append(begin)
        if not self._turning:
            self._turning = True
            self._call(self._turn)

    def _call(self, what: Begin) -> None:
        (self._soon or asyncio.get_running_loop().call_soon)(what)

    def _turn(self) -> None:
        """All that was ready has made a step; the next newcomers may make their first."""
        waiting = self.waiting
        self._begun = 0
        if not waiting:
            self._turning = False
            self._began = None
            return
        # What is asked for in one go is called in one go: between these two calls only newcomers run.
        batch = self._begun = min(self._most, len(waiting))
        self._call(self._before)
        for _ in range(batch):
            waiting.popleft()()
        self._call(partial(self._after, batch))

    def _before(self) -> None:
        now = self._clock()
        if self._began is not None:
            self._turn_s += _SHARE * ((now - self._began) / self._batch - self._turn_s)
        self._began = now

    def _after(self, batch: int) -> None:
        assert self._began is not None
        self._batch = batch
        self._cost_s += _SHARE * ((self._clock() - self._began) / batch - self._cost_s)
        self._most = max(1, int(_SLICE_S / max(self._cost_s, 1e-6)))
        self._turn()
