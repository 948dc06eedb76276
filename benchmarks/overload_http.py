"""What a server does with three times what it can: goodput, waits, and how it says no, over HTTP and over gRPC.

    python -m benchmarks.overload_http --output benchmarks/results/overload-http-cpu.jsonl

`hypercube serve` as a user starts it; the load is a process of its own. Requests are due at the times of a Poisson
process, whether or not answers come, and a latency counts from when a request was due. Loads, each on the same server:

    peak    goodput of a closed loop of `--clients`
    0.8     of the peak
    3.0     of the peak, for `--seconds`

A chart comes with every fact, so that it is the server's work that is scarce: of bare pillars a server of one process
answers more than a load generator of one process can ask three times over.

On a machine of two cores the load generator takes most of one of them; its own lateness (`late_p99_ms`: how much later
than due a request was written) says when it is what is measured.

A refusal must be 429 or 503 with Retry-After, or, over gRPC, a status without a message. A connection that breaks, a
wrong answer and one that never comes are `lost`; with any of them there are no figures.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from benchmarks.attack_waves import DATA, HEADERS, PING, PREFACE, RESET, SETTINGS, call, frame
from benchmarks.overload import Connection
from benchmarks.overload_servers import Serving, serving
from benchmarks.rounds import append, environment
from hypercube.app.loop import loop_factory
from hypercube.wire.v1 import chat_pb2, saju_pb2

CHARTS: Final = "charts"
CHAT: Final = "chat"
_INCLUDE: Final = ("facts", "luck", "periods")
_CHART: Final = json.dumps(
    {"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul", "include": _INCLUDE, "as_of": "2026-11-23"}
).encode()
_WORDS: Final = "사주 여덟 글자"
_CHAT: Final = json.dumps(
    {"messages": [{"role": "user", "content": _WORDS}], "max_tokens": 24, "temperature": 0}
).encode()
_GRPC: Final = {
    CHARTS: (
        b"/hypercube.v1.Saju/Chart",
        saju_pb2.Birth(
            birth="1990-05-03T07:20",
            sex=saju_pb2.SEX_MALE,
            place="Seoul",
            include=[saju_pb2.INCLUDE_FACTS, saju_pb2.INCLUDE_LUCK, saju_pb2.INCLUDE_PERIODS],
            as_of="2026-11-23",
        ).SerializeToString(),
    ),
    CHAT: (
        b"/hypercube.v1.Chat/Complete",
        chat_pb2.ChatRequest(
            messages=[chat_pb2.ChatMessage(role="user", content=_WORDS)], max_tokens=24, temperature=0
        ).SerializeToString(),
    ),
}
_HTTP: Final = {CHARTS: ("/v1/saju/charts", _CHART), CHAT: ("/v1/chat/completions", _CHAT)}
_WINDOW: Final = 1 << 30
_CONNECTIONS: Final = 8
_LAST_S: Final = 30.0
"""How long answers are waited for after the last request."""


class Outcomes:
    """Seconds since they were due of what was accepted and of what was refused."""

    def __init__(self) -> None:
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self.late: list[float] = []
        self.lost: Counter[str] = Counter()


class OverHttp:
    """Keep-alive connections, as many as are needed, one request at a time on each."""

    def __init__(self, server: Serving, subject: str, outcomes: Outcomes) -> None:
        path, body = _HTTP[subject]
        self._request = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode() + body
        self._port = server.http
        self._free: list[Connection] = []
        self._outcomes = outcomes

    async def open(self) -> None:
        """Nothing to do before the first request."""

    async def ask(self, due: float) -> bool:
        """One request; whether it was accepted."""
        outcomes = self._outcomes
        while self._free and self._free[-1].closed:
            self._free.pop()
        try:
            if self._free:
                connection = self._free.pop()
            else:
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
            outcomes.late.append(time.perf_counter() - due)
            whole = await connection.ask(self._request)
        except OSError as error:
            outcomes.lost[type(error).__name__] += 1
            return False
        took = time.perf_counter() - due
        self._free.append(connection)
        if whole.startswith(b"HTTP/1.1 200 "):
            outcomes.accepted.append(took)
            return True
        if whole[9:12] in (b"429", b"503") and b"\r\nretry-after: " in whole.lower():
            outcomes.refused.append(took)
        else:
            outcomes.lost[whole[:40].decode("latin-1")] += 1
        return False


class _Http2(asyncio.Protocol):
    """As much of HTTP/2 as a well-behaved client needs; see benchmarks.gateway.load."""

    def __init__(self, head: bytes, message: bytes) -> None:
        self._head = head
        self._message = b"\0" + struct.pack(">I", len(message)) + message
        self._stream = -1
        self._under_way: dict[int, asyncio.Future[bool | None]] = {}
        self._answered: set[int] = set()
        self._buffer = b""
        self._taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        settings = struct.pack(">HI", 4, _WINDOW)
        transport.write(  # type: ignore[attr-defined]
            PREFACE + frame(SETTINGS, 0, 0, settings) + frame(8, 0, 0, struct.pack(">I", _WINDOW))
        )

    def ask(self) -> "asyncio.Future[bool | None]":
        """True for an answer, False for a refusal, None for neither."""
        self._stream += 2
        future = asyncio.get_running_loop().create_future()
        self._under_way[self._stream] = future
        self._transport.write(
            frame(HEADERS, 4, self._stream, self._head) + frame(DATA, 1, self._stream, self._message)
        )
        return future

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
                self._end(stream, stream in self._answered)
            elif kind == RESET:
                self._end(stream, None)
            elif kind in (SETTINGS, PING) and not flags & 1:
                out += frame(kind, 1, 0, payload if kind == PING else b"")
        self._buffer = buffer[at:]
        if out:
            self._transport.write(out)

    def _end(self, stream: int, result: bool | None) -> None:
        self._answered.discard(stream)
        future = self._under_way.pop(stream, None)
        if future is not None and not future.done():
            future.set_result(result)

    def connection_lost(self, exc: Exception | None) -> None:
        for stream in list(self._under_way):
            self._end(stream, None)


class OverGrpc:
    """A few connections with many calls on each."""

    def __init__(self, server: Serving, subject: str, outcomes: Outcomes) -> None:
        path, self._message = _GRPC[subject]
        self._head = call(path)
        self._port = server.grpc
        self._outcomes = outcomes
        self._connections: list[_Http2] = []
        self._next = 0

    async def open(self) -> None:
        """Connect."""
        loop = asyncio.get_running_loop()
        for _ in range(_CONNECTIONS):
            _, made = await loop.create_connection(
                lambda: _Http2(self._head, self._message), "127.0.0.1", self._port
            )
            self._connections.append(made)

    async def ask(self, due: float) -> bool:
        """One call; whether it was accepted."""
        outcomes = self._outcomes
        self._next += 1
        outcomes.late.append(time.perf_counter() - due)
        answered = await self._connections[self._next % _CONNECTIONS].ask()
        took = time.perf_counter() - due
        if answered is None:
            outcomes.lost["reset"] += 1
        elif answered:
            outcomes.accepted.append(took)
        else:
            outcomes.refused.append(took)
        return bool(answered)


DOORS: Final[dict[str, Callable[[Serving, str, Outcomes], Any]]] = {"http": OverHttp, "grpc": OverGrpc}


async def _closed(door: Any, clients: int, seconds: float) -> None:
    end = time.perf_counter() + seconds

    async def client() -> None:
        while (now := time.perf_counter()) < end:
            if not await door.ask(now):
                await asyncio.sleep(0.05)

    await asyncio.gather(*(client() for _ in range(clients)))


async def _open(door: Any, rate: float, seconds: float, outcomes: Outcomes) -> None:
    draw = random.Random(1)
    began = due = time.perf_counter()
    tasks: set[asyncio.Task[bool]] = set()
    while due < began + seconds:
        due += draw.expovariate(rate)
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(door.ask(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if len(tasks) % 64 == 63:
            await asyncio.sleep(0)  # who is late must still hear answers
    if tasks:
        _, pending = await asyncio.wait(tasks, timeout=_LAST_S)
        outcomes.lost["never answered"] += len(pending)
        for task in pending:
            task.cancel()


def _drive(
    server: Serving, door: str, subject: str, kind: str, amount: float, seconds: float, tell: Any
) -> None:
    async def run() -> Outcomes:
        outcomes = Outcomes()
        made = DOORS[door](server, subject, outcomes)
        await made.open()
        if kind == "closed":
            await _closed(made, int(amount), seconds)
        else:
            await _open(made, amount, seconds, outcomes)
        return outcomes

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        tell.send(runner.run(run()))


def drive(server: Serving, door: str, subject: str, kind: str, amount: float, seconds: float) -> Outcomes:
    """A load from a process of its own."""
    context = multiprocessing.get_context("spawn")
    hear, tell = context.Pipe(duplex=False)
    process = context.Process(target=_drive, args=(server, door, subject, kind, amount, seconds, tell))
    process.start()
    tell.close()
    try:
        outcomes: Outcomes = hear.recv()
    except EOFError:
        process.join()
        raise SystemExit(f"The load ended with status {process.exitcode}; no figures.") from None
    process.join()
    return outcomes


def in_flight(server: Serving) -> int:
    """What the server says is inside."""
    page = httpx.get(f"http://127.0.0.1:{server.http}/metrics", timeout=30).text
    line = next(each for each in page.splitlines() if each.startswith("hypercube_requests_in_flight "))
    return int(float(line.split()[1]))


def _ms(seconds: list[float], percentile: float) -> float | None:
    return round(float(np.percentile(seconds, percentile)) * 1e3, 2) if seconds else None


def measure(
    server: Serving, door: str, subject: str, clients: int, seconds: float, shares: list[float]
) -> list[dict[str, Any]]:
    """The rows of one door and subject."""
    drive(server, door, subject, "closed", clients, 2)
    closed = drive(server, door, subject, "closed", clients, min(seconds, 10.0))
    peak = len(closed.accepted) / min(seconds, 10.0)
    rows = []
    for share in shares:
        found = drive(server, door, subject, "open", share * peak, seconds)
        rows.append(
            {
                "subject": subject,
                "door": door,
                "peak_rps": round(peak, 1),
                "load": share,
                "seconds": seconds,
                "accepted": len(found.accepted),
                "refused": len(found.refused),
                "lost": dict(found.lost),
                "goodput_over_peak": round(len(found.accepted) / seconds / peak, 3),
                "p50_ms": _ms(found.accepted, 50),
                "p99_ms": _ms(found.accepted, 99),
                "refused_p50_ms": _ms(found.refused, 50),
                "refused_p99_ms": _ms(found.refused, 99),
                "late_p99_ms": _ms(found.late, 99),
                "in_flight_after": in_flight(server),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--subject", choices=[CHARTS, CHAT], default=CHARTS)
    parser.add_argument("--door", choices=["http", "grpc"], default="http")
    parser.add_argument("--model", default="none", help="for chats: what --model of the server is")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--loads", type=float, nargs="+", default=[0.8, 3.0])
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    with serving("--model", options.model) as server:
        while (
            options.model != "none" and httpx.get(f"http://127.0.0.1:{server.http}/readyz").status_code != 200
        ):
            time.sleep(0.5)
        rows = measure(server, options.door, options.subject, options.clients, options.seconds, options.loads)
    append(options.output, [row | environment() for row in rows if not any(row["lost"].values())])
    if any(any(row["lost"].values()) for row in rows):
        raise SystemExit("Requests were lost; no figures on red.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
