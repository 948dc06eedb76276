"""What other clients wait while a server is attacked: their latencies before and during a wave, side by side.

    python -m benchmarks.attack --output benchmarks/results/attack-cpu.jsonl

The attackers of `benchmarks.attack_waves` are a process of their own, so are the others, who ask for a chart at the
times of a Poisson process, over HTTP and over gRPC, on connections that they had before; as any client of HTTP, they
ask again on a new one if an idle one was closed under them. The server has a core, attackers and others share another.
What the attackers compute themselves would be in the figures, so where the system has it (Linux's SCHED_IDLE) they get
what the others leave of that core, and are interrupted when an answer comes; `--attackers-equal` measures without.

Requests that the server refuses (429) are counted for themselves, `refused`, and are in no latency.

The phases, with rows for each:

    quiet                    nobody attacks
    opening                  the half-open connections and calls are made, as fast as that core can, and 2 s more
    half-open                they are held; a third of those of HTTP go on, a byte each half a second, all at once
    disconnects and bombs    clients leave in mid-sentence and send bombs, while the server ends those that are late:
                             of HTTP after 10 s, and so it is told here for gRPC's calls, too
    leaving                  all that is left of the attack goes in one moment, and 2 s more
    quiet again

All that is as fast as the attackers' core can, a flood. With `--steady 500` as many connections come and leave each
second, and a tenth as many leave in mid-sentence or send bombs, one in nine of them these. With `--control` the attack
goes to another server, on the same core as the one that the others ask: what they wait then is the share of a machine
of two cores, whatever a server does, with one more process that wants its core.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final

import grpc.aio
import numpy as np
import psutil

from benchmarks.attack_waves import DOORS, Ports, Tally, bombs, disconnects, half_open, raise_descriptor_limit
from benchmarks.gateway import servers
from benchmarks.gateway.load import CORE
from benchmarks.overload import Connection
from benchmarks.rounds import append, environment
from hypercube.app.loop import loop_factory
from hypercube.wire.v1 import saju_pb2

BODY: Final = b'{"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"}'
REQUEST: Final = (
    b"POST /v1/saju/charts HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
_OURS: Final = 512
"""Descriptors that are needed beside the attackers', and a few hundred that are closing."""
_SETTLE_S: Final = 2.0
"""After the last half-open one, and after all have left."""
_LATE_S: Final = 10.0
"""When the server ends a request or a call that is not whole; HTTP's default."""
PHASES: Final = ("quiet", "opening", "half-open", "disconnects and bombs", "leaving", "quiet again")
MESSAGE: Final = saju_pb2.Birth(birth="1990-05-03T07:20", place="Seoul").SerializeToString()


async def _others(ports: Ports, rate: float, told: Any, tell: Any) -> None:
    """Charts at `rate` a second and door until told to stop; `told` names phases, whose latencies are sent back."""
    seconds: dict[str, dict[str, list[float]]] = {}
    phase = "warm-up"
    free: list[Connection] = []
    loop = asyncio.get_running_loop()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ports.grpc}") as channel:
        over_grpc = channel.unary_unary("/hypercube.v1.Saju/Chart", None, None)

        async def http() -> bool:
            answer, connection = b"", None
            while free and not answer:
                connection = free.pop()
                # One that is closed to make room, just as it is used again, is no failure of the request.
                with contextlib.suppress(OSError):
                    answer = b"" if connection.closed else await connection.ask(REQUEST)
            if not answer or connection is None:
                _, connection = await loop.create_connection(Connection, "127.0.0.1", ports.http)
                answer = await connection.ask(REQUEST)
            if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 429")):
                raise SystemExit(f"A wrong answer, so no figures: {answer[:300]!r}")
            free.append(connection)
            return answer.startswith(b"HTTP/1.1 200")

        async def called() -> bool:
            try:
                await over_grpc(MESSAGE, timeout=60)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                return False
            return True

        async def one(door: str, due: float) -> None:
            during = phase
            well = await (http() if door == "http" else called())
            of = f"{door} refused" if not well else door
            seconds.setdefault(during, {}).setdefault(of, []).append(time.perf_counter() - due)

        draw = random.Random(1)
        due = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            while phase != "end":
                due += draw.expovariate(2 * rate)
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                group.create_task(one("http" if draw.random() < 0.5 else "grpc", due))
                while told.poll():
                    phase = told.recv()
    tell.send(seconds)


async def _harm(
    ports: Ports, seconds: float, a_second: float | None, doors: Collection[str], tally: Tally
) -> None:
    """Clients that leave in mid-sentence, and bombs, for so long."""
    began, sent = time.perf_counter(), 0
    if a_second is None:
        while time.perf_counter() < began + seconds:
            await disconnects(ports, 40, tally, doors=doors)
            await bombs(ports, 4, tally, after=sent, doors=doors)
            sent += 4
        return
    async with asyncio.TaskGroup() as group:
        while (due := sent * 18 / a_second) < seconds:
            await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
            group.create_task(disconnects(ports, 16, tally, doors=doors))
            group.create_task(bombs(ports, 2, tally, after=2 * sent, doors=doors))
            sent += 1


async def _attackers(
    ports: Ports,
    count: int,
    seconds: float,
    say: Callable[[str], None],
    steady: float | None,
    doors: Collection[str],
) -> Tally:
    tally = Tally()
    raise_descriptor_limit()
    say("quiet")
    await asyncio.sleep(seconds)
    say("opening")
    began = time.perf_counter()
    async with half_open(ports, count, tally, a_second=steady, doors=doors):
        await asyncio.sleep(_SETTLE_S)
        say("half-open")
        # Less than what the server grants them.
        await asyncio.sleep(max(0.0, min(seconds, began + _LATE_S - 0.5 - time.perf_counter())))
        say("disconnects and bombs")
        await _harm(ports, seconds, None if steady is None else steady / 10, doors, tally)
        say("leaving")
    await asyncio.sleep(_SETTLE_S)
    say("quiet again")
    await asyncio.sleep(seconds)
    say("end")
    return tally


def _run(work: Callable[..., Any], *arguments: Any, yields: bool = False) -> Any:
    os.sched_setaffinity(0, {CORE})
    with (
        _yielding() if yields else contextlib.nullcontext(),
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        return runner.run(work(*arguments))


@contextlib.contextmanager
def _yielding() -> Iterator[None]:
    """Run whenever nobody else wants the core, and only then."""
    if not hasattr(os, "SCHED_IDLE"):
        yield
        return
    before = os.sched_getscheduler(0)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))


def _row(seconds: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1e3
    return {"answered": len(seconds), "p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2)}


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=9_700, help="half-open connections, and streams")
    parser.add_argument("--rate", type=float, default=100.0, help="charts a second and door of the others")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each phase")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--attackers-equal", action="store_true", help="they compete with the others for their core"
    )
    parser.add_argument("--steady", type=float, help="connections that come a second, instead of a flood")
    parser.add_argument("--only", choices=DOORS, help="the door that is attacked, instead of both")
    parser.add_argument("--control", action="store_true", help="attack another server than the others ask")
    parser.add_argument("--server", default="", help="what to call this server in the rows")
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    # The server inherits the limit, and half of it is for each door.
    options.count = min(options.count, (raise_descriptor_limit() - _OURS) // 2)
    if options.steady is not None:  # all are to be there before the first ones are late
        options.count = min(options.count, int(options.steady * min(options.seconds, _LATE_S / 2)))
    made = []
    context = multiprocessing.get_context("spawn")

    def started() -> contextlib.AbstractContextManager[servers.Running]:
        late = f"{_LATE_S:g}"
        return servers.hypercube("hypercube", "--model", "fake", HYPERCUBE_SERVER_MESSAGE_TIMEOUT_S=late)

    with started() as server, started() if options.control else contextlib.nullcontext(server) as attacked:
        process = psutil.Process(server.pid)
        ports = Ports(server.port, server.grpc_port)
        for round_ in range(options.rounds):
            phases, say = context.Pipe(duplex=False)
            answers, tell = context.Pipe(duplex=False)
            clients = context.Process(target=_run, args=(_others, ports, options.rate, phases, tell))
            clients.start()
            time.sleep(3)
            tally = _run(
                _attackers,
                Ports(attacked.port, attacked.grpc_port),
                options.count,
                options.seconds,
                say.send,
                options.steady,
                DOORS if options.only is None else (options.only,),
                yields=not options.attackers_equal,
            )
            seconds = answers.recv()
            clients.join()
            for door in ("http", "grpc"):
                before = _row(seconds["quiet"][door])
                for phase in PHASES:
                    found = seconds[phase]
                    row: dict[str, Any] = {
                        "subject": "others during an attack",
                        "door": door,
                        "phase": phase,
                        "round": round_,
                    }
                    row |= {"attacked": "another" if options.control else "this", "a_second": options.steady}
                    row |= {"attacked_doors": options.only or "both"}
                    row |= {"server": options.server, "attackers_yield": not options.attackers_equal}
                    row |= _row(found[door]) | {"refused": len(found.get(f"{door} refused", ()))}
                    row["p99_over_quiet"] = round(row["p99_ms"] / before["p99_ms"], 2)
                    row |= {"half_open": options.count, "attack_streams": tally.streams, "rate": options.rate}
                    row |= {"rss_mb": process.memory_info().rss >> 20, "descriptors": process.num_fds()}
                    made.append(row | environment())
                    print(
                        door,
                        phase,
                        row["p50_ms"],
                        row["p99_ms"],
                        row["p99_over_quiet"],
                        row["refused"],
                        flush=True,
                    )
    append(options.output, made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
