"""Every decision of the clients; `_sync` and `_async` only send, sleep and close.

A call is a generator, `BaseClient.attempts`: it yields an `Attempt` to send or a `Pause` to sleep through, is
told the `Status` of an attempt that failed (None: it was answered), and raises the error when it gives up. Each
client drives it with a few lines of its own, so the two cannot differ in what they retry or how long they wait.
"""

import math
import random
import re
import uuid
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeAlias, TypeVar

import grpc
from google.protobuf import wrappers_pb2
from google.protobuf.message import Message

from hypercube._version import __version__
from hypercube.client import _constants as const
from hypercube.client._retry import RetryBudget, delay_s, retryable
from hypercube.client._status import CallSite, Status, error_from_status
from hypercube.client.exceptions import (
    ClientError,
    ConnectionFailed,
    DeadlineExceeded,
    FailedPrecondition,
    Unavailable,
    invalid,
)
from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, shown
from hypercube.wire.v1 import calendar_pb2, chat_pb2, cubes_pb2, models_pb2, reading_pb2, saju_pb2

RequestT = TypeVar("RequestT", bound=Message)
ReplyT = TypeVar("ReplyT", bound=Message)


class NotGiven(Enum):
    """The type of `NOT_GIVEN`."""

    NOT_GIVEN = "NOT_GIVEN"

    def __repr__(self) -> str:
        return self.value


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
"""Left out, which is not the same as None: `timeout=None` means no deadline, a timeout that is left out means the
client's, and the client's left out means the default of the method."""

Timeout: TypeAlias = float | NotGiven | None
"""Seconds, None for no deadline, or NOT_GIVEN for the default."""
Metadata: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""Metadata to send with every call, such as `{"authorization": "Bearer …"}`."""


@dataclass(frozen=True, slots=True)
class Method(Generic[RequestT, ReplyT]):
    """A gRPC method and how it is called.

    Attributes:
        path: full name.
        request: message type.
        reply: message type, of each piece where the method streams.
        timeout_s: default deadline.
        repeatable: whether a request that the server may have seen can be sent again.
    """

    path: str
    request: type[RequestT]
    reply: type[ReplyT]
    timeout_s: float = const.DEFAULT_TIMEOUT_S
    repeatable: bool = True


CHART: Final = Method("/hypercube.v1.Saju/Chart", saju_pb2.Birth, saju_pb2.ChartReply)
CHARTS: Final = Method("/hypercube.v1.Saju/Charts", saju_pb2.ChartsRequest, saju_pb2.ChartsReply)
TERMS: Final = Method("/hypercube.v1.Saju/Terms", saju_pb2.TermsRequest, calendar_pb2.YearTerms)
LUNAR: Final = Method("/hypercube.v1.Saju/Lunar", saju_pb2.LunarRequest, calendar_pb2.LunarDay)
INTERPRET: Final = Method(
    "/hypercube.v1.Reading/Interpret", reading_pb2.InterpretRequest, reading_pb2.ReadingEvent
)
COMPLETE: Final = Method(
    "/hypercube.v1.Chat/Complete", chat_pb2.ChatRequest, chat_pb2.ChatReply, const.DEFAULT_CHAT_TIMEOUT_S
)
STREAM: Final = Method(
    "/hypercube.v1.Chat/Stream", chat_pb2.ChatRequest, chat_pb2.ChatEvent, const.DEFAULT_CHAT_TIMEOUT_S
)
LIST_MODELS: Final = Method(
    "/hypercube.v1.Models/List", models_pb2.ListModelsRequest, models_pb2.ListModelsReply
)
LIST_CUBES: Final = Method("/hypercube.v1.Cubes/List", cubes_pb2.ListCubesRequest, cubes_pb2.ListCubesReply)
PROCESS: Final = Method(
    "/hypercube.v1.Cubes/Process",
    cubes_pb2.ProcessRequest,
    cubes_pb2.ProcessReply,
    const.DEFAULT_CHAT_TIMEOUT_S,  # the cube may be the chat's
    repeatable=False,
)
# The health service's messages have one field each, a string and an enum, both numbered 1: the same bytes as
# protobuf's own wrappers. So the client needs no health package, nor a second copy of its descriptors.
WATCH_HEALTH: Final = Method(
    "/grpc.health.v1.Health/Watch",
    wrappers_pb2.StringValue,
    wrappers_pb2.Int32Value,
    const.DEFAULT_READY_TIMEOUT_S,
)
SERVING: Final = 1
_HEALTH: Final[Mapping[int, str]] = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send the request now; `timeout_s` is what is left of the call's time, None for no deadline."""

    timeout_s: float | None
    metadata: tuple[tuple[str, str], ...]
    site: CallSite


@dataclass(frozen=True, slots=True)
class Pause:
    """Sleep before the next step."""

    seconds: float


Steps: TypeAlias = Generator[Attempt | Pause, Status | None, None]

_SCHEMES: Final = ("unix:", "unix-abstract:", "vsock:", "dns:", "ipv4:", "ipv6:", "xds:")
_HOST_PORT: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+):(\d{1,5})")
_LOOPBACK: Final = ("127.", "localhost:", "[::1]:", "unix")
_METADATA_KEY: Final = re.compile(r"[a-z0-9_.-]+")


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
    ) -> None:
        self._target = checked_target(target)
        self._timeout = checked_timeout(timeout)
        self._max_retries = checked_retries(max_retries)
        self._metadata = checked_metadata(metadata)
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

    def attempts(self, method: Method[Any, Any], timeout: Timeout) -> Steps:
        """The steps of one call; one deadline spans all attempts and pauses.

        Raises:
            ClientError: when an attempt failed and another would not help, would come too late, or is more
                than `max_retries` or the retry budget allow.
        """
        timeout_s = self._effective(timeout, method)
        deadline = None if timeout_s is None else self._clock() + timeout_s
        site = self._site(method, timeout_s)
        retry = 0
        while True:
            status = yield Attempt(self._left(deadline, site), self._sent(site), site)
            if status is None:
                self._budget.succeeded()
                return
            error = error_from_status(status, site)
            retry += 1
            pause = self._pause_before(retry, error, method, deadline)
            if pause is None:
                raise error
            yield Pause(pause)

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


def checked_target(target: object) -> str:
    """An address that gRPC will not misread: it takes a missing port for 443, and a URL for a host name."""
    if isinstance(target, str):
        if target.startswith(_SCHEMES):
            return target
        match = _HOST_PORT.fullmatch(target)
        if match and 0 < int(match[1]) < 65536:
            return target
    raise invalid(
        f"target is {shown(target)!r}.",
        param="target",
        value=target,
        fix=f'Write host:port of the gRPC port, without http://: Client("{const.DEFAULT_TARGET}"); or unix:/path.',
    )


def checked_timeout(timeout: object) -> Timeout:
    """Seconds above 0, None, or NOT_GIVEN."""
    if timeout is None or isinstance(timeout, NotGiven):
        return timeout
    if isinstance(timeout, int | float) and not isinstance(timeout, bool):
        seconds = float(timeout)
        if math.isfinite(seconds) and 0.0 < seconds <= const.MAX_TIMEOUT_S:
            return seconds
    raise invalid(
        f"timeout is {shown(timeout)}.",
        param="timeout",
        value=timeout,
        fix=f"Give seconds above 0 and up to {const.MAX_TIMEOUT_S:.0e}, or None for no deadline.",
    )


def checked_retries(retries: object) -> int:
    """A whole number from 0."""
    if isinstance(retries, int) and not isinstance(retries, bool) and retries >= 0:
        return retries
    raise invalid(
        f"max_retries is {shown(retries)}.",
        param="max_retries",
        value=retries,
        fix="Give 0 or a small whole number.",
    )


def checked_metadata(metadata: Metadata) -> tuple[tuple[str, str], ...]:
    """Pairs that gRPC can send; it answers others with INTERNAL."""
    pairs = tuple(metadata.items() if isinstance(metadata, Mapping) else metadata)
    for key, value in pairs:
        usable = isinstance(key, str) and _METADATA_KEY.fullmatch(key) and not key.startswith("grpc-")
        if not usable or key.endswith("-bin"):
            raise invalid(
                f"metadata key {shown(key)!r} cannot be sent.",
                param="metadata",
                value=key,
                fix="Keys are lower-case letters, digits, - _ and ., and begin not with grpc- nor end with -bin.",
            )
        if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
            raise invalid(
                f"the metadata value of {key!r} cannot be sent.",  # not shown: it may be a key to something
                param="metadata",
                fix="Values are printable ASCII text; encode others, for example with urllib.parse.quote.",
            )
    return pairs


def channel_options(target: str) -> list[tuple[str, str | int]]:
    """Options of every channel: limits, keep-alive, quick reconnects."""
    return [
        ("grpc.max_send_message_length", const.MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", const.MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", const.KEEPALIVE_TIME_S * 1000),
        ("grpc.keepalive_timeout_ms", const.KEEPALIVE_TIMEOUT_S * 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", int(const.RECONNECT_S * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(const.MAX_RECONNECT_S * 1000)),
        # Retries are decided here alone, not by a configuration that a name server hands out.
        ("grpc.service_config_disable_resolution", 1),
        # A proxy of the environment cannot reach this machine's own loopback.
        ("grpc.enable_http_proxy", 0 if target.startswith(_LOOPBACK) else 1),
        ("grpc.primary_user_agent", f"heal7-hypercube/{__version__}"),
    ]
