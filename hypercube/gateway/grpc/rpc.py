"""One remote call: read the message, keep its deadline, count it, and turn its failure into a status."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import grpc

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Role
from hypercube.gateway.access.authenticator import Credential, credential_of
from hypercube.gateway.errors import failure_of
from hypercube.gateway.grpc.decoding import decode
from hypercube.gateway.grpc.full_queues import FullQueues
from hypercube.gateway.grpc.methods import Context, Duplex, Methods, Packed, Session, Streaming, Unary
from hypercube.gateway.grpc.opening import both_ways, many_answers, one_answer
from hypercube.gateway.grpc.outcome import Observed, ended, tell
from hypercube.gateway.grpc.statuses import abort
from hypercube.gateway.idempotency import IDEMPOTENCY_KEY
from hypercube.gateway.request_id import REQUEST_ID, request_id_of
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import close


def handlers(
    services: GatewayServices, service: str, methods: Methods
) -> dict[str, "grpc.RpcMethodHandler[bytes, bytes]"]:
    """The methods of a service as gRPC wants them."""
    made: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
    for name, method in methods.items():
        route = f"{service}/{name}"
        if isinstance(method, (Unary, Packed)):
            made[name] = one_answer(services, route, _Unary(services, route, method))
        elif isinstance(method, Duplex):
            made[name] = both_ways(services, route, _duplex(services, route, method))
        elif isinstance(method, Session):
            made[name] = both_ways(services, route, _session(services, route, method))
        else:
            made[name] = many_answers(services, route, _streaming(services, route, method))
    return made


class _Unary:
    """A method with one answer."""

    __slots__ = (
        "_answer",
        "_at_once",
        "_default_s",
        "_everybody",
        "_full",
        "_read",
        "_role",
        "_route",
        "_services",
    )

    def __init__(self, services: GatewayServices, route: str, method: Unary[Any] | Packed[Any]) -> None:
        self._services = services
        self._route = route
        self._role = method.role
        # Where nobody is told apart, everybody may do what any user may.
        self._everybody = services.access is None and method.role is Role.USER
        self._default_s = method.default_s(services)
        self._read = method.decode if isinstance(method, Packed) else partial(decode, method.request)
        self._answer = method.answer
        self._at_once = method.at_once if isinstance(method, Packed) else None
        self._full = FullQueues(route, services.full_queues)

    # Written out, without `Observed` and `admit`: a chart takes no longer than to enter and leave a few of those.
    async def __call__(self, raw: bytes, context: Context) -> bytes:
        """The bytes of the answer."""
        services, role = self._services, self._role
        began, kind, asked = services.clock(), None, None
        call = _call(services, context, self._default_s)
        try:
            if not self._everybody:
                await _let_in(services, self._route, role, context, call)
            services.traffic.enter()
            try:
                asked = self._read(raw)
                # What is kept under a key is there however full the queue is.
                told = self._full.told(asked, context) if call.idempotency_key is None else None
                if told is None:
                    reply = None if self._at_once is None else self._at_once(services, asked, call)
                    if reply is None:
                        reply = (await self._answer(services, asked, call)).SerializeToString()
                        self._full.ended(asked, context, None)
                    tell(context, call, services.clock() - began)
                    return reply
                failure, kind = told, told.kind
            finally:
                services.traffic.left()
        except Exception as error:  # noqa: BLE001 - every failure becomes a typed status
            failure = failure_of(error, call.request_id)
            kind = failure.kind
            if asked is not None:
                self._full.ended(asked, context, failure)
        except (asyncio.CancelledError, GeneratorExit):
            kind = ErrorKind.CANCELLED
            raise
        finally:
            ended(services, self._route, role, context, call, kind, services.clock() - began)
        # Counted before its client can know of it.
        return await abort(context, call.request_id, failure)


def _streaming(services: GatewayServices, route: str, method: Streaming[Any]) -> Callable[..., Any]:
    sending, clock = services.line.sending, services.clock

    async def answers(raw: bytes, context: Context) -> AsyncIterator[bytes]:
        call = _call(services, context, method.default_s(services))
        with Observed(services, route, method.role, context) as outcome:
            try:
                await _let_in(services, route, method.role, context, outcome.of(call))
                with services.traffic.admit():
                    sending.began(outcome, clock())  # one that is being made is sent next
                    try:
                        replies = await method.open(services, decode(method.request, raw), call)
                    finally:
                        sending.ended(outcome)
                    try:
                        async for reply in replies:
                            sending.began(outcome, clock())
                            yield reply.SerializeToString()
                            sending.ended(outcome)
                    finally:
                        sending.ended(outcome)
                        await close(replies)
                    tell(context, call, outcome.seconds)
            except Exception as error:  # noqa: BLE001 - every failure becomes a typed status
                failure = failure_of(error, call.request_id)
                outcome.kind = failure.kind
                await abort(context, call.request_id, failure)

    return answers


def _duplex(services: GatewayServices, route: str, method: Duplex[Any]) -> Callable[..., Any]:
    async def answers(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        with Observed(services, route, method.role, context) as outcome:
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
        with Observed(services, route, method.role, context) as outcome:
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
    given, named = None, None
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID and isinstance(value, str):
            given = value
        elif key == IDEMPOTENCY_KEY and isinstance(value, str):
            named = value
    call = Call(request_id_of(given), services.deadline(context.time_remaining(), default_s))
    if named is not None:
        call.idempotency_key = named
    return call


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
