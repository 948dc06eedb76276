"""Sockets: which addresses are allowed, and what is said when one is taken."""

import asyncio
import contextlib
import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import grpc
import uvicorn

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.gateway.http.crowd import crowd_of
from hypercube.gateway.http.doorstep import Doorstep, can_wait_outside
from hypercube.settings import ServerSettings

_BACKLOG: Final = 2048
_ACCEPTED: Final = 8
"""Connections that are accepted in a turn of the loop, at some 70 us each."""
_OTHER_DESCRIPTORS: Final = 256
"""Files, pipes to engines, event loops; and connections on their way out."""


def check_listen_address(server: ServerSettings) -> None:
    """Loopback is always fine; anything else must be asked for, and then asks for keys (`app.access`).

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the flag.
    """
    if server.allow_remote or is_loopback(server.host):
        return
    raise invalid(
        f"Listening on {server.host!r} would let other machines in.",
        param="server.host",
        value=server.host,
        fix="Stay on 127.0.0.1, or make a key (hypercube keys create NAME) and add --allow-remote "
        "(HYPERCUBE_SERVER_ALLOW_REMOTE=true).",
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def room_for(connections: int) -> int:
    """How many connections each of the two doors may have, at most `connections`, given the limit of descriptors.

    Raises this process's limit as far as it may go, and has the system make its table of descriptors that large now:
    it doubles the table whenever it is full, and in a process of several threads whoever wants the next descriptor then
    waits 8 to 18 ms each time. For the event loop those were the longest turns while a crowd came.
    """
    try:
        import fcntl
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    room = connections
    if most != resource.RLIM_INFINITY:
        room = max(1, min(connections, (most - _OTHER_DESCRIPTORS) // 2))
    with contextlib.suppress(OSError), Path(os.devnull).open() as some:
        os.close(fcntl.fcntl(some, fcntl.F_DUPFD, 2 * room + _OTHER_DESCRIPTORS - 1))
    return room


def bind_http(
    host: str, port: int, *, what: str = "HTTP", share: bool = False, listen: bool = True
) -> socket.socket:
    """A TCP socket; `what` is served there, for the error message. With `share`, others of this user may listen too.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it an answer in two writes waits
    # for the client's delayed acknowledgement, 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        if listen:
            listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _not_bound(what, host, port, str(error)) from error
    return listener


def accepting(listener: socket.socket) -> list[socket.socket]:
    """The socket as often as connections are to be accepted in a turn of the loop.

    uvloop accepts one a turn from each. Where many come, turns are long, and newcomers waited behind thousands of
    others for half a second and more. Servers close the ones that they were given.
    """
    return [listener, *(listener.dup() for _ in range(_ACCEPTED - 1))]


def bind_grpc(
    server: grpc.aio.Server,
    host: str,
    port: int,
    credentials: grpc.ServerCredentials | None = None,
    *,
    shared: bool = False,
) -> int:
    """Bind a gRPC server and return its port; encrypted where there are credentials.

    A `shared` port may be taken by others of ours.

    Raises:
        HyperCubeError: as `bind_http`.
    """
    # gRPC shares a taken port silently (SO_REUSEPORT) unless told not to, so look first.
    if port and not shared:
        bind_http(host, port, what="gRPC").close()
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        if credentials is not None:
            return server.add_secure_port(address, credentials)
        return server.add_insecure_port(address)
    except RuntimeError as error:
        raise _not_bound("gRPC", host, port, str(error)) from error


def bind_http_socket(path: Path) -> socket.socket:
    """A listening Unix socket that only this user can open; a stale file of an earlier run makes room.

    Raises:
        HyperCubeError: FAILED_PRECONDITION where somebody listens there, or no socket can be.
    """
    _make_room("http", path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _for_this_user():
            listener.bind(str(path))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _no_socket("http", path, str(error)) from error
    return listener


def bind_grpc_socket(server: grpc.aio.Server, path: Path) -> None:
    """Bind a gRPC server to a Unix socket; errors as `bind_http_socket`."""
    _make_room("grpc", path)
    try:
        with _for_this_user():
            server.add_insecure_port(f"unix:{path}")
    except RuntimeError as error:
        raise _no_socket("grpc", path, str(error)) from error


def _make_room(what: str, path: Path) -> None:
    if not path.exists():
        return
    if not path.is_socket():
        raise _no_socket(what, path, "a file of that name is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise _no_socket(what, path, str(error)) from error
    raise _no_socket(what, path, "somebody listens there")


@contextlib.contextmanager
def _for_this_user() -> Iterator[None]:
    """What is made inside can be opened by this user alone."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def _no_socket(what: str, path: Path, why: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"The Unix socket {str(path)!r} cannot be used: {why}.",
        param=f"server.{what}_socket",
        value=str(path),
        fix="Stop what uses it, or name another path, of at most 100 bytes, in a folder of this user's.",
    )


def _not_bound(what: str, host: str, port: int, why: str) -> HyperCubeError:
    variable = f"{what.upper()}_PORT"
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"The {what} address {host}:{port} cannot be used: {why}.",
        param=f"server.{what.lower()}_port",
        value=port,
        fix=f"Stop what uses it, or choose another: make run {variable}=… (or --{what.lower()}-port).",
    )


class HttpServer(uvicorn.Server):
    """uvicorn on our sockets; signals are the application's business, not the transport's."""

    def __init__(self, config: uvicorn.Config, *, doorstep: bool = False) -> None:
        """With a `doorstep` those who have said nothing wait apart, where that can be."""
        super().__init__(config)
        self._with_doorstep = doorstep
        self._doorstep: Doorstep | None = None

    @property
    def connected(self) -> int:
        """Connections that were accepted and are not closed."""
        return len(self.server_state.connections) + (0 if self._doorstep is None else len(self._doorstep))

    def turn_out(self) -> None:
        """Close the connections on which nothing was asked for."""
        connections: list[Any] = list(self.server_state.connections)
        for connection in connections:
            if connection.cycle is None:
                connection.transport.close()
        if self._doorstep is not None:
            self._doorstep.turn_all_out()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept from now on."""
        if not self._with_doorstep or not sockets:
            await super().startup(sockets)
        elif self.config.ssl is not None or not can_wait_outside():
            await super().startup([each for listener in sockets for each in accepting(listener)])
        else:
            await super().startup([])
            made: Any = self.config.http_protocol_class
            limits = made.limits
            crowd = crowd_of(self.server_state, asyncio.get_running_loop())
            (listener,) = sockets
            doorstep = self._doorstep = Doorstep(
                listener,
                self.protocol,
                crowd,
                header_s=limits.header_s,
                full=lambda: self.connected >= limits.max_connections,
            )
            self.servers.append(cast("asyncio.Server", doorstep))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listening sockets and the connections that are not being answered, wait for the others.

        Whoever had asked for something is answered, though nobody had read it.
        """
        if self._doorstep is not None:
            await self._doorstep.finish()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signal handlers alone."""
        yield

    def protocol(self, head_since: float | None = None) -> asyncio.Protocol:
        """What answers a new connection, whose first head may have begun before, by the loop's clock."""
        make: Any = self.config.http_protocol_class
        made = make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
        made.head_since = head_since
        return cast("asyncio.Protocol", made)

    async def until_listening(self, task: "asyncio.Task[None]") -> None:
        """Return when requests are accepted; raise if the server ended instead."""
        while not self.started:
            if task.done():
                task.result()
                raise HyperCubeError(ErrorKind.INTERNAL, "The HTTP server ended before it listened.")
            await asyncio.sleep(0.001)


async def stop_http(server: HttpServer, task: "asyncio.Task[None]") -> None:
    """Close the listening sockets and the connections, then wait for the server's end."""
    server.should_exit = True
    await task
