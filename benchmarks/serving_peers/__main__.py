"""One work function behind five servers, over HTTP, at 1, 16, 128 and 512 clients.

    python3 -m venv .venv-litserve && .venv-litserve/bin/python -m pip install litserve==0.2.19
    python3 -m venv .venv-bentoml && .venv-bentoml/bin/python -m pip install bentoml==1.4.39
    python3 -m venv .venv-ray && .venv-ray/bin/python -m pip install -c constraints/ray.txt 'ray[serve]==2.60.0'
    python -m benchmarks.serving_peers --output benchmarks/results/serving-peers-cpu.jsonl

Each server runs alone: in every round each is started, checked (every nonce comes back to its owner; no figure
on red), warmed, loaded by wrk with each number of clients, and stopped. Ratios are those within one round.
Servers and load share the machine's cores. A server whose environment is missing is left out, and said so.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
import psutil

from benchmarks.pillars import cpu_name
from benchmarks.serving_peers.work import FIXED_S, PER_ITEM_S, RATE, SIZES, calibrate, work
from hypercube.app.listening import bind_http

CLIENTS: Final = (1, 16, 128, 512)
_HERE: Final = Path(__file__).parent
_START_S: Final = 90.0
_STOP_S: Final = 20.0
_GATE: Final = 300


@dataclass(frozen=True)
class Server:
    """How a server is started and asked."""

    name: str
    package: str
    python: Path
    path: str
    list_body: bool = False

    def body(self, nonce: int) -> str:
        """The request."""
        return json.dumps({"nonce": [nonce] if self.list_body else nonce})

    def read(self, answer: Any) -> int:
        """The nonce in an answer."""
        return int(answer[0] if self.list_body else answer["nonce"])


SERVERS: Final = (
    Server("hypercube", "heal7-hypercube", Path(sys.executable), "/v1/cubes/work:process"),
    Server("litserve", "litserve", Path(".venv-litserve/bin/python"), "/predict"),
    Server("bentoml", "bentoml", Path(".venv-bentoml/bin/python"), "/process", list_body=True),
    Server("ray", "ray", Path(".venv-ray/bin/python"), "/"),
)


@contextmanager
def running(server: Server, rate: float, sizes: Path) -> Iterator[str]:
    """The server's URL while it runs; every process that it started is ended after."""
    with bind_http("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    environment = {**os.environ, RATE: repr(rate), SIZES: str(sizes), "PYTHONPATH": str(Path.cwd())}
    command = [str(server.python), "-m", f"benchmarks.serving_peers.server_{server.name}", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            url = f"http://127.0.0.1:{port}{server.path}"
            began = time.monotonic()
            while not answers(server, url):
                if process.poll() is not None or time.monotonic() - began > _START_S:
                    log.seek(0)
                    raise SystemExit(f"{server.name} did not start: {log.read()[-2000:].decode()}")
                time.sleep(0.2)
            yield url
        finally:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            process.terminate()
            _, alive = psutil.wait_procs(family, timeout=_STOP_S)
            for each in alive:
                each.kill()
            process.wait()


def answers(server: Server, url: str) -> bool:
    """Whether it gives the right answer."""
    try:
        response = httpx.post(
            url, content=server.body(5), headers={"content-type": "application/json"}, timeout=30
        )
        return response.status_code == 200 and server.read(response.json()) == 5
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False


async def gate(server: Server, url: str) -> None:
    """Many different nonces at once, each back to its owner; no figures on red."""
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(
        limits=limits, timeout=60, headers={"content-type": "application/json"}
    ) as client:
        responses = await asyncio.gather(*(client.post(url, content=server.body(n)) for n in range(_GATE)))
    wrong = sum(server.read(each.json()) != n for n, each in enumerate(responses))
    if wrong:
        raise SystemExit(f"{server.name}: {wrong} of {_GATE} answers went to another; no figures on red.")


def load(server: Server, url: str, clients: int, seconds: float) -> dict[str, Any]:
    """Wrk's figures."""
    command = [
        "wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "30s",
        "-s", str(_HERE / "load.lua"), url, "--", server.body(7),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 90, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    result: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return result


def measure(server: Server, rate: float, round_: int, seconds: float) -> list[dict[str, Any]]:
    """One round of one server: a row for each number of clients."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        sizes = Path(folder) / "sizes"
        with running(server, rate, sizes) as url:
            asyncio.run(gate(server, url))
            load(server, url, 128, 2)
            os.environ[RATE], os.environ[SIZES] = repr(rate), str(Path(folder) / "bare")
            for clients in CLIENTS:
                sizes.write_text("")
                began = time.perf_counter()
                for _ in range(20):
                    work([7])
                bare_ms = (time.perf_counter() - began) / 20 * 1e3
                found = load(server, url, clients, seconds)
                batches = [int(line) for line in sizes.read_text().split()]
                rows.append(
                    {
                        "round": round_,
                        "server": server.name,
                        "clients": clients,
                        "rps": round(found["requests"] / found["seconds"], 1),
                        "bare_work_ms": round(bare_ms, 3),
                        "mean_batch": round(float(np.mean(batches)), 1) if batches else None,
                        **found,
                    }
                )
                print(rows[-1], flush=True)
    return rows


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Medians over the rounds, and the median of the ratios within the rounds."""
    found = []
    for server in dict.fromkeys(row["server"] for row in rows):
        for clients in CLIENTS:
            mine = {r["round"]: r["rps"] for r in rows if (r["server"], r["clients"]) == (server, clients)}
            ours = {
                r["round"]: r["rps"] for r in rows if (r["server"], r["clients"]) == ("hypercube", clients)
            }
            p20, median, p80 = np.percentile(list(mine.values()), [20, 50, 80])
            ratio = float(np.median([ours[n] / mine[n] for n in mine if n in ours])) if ours else None
            found.append(
                {
                    "summary": True,
                    "server": server,
                    "clients": clients,
                    "rounds": len(mine),
                    "rps_median": round(float(median), 1),
                    "rps_p20": round(float(p20), 1),
                    "rps_p80": round(float(p80), 1),
                    "hypercube_is_times": None if ratio is None else round(ratio, 2),
                }
            )
    return found


def version(server: Server) -> str:
    """The installed version in the server's environment."""
    code = f"import importlib.metadata as m; print(m.version({server.package!r}))"
    done = subprocess.run([server.python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of load a number of clients")
    parser.add_argument("--only", nargs="*", choices=[server.name for server in SERVERS])
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("The load comes from wrk, which is not installed (Debian: apt-get install wrk).")
        return 3
    chosen = [server for server in SERVERS if not options.only or server.name in options.only]
    for server in chosen:
        if not server.python.exists():
            print(f"{server.name} is left out: there is no {server.python} (see this module's text).")
    chosen = [server for server in chosen if server.python.exists()]
    rate = calibrate()
    rows = [
        row
        for round_ in range(options.rounds)
        for server in chosen
        for row in measure(server, rate, round_, options.seconds)
    ]
    common = {
        "device": cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "versions": {server.name: version(server) for server in chosen},
        "python": platform.python_version(),
        "work": f"{FIXED_S * 1e3:g} ms + {PER_ITEM_S * 1e3:g} ms an item",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    digest = summary(rows)
    for row in digest:
        print(" ".join(f"{key}={value}" for key, value in row.items()))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        with options.output.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row | common) + "\n" for row in [*rows, *digest])
    return 0


if __name__ == "__main__":
    sys.exit(main())
