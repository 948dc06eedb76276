"""Requests that have come and not been begun: how many are begun in a turn of the event loop, and who is sent away.

A front-end does one thing at a time. Left to itself, its event loop begins whatever has come before it goes on with
what it has begun, so an answer of many steps waits at each of them for all newcomers; with more of them than it can
serve it does little but begin and refuse (measured: a fast model kept 7 % of its peak at three times its load). So

-   newcomers get a slice of each turn of the loop, at least one of them, and the others wait in line;
-   whoever would wait too long is refused before anything is done for them. How long is the line times what a place
    in it has cost of late, so nobody has to say what a machine can do.

A burst, and clients that ask again when they have their answer, may wait `burst_s`. When more comes than is begun, for
`NOTICED_S` without a break, it is neither: nobody's wait gets shorter by a longer line, and `crowded_s` is the limit
until that has been over for a while.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from hypercube.core.clock import Clock, monotonic

NOTICED_S: Final = 0.15
"""More than can be done, for so long, is an overload."""
_WINDOW_S: Final = NOTICED_S / 2
_MORE: Final = 1.1
_FEW: Final = 16
"""So many more than are begun in a window are no overload; so many always find a place in the line."""
_OVER_S: Final = 1.0
"""An overload is over when none was noticed for so long."""
_SLICE_S: Final = 0.002
_SHARE: Final = 0.1
"""Of the latest turn in what a place is taken to cost."""
_FIRST_COST_S: Final = 2e-4

Begin = Callable[[], object]


class DoorQueue:
    """One front-end's line of newcomers; its event loop drives it.

    Attributes:
        waiting: newcomers in line, as what begins them.
        room: how long the line may be; who finds it as long is to be refused.
        refused: how many were, so far.
    """

    __slots__ = (
        "_arrived",
        "_began",
        "_begun",
        "_burst_s",
        "_clock",
        "_cost_s",
        "_crowded_s",
        "_crowded_until",
        "_most",
        "_noticed",
        "_soon",
        "_turning",
        "_window_began",
        "_window_begun",
        "refused",
        "room",
        "waiting",
    )

    def __init__(
        self,
        burst_s: float = 1.0,
        crowded_s: float = 0.01,
        clock: Clock = monotonic,
        soon: Callable[[Begin], object] | None = None,
    ) -> None:
        """Limits in seconds of waiting; `soon` calls back in the next turn of the loop (default: the running one)."""
        self._burst_s = burst_s
        self._crowded_s = crowded_s
        self._clock = clock
        self._soon = soon
        self.waiting: deque[Begin] = deque()
        self.refused = 0
        self._cost_s = _FIRST_COST_S
        self._most = _FEW
        """Newcomers that are begun in a turn."""
        self._turning = False
        """Whether the loop will call `_turn`."""
        self._began = 0.0
        """When the present turn did."""
        self._begun = 0
        """Newcomers begun in it."""
        self._arrived = self._window_begun = 0
        self._window_began = 0.0
        self._noticed = 0
        """Windows in a row in which more came than was begun."""
        self._crowded_until = 0.0
        self.room = self._room()

    @property
    def crowded(self) -> bool:
        """Whether more comes than can be done."""
        return self._clock() < self._crowded_until

    @property
    def full(self) -> bool:
        """Whether a newcomer is to be refused."""
        return len(self.waiting) >= self.room

    def refuse(self) -> None:
        """Count one that was."""
        self._arrived += 1
        self.refused += 1

    def enter(self, begin: Begin) -> None:
        """Begin a newcomer, now or in its turn."""
        self._arrived += 1
        if not self._turning:
            self._wake()
        if not self.waiting and self._begun < self._most:
            self._begun += 1
            begin()
        else:
            self.waiting.append(begin)

    def _wake(self) -> None:
        """The first newcomer after nothing was left to do."""
        now = self._began = self._clock()
        if now - self._window_began > _WINDOW_S:
            self._new_window(now)
            self._arrived = 1
            self._noticed = 0
        self._turning = True
        self._next_turn()

    def _next_turn(self) -> None:
        (self._soon or asyncio.get_running_loop().call_soon)(self._turn)

    def _turn(self) -> None:
        """What was begun in the last turn has made its first step, and all else that was ready one, too."""
        now = self._clock()
        took, begun, waiting = now - self._began, self._begun, self.waiting
        self._window_begun += begun
        if begun:
            self._cost_s += _SHARE * (took / begun - self._cost_s)
        if took > _SLICE_S:
            self._most = max(1, self._most * 3 // 4)
        elif begun >= self._most:
            self._most += 1 + self._most // 4
        if now - self._window_began > _WINDOW_S:
            self._look_back(now)
        self.room = self._room(crowded=now < self._crowded_until)
        self._began = now
        begun = 0
        while waiting and begun < self._most:
            waiting.popleft()()
            begun += 1
        self._begun = begun
        if begun:
            self._next_turn()
        else:
            self._turning = False

    def _look_back(self, now: float) -> None:
        """At a window that is over."""
        if self._arrived > self._window_begun * _MORE + _FEW:
            self._noticed += 1
        else:
            self._noticed = 0
        if self._noticed > 1:
            self._crowded_until = now + _OVER_S
        self._new_window(now)

    def _new_window(self, now: float) -> None:
        self._window_began = now
        self._arrived = self._window_begun = 0

    def _room(self, crowded: bool = False) -> int:
        return max(_FEW, int((self._crowded_s if crowded else self._burst_s) / max(self._cost_s, 1e-6)))
