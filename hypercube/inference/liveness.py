"""When a process that still exists has to be taken for dead: a pure judgement over what it was seen to do.

Three signs count. *Heard*: any frame, answer or heartbeat, which says that its loop turns. *Progressed*: a token
or a finished step, which says that its work goes on. *CPU time*, read from outside, which tells a long step from
a deadlock: a prompt on a slow processor shows no token for many seconds, but it computes all the while.

    stopped, or its loop is dead      silent for `silent_s`
    deadlocked                        owes work, no progress and (almost) no CPU time for `stalled_s`
    spinning                          owes work, busy, but no progress for `spinning_s`

A watcher asks for the `verdict` every `TICK_S`. With heartbeats every `TICK_S` and the limits below, a process that
stops is found in less than 5 s, and one that pauses for 3 s (a garbage collection) is left alone.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from hypercube.core.clock import Clock

TICK_S: Final = 0.5
"""Between two verdicts, and between two heartbeats of a process that sends them."""
SILENT_S: Final = 4.0
STALLED_S: Final = 4.0
SPINNING_S: Final = 60.0
_IDLE_SHARE: Final = 0.05
"""Of one core. Heartbeats alone take far less; a step that computes takes more even on a crowded machine."""
_LATE_S: Final = 0.5
"""A watcher that comes later than this was held up itself, and whoever it watches is not to blame."""


class Liveness:
    """Judges one process; make it when the process is loaded, and report what is seen of it.

    Time during which the watcher itself was held up (its event loop was blocked, the machine was suspended) does
    not count: what the process sent meanwhile may still be unread.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        silent_s: float = SILENT_S,
        stalled_s: float = STALLED_S,
        spinning_s: float = SPINNING_S,
        tick_s: float = TICK_S,
        cpu_seconds: Callable[[], float] | None = None,
    ) -> None:
        """Start watching now.

        Args:
            clock: seconds; only differences matter.
            silent_s: silence that means stopped.
            stalled_s: no progress on owed work, and an idle processor, that mean deadlocked.
            spinning_s: no progress on owed work that means broken, however busy it looks.
            tick_s: how often `verdict` is going to be asked.
            cpu_seconds: CPU time the process has used so far, all threads; it must not raise. None where idle
                CPUs prove nothing (the work is on a device that is waited for without spinning): `stalled_s` is
                not used then.
        """
        self.tick_s = tick_s
        self._clock = clock
        self._silent_s = silent_s
        self._stalled_s = stalled_s
        self._spinning_s = spinning_s
        self._cpu_seconds = cpu_seconds
        self._granted_s = 0.0
        self._checked_at = self._heard_at = self._progressed_at = clock()
        self._owed = 0
        self._cpu: deque[tuple[float, float]] = deque()

    def heard(self) -> None:
        """Anything came from the process: a frame, an answer, a heartbeat."""
        self._heard_at = self._now()

    def progressed(self) -> None:
        """A token came, or a step is done; a sign of life too."""
        self._heard_at = self._progressed_at = self._now()

    def working(self, n: int) -> None:
        """The process owes something to `n` requests now.

        A request whose last piece lies unread, because its own reader is slow, is owed nothing.
        """
        if self._owed == 0 and n > 0:
            # Nobody expected progress while there was no work.
            self._progressed_at = self._now()
        self._owed = n

    def verdict(self) -> str | None:
        """Why the process must be considered hung, as the end of "The model engine failed: ..."; else None."""
        self._grant()
        now = self._now()
        used = self._cpu_used(now)
        if now - self._heard_at >= self._silent_s:
            return f"no sign of life for {self._silent_s:g} s"
        quiet = now - self._progressed_at
        if self._owed == 0:
            return None
        if quiet >= self._spinning_s:
            return f"no progress for {quiet:.0f} s on {self._works()}"
        if quiet >= self._stalled_s and used is not None and used < _IDLE_SHARE * self._stalled_s:
            return f"no progress for {quiet:.1f} s on {self._works()}, and an idle processor (deadlock)"
        return None

    def _now(self) -> float:
        return self._clock() - self._granted_s

    def _grant(self) -> None:
        """Take the time that the watcher was held up out of the reckoning."""
        now = self._clock()
        late = now - self._checked_at - self.tick_s
        self._checked_at = now
        if late <= _LATE_S:
            return
        self._granted_s += late
        # What was seen after the hold-up was stamped before it was known: nothing may lie in the future.
        self._heard_at = min(self._heard_at, self._now())
        self._progressed_at = min(self._progressed_at, self._now())

    def _cpu_used(self, now: float) -> float | None:
        """CPU seconds over the last `stalled_s`; None while that is not known."""
        if self._cpu_seconds is None:
            return None
        self._cpu.append((now, self._cpu_seconds()))
        while len(self._cpu) > 1 and now - self._cpu[1][0] >= self._stalled_s:
            self._cpu.popleft()
        since, before = self._cpu[0]
        return self._cpu[-1][1] - before if now - since >= self._stalled_s else None

    def _works(self) -> str:
        return f"{self._owed} request{'s' if self._owed > 1 else ''}"


async def until_hung(liveness: Liveness) -> str:
    """Ask for the verdict every tick; returns the sentence when there is one."""
    while (verdict := liveness.verdict()) is None:  # noqa: ASYNC110 - time itself is what is waited for
        await asyncio.sleep(liveness.tick_s)
    return verdict
