"""How a call ended: its status, what is told beside it, and who is told of it."""

import asyncio
from types import TracebackType
from typing import Final

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind
from hypercube.core.principal import Role
from hypercube.gateway.grpc.methods import Context
from hypercube.gateway.idempotency import REPLAYED
from hypercube.gateway.quota_headers import quota_headers
from hypercube.gateway.request_id import REQUEST_ID, SERVED_BY
from hypercube.gateway.server_timing import server_timing
from hypercube.gateway.services import GatewayServices

SERVER_TIMING: Final = "server-timing"


def tell(context: Context, call: Call, total_s: float) -> None:
    """Say beside an answer whose it is, where its time went, which version made it and what quotas are left."""
    told: tuple[tuple[str, str], ...]
    told = (REQUEST_ID, call.request_id), (SERVER_TIMING, server_timing(call.timing, total_s))
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


def ended(
    services: GatewayServices,
    route: str,
    role: Role,
    context: Context,
    call: Call | None,
    kind: ErrorKind | None,
    seconds: float,
) -> None:
    """Tell the observer, and the audit where one is due, how a call ended; `kind` is None for one that went well.

    Whose call went well is no stranger from then on.
    """
    word = "ok" if kind is None else kind.value
    services.observe("grpc", route, word, seconds)
    if kind is None:
        services.acquainted.add(context.peer())
    if services.audit is not None and call is not None and (role is Role.ADMIN or call.privileged):
        services.audit(call, transport="grpc", what=route, outcome=word, peer=context.peer())


class Observed:
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

    def __enter__(self) -> "Observed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, (asyncio.CancelledError, GeneratorExit)):
            self.kind = ErrorKind.CANCELLED
        ended(self._services, self._route, self._role, self._context, self._call, self.kind, self.seconds)
