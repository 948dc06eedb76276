"""What a source needs to deliver a file, and how it reports on the way."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.model_registry.manifest import ModelFile
from hypercube.model_registry.partial import Partial, TransferCancelledError

_REPORT_EVERY_S: Final = 0.1
_RATE_WINDOW_S: Final = 5.0


class SourceFailedError(Exception):
    """This source cannot deliver; the text is the one line that says why."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is.

    Attributes:
        bytes_done: bytes here, of all files together; it falls when bytes turn out wrong.
        bytes_total: bytes of all files.
        bytes_per_second: over the last seconds; 0 while nothing moves.
        source: where the bytes come from, in words.
    """

    bytes_done: int
    bytes_total: int
    bytes_per_second: float
    source: str

    @property
    def fraction(self) -> float:
        """0..1."""
        return min(1.0, max(0.0, self.bytes_done / self.bytes_total)) if self.bytes_total else 1.0


OnProgress = Callable[[Progress], None]
OnLine = Callable[[str], None]


def silent(_: str) -> None:
    """Nobody asked for lines."""


class Meter:
    """Turns byte counts into at most ten `Progress` reports a second."""

    def __init__(self, total: int, on_progress: OnProgress | None, clock: Clock = monotonic) -> None:
        self._total = total
        self._on_progress = on_progress
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._reported = float("-inf")
        self.base = 0
        """Bytes of the files that are finished already."""
        self.source = ""

    def begin(self, source: str) -> None:
        """The bytes come from `source` from now on; the speed starts anew."""
        self.source = source
        self._seen.clear()
        self._reported = float("-inf")

    def at(self, bytes_of_file: int) -> None:
        """The file under way has so many bytes now."""
        now, done = self._clock(), self.base + bytes_of_file
        self._seen.append((now, done))
        while now - self._seen[0][0] > _RATE_WINDOW_S:
            self._seen.popleft()
        if self._on_progress is None or now - self._reported < _REPORT_EVERY_S:
            return
        self._reported = now
        (then, before) = self._seen[0]
        rate = max(0.0, (done - before) / (now - then)) if now > then else 0.0
        self._on_progress(Progress(done, self._total, rate, self.source))


@dataclass(frozen=True, slots=True)
class Transfer:
    """One file being fetched: the source appends to `partial` until it holds `file.size` bytes.

    Attributes:
        file: what is wanted.
        partial: what is there.
        cancel: set by whoever does not want it any more.
        silence_s: seconds without a byte after which a source is given up.
        meter: told about every step.
        say: told, in one sentence, what is notable.
    """

    file: ModelFile
    partial: Partial
    cancel: threading.Event
    silence_s: float
    meter: Meter
    say: OnLine = silent

    def check(self) -> None:
        """Raise TransferCancelledError if the caller has gone."""
        if self.cancel.is_set():
            raise TransferCancelledError
