"""When a canary has to go: what two versions did lately, and the one function that judges it. No I/O, no clock."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind

FAULTS: Final = frozenset({ErrorKind.ENGINE_FAILED, ErrorKind.INTERNAL, ErrorKind.UNAVAILABLE})
"""Kinds of failure that are held against a version. What a client did wrong, a full queue and a caller who left are
not; a deadline that passed counts as an answer that took at least that long."""
SLACK_S: Final = 0.1
"""A difference in latency below this is no reason, whatever the ratio: quick answers differ by chance."""
MOST: Final = 2000
"""Requests that a window keeps; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one version within the window; latencies in seconds, in no order.

    Attributes:
        failed: requests that failed by its fault.
        firsts: times to the first piece.
        totals: times to the end of whole answers.
        open_firsts: how long requests had waited for a first piece when last seen; the truth is more.
        open_totals: how long unfinished answers had taken when last seen; the truth is more.
    """

    failed: int = 0
    firsts: Sequence[float] = ()
    totals: Sequence[float] = ()
    open_firsts: Sequence[float] = ()
    open_totals: Sequence[float] = ()

    @property
    def requests(self) -> int:
        """Requests whose outcome is known: answered whole, or failed."""
        return len(self.totals) + self.failed

    @property
    def error_rate(self) -> float:
        """Share of failed ones, 0..1; 0 when there was none."""
        return self.failed / self.requests if self.requests else 0.0


def p95(values: Sequence[float]) -> float | None:
    """The 95th percentile by nearest rank; None of nothing."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1] if values else None


def judge(canary: Seen, base: Seen, bounds: CanaryBounds) -> str | None:
    """Why `canary` has left `bounds`, with figures; None while it has not, or too little was seen.

    Too many failures are more than `max_error_rate` of at least `min_requests`, and more than `base` has. Too slow is
    a 95th percentile, of the time to the first piece or of the whole answer, above `max_latency_ratio` times that of
    `base` (both with at least `min_requests`) and above it by more than `SLACK_S`. Requests of the canary that are
    still open are counted once they are over that limit, so one that answers nobody is found while they wait.
    """
    if canary.requests >= bounds.min_requests and canary.error_rate > max(
        bounds.max_error_rate, base.error_rate
    ):
        return (
            f"{canary.failed} of {canary.requests} requests failed in {bounds.window_s:g} s: "
            f"{canary.error_rate:.1%}, bound {bounds.max_error_rate:.1%}, production "
            f"{base.error_rate:.1%} of {base.requests}"
        )
    first = _slow(
        "the first piece",
        _Times(canary.firsts, canary.open_firsts),
        _Times(base.firsts, base.open_firsts),
        bounds,
        canary.failed,
    )
    return first or _slow(
        "the whole answer",
        _Times(canary.totals, canary.open_totals),
        _Times(base.totals, base.open_totals),
        bounds,
        canary.failed,
    )


class _Times(NamedTuple):
    ended: Sequence[float]
    open: Sequence[float]


def _slow(what: str, canary: _Times, base: _Times, bounds: CanaryBounds, failed: int) -> str | None:
    ended, waiting = canary
    if len(base.ended) < bounds.min_requests:
        return None
    # In a rush those who still wait for production show how slow it is now; those who have just come show nothing.
    usual = max(p95(base.ended) or 0.0, p95([*base.ended, *base.open]) or 0.0)
    limit = max(usual * bounds.max_latency_ratio, usual + SLACK_S)
    known = [*ended, *(each for each in waiting if each > limit)]
    found = p95(known)
    if found is None or found <= limit or len(known) + failed < bounds.min_requests:
        return None
    return (
        f"{what} takes {found:.2f} s in the 95th percentile of {len(known)} requests in {bounds.window_s:g} s, "
        f"production {usual:.2f} s of {len(base.ended)}: more than {bounds.max_latency_ratio:g} times as long"
    )


@dataclass(slots=True)
class Trial:
    """One request on one version, under way."""

    window: "Window"
    began: float
    first_s: float | None = None

    def first(self) -> None:
        """Its first piece came."""
        self.first_s = self.window.now - self.began

    def answered(self) -> None:
        """It was answered whole."""
        if self.first_s is None:
            self.first()
        self.window.ended(self, failed=False, whole=True)

    def failed(self, kind: ErrorKind) -> None:
        """It ended with an error of `kind`."""
        if kind is ErrorKind.DEADLINE_EXCEEDED:
            self.left()
        elif kind in FAULTS:
            self.window.ended(self, failed=True, whole=False)
        else:
            self.window.forget(self)

    def left(self) -> None:
        """Nobody waits for it any more; how long somebody did is known."""
        self.window.ended(self, failed=False, whole=False)


@dataclass(frozen=True, slots=True)
class _Outcome:
    at: float
    failed: bool
    whole: bool
    first_s: float | None
    took_s: float


class Window:
    """The latest requests of one version, on an injected clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[int, Trial] = {}
        self._outcomes: deque[_Outcome] = deque(maxlen=MOST)

    @property
    def now(self) -> float:
        """The clock."""
        return self._clock()

    def begin(self) -> Trial:
        """A request was given to the version; exactly one of the trial's ends is to follow."""
        trial = Trial(self, self._clock())
        self._open[id(trial)] = trial
        return trial

    def ended(self, trial: Trial, *, failed: bool, whole: bool) -> None:
        """Keep how it ended."""
        self.forget(trial)
        now = self._clock()
        self._outcomes.append(_Outcome(now, failed, whole, trial.first_s, now - trial.began))

    def forget(self, trial: Trial) -> None:
        """It does not count."""
        self._open.pop(id(trial), None)

    def seen(self, window_s: float) -> Seen:
        """What ended in the last `window_s`, and what is open."""
        now = self._clock()
        outcomes = [each for each in self._outcomes if now - each.at <= window_s]
        left = [each for each in outcomes if not (each.whole or each.failed)]
        waits: Iterable[Trial] = self._open.values()
        firsts = [each.first_s for each in outcomes if each.first_s is not None]
        firsts += [trial.first_s for trial in waits if trial.first_s is not None]
        return Seen(
            failed=sum(each.failed for each in outcomes),
            firsts=firsts,
            totals=[each.took_s for each in outcomes if each.whole],
            open_firsts=[each.took_s for each in left if each.first_s is None]
            + [now - trial.began for trial in waits if trial.first_s is None],
            open_totals=[each.took_s for each in left] + [now - trial.began for trial in waits],
        )
