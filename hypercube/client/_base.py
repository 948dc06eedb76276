"""Every decision of the clients; `_calls_sync` and `_calls_async` only send, sleep and close.

A call is a generator, `BaseClient.attempts`: it yields an `Attempt` to send or a `Pause` to sleep through, is
told the `Status` of an attempt that failed (None: it was answered), and raises the error when it gives up. Each
client drives it with a few lines of its own, so the two cannot differ in what they retry or how long they wait.
"""

import random
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import grpc
from google.protobuf import wrappers_pb2

from hypercube.client import _constants as const
from hypercube.client._channel import (
    Metadata,
    NotGiven,
    Timeout,
    Tls,
    authorization,
    channel_options,
    checked_hedge,
    checked_metadata,
    checked_retries,
    checked_target,
    checked_timeout,
    credentials_of,
)
from hypercube.client._methods import WATCH_HEALTH, Method
from hypercube.client._raw import RECORDER
from hypercube.client._retry import RetryBudget, delay_s, retryable
from hypercube.client._status import CallSite, Status, error_from_status
from hypercube.client.exceptions import (
    ClientError,
    ConnectionFailed,
    DeadlineExceeded,
    FailedPrecondition,
    Unavailable,
)
from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind

SERVING: Final = 1
_HEALTH: Final[Mapping[int, str]] = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send the request now.

    Attributes:
        timeout_s: what is left of the call's time, None for no deadline.
        metadata: to be sent with it.
        site: what an error says of it.
        hedge_s: seconds without an answer after which a second copy is sent; the first answer counts, and the
            other copy is cancelled. An error counts once no copy is left that could still answer. None: no copy.
    """

    timeout_s: float | None
    metadata: tuple[tuple[str, str], ...]
    site: CallSite
    hedge_s: float | None = None

    def copy(self) -> "Attempt":
        """The second copy, sent `hedge_s` seconds after the first."""
        left = None if self.timeout_s is None else max(0.0, self.timeout_s - (self.hedge_s or 0.0))
        return replace(self, timeout_s=left, hedge_s=None)


@dataclass(frozen=True, slots=True)
class Pause:
    """Sleep before the next step."""

    seconds: float


Steps: TypeAlias = Generator[Attempt | Pause, Status | None, None]


class BaseClient:
    """What both clients are made of."""

    def __init__(
        self,
        target: str,
        *,
        timeout: Timeout,
        max_retries: int,
        metadata: Metadata,
        clock: Clock,
        api_key: str | None = None,
        tls: Tls | bool | None = None,
        hedge_after: float | None = None,
    ) -> None:
        self._target = checked_target(target)
        self._credentials = credentials_of(tls)
        self._server_name = tls.server_name if isinstance(tls, Tls) else None
        self._hedge_s = checked_hedge(hedge_after)
        self._timeout = checked_timeout(timeout)
        self._max_retries = checked_retries(max_retries)
        self._metadata = authorization(
            api_key, checked_metadata(metadata), self._target, secure=self._credentials is not None
        )
        self._clock = clock
        self._budget = RetryBudget()
        self._draw = random.Random().random  # noqa: S311  # jitter, no secret
        self._closed = False

    @property
    def target(self) -> str:
        """The address this client talks to."""
        return self._target

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._target!r})"

    def attempts(
        self, method: Method[Any, Any], timeout: Timeout, idempotency_key: str | None = None
    ) -> Steps:
        """The steps of one call; one deadline spans all attempts and pauses.

        Raises:
            ClientError: when an attempt failed and another would not help, would come too late, or is more
                than `max_retries` or the retry budget allow.
        """
        timeout_s = self._effective(timeout, method)
        deadline = None if timeout_s is None else self._clock() + timeout_s
        site = self._site(method, timeout_s)
        sent = self._sent(site)
        if method.keyed:
            # The same for every attempt, so that a server which remembers answers does not work twice.
            sent = (*sent, (const.IDEMPOTENCY_KEY, idempotency_key or uuid.uuid4().hex))
        retry = 0
        while True:
            hedge_s = self._hedge_s if method.hedged and self._budget.allows() else None
            if (recorder := RECORDER.get()) is not None:
                recorder.sent(site.request_id)
            status = yield Attempt(self._left(deadline, site), sent, site, hedge_s)
            if status is None:
                self._budget.succeeded()
                return
            error = error_from_status(status, site)
            retry += 1
            pause = self._pause_before(retry, error, method, deadline)
            if pause is None:
                raise error
            yield Pause(pause)

    def one_attempt(self, method: Method[Any, Any], timeout: Timeout) -> Attempt:
        """The only attempt of a call that is never sent again."""
        timeout_s = self._effective(timeout, method)
        site = self._site(method, timeout_s)
        return Attempt(timeout_s, self._sent(site), site)

    def _pause_before(
        self, retry: int, error: ClientError, method: Method[Any, Any], deadline: float | None
    ) -> float | None:
        """Seconds to wait before retry number `retry`; None to give up."""
        if not retryable(error, repeatable=method.repeatable):
            return None
        # Asked first, so that every failure counts, also one that is not retried for another reason.
        if not self._budget.failed() or retry > self._max_retries:
            return None
        pause = delay_s(retry, error.retry_after_s, self._draw)
        if pause is None or (deadline is not None and self._clock() + pause >= deadline):
            return None
        return pause

    def readiness(self, watched: "Watched", timeout: Timeout) -> Steps:
        """The steps of `ready`: watch the server's health, again after each broken connection, until the deadline.

        Raises:
            ConnectionFailed: nobody answered in time.
            Unavailable: the server answered, but was not serving in time.
        """
        timeout_s = self._effective(timeout, WATCH_HEALTH)
        deadline = None if timeout_s is None else self._clock() + timeout_s
        site = self._site(WATCH_HEALTH, timeout_s)
        while True:
            left = None if deadline is None else max(0.0, deadline - self._clock())
            status = yield Attempt(left, self._sent(site), site)
            if status is None:
                return
            error = error_from_status(status, site)
            if isinstance(error, DeadlineExceeded):
                raise watched.late(site)
            late = deadline is not None and self._clock() + const.READY_PAUSE_S >= deadline
            if late or not isinstance(error, Unavailable):
                raise error
            yield Pause(const.READY_PAUSE_S)

    def _options(self) -> list[tuple[str, str | int]]:
        return channel_options(self._target, self._server_name)

    def _effective(self, timeout: Timeout, method: Method[Any, Any]) -> float | None:
        if self._closed:
            raise closed(self._target)
        for choice in (checked_timeout(timeout), self._timeout):
            if not isinstance(choice, NotGiven):
                return choice
        return method.timeout_s

    def _site(self, method: Method[Any, Any], timeout_s: float | None) -> CallSite:
        own = dict(self._metadata).get(const.REQUEST_ID)
        return CallSite(self._target, method.path, own or uuid.uuid4().hex, timeout_s)

    def _left(self, deadline: float | None, site: CallSite) -> float | None:
        """Seconds left; a pause that overslept leaves none, which is no time to send anything in."""
        if deadline is None:
            return None
        left = deadline - self._clock()
        if left <= 0.0:
            raise error_from_status(Status(grpc.StatusCode.DEADLINE_EXCEEDED), site)
        return left

    def _sent(self, site: CallSite) -> tuple[tuple[str, str], ...]:
        own = tuple(pair for pair in self._metadata if pair[0] != const.REQUEST_ID)
        return (*own, (const.REQUEST_ID, site.request_id))


class Watched:
    """What `ready` has seen of the server's health so far."""

    def __init__(self, service: str) -> None:
        self.request = wrappers_pb2.StringValue(value=service)
        self._last: int | None = None

    def take(self, reply: wrappers_pb2.Int32Value) -> bool:
        """Note one report: whether it says that the service serves."""
        self._last = reply.value
        return reply.value == SERVING

    def late(self, site: CallSite) -> Unavailable:
        """The error when time is up."""
        if self._last is None:
            error: Unavailable = ConnectionFailed(
                ErrorKind.UNAVAILABLE,
                f"Nobody answered at {site.target} {site.within}.",
                fix='Is the server running? `make run` starts it; Client("host:port") names another address.',
            )
        else:
            name = self.request.value or "the server"
            error = Unavailable(
                ErrorKind.UNAVAILABLE,
                f"{site.target} answers, but {name} is {_HEALTH.get(self._last, self._last)} {site.within}.",
                fix="Its /readyz says which part is not ready, and why.",
            )
        error.request_id = site.request_id
        return error


def closed(target: str) -> FailedPrecondition:
    """The error of a call on a closed client."""
    return FailedPrecondition(
        ErrorKind.FAILED_PRECONDITION, f"The client of {target} is closed.", fix="Make a new one."
    )
