"""What a server does with three times what it can: goodput, waits, and how it says no, over HTTP and over gRPC.

    python -m benchmarks.overload_doors --door http --subject facts --output benchmarks/results/overload-doors-cpu.jsonl

`hypercube serve` as a user starts it has one core, the load the other. Loads, each on the same server:

    peak    goodput of a closed loop of `--clients` that each wait for their answer, before and after the others
    0.8     of the peak, open: requests are due at the times of a Poisson process, whether or not answers come
    3.0     of the peak, open, for `--seconds`

Subjects, by what is scarce:

    chart   one chart, the cheapest answer that there is: the event loop
    facts   a chart with every fact, 24 luck pillars and years: the event loop, with more work in it
    chat    24 tokens of the fake model, which takes no time to make them: the event loop, in many small steps
    engine  the same with 5 ms before each token and eight places: the engine

An answer counts only with its right status; a refusal must be 429 or 503 with Retry-After, over gRPC
RESOURCE_EXHAUSTED or UNAVAILABLE with RetryInfo. Everything else is `lost`, and with any lost there are no figures.
"""

import argparse
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.door_load import LOAD_CORE, SERVER_CORE, Outcomes, Request, drive
from benchmarks.overload_servers import Serving, serving
from benchmarks.rounds import append, environment
from hypercube.wire.v1 import chat_pb2, saju_pb2

_INCLUDE: Final = ("facts", "luck", "periods")
_BIRTH: Final = {"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"}
_WORDS: Final = "사주 여덟 글자"
_PEAK_S: Final = 6.0
_CALM_S: Final = 10.0


def _chart(*include: str) -> Request:
    kinds = [getattr(saju_pb2, f"INCLUDE_{each.upper()}") for each in include]
    as_of = "2026-11-23" if include else ""
    body = _BIRTH | ({"include": include, "as_of": as_of} if include else {})
    message = saju_pb2.Birth(
        birth=_BIRTH["birth"], sex=saju_pb2.SEX_MALE, place=_BIRTH["place"], include=kinds, as_of=as_of
    )
    return Request(
        "/v1/saju/charts", json.dumps(body).encode(), b"/hypercube.v1.Saju/Chart", message.SerializeToString()
    )


def _chat() -> Request:
    body = {"messages": [{"role": "user", "content": _WORDS}], "max_tokens": 24, "temperature": 0}
    turn = chat_pb2.ChatMessage(role="user", content=_WORDS)
    message = chat_pb2.ChatRequest(messages=[turn], max_tokens=24, temperature=0)
    return Request(
        "/v1/chat/completions",
        json.dumps(body).encode(),
        b"/hypercube.v1.Chat/Complete",
        message.SerializeToString(),
    )


@dataclass(frozen=True)
class Subject:
    """What is asked, and of what server."""

    request: Request
    arguments: tuple[str, ...] = ("--model", "none")
    settings: tuple[tuple[str, str], ...] = ()
    token_ms: float = 0.0
    clients: int = 64


CHAT: Final = Subject(_chat(), ("--model", "fake"), clients=32)
SUBJECTS: Final = {
    "chart": Subject(_chart()),
    "facts": Subject(_chart(*_INCLUDE)),
    "chat": CHAT,
    "engine": Subject(
        _chat(),
        ("--model", "fake"),
        (("HYPERCUBE_MODEL_SLOTS", "8"), ("HYPERCUBE_MODEL_MAX_QUEUED", "16")),
        token_ms=5.0,
        clients=24,
    ),
}


def _ms(seconds: Any, percentile: float) -> float | None:
    return round(float(np.percentile(seconds, percentile)) * 1e3, 2) if len(seconds) else None


def _row(load: str, found: Outcomes) -> dict[str, Any]:
    return {
        "load": load,
        "seconds": round(found.seconds, 2),
        "accepted": len(found.accepted),
        "refused": len(found.refused),
        "lost": dict(found.lost),
        "goodput_rps": round(found.in_time / found.seconds, 1),
        "p50_ms": _ms(found.accepted, 50),
        "p99_ms": _ms(found.accepted, 99),
        "refused_p50_ms": _ms(found.refused, 50),
        "refused_p99_ms": _ms(found.refused, 99),
        "late_p99_ms": _ms(found.late, 99),
    }


@contextlib.contextmanager
def _environment(settings: tuple[tuple[str, str], ...]) -> Any:
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, _ in settings:
            del os.environ[name]


def measure(server: Serving, door: str, subject: Subject, seconds: float) -> list[dict[str, Any]]:
    """The rows of one door and subject."""
    port = server.http if door == "http" else server.grpc

    def row(load: str, kind: str, amount: float, for_s: float) -> dict[str, Any]:
        cpu_s = server.cpu_s()
        found = drive(port, subject.request, door, kind, amount, for_s, core=LOAD_CORE)
        cpu_s = server.cpu_s() - cpu_s
        inside = {"in_flight_after": server.in_flight(), "server_cpu_s": round(cpu_s, 2)}
        return _row(load, found) | inside | {"answers_per_cpu_s": round(len(found.accepted) / cpu_s, 1)}

    row("", "closed", subject.clients, 2.0)
    first = row("peak", "closed", subject.clients, min(seconds, _PEAK_S))
    peak = first["goodput_rps"]
    rows = [first]
    for share in (0.8, 3.0):
        for_s = seconds if share > 1 else min(seconds, _CALM_S)
        rows.append(row(f"{share:g}", "open", share * peak, for_s))
    rows.append(row("peak", "closed", subject.clients, min(seconds, _PEAK_S)))
    peak = max(peak, rows[-1]["goodput_rps"])
    for made in rows:
        made["goodput_over_peak"] = round(made["goodput_rps"] / peak, 3)
        made["p99_over_that_at_0.8"] = round(made["p99_ms"] / rows[1]["p99_ms"], 2)
        print(json.dumps(made), flush=True)
    return rows


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--subject", choices=sorted(SUBJECTS), default="facts")
    parser.add_argument("--door", choices=["http", "grpc"], default="http")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    subject = SUBJECTS[options.subject]
    with (
        _environment(subject.settings),
        serving(*subject.arguments, token_ms=subject.token_ms, core=SERVER_CORE) as server,
    ):
        rows = measure(server, options.door, subject, options.seconds)
    if any(any(row["lost"].values()) for row in rows):
        raise SystemExit("Requests were lost; no figures on red.")
    common = {"subject": options.subject, "door": options.door, **dict(subject.settings)}
    append(options.output, [common | row | environment() for row in rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
