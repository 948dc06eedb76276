"""What accepted requests pay when more come than can be served: open-loop load at 80 % and at 300 % of capacity.

    python -m benchmarks.overload --output benchmarks/results/overload-cpu.jsonl

The server of benchmarks.serving_peers with work 16 times as long (64 ms a batch, 0.32 ms an item), so that the
load generator keeps up on the same machine, and a bounded wait in the batcher. Capacity is measured first, in a
closed loop. Then requests are sent at the times of a Poisson process whether or not answers come; a latency counts
from the time a request was due. What is refused must be refused with 429 and Retry-After, at once.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from benchmarks.pillars import cpu_name
from benchmarks.serving_peers.__main__ import SERVERS, running
from benchmarks.serving_peers.work import calibrate
from hypercube._version import __version__
from hypercube.app.loop import loop_factory

LONGER: Final = 16
CLOSED_LOOP: Final = 256
LOADS: Final = (0.8, 3.0)


class Connection(asyncio.Protocol):
    """A keep-alive connection with one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[bytes] | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.Transport", transport)

    async def ask(self, message: bytes) -> bytes:
        """Send a request; the whole answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """Collect an answer."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = next(
            int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        if len(body) >= length:
            whole, self._buffer = self._buffer, b""
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(whole)

    def connection_lost(self, exc: Exception | None) -> None:
        """An answer that will not come, or the end of a connection that nobody used for a while."""
        self.closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError())


class Load:
    """Sends nonces to one server and remembers how each was answered."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self._free: list[Connection] = []
        self._sent = 0
        self.accepted_s: list[float] = []
        self.refused_s: list[float] = []
        self.outcomes: Counter[str] = Counter()

    async def one(self, due: float) -> None:
        """One request that was due at `due` (`time.perf_counter` seconds)."""
        while self._free and self._free[-1].closed:
            self._free.pop()
        if self._free:
            connection = self._free.pop()
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        self._sent += 1
        body = b'{"nonce":%d}' % self._sent
        head = f"POST {self._path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        whole = await connection.ask(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        took = time.perf_counter() - due
        self._free.append(connection)
        status = whole.split(b" ", 2)[1].decode()
        self.outcomes[status] += 1
        if status == "200" and whole.endswith(body):
            self.accepted_s.append(took)
        elif status == "429" and b"\r\nretry-after:" in whole.lower():
            self.refused_s.append(took)
        else:
            self.outcomes["wrong"] += 1

    async def closed(self, clients: int, seconds: float) -> float:
        """Requests a second of so many clients that each wait for their answer."""
        end = time.perf_counter() + seconds

        async def client() -> None:
            while time.perf_counter() < end:
                await self.one(time.perf_counter())

        await asyncio.gather(*(client() for _ in range(clients)))
        return len(self.accepted_s) / seconds

    async def open(self, rate: float, seconds: float, seed: int) -> None:
        """Poisson arrivals at `rate` a second."""
        draw = random.Random(seed)
        began = due = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            while due < began + seconds:
                due += draw.expovariate(rate)
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                group.create_task(self.one(due))


def _drive(port: int, path: str, kind: str, amount: float, seconds: float, seed: int, answer: Any) -> None:
    load = Load(port, path)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        if kind == "closed":
            runner.run(load.closed(int(amount), seconds))
        else:
            runner.run(load.open(amount, seconds, seed))
    answer.send((load.accepted_s, load.refused_s, dict(load.outcomes)))


def drive(
    url: str, kind: str, amount: float, seconds: float, seed: int = 0
) -> tuple[list[float], list[float]]:
    """A load from another process: seconds of the accepted, seconds of the refused. No figures on a wrong answer."""
    _, _, host, path = url.split("/", 3)
    here, there = multiprocessing.Pipe()
    arguments = (int(host.rpartition(":")[2]), "/" + path, kind, amount, seconds, seed, there)
    process = multiprocessing.get_context("spawn").Process(target=_drive, args=arguments)
    process.start()
    accepted, refused, outcomes = here.recv()
    process.join()
    if outcomes.get("wrong"):
        raise SystemExit(f"wrong answers: {outcomes}; no figures on red.")
    return accepted, refused


def _ms(seconds: list[float], percentile: float) -> float | None:
    return round(float(np.percentile(seconds, percentile)) * 1e3, 2) if seconds else None


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--max-wait-ms", type=float, default=100.0, help="the batcher's bound on waiting")
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    os.environ["BENCHMARK_MAX_WAIT_S"] = repr(options.max_wait_ms / 1e3)
    rows = []
    rate = calibrate() * LONGER
    with tempfile.TemporaryDirectory() as folder, running(SERVERS[0], rate, Path(folder) / "sizes") as url:
        drive(url, "closed", CLOSED_LOOP, 3)
        for round_ in range(options.rounds):
            capacity = len(drive(url, "closed", CLOSED_LOOP, options.seconds)[0]) / options.seconds
            for share in LOADS:
                accepted, refused = drive(url, "open", share * capacity, options.seconds, seed=round_)
                rows.append(
                    {
                        "round": round_,
                        "capacity_rps": round(capacity),
                        "load": share,
                        "accepted": len(accepted),
                        "refused": len(refused),
                        "p50_ms": _ms(accepted, 50),
                        "p99_ms": _ms(accepted, 99),
                        "refused_p99_ms": _ms(refused, 99),
                    }
                )
                print(rows[-1], flush=True)
    ratios = [rows[i + 1]["p99_ms"] / rows[i]["p99_ms"] for i in range(0, len(rows), 2)]
    print(f"p99 of the accepted at 300 % over that at 80 %: median {np.median(ratios):.2f}, {ratios}")
    if options.output:
        common = {
            "device": cpu_name(),
            "cores": len(os.sched_getaffinity(0)),
            "system_load": round(os.getloadavg()[0], 2),
            "hypercube": __version__,
            "max_wait_ms": options.max_wait_ms,
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        options.output.parent.mkdir(parents=True, exist_ok=True)
        with options.output.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row | common) + "\n" for row in rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
