"""How full batches get, and what a lone request pays: the dynamic batcher in process and behind HTTP.

    python -m benchmarks.batching --output benchmarks/results/batching-cpu.jsonl

Four questions, each its own rows:

    one-turn    128 submissions in one turn of the event loop: one batch of 128?
    in-process  1, 16 and 128 callers on the event loop, the same 4 ms work: full batches?
    http-work   1, 16 and 128 HTTP clients on a cube whose work takes 4 ms + 0.02 ms an item with the GIL
                released (PBKDF2, calibrated here): batch sizes, requests/s, latency; beside it the bare work.
    http-chart  1, 16 and 128 HTTP clients on POST /v1/saju/charts (true solar time, so that the batcher is
                asked), whose kernel takes microseconds: the
                histogram as it is, with no delay added to make it look full; and the route's latency alone.

The load comes from a second process over keep-alive connections on loopback; each client sends its next request
when it has its answer (closed loop), a fixed number in all, the first tenth not counted.
"""

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections import Counter
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, cast

from benchmarks.pillars import cpu_name, installed
from hypercube._version import __version__
from hypercube.app import Application
from hypercube.app.loop import loop_factory
from hypercube.batching import Batcher, Limits, in_thread
from hypercube.core.cube import Call, Color, Cube, CubeMetadata
from hypercube.settings import load_settings

FIXED_S: Final = 0.004
PER_ITEM_S: Final = 0.00002
CLIENTS: Final = (1, 16, 128)
BIRTH: Final = b'{"birth":"1990-05-03T07:20","sex":"male","place":"Seoul","time_basis":"true_solar"}'
"""True solar time needs the arrays; an everyday birth alone is charted at once, without a batch."""


@dataclass(frozen=True)
class Nonce:
    """What a client of the work cube sends, and gets back."""

    nonce: int


class Work:
    """4 ms + 0.02 ms an item of hashing, which releases the GIL."""

    def __init__(self) -> None:
        self.iterations_per_s = self._calibrate()

    @staticmethod
    def _calibrate() -> float:
        rates = []
        for _ in range(9):
            began = time.perf_counter()
            hashlib.pbkdf2_hmac("sha256", b"x", b"y", 4000)
            rates.append(4000 / (time.perf_counter() - began))
        return max(rates)

    def __call__(self, key: Hashable, payloads: Sequence[Nonce]) -> list[Nonce]:
        """One batch's worth; the batcher's `run`."""
        seconds = FIXED_S + PER_ITEM_S * len(payloads)
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", max(1, int(self.iterations_per_s * seconds)))
        return list(payloads)


class WorkCube(Cube):
    """The work function behind the gateway, through a batcher of its own."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        "work", "1.0.0", Color.BLUE, "4 ms of hashing a batch, for benchmarks", Nonce, Nonce
    )

    def __init__(self, batcher: Batcher[Nonce, Nonce]) -> None:
        super().__init__()
        self._batcher = batcher

    async def process(self, request: Nonce, call: Call) -> Nonce:
        """The same nonce back, when the batch it was in is done."""
        return await self._batcher.submit("work", request, deadline=call.deadline, timing=call.timing)


async def one_turn() -> dict[str, Any]:
    """128 submissions in one turn."""
    with ThreadPoolExecutor(1) as executor:
        batcher: Batcher[Nonce, Nonce] = Batcher(in_thread(executor, Work()))
        answers = await asyncio.gather(*(batcher.submit("work", Nonce(n)) for n in range(128)))
        if answers != [Nonce(n) for n in range(128)]:
            raise SystemExit("answers crossed; no figures on red.")
        return {"subject": "one-turn", "requests": 128, "sizes": _as_keys(batcher.snapshot().sizes)}


async def in_process(clients: int, turns: int) -> dict[str, Any]:
    """Callers on this event loop that submit again when they have their answer."""
    with ThreadPoolExecutor(1) as executor:
        batcher: Batcher[Nonce, Nonce] = Batcher(in_thread(executor, Work()))
        latencies: list[float] = []

        async def client(number: int) -> None:
            for turn in range(turns):
                nonce, began = Nonce(number * turns + turn), time.perf_counter()
                if await batcher.submit("work", nonce) != nonce:
                    raise SystemExit("answers crossed; no figures on red.")
                latencies.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(client(number) for number in range(clients)))
        run = {"latencies": latencies, "seconds": time.perf_counter() - began}
        return _row("in-process", clients, [run], Counter(batcher.snapshot().sizes), [])


def _as_keys(sizes: dict[int, int] | Counter[int]) -> dict[str, int]:
    return {str(size): count for size, count in sorted(sizes.items()) if count}


# -- the clients, in a process of their own


class _Client(asyncio.Protocol):
    """One keep-alive connection that sends its next request when it has its answer."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._buffer = b""
        self._sent_at = 0.0
        self._expected = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        request = self._load.next_request()
        if request is None:
            self._transport.close()
            return
        self._expected, message = request
        self._sent_at = time.perf_counter()
        self._transport.write(message)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        if len(body) < length:
            return
        self._buffer = body[length:]
        self._load.answered(
            time.perf_counter() - self._sent_at, head.split(b" ", 2)[1] == b"200" and self._expected in body
        )
        self._send()


class _Load:
    def __init__(self, port: int, path: str, requests: int, warm_up: int) -> None:
        self.port, self.path, self.left, self.warm_up = port, path, requests + warm_up, warm_up
        self.latencies: list[float] = []
        self.failed = 0
        self.began = 0.0
        self.open = 0
        self.sent = 0

    def next_request(self) -> tuple[bytes, bytes] | None:
        if self.left == 0:
            return None
        self.left -= 1
        self.sent += 1
        body = BIRTH if self.path.endswith("charts") else b'{"nonce":%d}' % self.sent
        expected = b'"pillars"' if self.path.endswith("charts") else body[1:-1]
        head = f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        return expected, head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body

    def answered(self, seconds: float, right: bool) -> None:
        self.failed += not right
        if self.warm_up > 0:
            self.warm_up -= 1
            if self.warm_up == 0:
                self.began = time.perf_counter()
            return
        self.latencies.append(seconds)

    async def run(self, clients: int) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        lost = [loop.create_future() for _ in range(clients)]

        class Client(_Client):
            def __init__(self, load: "_Load", done: "asyncio.Future[None]") -> None:
                super().__init__(load)
                self._done = done

            def connection_lost(self, exc: Exception | None) -> None:
                if not self._done.done():
                    self._done.set_result(None)

        for done in lost:
            await loop.create_connection(lambda done=done: Client(self, done), "127.0.0.1", self.port)  # type: ignore[misc]
        await asyncio.gather(*lost)
        return {
            "latencies": self.latencies,
            "seconds": time.perf_counter() - self.began,
            "failed": self.failed,
        }


def _drive(port: int, path: str, requests: int, clients: int, answer: Any) -> None:
    load = _Load(port, path, requests, warm_up=max(1, requests // 10))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        answer.send(runner.run(load.run(clients)))


async def over_http(subject: str, path: str, rounds: int, per_client: int) -> list[dict[str, Any]]:
    """Load the gateway with 1, 16 and 128 clients in turn, `rounds` times; one row a number of clients."""
    settings = load_settings({"server": {"http_port": 0, "grpc_port": 0}, "model": {"name": "none"}})
    application = Application(settings)
    executor = ThreadPoolExecutor(1)
    work: Batcher[Nonce, Nonce] = Batcher(in_thread(executor, Work()), limits=Limits())
    application.cubes.register(WorkCube(work))
    counted: Batcher[Any, Any] = work if subject == "http-work" else application.batchers.births
    runs: dict[int, list[dict[str, Any]]] = {clients: [] for clients in CLIENTS}
    sizes: dict[int, Counter[int]] = {clients: Counter() for clients in CLIENTS}
    bare = Work()
    bare_s: list[float] = []
    async with application.running():
        await application.warmed_up()
        for _ in range(rounds):
            for clients in CLIENTS:
                before = Counter(counted.snapshot().sizes)
                runs[clients].append(
                    await _load_from_outside(application.http_port, path, clients, per_client)
                )
                sizes[clients] += Counter(counted.snapshot().sizes) - before
            for _ in range(20):
                began = time.perf_counter()
                bare("", [Nonce(0)])
                bare_s.append(time.perf_counter() - began)
    executor.shutdown()
    return [_row(subject, clients, runs[clients], sizes[clients], bare_s) for clients in CLIENTS]


async def _load_from_outside(port: int, path: str, clients: int, per_client: int) -> dict[str, Any]:
    here, there = multiprocessing.Pipe()
    requests = max(200, per_client * clients)
    process = multiprocessing.get_context("spawn").Process(
        target=_drive, args=(port, path, requests, clients, there)
    )
    process.start()
    result: dict[str, Any] = await asyncio.to_thread(here.recv)
    process.join()
    if result["failed"]:
        raise SystemExit(f"{result['failed']} wrong answers; no figures on red.")
    return result


def _row(
    subject: str, clients: int, runs: list[dict[str, Any]], sizes: Counter[int], bare_s: list[float]
) -> dict[str, Any]:
    latencies = sorted(seconds for run in runs for seconds in run["latencies"])
    rates = sorted(len(run["latencies"]) / run["seconds"] for run in runs)
    batches = sum(sizes.values())
    row = {
        "subject": subject,
        "clients": clients,
        "requests": len(latencies),
        "rounds": len(runs),
        "rps_median": round(statistics.median(rates), 1),
        "rps_p20": round(rates[len(rates) // 5], 1),
        "rps_p80": round(rates[min(len(rates) - 1, len(rates) * 4 // 5)], 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1e3, 3),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1e3, 3),
        "mean_batch": round(sum(size * count for size, count in sizes.items()) / batches, 2),
        "sizes": _as_keys(sizes),
    }
    if subject == "http-work":
        row["bare_work_p50_ms"] = round(statistics.median(bare_s) * 1e3, 3)
    return row


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--per-client", type=int, default=60)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    common = {
        "device": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "hypercube": __version__,
        "python": platform.python_version(),
        "uvicorn": installed("uvicorn"),
        "uvloop": installed("uvloop"),
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        rows = [runner.run(one_turn())]
        rows += [runner.run(in_process(clients, options.per_client)) for clients in CLIENTS]
        for subject, path in (("http-work", "/v1/cubes/work:process"), ("http-chart", "/v1/saju/charts")):
            rows += runner.run(over_http(subject, path, options.rounds, options.per_client))
    for row in rows:
        print(" ".join(f"{key}={value}" for key, value in row.items()))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        with options.output.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row | common) + "\n" for row in rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
