"""Charts a second over HTTP with 1 and with 2 front-end processes, and what a CPU-second of them brings.

    python -m benchmarks.workers --output benchmarks/results/workers-cpu.jsonl

`hypercube serve` as a user starts it, without a model; a closed loop from another process, which needs cores of its
own: on a machine of two cores the server does not get both, so the figure to compare is requests for each CPU-second
of the processes that have the doors. Rounds are interleaved.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.overload import Connection
from benchmarks.rounds import append, environment
from hypercube.app.loop import loop_factory

_BANNER = re.compile(r"HTTP\s+http://127\.0\.0\.1:(\d+)")
_PORTS = ("--http-port", "0", "--grpc-port", "0")
_BODY = b'{"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"}'
_REQUEST = (
    b"POST /v1/saju/charts HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


async def _closed_loop(port: int, clients: int, seconds: float) -> int:
    """Answers within `seconds` to so many clients that each wait for theirs."""
    answered = 0
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal answered
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        while time.perf_counter() < end:
            answer = await connection.ask(_REQUEST)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"A wrong answer, so no figures: {answer[:300]!r}")
            answered += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return answered


def _drive(port: int, clients: int, seconds: float, answer: Any) -> None:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        answer.send(runner.run(_closed_loop(port, clients, seconds)))


def drive(port: int, clients: int, seconds: float) -> int:
    """The closed loop, in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_drive, args=(port, clients, seconds, there)
    )
    process.start()
    there.close()
    answered: int = here.recv()
    process.join()
    return answered


@contextlib.contextmanager
def _serving(workers: int) -> Iterator[tuple[int, list[psutil.Process]]]:
    """The port of a server, and its processes with doors."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hypercube", "serve", *_PORTS, "--model", "none", "--workers", str(workers)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = ""
        while "Ctrl-C" not in said:
            if not (line := process.stderr.readline()):
                raise SystemExit(f"The server did not start:\n{said}")
            said += line
        found = _BANNER.search(said)
        assert found is not None
        yield int(found[1]), _with_doors(psutil.Process(process.pid))
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _with_doors(server: psutil.Process) -> list[psutil.Process]:
    listening = [
        child
        for child in server.children()
        if any(each.status == psutil.CONN_LISTEN for each in child.net_connections("tcp"))
    ]
    return listening or [server]


def _cpu_s(processes: list[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (each.cpu_times() for each in processes))


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    rows = []
    with _serving(1) as one, _serving(2) as two:
        for round_ in range(-1, options.rounds):  # round -1 warms up
            for workers, (port, processes) in ((1, one), (2, two)):
                before = _cpu_s(processes)
                answered = drive(port, options.clients, options.seconds)
                used = _cpu_s(processes) - before
                if round_ < 0:
                    continue
                rows.append(
                    {
                        "subject": "charts over HTTP",
                        "workers": workers,
                        "round": round_,
                        "clients": options.clients,
                        "requests": answered,
                        "rps": round(answered / options.seconds),
                        "cores_used": round(used / options.seconds, 2),
                        "rps_per_core": round(answered / used),
                        **environment(),
                    }
                )
                print(rows[-1], flush=True)
    append(options.output, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
