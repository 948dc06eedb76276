"""Clients that mean harm: connections and streams left half-open, heads without an end, and leaving in mid-sentence.

One wave is everything at once, `count` half-open connections of HTTP and as many half-open streams of gRPC. It needs
a descriptor for each connection; `raise_descriptor_limit` takes what the system gives.
"""

import asyncio
import contextlib
import itertools
import json
import resource
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
HEAD: Final = b"POST /v1/saju/charts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
STREAMS: Final = 100
"""Half-open gRPC streams of one connection."""
DOORS: Final = ("http", "grpc")
_AT_ONCE: Final = 200
_CHAT: Final = json.dumps(
    {"messages": [{"role": "user", "content": "사주 " * 200}], "stream": True, "max_tokens": 1000}
).encode()
_BATCH: Final = json.dumps({"births": [{"birth": "1990-05-03T07:20"}] * 500}).encode()
_sources = itertools.cycle(f"127.0.0.{last}" for last in range(2, 12))


def raise_descriptor_limit() -> int:
    """How many descriptors this process may have, after asking for as many as it may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _header(name: bytes, value: bytes) -> bytes:
    """HPACK's literal without indexing (RFC 7541, 6.2.2)."""
    assert len(name) < 127
    assert len(value) < 127
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def call(path: bytes) -> bytes:
    """The headers of a gRPC call."""
    pairs = (
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"x"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    )
    return b"".join(_header(name, value) for name, value in pairs)


CHART: Final = call(b"/hypercube.v1.Saju/Chart")
OPENED: Final = PREFACE + frame(SETTINGS, 0, 0)


def post(path: bytes, body: bytes) -> bytes:
    """A whole request."""
    return (
        b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        % (path, len(body), body)
    )


# -- left half-open: what each kind says before it falls silent, or goes on a byte at a time

HALF_HTTP: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"", b""),
    (HEAD, b""),
    (HEAD + b"x-slow: a", b"a"),
    (HEAD + b"content-length: 1000\r\n\r\n{", b""),
    (HEAD + b"content-length: 1000\r\n\r\n{", b" "),
    (HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{", b""),
)
HALF_GRPC: Final[tuple[bytes, ...]] = (
    b"",
    PREFACE,
    OPENED,
    OPENED + frame(HEADERS, 0, 1, CHART),  # a header block without its end
    OPENED + b"".join(frame(HEADERS, 4, 1 + 2 * number, CHART) for number in range(STREAMS)),
    OPENED
    + b"".join(
        frame(HEADERS, 4, 1 + 2 * number, CHART) + frame(DATA, 0, 1 + 2 * number, b"\0\0\0\1\0half")
        for number in range(STREAMS)
    ),
)

BOMBS_HTTP: Final[tuple[bytes, ...]] = (
    HEAD + b"".join(b"x-%d: a\r\n" % number for number in range(20_000)) + b"\r\n",
    HEAD + b"x-long: " + b"a" * 2_000_000,
    b"GET /" + b"a" * 500_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n1;" + b"a" * 1_000_000,
    HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"x: a\r\n" * 100_000,
    b"\x16\x03\x01\x02\x00" + b"\xff" * 1000,
)
_LARGE: Final = (
    bytes([0, 1, 0x78, 0x7F, 0x81, 0x1E]) + b"a" * 4000
)  # a value of 127 + 129 - 128 + 30 * 128 bytes
RAPID_RESET: Final = OPENED + b"".join(
    frame(HEADERS, 4, number, CHART) + frame(RESET, 0, number, b"\0\0\0\x08") for number in range(1, 4000, 2)
)
BOMBS_GRPC: Final[tuple[bytes, ...]] = (
    OPENED + frame(HEADERS, 0, 1, CHART) + frame(CONTINUATION, 0, 1, _header(b"x", b"a" * 100) * 100) * 200,
    OPENED + frame(HEADERS, 0, 1, CHART) + frame(CONTINUATION, 0, 1) * 50_000,
    OPENED + frame(HEADERS, 4, 1, CHART + _LARGE * 3),
    OPENED + frame(SETTINGS, 0, 0) * 50_000,
    OPENED + frame(PING, 0, 0, b"12345678") * 50_000,
    RAPID_RESET,
    OPENED + b"\xff" * 20_000,
)


@dataclass
class Ports:
    """Where the doors are."""

    http: int
    grpc: int


@dataclass
class Tally:
    """What the attackers saw."""

    opened: int = 0
    streams: int = 0
    refused: int = 0
    """Connections that could not be made."""
    closed_by_server: int = 0
    seen: set[bytes] = field(default_factory=set)
    """First lines of HTTP answers."""


class _Attacker(asyncio.Protocol):
    """Says something, hears something, until either side has had enough."""

    def __init__(self, tally: Tally, say: bytes, port: int) -> None:
        self.port = port
        self._tally = tally
        self._say = say
        self.heard = asyncio.Event()
        self.over = asyncio.Event()
        self.left = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._tally.opened += 1
        self.transport.write(self._say)

    def data_received(self, data: bytes) -> None:
        if not self.heard.is_set() and data.startswith(b"HTTP/1.1 "):
            self._tally.seen.add(data[9:12])
        self.heard.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.closed_by_server += not self.left
        self.heard.set()
        self.over.set()

    def leave(self) -> None:
        """At once, without a word: the peer gets a reset if anything is under way."""
        self.left = True
        self.transport.abort()


async def _attack(port: int, tally: Tally, say: bytes) -> _Attacker | None:
    loop = asyncio.get_running_loop()
    made = socket.socket()
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        made.bind((next(_sources), 0))
        await loop.sock_connect(made, ("127.0.0.1", port))
        _, attacker = await loop.create_connection(lambda: _Attacker(tally, say, port), sock=made)
    except OSError:
        made.close()
        tally.refused += 1
        return None
    return attacker


async def _many(count: int, each: Callable[[int], Awaitable[None]], a_second: float | None = None) -> None:
    """`each` for so many numbers: as fast as it goes, or begun at even times."""
    numbers = iter(range(count))
    if a_second is not None:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in numbers:
                await asyncio.sleep(max(0.0, began + number / a_second - time.perf_counter()))
                group.create_task(_awaited(each(number)))
        return

    async def some() -> None:
        for number in numbers:
            await each(number)

    await asyncio.gather(*(some() for _ in range(min(count, _AT_ONCE))))


async def _awaited(each: Awaitable[None]) -> None:
    await each


@contextlib.asynccontextmanager
async def half_open(
    ports: Ports,
    count: int,
    tally: Tally,
    *,
    a_second: float | None = None,
    doors: Collection[str] = DOORS,
) -> AsyncIterator[list[_Attacker]]:
    """`count` connections of HTTP and three times as many streams of gRPC, held meanwhile; slow ones go on dripping.

    They come and leave as fast as they can, or so many of each door `a_second`; of some `doors` only, if told so.
    """
    held: list[_Attacker] = []
    dripping: list[tuple[_Attacker, bytes]] = []

    async def http(number: int) -> None:
        say, drip = HALF_HTTP[number % len(HALF_HTTP)]
        if (attacker := await _attack(ports.http, tally, say)) is not None:
            held.append(attacker)
            if drip:
                dripping.append((attacker, drip))

    async def grpc(number: int) -> None:
        say = HALF_GRPC[number % len(HALF_GRPC)]
        if (attacker := await _attack(ports.grpc, tally, say)) is not None:
            tally.streams += STREAMS if len(say) > 1000 else 0
            held.append(attacker)

    async def drip() -> None:
        while True:
            await asyncio.sleep(0.5)
            for attacker, byte in dripping:
                if not attacker.transport.is_closing():
                    attacker.transport.write(byte)

    task = asyncio.create_task(drip())
    try:
        over_grpc = max(len(HALF_GRPC), 3 * count // STREAMS) if "grpc" in doors else 0
        await asyncio.gather(
            _many(count if "http" in doors else 0, http, a_second),
            _many(over_grpc, grpc, None if a_second is None else a_second * over_grpc / count),
        )
        yield held
    finally:
        task.cancel()
        began = time.perf_counter()
        for number, attacker in enumerate(held):
            if a_second is not None:
                await asyncio.sleep(max(0.0, began + number / a_second - time.perf_counter()))
            attacker.leave()
        await asyncio.gather(*(attacker.over.wait() for attacker in held))


async def bombs(
    ports: Ports, count: int, tally: Tally, *, after: int = 0, doors: Collection[str] = DOORS
) -> None:
    """`count` heads without an end; each connection stays until the server has had enough, or for 1 s.

    The kinds take turns; who has sent `after` of them goes on from there. Those of no given door are left out.
    """

    async def bomb(number: int) -> None:
        door = DOORS[1 - number % 2]
        if door not in doors:
            return
        kinds: Sequence[bytes] = BOMBS_HTTP if door == "http" else BOMBS_GRPC
        port = ports.http if door == "http" else ports.grpc
        attacker = await _attack(port, tally, kinds[(after + number) // 2 % len(kinds)])
        if attacker is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(attacker.over.wait(), 1)
            attacker.leave()
            await attacker.over.wait()

    await _many(count, bomb)


@contextlib.asynccontextmanager
async def resets(port: int, connections: int, tally: Tally) -> AsyncIterator[None]:
    """Connections of which each opens and resets 2,000 calls at once, held while the block runs."""
    made = await asyncio.gather(*(_attack(port, tally, RAPID_RESET) for _ in range(connections)))
    held = [attacker for attacker in made if attacker is not None]
    tally.streams += 2_000 * len(held)
    try:
        yield
    finally:
        for attacker in held:
            attacker.leave()
        await asyncio.gather(*(attacker.over.wait() for attacker in held))


async def disconnects(ports: Ports, count: int, tally: Tally, *, doors: Collection[str] = DOORS) -> None:
    """`count` clients that leave in the middle of a request, of an answer and of a stream of events.

    Of eight, six are of HTTP; those of no given door are left out.
    """
    chat = post(b"/v1/chat/completions", _CHAT)
    calls = b"".join(
        frame(HEADERS, 4, stream, call(b"/hypercube.v1.Chat/Stream"))
        + frame(DATA, 1, stream, b"\0\0\0\0\x12" + b"\x12\x10\x0a\x04user\x12\x08" + "사주".encode() + b"  ")
        for stream in range(1, 21, 2)
    )
    ways: tuple[tuple[str, bytes, bool], ...] = (
        ("http", chat[:80], False),
        ("http", chat[:-20], False),
        ("http", chat, False),
        ("http", chat, True),
        ("http", post(b"/v1/saju/charts:batch", _BATCH), False),
        ("http", post(b"/v1/saju/charts:batch", _BATCH), True),
        ("grpc", OPENED + calls, False),
        ("grpc", OPENED + calls, True),
    )

    async def one(number: int) -> None:
        door, say, listens = ways[number % len(ways)]
        if door not in doors:
            return
        attacker = await _attack(ports.http if door == "http" else ports.grpc, tally, say)
        if attacker is not None:
            if listens:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(attacker.heard.wait(), 5)
            else:
                await asyncio.sleep(number % 7 * 1e-3)
            attacker.leave()
            await attacker.over.wait()

    await _many(count, one)
