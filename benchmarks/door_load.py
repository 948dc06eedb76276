"""Requests that come whether or not answers do: an open load over both doors, at a core's worth of cost.

By hand on asyncio's protocols, without a task a request: a client library costs more a call than a refusal of the
server under test, and would be what is measured. A latency counts from when a request was due, so a generator that
is late makes the server look worse, never better; `late` says by how much.
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import re
import struct
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from benchmarks.attack_waves import DATA, HEADERS, PING, PREFACE, RESET, SETTINGS, call, frame
from hypercube.app.loop import loop_factory

LOAD_CORE: Final = 1
LAST_S: Final = 30.0
"""How long answers are waited for after the last request."""
_WINDOW: Final = 1 << 30
_GRPC_CONNECTIONS: Final = 8
_REFUSED_STREAM: Final = b"\0\0\0\7"
_STREAMS: Final = 1_000
"""Calls at a time on a connection, as the server allows (`gateway.grpc.server.CALLS_A_CONNECTION`). What is due beyond
waits at the client, and its wait counts."""
_REFUSED: Final = re.compile(rb"grpc-status(?:\x018|\x0214)")
_PAUSE_S: Final = 1.0
"""A client of a closed loop that was refused asks again after this, as Retry-After says."""


@dataclass(frozen=True)
class Request:
    """What is asked again and again: a path for each door, bodies in turn over HTTP, one message over gRPC."""

    http_path: str
    http_bodies: Sequence[bytes]
    grpc_path: bytes
    grpc_message: bytes


@dataclass
class Outcomes:
    """Seconds from when requests were due to their answers' ends."""

    accepted: "array[float]" = field(default_factory=lambda: array("d"))
    refused: "array[float]" = field(default_factory=lambda: array("d"))
    late: "array[float]" = field(default_factory=lambda: array("d"))
    """How much later than due a request was written."""
    lost: Counter[str] = field(default_factory=Counter)
    """Neither an answer nor a refusal as it has to be, by what was seen."""
    under_way: int = 0
    seconds: float = 0.0
    in_time: int = 0
    """Answers that came before the load ended."""
    loading: bool = True

    def ended(self, due: float, verdict: bool | str) -> None:
        """True for an answer, False for a refusal, a word for anything else."""
        self.under_way -= 1
        if verdict is True:
            self.in_time += self.loading
            self.accepted.append(time.perf_counter() - due)
        elif verdict is False:
            self.refused.append(time.perf_counter() - due)
        else:
            self.lost[verdict] += 1


Ended = Callable[[bool], None]
"""Told whether a request was answered."""


class _HttpConnection(asyncio.Protocol):
    def __init__(self, door: "OverHttp", due: float, then: Ended | None) -> None:
        self._door = door
        self._buffer = b""
        self._due: float | None = due
        self._then = then

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._due is not None:
            self.ask(self._due, self._then)

    def ask(self, due: float, then: Ended | None) -> None:
        self._due, self._then = due, then
        self._door.outcomes.late.append(time.perf_counter() - due)
        self._door.asked += 1
        self._transport.write(self._door.requests[self._door.asked % len(self._door.requests)])

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            self._buffer = buffer
            return
        at = buffer.find(b"content-length: ", 0, end)
        length = int(buffer[at + 16 : buffer.find(b"\r", at)]) if at > 0 else 0
        if len(buffer) < end + 4 + length:
            self._buffer = buffer
            return
        self._buffer = b""
        verdict: bool | str = buffer.startswith(b"HTTP/1.1 200 ")
        if not verdict and (buffer[9:12] not in (b"429", b"503") or b"\r\nretry-after: " not in buffer[:end]):
            verdict = buffer[:40].decode("latin-1")
        if b"\r\nconnection: close" not in buffer[:end]:
            self._door.free.append(self)
        self._end(verdict)

    def _end(self, verdict: bool | str) -> None:
        due, then = self._due, self._then
        self._due = self._then = None
        assert due is not None
        self._door.outcomes.ended(due, verdict)
        if then is not None:
            then(verdict is True)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._door.free:
            self._door.free.remove(self)
        if self._due is not None:
            self._end(f"closed before an answer: {type(exc).__name__}")


class OverHttp:
    """Keep-alive connections, one request at a time on each, as many as it takes."""

    def __init__(self, port: int, request: Request, outcomes: Outcomes) -> None:
        head = f"POST {request.http_path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        self.requests = [
            head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body for body in request.http_bodies
        ]
        self.asked = 0
        self.outcomes = outcomes
        self.free: list[_HttpConnection] = []
        self._port = port
        self._opening: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Connections are made when they are needed."""

    def ask(self, due: float, then: Ended | None = None) -> None:
        """One request."""
        self.outcomes.under_way += 1
        if self.free:
            self.free.pop().ask(due, then)
            return
        task = asyncio.get_running_loop().create_task(self._on_a_new_one(due, then))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _on_a_new_one(self, due: float, then: Ended | None) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: _HttpConnection(self, due, then), "127.0.0.1", self._port
            )
        except OSError as error:
            self.outcomes.ended(due, f"no connection: {type(error).__name__}")


class _Http2(asyncio.Protocol):
    """As much of HTTP/2 as a well-behaved client needs."""

    def __init__(self, door: "OverGrpc") -> None:
        self._door = door
        self._stream = -1
        self._under_way: dict[int, tuple[float, Ended | None]] = {}
        self._answered: set[int] = set()
        self._most = _STREAMS
        self._waiting: deque[tuple[float, Ended | None]] = deque()
        """Requests that are due, and for which the server allows no further stream at present."""
        self._buffer = b""
        self._taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        window = struct.pack(">I", _WINDOW)
        # Without a table of headers (setting 1) every name in a trailer is written out.
        settings = struct.pack(">HIHI", 1, 0, 4, _WINDOW)
        self._transport.write(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(8, 0, 0, window))

    def ask(self, due: float, then: Ended | None) -> None:
        if len(self._under_way) >= self._most:
            self._waiting.append((due, then))
            return
        self._stream += 2
        self._under_way[self._stream] = (due, then)
        self._door.outcomes.late.append(time.perf_counter() - due)
        self._transport.write(
            frame(HEADERS, 4, self._stream, self._door.head)
            + frame(DATA, 1, self._stream, self._door.message)
        )

    def data_received(self, data: bytes) -> None:
        buffer, at, out = self._buffer + data, 0, b""
        while len(buffer) - at >= 9:
            length = int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) - at < 9 + length:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
            payload = buffer[at + 9 : at + 9 + length]
            at += 9 + length
            if kind == DATA:
                self._answered.add(stream)
                self._taken += length
                if self._taken > _WINDOW // 2:
                    out += frame(8, 0, 0, struct.pack(">I", self._taken))
                    self._taken = 0
            elif kind == HEADERS and flags & 1:
                self._end(stream, self._verdict(stream, payload))
            elif kind == RESET and payload == _REFUSED_STREAM and stream in self._under_way:
                # It was not looked at; gRPC's own clients ask such a thing again without a word.
                self._waiting.append(self._under_way.pop(stream))
            elif kind == RESET:
                self._end(stream, f"reset {payload.hex()}")
            elif kind in (SETTINGS, PING) and not flags & 1:
                out += frame(kind, 1, 0, payload if kind == PING else b"")
        self._buffer = buffer[at:]
        if out:
            self._transport.write(out)

    def _verdict(self, stream: int, trailers: bytes) -> bool | str:
        if stream in self._answered:
            return True
        # RESOURCE_EXHAUSTED or UNAVAILABLE, and RetryInfo beside it.
        if _REFUSED.search(trailers) and b"grpc-status-details-bin" in trailers:
            return False
        return f"trailers {trailers[:200]!r}"

    def _end(self, stream: int, verdict: bool | str) -> None:
        self._answered.discard(stream)
        found = self._under_way.pop(stream, None)
        if found is not None:
            due, then = found
            self._door.outcomes.ended(due, verdict)
            if then is not None:
                then(verdict is True)
            if self._waiting:
                self.ask(*self._waiting.popleft())

    def connection_lost(self, exc: Exception | None) -> None:
        for due, _ in self._waiting:
            self._door.outcomes.ended(due, "closed before it was asked")
        self._waiting.clear()
        for stream in list(self._under_way):
            self._end(stream, f"closed before an answer: {type(exc).__name__}")


class OverGrpc:
    """A few connections with many calls on each."""

    def __init__(self, port: int, request: Request, outcomes: Outcomes) -> None:
        self.head = call(request.grpc_path)
        self.message = b"\0" + struct.pack(">I", len(request.grpc_message)) + request.grpc_message
        self.outcomes = outcomes
        self._port = port
        self._connections: list[_Http2] = []
        self.asked = 0

    async def open(self) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        for _ in range(_GRPC_CONNECTIONS):
            _, made = await loop.create_connection(lambda: _Http2(self), "127.0.0.1", self._port)
            self._connections.append(made)

    def ask(self, due: float, then: Ended | None = None) -> None:
        """One call."""
        self.outcomes.under_way += 1
        self.asked += 1
        self._connections[self.asked % _GRPC_CONNECTIONS].ask(due, then)


Door = OverHttp | OverGrpc


async def _closed(door: Door, clients: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds

    def again(answered: bool) -> None:
        now = time.perf_counter()
        if now < end:
            if answered:
                door.ask(now, again)
            else:
                loop.call_later(_PAUSE_S, lambda: again(True))

    for _ in range(clients):
        again(True)
    await asyncio.sleep(seconds)


async def _open(door: Door, rate: float, seconds: float) -> None:
    draw = random.Random(1)
    began = due = time.perf_counter()
    while True:
        due += draw.expovariate(rate)
        if due > began + seconds:
            return
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        elif len(door.outcomes.late) % 64 == 0:
            await asyncio.sleep(0)  # who is late must still hear answers
        door.ask(due)


async def _run(
    port: int, request: Request, door: str, kind: str, amount: float, seconds: float, first: int
) -> Outcomes:
    outcomes = Outcomes()
    made: Door = (OverHttp if door == "http" else OverGrpc)(port, request, outcomes)
    made.asked = first
    await made.open()
    began = time.perf_counter()
    await (_closed(made, int(amount), seconds) if kind == "closed" else _open(made, amount, seconds))
    outcomes.seconds = time.perf_counter() - began
    outcomes.loading = False
    until = time.perf_counter() + LAST_S
    while outcomes.under_way and time.perf_counter() < until:  # noqa: ASYNC110 - once, at the end
        await asyncio.sleep(0.01)
    if outcomes.under_way:
        outcomes.lost["never answered"] += outcomes.under_way
    return outcomes


def _entry(tell: Any, core: int | None, *arguments: Any) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            tell.send(runner.run(_run(*arguments)))
    except BaseException as error:  # noqa: BLE001 - told to whoever asked
        tell.send(error)


@contextlib.contextmanager
def spinner(core: int) -> Iterator[None]:
    """Keep a core busy for as long as the block runs, with what yields to everybody else (SCHED_IDLE)."""
    process = multiprocessing.get_context("spawn").Process(target=_spin, args=(core,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _spin(core: int) -> None:
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


def drive(
    port: int,
    request: Request,
    door: str,
    kind: str,
    amount: float,
    seconds: float,
    *,
    core: int | None = None,
    first: int = 0,
) -> Outcomes:
    """A load from a process of its own, on `core` alone if one is given; it begins with body number `first`.

    `kind` "closed": `amount` clients that each wait for their answer; "open": `amount` requests a second at the times
    of a Poisson process.
    """
    context = multiprocessing.get_context("spawn")
    hear, tell = context.Pipe(duplex=False)
    process = context.Process(
        target=_entry, args=(tell, core, port, request, door, kind, amount, seconds, first)
    )
    process.start()
    tell.close()
    found = hear.recv()
    process.join()
    if isinstance(found, BaseException):
        raise SystemExit(f"the load failed: {found!r}")
    outcomes: Outcomes = found
    return outcomes
