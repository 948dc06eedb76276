"""What a server does with three times what it can: goodput, waits, and how it says no, over HTTP and over gRPC.

    python -m benchmarks.overload_doors --door http --subject reading --output overload-doors.jsonl

`hypercube serve` as a user starts it has one core, the load the other. Loads, each on the same server:

    peak    goodput of a closed loop of `clients` that each wait for their answer, before and after the others
    0.8     of the peak, open: requests are due at the times of a Poisson process, whether or not answers come
    3       of the peak, open, for `--seconds`; then `--rounds` short ones, each between two peaks

Beside the load, its core spins at the lowest priority that there is, in every phase alike: cores that share something
are equally busy at the peak and at three times it, and none has to be woken from sleep.

Subjects, by what is scarce:

    chart   one chart, the cheapest answer that there is: the event loop
    facts   a chart with every fact, 24 luck pillars and years: the event loop, with more work in it
    chat    24 tokens of the fake model, which takes no time to make them: the event loop, in many small steps
    reading a whole written reading, every sentence checked: the event loop, in one long step
    embed   a sentence through all-minilm-l6-v2: the model
    llm     eight tokens of gemma-3-270m: the model

An answer counts only with its right status; a refusal must be 429 or 503 with Retry-After, over gRPC
RESOURCE_EXHAUSTED or UNAVAILABLE with RetryInfo. Everything else is `lost`, and with any lost there are no figures.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from benchmarks.door_load import LOAD_CORE, Outcomes, Request, drive, spinner
from benchmarks.gateway import servers
from benchmarks.gateway.servers import Running
from benchmarks.reading_http import requests as readings
from benchmarks.rounds import append, environment
from hypercube.core.reading import ReadingLanguage, ReadingLength, ReadingOptions
from hypercube.wire.v1 import chat_pb2, embeddings_pb2, reading_pb2, saju_pb2

_INCLUDE: Final = ("facts", "luck", "periods")
_BIRTH: Final = {"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"}
_WORDS: Final = "사주 여덟 글자"
_SENTENCE: Final = "The day master is the self, and the month branch is its season."
_BIRTHS: Final = 20_000
_PEAK_S: Final = 4.0
_CALM_S: Final = 12.0


def _chart(*include: str) -> Request:
    kinds = [getattr(saju_pb2, f"INCLUDE_{each.upper()}") for each in include]
    as_of = "2026-11-23" if include else ""
    body = _BIRTH | ({"include": include, "as_of": as_of} if include else {})
    message = saju_pb2.Birth(
        birth=_BIRTH["birth"], sex=saju_pb2.SEX_MALE, place=_BIRTH["place"], include=kinds, as_of=as_of
    )
    return Request(
        "/v1/saju/charts",
        [json.dumps(body).encode()],
        b"/hypercube.v1.Saju/Chart",
        message.SerializeToString(),
    )


def _chat(tokens: int) -> Request:
    body = {"messages": [{"role": "user", "content": _WORDS}], "max_tokens": tokens, "temperature": 0}
    turn = chat_pb2.ChatMessage(role="user", content=_WORDS)
    message = chat_pb2.ChatRequest(messages=[turn], max_tokens=tokens, temperature=0)
    return Request(
        "/v1/chat/completions",
        [json.dumps(body).encode()],
        b"/hypercube.v1.Chat/Complete",
        message.SerializeToString(),
    )


def _reading() -> Request:
    birth = saju_pb2.Birth(birth=_BIRTH["birth"], sex=saju_pb2.SEX_MALE, place=_BIRTH["place"])
    options = ReadingOptions(language=ReadingLanguage.KO, length=ReadingLength.NORMAL)
    return Request(
        "/v1/saju/readings",
        readings(_BIRTHS, 1, options),
        b"/hypercube.v1.Reading/Interpret",
        reading_pb2.InterpretRequest(
            birth=birth, writer=reading_pb2.READING_WRITER_CORPUS
        ).SerializeToString(),
    )


def _embed() -> Request:
    model = "all-minilm-l6-v2"
    body = {"model": model, "input": _SENTENCE}
    message = embeddings_pb2.EmbedRequest(model=model, input=[_SENTENCE])
    return Request(
        "/v1/embeddings",
        [json.dumps(body).encode()],
        b"/hypercube.v1.Embeddings/Embed",
        message.SerializeToString(),
    )


@dataclass(frozen=True)
class Subject:
    """What is asked, of what server, and how many ask at once for the peak."""

    request: Request
    arguments: tuple[str, ...] = ("--model", "none")
    clients: int = 64
    settings: tuple[tuple[str, str], ...] = ()
    warm_s: float = 2.0


_SHORT_QUEUE: Final = (("HYPERCUBE_MODEL_MAX_QUEUED", "16"),)
"""Eight turns of two places. A queue is as long as its waits may be; the default, 64, is meant for batches."""
_SHORT_WAIT: Final = (("HYPERCUBE_BATCHING_MAX_WAIT_MS", "250"),)
"""About one full batch; the default is 2 s."""
SUBJECTS: Final = {
    "chart": Subject(_chart()),
    "facts": Subject(_chart(*_INCLUDE)),
    "chat": Subject(_chat(24), ("--model", "fake"), clients=16, settings=_SHORT_QUEUE),
    "reading": Subject(_reading(), clients=16, warm_s=10.0),
    "embed": Subject(
        _embed(), ("--model", "none", "--embedding-model", "all-minilm-l6-v2"), settings=_SHORT_WAIT
    ),
    "llm": Subject(
        _chat(8), ("--model", "gemma-3-270m"), clients=8, settings=(("HYPERCUBE_MODEL_MAX_QUEUED", "6"),)
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


def _in_flight(port: int) -> int:
    """What the server says is inside."""
    page = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    line = next(each for each in page.splitlines() if each.startswith("hypercube_requests_in_flight "))
    return int(float(line.split()[1]))


def measure(
    server: Running, door: str, subject: Subject, seconds: float, rounds: int
) -> list[dict[str, Any]]:
    """The rows of one door and subject."""
    port = server.port if door == "http" else server.grpc_port
    asked: list[int] = []
    """Nothing is asked twice."""

    def row(load: str, kind: str, amount: float, for_s: float) -> dict[str, Any]:
        cpu_s = server.cpu_s()
        found = drive(port, subject.request, door, kind, amount, for_s, core=LOAD_CORE, first=sum(asked))
        asked.append(len(found.late))
        cpu_s = server.cpu_s() - cpu_s
        inside = {"in_flight_after": _in_flight(server.port), "server_cpu_s": round(cpu_s, 2)}
        return _row(load, found) | inside | {"answers_per_cpu_s": round(len(found.accepted) / cpu_s, 1)}

    def peak() -> dict[str, Any]:
        return row("peak", "closed", subject.clients, min(seconds, _PEAK_S))

    row("warm", "closed", subject.clients, subject.warm_s)
    before = peak()
    rate = before["goodput_rps"]
    calm = row("0.8", "open", 0.8 * rate, min(seconds, _CALM_S))
    minute = row("3", "open", 3.0 * rate, seconds)
    after = peak()
    rows = [before, calm, minute, after]
    peaks = [before["goodput_rps"], after["goodput_rps"]]
    for made in rows:
        made["goodput_over_peak"] = round(made["goodput_rps"] / max(peaks), 3)
        made["goodput_over_mean_peak"] = round(made["goodput_rps"] / (sum(peaks) / 2), 3)
        made["p99_over_that_at_0.8"] = round(made["p99_ms"] / calm["p99_ms"], 2)
        print(json.dumps(made), flush=True)
    if rounds:
        # A machine that others share is slower now and then for longer than a peak lasts; here each overload is
        # compared with the peaks right before and right after it.
        short = [after]
        for _ in range(rounds):
            short += [row("3", "open", 3.0 * short[-1]["goodput_rps"], min(seconds, _PEAK_S)), peak()]
        around = list(zip(short[:-2:2], short[1:-1:2], short[2::2], strict=True))
        higher = [over["goodput_rps"] / max(x["goodput_rps"], y["goodput_rps"]) for x, over, y in around]
        mean = [2 * over["goodput_rps"] / (x["goodput_rps"] + y["goodput_rps"]) for x, over, y in around]
        rows.append(
            {
                "load": "rounds of peak and 3",
                "seconds": min(seconds, _PEAK_S),
                "goodput_rps": [made["goodput_rps"] for made in short],
                "goodput_over_peak": round(float(np.median(higher)), 3),
                "goodput_over_mean_peak": round(float(np.median(mean)), 3),
                "each_over_mean_peak": [round(each, 3) for each in mean],
                "in_flight_after": max(made["in_flight_after"] for made in short),
                "lost": dict(sum((Counter(made["lost"]) for made in short), Counter[str]())),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> int:
    """Measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--subject", choices=sorted(SUBJECTS), default="facts")
    parser.add_argument("--door", choices=["http", "grpc"], default="http")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=4, help="short overloads, each between two peaks")
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    subject = SUBJECTS[options.subject]
    with (
        servers.hypercube(
            options.subject, *subject.arguments, core=servers.SERVER_CORE, **dict(subject.settings)
        ) as server,
        spinner(LOAD_CORE),
    ):
        rows = measure(server, options.door, subject, options.seconds, options.rounds)
    if any(any(row["lost"].values()) for row in rows):
        raise SystemExit("Requests were lost; no figures on red.")
    common = {"subject": options.subject, "door": options.door, "spinner": True} | dict(subject.settings)
    append(options.output, [common | row | environment() for row in rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
