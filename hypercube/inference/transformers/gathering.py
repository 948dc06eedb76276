"""Requests that come together begin together: a step of a model that nothing runs on waits for the rest of a burst.

A step takes tens of milliseconds on a CPU, and who comes a moment after it began waits for all of it. So the first
request of an idle model is held until none has come for `QUIET_S`, and for `WINDOW_S` at most; while the model
works, requests are handed on at once, for the next step takes them all anyway.

Whoever asks alone, one request after the other, need not wait for nobody: once a wait has brought no company, the
next request goes at once, until one is followed by another within `WINDOW_S`.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Final

QUIET_S: Final = 0.0015
"""Requests that arrived at the server in one moment reach the engine about a millisecond apart."""
WINDOW_S: Final = 0.010
"""As the dynamic batcher's."""


class Gathering:
    """Holds submissions for an idle model; lives on the event loop."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        """`busy` tells whether the model works, so that waiting would buy nothing."""
        self._busy = busy
        self._held: list[Callable[[], None]] = []
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._in_company = True
        self._lone_at = -math.inf

    def add(self, submit: Callable[[], None]) -> None:
        """Call `submit`, now or together with others."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if not self._held:
            if now - self._lone_at < WINDOW_S:
                self._in_company = True
            if self._busy():
                submit()
                return
            if not self._in_company:
                self._lone_at = now
                submit()
                return
            self._began = now
        self._held.append(submit)
        if self._timer is not None:
            self._timer.cancel()
        at = min(now + QUIET_S, self._began + WINDOW_S)
        self._timer = loop.call_at(at, self._release)

    def _release(self) -> None:
        held, self._held, self._timer = self._held, [], None
        self._in_company = len(held) > 1
        if not self._in_company:
            self._lone_at = asyncio.get_running_loop().time()
        for submit in held:
            submit()
