"""Clients that keep a server busy or wait for it, in a process and on a core of their own; every answer is compared.

HTTP/1.1 and gRPC over HTTP/2 by hand, on asyncio's protocols: a client library costs more a call than the servers
under test, and would be what is measured. The one for gRPC speaks as much HTTP/2 as a well-behaved peer must: it
acknowledges settings and pings and opens its window again.
"""

import asyncio
import multiprocessing
import os
import pickle
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

CORE: Final = 1
"""The core of every client; servers under test have core 0."""
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM: Final = 1
_WIDE: Final = 1 << 30


@dataclass(frozen=True)
class Question:
    """A request's body and the body of the only right answer."""

    body: bytes
    answer: bytes


@dataclass
class Run:
    """What came of a load; times in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    wrong: int = 0


class _Closed:
    """Shared by the connections of a load: what to ask next, and until when."""

    def __init__(self, questions: Sequence[Question], warm_up_s: float, seconds: float) -> None:
        self.questions = questions
        self.begin = time.perf_counter() + warm_up_s
        self.end = self.begin + seconds
        self.run = Run(seconds)
        self.asked = 0
        self.over = asyncio.get_running_loop().create_future()

    def next(self) -> Question:
        """The questions in turn, for ever."""
        self.asked += 1
        return self.questions[self.asked % len(self.questions)]

    def answered(self, asked_at: float, right: bool) -> None:
        """Count an answer that came within the measured time."""
        now = time.perf_counter()
        self.run.wrong += not right
        if self.begin <= now < self.end:
            self.run.latencies.append(now - asked_at)
        elif now >= self.end and not self.over.done():
            self.over.set_result(None)

    def lost(self, error: Exception | None) -> None:
        """A connection closed before the end."""
        if not self.over.done():
            self.over.set_exception(error or ConnectionResetError("the server closed a connection"))


class _Http(asyncio.Protocol):
    """One keep-alive connection that sends its next request when it has its answer."""

    def __init__(self, load: _Closed, path: str) -> None:
        self._load = load
        self._head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: "
        ).encode()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def _ask(self) -> None:
        question = self._question = self._load.next()
        self._asked_at = time.perf_counter()
        self._transport.write(b"%b%d\r\n\r\n%b" % (self._head, len(question.body), question.body))

    def data_received(self, data: bytes) -> None:
        """Collect an answer."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._buffer.find(b"content-length: ", 0, end)
        length = int(self._buffer[at + 16 : self._buffer.find(b"\r", at)])
        if len(self._buffer) < end + 4 + length:
            return
        right = self._buffer.startswith(b"HTTP/1.1 200 ") and self._buffer[end + 4 :] == self._question.answer
        self._buffer = b""
        self._load.answered(self._asked_at, right)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the load."""
        self._load.lost(exc)


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _header(name: bytes, value: bytes) -> bytes:
    """HPACK's literal without indexing (RFC 7541, 6.2.2), so that nobody keeps a table."""
    assert max(len(name), len(value)) < 127
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


class _Grpc(asyncio.Protocol):
    """One HTTP/2 connection with several calls under way; each that ends is followed by another."""

    def __init__(self, load: _Closed, path: str, calls: int) -> None:
        self._load = load
        self._calls = calls
        self._stream = 1
        self._under_way: dict[int, tuple[Question, float, bytes]] = {}
        self._buffer = b""
        self._taken = 0
        pairs = (
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", path.encode()),
            (b":authority", b"127.0.0.1"),
            (b"content-type", b"application/grpc"),
            (b"te", b"trailers"),
        )
        self._headers = b"".join(_header(name, value) for name, value in pairs)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the connection and the calls."""
        self._transport = cast("asyncio.Transport", transport)
        settings = struct.pack(">HI", 4, _WIDE)  # the window of every stream
        window = struct.pack(">I", _WIDE)
        self._transport.write(_PREFACE + _frame(_SETTINGS, 0, 0, settings) + _frame(_WINDOW, 0, 0, window))
        self._transport.write(b"".join(self._call() for _ in range(self._calls)))

    def _call(self) -> bytes:
        question, stream = self._load.next(), self._stream
        self._stream += 2
        self._under_way[stream] = (question, time.perf_counter(), b"")
        message = b"\0" + struct.pack(">I", len(question.body)) + question.body
        return _frame(_HEADERS, 4, stream, self._headers) + _frame(_DATA, _END_STREAM, stream, message)

    def data_received(self, data: bytes) -> None:
        """Take every whole frame."""
        buffer, at, out = self._buffer + data, 0, []
        while len(buffer) - at >= 9:
            length = int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) - at < 9 + length:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
            out.append(self._frame_came(kind, flags, stream, buffer[at + 9 : at + 9 + length]))
            at += 9 + length
        self._buffer = buffer[at:]
        if answers := b"".join(out):
            self._transport.write(answers)

    def _frame_came(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        """What a frame is answered with."""
        if kind == _DATA:
            question, asked_at, so_far = self._under_way[stream]
            self._under_way[stream] = (question, asked_at, so_far + payload)
            self._taken += len(payload)
            if self._taken > _WIDE // 2:
                given, self._taken = struct.pack(">I", self._taken), 0
                return _frame(_WINDOW, 0, 0, given)
        elif kind == _HEADERS and flags & _END_STREAM:
            question, asked_at, message = self._under_way.pop(stream)
            # Only a call that went well has a message, so there is no need to read its trailers.
            self._load.answered(asked_at, message[5:] == question.answer)
            return self._call()
        elif kind in (_RESET, _GOAWAY):
            self._load.lost(ConnectionResetError(f"frame {kind}: {payload!r}"))
        elif kind in (_SETTINGS, _PING) and not flags & 1:
            return _frame(kind, 1, 0, payload if kind == _PING else b"")
        return b""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the load."""
        self._load.lost(exc)


async def _closed_loop(
    make: Callable[[_Closed], asyncio.Protocol], port: int, load: _Closed, connections: int
) -> Run:
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: make(load), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.wait_for(load.over, load.end - time.perf_counter() + 30)
    for transport, _ in opened:
        transport.abort()
    return load.run


def _keep_busy(
    protocol: str, port: int, path: str, questions: Path, shape: tuple[int, int], times: tuple[float, float]
) -> Run:
    import uvloop

    asked: list[Question] = pickle.loads(questions.read_bytes())
    connections, calls = shape

    def make(load: _Closed) -> asyncio.Protocol:
        return _Http(load, path) if protocol == "http" else _Grpc(load, path, calls)

    async def run() -> Run:
        return await _closed_loop(make, port, _Closed(asked, *times), connections)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


# -- one request at a time


@dataclass
class Waits:
    """Seconds to the first byte of the answer's content and to its end, a request each."""

    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)


def _one_by_one(port: int, key: str, body: bytes, count: int, expected: str, streamed: bool) -> Waits:
    waits = Waits()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(count + WARM_UP):
            began = time.perf_counter()
            connection.sendall(head + body)
            first, whole = _read(connection, streamed)
            ended = time.perf_counter()
            if said(whole, streamed) != expected:
                raise SystemExit(f"a wrong answer: {whole[:500]!r}; no figures on red.")
            if number >= WARM_UP:
                waits.first.append(first - began)
                waits.last.append(ended - began)
    return waits


WARM_UP: Final = 20
"""Requests that are not counted: connections behind the door may have to be opened again."""


def _read(connection: socket.socket, streamed: bool) -> tuple[float, bytes]:
    """When content came first, and the whole answer."""
    whole, first = b"", 0.0
    while True:
        data = connection.recv(65536)
        if not data:
            raise ConnectionResetError(f"the server closed the connection after {whole[:300]!r}")
        whole += data
        head, separator, body = whole.partition(b"\r\n\r\n")
        if not separator:
            continue
        if not first and (b'"content":"w' in body or b'"content": "w' in body):
            first = time.perf_counter()
        if streamed or b"content-length" not in head.lower():
            if body.endswith(b"0\r\n\r\n"):
                return first, whole
        else:
            at = head.lower().find(b"content-length:")
            if len(body) >= int(head[at + 15 :].split(b"\r", 1)[0]):
                return first, whole


def said(whole: bytes, streamed: bool) -> str:
    """The text of an answer; empty for one that is no whole answer."""
    import json

    head, _, body = whole.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        return ""
    if not streamed:
        return str(json.loads(body)["choices"][0]["message"]["content"])
    text, done = "", False
    for line in body.split(b"\n"):
        data = line.strip().removeprefix(b"data:").strip()
        if data == b"[DONE]":
            done = True
        elif data.startswith(b"{"):
            for choice in json.loads(data)["choices"]:
                text += choice["delta"].get("content") or ""
    return text if done else ""


# -- in a process of their own


def _entry(pipe: Any) -> None:
    os.sched_setaffinity(0, {CORE})
    while (asked := pipe.recv()) is not None:
        work, arguments = asked
        try:
            pipe.send(work(*arguments))
        except BaseException as error:  # noqa: BLE001 - told to whoever asked
            pipe.send(error)


class Client:
    """A process on a core of its own that asks; the same one for every contestant, so that none gets a cold one."""

    def __init__(self) -> None:
        """It runs until `close`."""
        self._pipe, there = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=_entry, args=(there,), daemon=True
        )
        self._process.start()
        there.close()

    def close(self) -> None:
        """End it."""
        self._pipe.send(None)
        self._process.join()

    def _ask(self, work: Callable[..., Any], *arguments: Any) -> Any:
        self._pipe.send((work, arguments))
        result = self._pipe.recv()
        if isinstance(result, BaseException):
            raise SystemExit(f"the load failed: {result!r}")
        return result

    def keep_busy(
        self,
        protocol: str,
        port: int,
        path: str,
        questions: Path,
        *,
        connections: int,
        calls: int,
        warm_up_s: float,
        seconds: float,
    ) -> Run:
        """A closed loop: `connections` of them, each with `calls` requests under way; no figures on a wrong answer."""
        run: Run = self._ask(
            _keep_busy, protocol, port, path, questions, (connections, calls), (warm_up_s, seconds)
        )
        if run.wrong:
            raise SystemExit(f"{run.wrong} wrong answers; no figures on red.")
        return run

    def one_by_one(
        self, port: int, key: str, body: bytes, count: int, *, expected: str, streamed: bool
    ) -> Waits:
        """`count` chats after one another on one connection; no figures on a wrong answer."""
        waits: Waits = self._ask(_one_by_one, port, key, body, count, expected, streamed)
        return waits
