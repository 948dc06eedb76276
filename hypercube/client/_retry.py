"""When to try again, and how long to wait before: pure decisions, no clock, no sleep."""

import threading
from collections.abc import Callable

from hypercube.client._constants import (
    BUDGET_RETURN,
    BUDGET_TOKENS,
    MAX_RETRY_AFTER_S,
    MAX_RETRY_DELAY_S,
    RETRY_BASE_S,
)
from hypercube.client.exceptions import ClientError, ConnectionFailed, Unavailable


class RetryBudget:
    """Tokens that failures use up and successes slowly give back (gRFC A6); shared by a client's threads."""

    def __init__(self) -> None:
        self._tokens = BUDGET_TOKENS
        self._lock = threading.Lock()

    def succeeded(self) -> None:
        """An attempt was answered."""
        with self._lock:
            self._tokens = min(BUDGET_TOKENS, self._tokens + BUDGET_RETURN)

    def failed(self) -> bool:
        """An attempt failed in a way that could be retried: whether the budget allows it."""
        with self._lock:
            self._tokens = max(0.0, self._tokens - 1.0)
            return self._tokens > BUDGET_TOKENS / 2

    def allows(self) -> bool:
        """Whether there is budget for work that may turn out to be superfluous."""
        with self._lock:
            return self._tokens > BUDGET_TOKENS / 2


def retryable(error: ClientError, *, repeatable: bool) -> bool:
    """Whether another attempt can succeed and cannot do harm.

    A server that says unavailable or overloaded did not begin the work. A connection that broke leaves that
    open, so a call that may have effects (`repeatable=False`) is not sent again, unless no connection was made.
    """
    if isinstance(error, ConnectionFailed):
        return repeatable or not error.maybe_received
    return isinstance(error, Unavailable)


def delay_s(retry: int, retry_after_s: float | None, draw: Callable[[], float]) -> float | None:
    """Seconds to wait before retry number `retry` (from 1); None where the server asks for too long a wait.

    Without a word from the server: 0.25, 0.5, 1 … 8 s, times a jitter in [0.5, 1). With one, never less than
    it says, plus up to 0.25 s so that the callers it sent away do not all come back at once. `draw` gives a
    number in [0, 1).
    """
    if retry_after_s is None:
        return min(MAX_RETRY_DELAY_S, RETRY_BASE_S * 2.0 ** (retry - 1)) * (0.5 + 0.5 * draw())
    if retry_after_s > MAX_RETRY_AFTER_S:
        return None
    return max(0.0, retry_after_s) + RETRY_BASE_S * draw()
