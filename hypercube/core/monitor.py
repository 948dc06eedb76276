"""What every cube remembers of itself: counters, the last log lines, the last spans. All of it is bounded."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from hypercube.core.errors import HyperCubeError

KEPT_RECORDS: Final = 256
"""Log lines and spans kept per cube: enough to see the last minute, small enough to never matter."""


@dataclass(frozen=True, slots=True)
class MetricSample:
    """One number with its labels, in Prometheus' sense."""

    name: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line; `at` is POSIX seconds."""

    at: float
    level: str
    message: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One finished piece of work; `at` is POSIX seconds of its start."""

    at: float
    name: str
    duration_s: float
    outcome: str
    """`ok` or the `ErrorKind` it ended with."""
    request_id: str = ""


@dataclass(slots=True)
class Monitor:
    """A cube's own instruments."""

    calls: Counter[str] = field(default_factory=Counter)
    """Finished calls by outcome."""
    in_flight: int = 0
    busy_s: float = 0.0
    _logs: deque[LogRecord] = field(default_factory=lambda: deque(maxlen=KEPT_RECORDS))
    _spans: deque[tuple[float, str, float, str, str]] = field(
        default_factory=lambda: deque(maxlen=KEPT_RECORDS)
    )
    """As tuples: few are ever looked at."""

    def log(self, level: str, message: str, *, request_id: str = "") -> None:
        """Remember a line."""
        self._logs.append(LogRecord(time.time(), level, message, request_id))

    def span(self, name: str, *, request_id: str = "") -> "_Span":
        """Time a piece of work and count how it ended, also when it is cancelled."""
        return _Span(self, name, request_id)

    def ended(self, at: float, name: str, duration_s: float, outcome: str, request_id: str) -> None:
        """Remember a finished piece of work; the arguments are a `SpanRecord`'s."""
        self.in_flight -= 1
        self.busy_s += duration_s
        self.calls[outcome] += 1
        self._spans.append((at, name, duration_s, outcome, request_id))

    def done(self, name: str, duration_s: float, request_id: str) -> None:
        """Remember a piece of work that went well in one go, `duration_s` ago."""
        self.busy_s += duration_s
        self.calls["ok"] += 1
        self._spans.append((time.time() - duration_s, name, duration_s, "ok", request_id))

    def metrics(self) -> tuple[MetricSample, ...]:
        """Counters as samples."""
        samples = [
            MetricSample("calls_total", float(count), (("outcome", outcome),))
            for outcome, count in sorted(self.calls.items())
        ]
        samples.append(MetricSample("in_flight", float(self.in_flight)))
        samples.append(MetricSample("busy_seconds_total", self.busy_s))
        return tuple(samples)

    def logs(self) -> tuple[LogRecord, ...]:
        """The last lines, oldest first."""
        return tuple(self._logs)

    def spans(self) -> tuple[SpanRecord, ...]:
        """The last spans, oldest first."""
        return tuple(SpanRecord(*each) for each in self._spans)


class _Span:
    """A piece of work under way."""

    __slots__ = ("_at", "_began", "_monitor", "_name", "_request_id")

    def __init__(self, monitor: Monitor, name: str, request_id: str) -> None:
        self._monitor = monitor
        self._name = name
        self._request_id = request_id

    def __enter__(self) -> None:
        self._at, self._began = time.time(), time.perf_counter()
        self._monitor.in_flight += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        duration = time.perf_counter() - self._began
        outcome = "ok" if kind is None else _outcome(kind, error)
        self._monitor.ended(self._at, self._name, duration, outcome, self._request_id)


def _outcome(kind: type[BaseException], error: BaseException | None) -> str:
    if isinstance(error, HyperCubeError):
        return error.kind.value
    # A closed generator, asyncio.CancelledError and KeyboardInterrupt are no failures of the work.
    return "internal" if issubclass(kind, Exception) else "cancelled"
