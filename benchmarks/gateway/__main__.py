r"""What the doors cost, in one run: bare echoes, bulk, and chat through the platform beside the LiteLLM proxy.

    python3.11 -m venv .venv-fastapi && .venv-fastapi/bin/python -m pip install fastapi==0.165.0 uvicorn==0.54.0 \
        uvloop==0.23.0 httptools==0.9.0 grpcio==1.85.1 protobuf==7.36.2
    python3.11 -m venv .venv-litellm && .venv-litellm/bin/python -m pip install 'litellm[proxy]==1.108.7'
    python -m benchmarks.gateway --output benchmarks/results/gateway-cpu.jsonl

Servers have core 0, their load core 1, and whoever is not asked is stopped (SIGSTOP). In every round each contestant
is asked in turn, so that other work on the machine hits all; a ratio is the median of the ratios within the rounds.
The machine's pace changes within seconds. So the two of a door are asked one right after the other, in turn as the
first and as the second, by a client that keeps running; who was stopped has a second to catch up.

    http    POST /v1/saju/charts, one birth, beside a FastAPI echo of the same request model and answer size
    grpc    hypercube.v1.Saju/Chart, beside a grpc.aio echo of the same message sizes
    bulk    charts a second by the Open Inference Protocol (benchmarks.inference_v2)
    chat    one chat at a time, straight to an OpenAI-compatible server, through HyperCube, and through LiteLLM: what
            each adds to the first content and to the end of the answer, plain and streamed

Every answer is compared: charts with the reference kernel's, echoes and chats with the only right one. No figures on
red. A rival whose environment is missing is left out, and said so. About five minutes.
"""

import argparse
import contextlib
import itertools
import json
import secrets
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks import inference_v2
from benchmarks.gateway import load, questions, servers
from benchmarks.gateway.server_upstream import MODEL, WORDS
from benchmarks.rounds import append, environment
from hypercube.kernels.pillars import warm_up
from hypercube.settings import load_settings

_CONNECTIONS: Final = {"http": (64, 1), "grpc": (8, 8)}
"""Connections, and calls under way on each."""
_WARM_UP_S: Final = 1.0
_MIN_BULK: Final = 20e6
_ON: Final = (
    "strict validation, request ids, deadlines, cancellation on disconnect, drain accounting, Server-Timing, metrics, "
    "spans, every cube started; batching and fairness are on, but one everyday birth is charted at once and not "
    "batched; no TLS, no keys"
)
_CHAT_ON: Final = (
    "as above, and admission, circuit breaker, retry budget, health looks at the upstream; its answer is always "
    "streamed and checked to its end; pieces of text that one read brings leave as one chunk"
)


@dataclass(frozen=True)
class Contestant:
    """One line of the table of charts."""

    name: str
    door: str
    server: servers.Running
    port: int
    path: str
    asked: Path
    on: str


def charts(folder: Path, python: Path, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """One chart a request over HTTP and gRPC, beside the bare echoes."""
    asked = questions.Charts()
    sizes = asked.sizes
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(servers.hypercube("hypercube", "--model", "none"))
        questions.gate(ours, asked)
        contestants = [
            Contestant(
                "hypercube",
                "http",
                ours,
                ours.port,
                questions.CHARTS_PATH,
                questions.stored(folder, "http", asked.http),
                _ON,
            ),
            Contestant(
                "hypercube",
                "grpc",
                ours,
                ours.grpc_port,
                questions.GRPC_PATH,
                questions.stored(folder, "grpc", asked.grpc),
                _ON + ", unknown fields refused; gRPC set up as the command does (docs/benchmarks.md)",
            ),
        ]
        if python.exists():
            contestants += _echoes(stack, folder, python, asked)
        else:
            print(f"The echoes are left out: there is no {python} (see this module's text).")
        stack.enter_context(_stopped({each.server.pid: each.server for each in contestants}))
        client = stack.enter_context(contextlib.closing(load.Client()))
        rows = []
        for round_, door in itertools.product(range(rounds), _CONNECTIONS):
            pair = [each for each in contestants if each.door == door]
            for each in pair[:: -1 if round_ % 2 else 1]:
                row = {"part": door, "round": round_, "server": each.name}
                row |= _kept_busy(client, each, seconds)
                rows.append(row | {"answer_bytes": sizes[each.door], "on": each.on})
                print(_short(row), flush=True)
    return rows + [_beside(rows, door) for door in _CONNECTIONS]


def _echoes(
    stack: contextlib.ExitStack, folder: Path, python: Path, asked: questions.Charts
) -> list[Contestant]:
    """The bare servers, their answers made as long as charts."""
    made = []
    for door, module, path, echoed, questions_, on in (
        (
            "http",
            "server_fastapi",
            "/",
            questions.http_echoes,
            asked.http,
            "FastAPI's validation of the request",
        ),
        ("grpc", "server_grpc", questions.GRPC_PATH, questions.grpc_echoes, asked.grpc, "nothing"),
    ):
        with servers.bare(module, "0", python=python) as shortest:
            answers = echoed(shortest, questions_)
        missing = asked.sizes[door] - round(float(np.mean([len(each.answer) for each in answers])))
        server = stack.enter_context(servers.bare(module, str(missing), python=python))
        asked_at = questions.stored(folder, module, echoed(server, questions_))
        made.append(Contestant("echo", door, server, server.port, path, asked_at, on))
    return made


@contextlib.contextmanager
def _stopped(running: dict[int, servers.Running]) -> Iterator[None]:
    """All of them stopped; `awake` lets one run."""
    for each in running.values():
        with each.awake():
            pass
    yield


def _kept_busy(client: load.Client, one: Contestant, seconds: float) -> dict[str, Any]:
    connections, calls = _CONNECTIONS[one.door]
    with one.server.awake():
        before = one.server.cpu_s()
        run = client.keep_busy(
            one.door,
            one.port,
            one.path,
            one.asked,
            connections=connections,
            calls=calls,
            warm_up_s=_WARM_UP_S,
            seconds=seconds,
        )
        used = one.server.cpu_s() - before
    answered = len(run.latencies)
    p50, p99 = np.percentile(run.latencies, [50, 99])
    return {
        "connections": connections,
        "calls_a_connection": calls,
        "rps": round(answered / seconds, 1),
        "p50_ms": round(float(p50) * 1e3, 3),
        "p99_ms": round(float(p99) * 1e3, 3),
        "cpu_us_a_request": round(used / (answered * (seconds + _WARM_UP_S) / seconds) * 1e6, 1),
    }


def _beside(rows: list[dict[str, Any]], door: str) -> dict[str, Any]:
    """Requests a second on one core, and what they are of the echo's."""
    rates = {
        name: {row["round"]: row["rps"] for row in rows if (row["part"], row["server"]) == (door, name)}
        for name in ("hypercube", "echo")
    }
    ours, echo = rates["hypercube"], rates["echo"]
    row: dict[str, Any] = {"part": door, "summary": True, "rounds": len(ours), "cores": 1}
    row |= _three("rps_a_core", list(ours.values()))
    if echo:
        row |= _three("echo_rps_a_core", list(echo.values()))
        row |= _three("share_of_echo", [ours[at] / echo[at] for at in ours], 3)
        row["wanted_share"] = 0.8
    return row | {"on": _ON}


def _three(name: str, values: list[float], digits: int = 1) -> dict[str, float]:
    """Median, 20th and 80th percentile."""
    p20, median, p80 = (round(float(each), digits) for each in np.percentile(values, [20, 50, 80]))
    return {name: median, f"{name}_p20": p20, f"{name}_p80": p80}


# -- bulk


def bulk(rounds: int) -> list[dict[str, Any]]:
    """Charts a second from the client's memory to the client's memory, by `benchmarks.inference_v2`."""
    warm_up()
    memory = SharedMemory(
        f"hypercube-bench-{secrets.token_hex(8)}", create=True, size=inference_v2.SHARED_ROWS * 16
    )
    try:
        with inference_v2.served() as ports:
            rows = inference_v2.measure(ports, memory, 1.0, rounds)
    finally:
        memory.unlink()
    rates = {row["way"]: row["charts_per_s"] for row in rows}
    del rates["kernel, no server"]
    best = max(rates, key=lambda way: rates[way])
    print(_short({"part": "bulk", **rates}), flush=True)
    return [
        *({**row, "part": "bulk", "on": "both cores; " + _ON} for row in rows),
        {
            "part": "bulk",
            "summary": True,
            "rounds": rounds,
            "way": best,
            "charts_per_s": rates[best],
            "grpc_charts_per_s": rates["grpc raw"],
            "wanted_charts_per_s": _MIN_BULK,
            "on": _ON,
        },
    ]


# -- chat


def chat(litellm: Path, rounds: int, requests: int) -> list[dict[str, Any]]:
    """One chat at a time: straight, through HyperCube, through LiteLLM."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(
            servers.bare("server_upstream", python=Path(sys.executable), core=load.CORE)
        )
        url = f"http://127.0.0.1:{upstream.port}/v1"
        ours = stack.enter_context(
            servers.hypercube("hypercube", "--model", "upstream", HYPERCUBE_UPSTREAM_URL=url)
        )
        doors = {"hypercube": (ours, _CHAT_ON)}
        if litellm.exists():
            proxy = stack.enter_context(servers.litellm(litellm, upstream.port))
            doors["litellm"] = (proxy, "its master key is checked; no database, no callbacks, one worker")
        else:
            print(f"LiteLLM is left out: there is no {litellm} (see this module's text).")
        stack.enter_context(_stopped({server.pid: server for server, _ in doors.values()}))
        client = stack.enter_context(contextlib.closing(load.Client()))
        rows = []
        for round_ in range(rounds):
            for streamed in (False, True):
                direct = _waits(client, upstream, "fixed", streamed, requests)
                rows.append(_chat_row("upstream", streamed, round_, direct, direct, "nothing"))
                for name, (server, on) in doors.items():
                    with server.awake():
                        count = requests if server is ours else max(requests // 4, 10)
                        model = MODEL if name == "litellm" else "upstream"
                        waits = _waits(client, server, model, streamed, count)
                    rows.append(_chat_row(name, streamed, round_, waits, direct, on))
                for row in rows[-len(doors) - 1 :]:
                    print(_short({key: value for key, value in row.items() if key != "on"}), flush=True)
    return rows + [
        _added(rows, name, streamed, on) for name, (_, on) in doors.items() for streamed in (False, True)
    ]


def _waits(
    client: load.Client, server: servers.Running, model: str, streamed: bool, count: int
) -> load.Waits:
    asked = {"model": model, "messages": [{"role": "user", "content": "hello"}], "stream": streamed}
    return client.one_by_one(
        server.port,
        servers.KEY,
        json.dumps(asked).encode(),
        count,
        expected="".join(WORDS),
        streamed=streamed,
    )


def _chat_row(
    name: str, streamed: bool, round_: int, waits: load.Waits, direct: load.Waits, on: str
) -> dict[str, Any]:
    row: dict[str, Any] = {"part": "chat", "round": round_, "server": name, "streamed": streamed}
    for what, mine, raw in (("first", waits.first, direct.first), ("last", waits.last, direct.last)):
        median = float(np.median(mine)) * 1e3
        row[f"{what}_ms"] = round(median, 3)
        row[f"added_{what}_ms"] = round(median - float(np.median(raw)) * 1e3, 3)
    return row | {"requests": len(waits.last), "tokens": len(WORDS), "on": on}


def _added(rows: list[dict[str, Any]], name: str, streamed: bool, on: str) -> dict[str, Any]:
    mine = [row for row in rows if (row["server"], row["streamed"]) == (name, streamed)]
    row: dict[str, Any] = {"part": "chat", "summary": True, "server": name, "streamed": streamed}
    row["rounds"] = len(mine)
    for what in ("added_first_ms", "added_last_ms"):
        row |= _three(what, [each[what] for each in mine], 3)
    return row | {"wanted_added_ms": 1.0, "on": on}


def _short(row: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in row.items())


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--parts", nargs="*", choices=("charts", "bulk", "chat"), default=["charts", "bulk", "chat"]
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.5, help="of load a contestant and round")
    parser.add_argument("--requests", type=int, default=200, help="chats a round; LiteLLM gets a quarter")
    parser.add_argument("--fastapi", type=Path, default=servers.BARE_PYTHON, help="Python with FastAPI")
    parser.add_argument("--litellm", type=Path, default=servers.LITELLM, help="the litellm command")
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    if "charts" in given.parts:
        with tempfile.TemporaryDirectory() as folder:
            rows += charts(Path(folder), given.fastapi, given.rounds, given.seconds)
    if "chat" in given.parts:
        rows += chat(given.litellm, given.rounds, given.requests)
    if "bulk" in given.parts:
        rows += bulk(given.rounds)
    common = environment() | {
        "benchmark": "gateway",
        "backend": load_settings({}).kernels.backend,
        "versions": servers.versions(given.fastapi, given.litellm),
    }
    for row in rows:
        if row.get("summary"):
            print(_short({key: value for key, value in row.items() if key not in ("on", "summary")}))
    append(given.output, [row | common for row in rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
