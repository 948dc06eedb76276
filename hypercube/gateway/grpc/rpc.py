"""One remote call: read the message, keep its deadline, count it, and turn its failure into a status.

Messages are decoded here and not by gRPC, which would answer bytes that are no message with UNKNOWN.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from types import TracebackType
from typing import Any, Final, Generic, Protocol, TypeVar

import grpc
import grpc.aio
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError, invalid, shown
from hypercube.core.principal import Role
from hypercube.gateway.access.authenticator import Credential, credential_of
from hypercube.gateway.errors import failure_of
from hypercube.gateway.grpc.opening import both_ways, many_answers, one_answer
from hypercube.gateway.grpc.statuses import abort
from hypercube.gateway.idempotency import IDEMPOTENCY_KEY, REPLAYED
from hypercube.gateway.quota_headers import quota_headers
from hypercube.gateway.request_id import REQUEST_ID, SERVED_BY, request_id_of
from hypercube.gateway.server_timing import server_timing
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import close

Q = TypeVar("Q", bound=Message)
P = TypeVar("P")
Context = grpc.aio.ServicerContext[Any, Any]
SERVER_TIMING: Final = "server-timing"


class Serializable(Protocol):
    """A message, or what becomes one without a copy of its large fields."""

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes of the message."""
        ...


@dataclass(frozen=True, slots=True)
class Unary(Generic[Q]):
    """A method with one answer."""

    request: type[Q]
    answer: Callable[[GatewayServices, Q, Call], Awaitable[Serializable]]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


@dataclass(frozen=True, slots=True)
class Packed(Generic[P]):
    """A method with one answer whose messages are read and written by code of its own."""

    decode: Callable[[bytes], P]
    answer: Callable[[GatewayServices, P, Call], Awaitable[Serializable]]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


@dataclass(frozen=True, slots=True)
class Duplex(Generic[P]):
    """A stream of requests, each with its answers, in order; one that fails is told so and the stream goes on."""

    decode: Callable[[bytes], P]
    open: Callable[[GatewayServices, P, Call], Awaitable[AsyncIterator[Serializable]]]
    failed: Callable[[Failure], Serializable]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


@dataclass(frozen=True, slots=True)
class Streaming(Generic[Q]):
    """A method with a stream of answers; `open` returns once the first one exists."""

    request: type[Q]
    open: Callable[[GatewayServices, Q, Call], Awaitable[AsyncIterator[Message]]]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


@dataclass(frozen=True, slots=True)
class Session:
    """A stream each way that the method itself reads and answers; each request in it is a `Call` of its own.

    The function that makes one raises HyperCubeError where the caller may not make it.
    """

    run: Callable[
        [GatewayServices, AsyncIterator[bytes], Callable[[], Awaitable[Call]]], AsyncIterator[Serializable]
    ]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


Methods = dict[str, Unary[Any] | Packed[Any] | Streaming[Any] | Duplex[Any] | Session]


def handlers(
    services: GatewayServices, service: str, methods: Methods
) -> dict[str, "grpc.RpcMethodHandler[bytes, bytes]"]:
    """The methods of a service as gRPC wants them."""
    made: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
    for name, method in methods.items():
        route = f"{service}/{name}"
        if isinstance(method, (Unary, Packed)):
            made[name] = one_answer(services, route, _unary(services, route, method))
        elif isinstance(method, Duplex):
            made[name] = both_ways(services, route, _duplex(services, route, method))
        elif isinstance(method, Session):
            made[name] = both_ways(services, route, _session(services, route, method))
        else:
            made[name] = many_answers(services, route, _streaming(services, route, method))
    return made


def _unary(services: GatewayServices, route: str, method: Unary[Any] | Packed[Any]) -> Callable[..., Any]:
    read = method.decode if isinstance(method, Packed) else partial(decode, method.request)

    async def answer(raw: bytes, context: Context) -> bytes:
        call = _call(services, context, method.default_s(services))
        with _Observed(services, route, method.role, context) as outcome:
            try:
                outcome.of(call)
                if services.access is not None:
                    await services.access.admit(_credential(context), route, call)
                call.require(method.role)
                with services.traffic.admit():
                    reply = await method.answer(services, read(raw), call)
                    _tell(context, call, outcome.seconds)
                    return reply.SerializeToString()
            except Exception as error:  # noqa: BLE001 - every failure becomes a typed status
                failure = failure_of(error, call.request_id)
                outcome.kind = failure.kind
                return await abort(context, call.request_id, failure)

    return answer


def _streaming(services: GatewayServices, route: str, method: Streaming[Any]) -> Callable[..., Any]:
    async def answers(raw: bytes, context: Context) -> AsyncIterator[bytes]:
        call = _call(services, context, method.default_s(services))
        with _Observed(services, route, method.role, context) as outcome:
            try:
                await _let_in(services, route, method.role, context, outcome.of(call))
                with services.traffic.admit():
                    replies = await method.open(services, decode(method.request, raw), call)
                    try:
                        async for reply in replies:
                            yield reply.SerializeToString()
                    finally:
                        await close(replies)
                    _tell(context, call, outcome.seconds)
            except Exception as error:  # noqa: BLE001 - every failure becomes a typed status
                failure = failure_of(error, call.request_id)
                outcome.kind = failure.kind
                await abort(context, call.request_id, failure)

    return answers


def _duplex(services: GatewayServices, route: str, method: Duplex[Any]) -> Callable[..., Any]:
    async def answers(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        with _Observed(services, route, method.role, context) as outcome:
            if services.access is not None:
                # Who has no key holds no stream open; each request is then judged for itself.
                call = _call(services, context, method.default_s(services))
                try:
                    await services.access.identify(_credential(context))
                except HyperCubeError as error:
                    outcome.kind = error.kind
                    await abort(context, call.request_id, failure_of(error, call.request_id))
            async for raw in requests:
                call = _call(services, context, method.default_s(services))
                try:
                    await _let_in(services, route, method.role, context, outcome.of(call))
                    # A stream that nobody uses must not hold up a drain: what counts is a request.
                    with services.traffic.admit():
                        replies = await method.open(services, method.decode(raw), call)
                        try:
                            async for reply in replies:
                                yield reply.SerializeToString()
                        finally:
                            await close(replies)
                except Exception as error:  # noqa: BLE001 - every failure becomes a message
                    failure = failure_of(error, call.request_id)
                    outcome.kind = failure.kind
                    yield method.failed(failure).SerializeToString()

    return answers


def _session(services: GatewayServices, route: str, method: Session) -> Callable[..., Any]:
    async def answers(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        async def new_call() -> Call:
            made = _call(services, context, method.default_s(services))
            # Each turn is judged for itself, and counts against the quotas of whoever asks.
            await _let_in(services, route, method.role, context, made)
            return made

        call = _call(services, context, method.default_s(services))
        with _Observed(services, route, method.role, context) as outcome:
            try:
                if services.access is not None:
                    # Who has no key holds no stream open.
                    call.principal = await services.access.identify(_credential(context))
                outcome.of(call).require(method.role)
                replies = method.run(services, requests, new_call)
                try:
                    async for reply in replies:
                        yield reply.SerializeToString()
                finally:
                    await close(replies)
            except Exception as error:  # noqa: BLE001 - every failure becomes a typed status
                failure = failure_of(error, call.request_id)
                outcome.kind = failure.kind
                await abort(context, call.request_id, failure)

    return answers


def _call(services: GatewayServices, context: Context, default_s: float) -> Call:
    given, named = None, ""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID and isinstance(value, str):
            given = value
        elif key == IDEMPOTENCY_KEY and isinstance(value, str):
            named = value
    return Call(
        request_id=request_id_of(given),
        deadline=services.deadline(context.time_remaining(), default_s),
        idempotency_key=named,
    )


async def _let_in(services: GatewayServices, route: str, role: Role, context: Context, call: Call) -> None:
    """Find out who asks, where that is asked for, and whether they may."""
    if services.access is not None:
        await services.access.admit(_credential(context), route, call)
    call.require(role)


def _credential(context: Context) -> Credential:
    return credential_of(
        (key.encode("latin-1"), value.encode("latin-1", "replace") if isinstance(value, str) else value)
        for key, value in context.invocation_metadata() or ()
    )


def _tell(context: Context, call: Call, total_s: float) -> None:
    """Say beside an answer whose it is, where its time went, which version made it and what quotas are left."""
    told: tuple[tuple[str, str], ...] = (
        (REQUEST_ID, call.request_id),
        (SERVER_TIMING, server_timing(call.timing, total_s)),
    )
    if call.served_by:
        told += ((SERVED_BY, call.served_by),)
    if call.replayed:
        told += ((REPLAYED, "true"),)
    if call.quotas is not None:
        told += _standings(call)
    context.set_trailing_metadata(told)


def _standings(call: Call) -> tuple[tuple[str, str], ...]:
    """What is left of the caller's quotas, under the names of HTTP's headers."""
    return tuple((name.decode(), value.decode()) for name, value in quota_headers(call.quotas or {}))


def decode(kind: type[Q], raw: bytes) -> Q:
    """The message in some bytes.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for bytes that are no such message, and for a field that this version
            does not know: to ignore it would be to answer another question than the one asked.
    """
    try:
        message = kind.FromString(raw)
    except DecodeError as error:
        raise invalid(
            f"These {len(raw):,} bytes are no {kind.DESCRIPTOR.full_name} message.",
            fix="Encode the request with the published .proto files.",
        ) from error
    if _is_flat(kind.DESCRIPTOR) and not len(UnknownFieldSet(message)):
        return message
    for path, number in _unknown_fields(message, ""):
        raise invalid(
            f"Unknown field number {number} in {path or kind.DESCRIPTOR.full_name}.",
            param=path or None,
            value=number,
            fix="Send only fields of this server's .proto files; reflection shows them.",
        )
    return message


@cache
def _is_flat(kind: Descriptor) -> bool:
    """Whether a message holds no other one, so that one look finds every unknown field."""
    return all(field.type != FieldDescriptor.TYPE_MESSAGE for field in kind.fields)


def _unknown_fields(message: Message, path: str) -> Iterator[tuple[str, int]]:
    unknown = UnknownFieldSet(message)
    for at in range(len(unknown)):
        yield path, unknown[at].field_number
    for descriptor, value in message.ListFields():
        kind = descriptor.message_type
        if descriptor.type != FieldDescriptor.TYPE_MESSAGE or kind is None:
            continue
        step = f"{path}.{descriptor.name}" if path else descriptor.name
        if isinstance(value, Message):
            yield from _unknown_fields(value, step)
        elif kind.GetOptions().map_entry:
            for key, item in value.items():
                if isinstance(item, Message):
                    yield from _unknown_fields(item, f"{step}[{shown(key)!r}]")
        else:
            for at, item in enumerate(value):
                yield from _unknown_fields(item, f"{step}[{at}]")


class _Observed:
    """Times a call and tells the observer how it ended; `kind` is None for one that went well."""

    __slots__ = ("_began", "_call", "_context", "_role", "_route", "_services", "kind")

    def __init__(self, services: GatewayServices, route: str, role: Role, context: Context) -> None:
        self.kind: ErrorKind | None = None
        self._call: Call | None = None
        self._services = services
        self._route = route
        self._role = role
        self._context = context
        self._began = services.clock()

    @property
    def seconds(self) -> float:
        """Since the call came."""
        return self._services.clock() - self._began

    def of(self, call: Call) -> Call:
        """Remember whose outcome it is."""
        self._call = call
        return call

    def __enter__(self) -> "_Observed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, (asyncio.CancelledError, GeneratorExit)):
            self.kind = ErrorKind.CANCELLED
        services = self._services
        word = "ok" if self.kind is None else self.kind.value
        services.observe("grpc", self._route, word, self.seconds)
        call = self._call
        if services.audit is not None and call is not None and (self._role is Role.ADMIN or call.privileged):
            services.audit(call, transport="grpc", what=self._route, outcome=word, peer=self._context.peer())
