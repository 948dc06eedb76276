"""The written reading over HTTP in an open loop: what a request waits when so many come a second, answered or not.

    python -m benchmarks.reading_http --output benchmarks/results/reading-http-cpu.jsonl
    python -m benchmarks.reading_http --workers 2 --rounds 2 --output benchmarks/results/reading-http-cpu.jsonl

The server has core 0, the load core 1. With `--workers` a second server of as many processes is asked in turn with it;
its processes are free on both cores, as a user starts it, and share core 1 with the load. Every request is of another
birth, asks for a whole reading (facts, luck, periods, every sentence checked), and is due at the times of a Poisson
process; a latency counts from the time a request was due. A warm-up of other births goes before, since a sentence
costs more the first time it is met. No figures where an answer is wrong: every one must be whole and without
contradiction, and one in twenty is compared with the reading made in this process.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from benchmarks.gateway import servers
from benchmarks.gateway.load import CORE
from benchmarks.overload import Connection
from benchmarks.rounds import append, environment
from hypercube.app.loop import loop_factory
from hypercube.core.reading import ReadingLanguage, ReadingLength, ReadingOptions, ReadingRequest
from hypercube.gateway.http.responses import encode
from hypercube.saju import charts
from hypercube.saju.grounding import CHECKER_VERSION
from hypercube.saju.interpretation import interpret
from hypercube.saju.reading import CORPUS_VERSION

AS_OF: Final = "2026-11-27"
_PATH: Final = "/v1/saju/readings"
_SERVE: Final = ("--model", "none")
_WARMING: Final = 0.4
"""Of the rate, before."""
_COMPARED: Final = 20
"""One answer in so many is kept and compared."""
CONNECTIONS: Final = 32
_IDLE_S: Final = 2.0
"""A connection that nobody used for longer is left alone: the server closes them after five seconds, and a request
that crosses that is lost, as HTTP has it."""


def requests(count: int, seed: int, options: ReadingOptions) -> list[bytes]:
    """Bodies of as many births of 1930 to 2019, no two of the same minute."""
    rng = random.Random(seed)
    minutes = rng.sample(range(90 * 365 * 24 * 60), count)
    start = np.datetime64("1930-01-01T00:00")
    return [
        orjson.dumps(
            {
                "birth": str(start + np.timedelta64(minute, "m")),
                "sex": rng.choice(["male", "female"]),
                "fold": 0,
                "as_of": AS_OF,
                "language": options.language,
                "length": options.length,
            }
        )
        for minute in minutes
    ]


class Load:
    """Sends requests when they are due, over `CONNECTIONS` in turn as of so many users, over more when all are busy.

    The latest one first would be the habit of one busy client, and would keep one process of several busy with it.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: deque[tuple[float, Connection]] = deque()
        self.seconds: list[float] = []
        self.kept: list[tuple[bytes, bytes]] = []
        self.wrong: list[bytes] = []
        self.bytes = 0

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", self._port)
        return connection

    async def one(self, body: bytes, due: float) -> None:
        """One request that was due at `due` (`time.perf_counter` seconds)."""
        connection = None
        while self._free and connection is None:
            since, connection = self._free.popleft()
            if connection.closed or time.perf_counter() - since > _IDLE_S:
                connection = None
        if connection is None:
            connection = await self._connect()
        head = f"POST {_PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        whole = await connection.ask(head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.seconds.append(time.perf_counter() - due)
        self._free.append((time.perf_counter(), connection))
        self.bytes += len(whole)
        if not whole.startswith(b"HTTP/1.1 200 ") or b'"contradictions":0,"cut":0' not in whole:
            self.wrong.append(whole)
        elif len(self.seconds) % _COMPARED == 0:
            self.kept.append((body, whole.partition(b"\r\n\r\n")[2]))

    async def open(self, bodies: list[bytes], rate: float, seed: int) -> None:
        """Each once, at the times of a Poisson process."""
        for _ in range(CONNECTIONS):
            self._free.append((time.perf_counter(), await self._connect()))
        draw = random.Random(seed)
        due = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for body in bodies:
                due += draw.expovariate(rate)
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                group.create_task(self.one(body, due))


def _drive(port: int, bodies: list[bytes], rate: float, seed: int, answer: Any) -> None:
    os.sched_setaffinity(0, {CORE})
    load = Load(port)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(load.open(bodies, rate, seed))
    answer.send((load.seconds, load.kept, load.wrong[:3], len(load.wrong), load.bytes))


def drive(port: int, bodies: list[bytes], rate: float, seed: int) -> tuple[list[float], list[Any], int]:
    """The load from another process: seconds of each, answers kept, bytes."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_drive, args=(port, bodies, rate, seed, there)
    )
    process.start()
    seconds, kept, wrong, count, size = here.recv()
    process.join()
    if count:
        raise SystemExit(f"{count} wrong answers, such as {wrong[0][:500]!r}; no figures on red.")
    return seconds, kept, size


def compare(kept: list[tuple[bytes, bytes]]) -> None:
    """End the program unless the answers are what this process writes."""
    for body, answer in kept:
        asked = ReadingRequest(**json.loads(body))
        (result,) = charts([asked.to_birth()])
        if result.chart is None:
            raise SystemExit(f"no chart for {body!r}: {result.error}; no figures on red.")
        options = ReadingOptions(language=ReadingLanguage(asked.language), length=ReadingLength(asked.length))
        if json.loads(encode(interpret(result.chart, options))) != json.loads(answer):
            raise SystemExit(f"another reading than this process writes for {body!r}; no figures on red.")


def measured(server: servers.Running, bodies: list[bytes], rate: float) -> dict[str, Any]:
    """One round: what the requests waited, and what they cost."""
    before = server.cpu_s()
    seconds, kept, size = drive(server.port, bodies, rate, 2)
    busy = server.cpu_s() - before
    compare(kept)
    p50, p90, p99, p999 = (round(float(each) * 1e3, 2) for each in np.percentile(seconds, [50, 90, 99, 99.9]))
    return {
        "requests": len(seconds),
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "p999_ms": p999,
        "max_ms": round(max(seconds) * 1e3, 2),
        "server_cpu_ms": round(busy / len(seconds) * 1e3, 3),
        "answer_bytes": size // len(seconds),
        "compared": len(kept),
    }


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of one round")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0, help="processes of a second server; 0 for none")
    parser.add_argument("--warm-up", type=int, default=2_000, help="requests before, for each process")
    parser.add_argument("--length", choices=[each.value for each in ReadingLength], default="normal")
    parser.add_argument("--language", choices=[each.value for each in ReadingLanguage], default="ko")
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    how = ReadingOptions(language=ReadingLanguage(options.language), length=ReadingLength(options.length))
    count, warm_up = int(options.rate * options.seconds), options.warm_up * max(1, options.workers)
    bodies = requests(warm_up + count * options.rounds, 17, how)
    rows = []
    with contextlib.ExitStack() as stack:
        asked = [(1, "0", stack.enter_context(servers.hypercube("hypercube", *_SERVE)))]
        if options.workers:
            several = servers.hypercube("hypercube", *_SERVE, "--workers", str(options.workers), core="0,1")
            asked.append((options.workers, "0,1", stack.enter_context(several)))
        for workers, _, server in asked:
            server.settle()
            if options.warm_up:
                # A sentence costs more the first time: at the full rate that would be an overload, and be refused.
                drive(server.port, bodies[: options.warm_up * workers], options.rate * _WARMING, 1)
        for round_ in range(options.rounds):
            part = bodies[warm_up + count * round_ : warm_up + count * (round_ + 1)]
            for workers, cores, server in asked:
                rows.append(
                    {
                        "op": "reading_http",
                        "language": options.language,
                        "length": options.length,
                        "rate_s": options.rate,
                        "workers": workers,
                        "server_cores": cores,
                        "round": round_,
                        "warm_up": options.warm_up,
                        "connections": CONNECTIONS,
                        **measured(server, part, options.rate),
                        "corpus": CORPUS_VERSION,
                        "checker": CHECKER_VERSION,
                        **environment(),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
    append(options.output, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
