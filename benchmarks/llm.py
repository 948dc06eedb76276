"""What the gateway costs: HyperCube with an engine, beside that engine's own server, seen from outside.

    python -m benchmarks.llm --engine vllm --model gemma-3-270m --output benchmarks/results/llm-cpu.jsonl

Both servers run the same weights in the same precision, with the same slots, context and cache, and get the same
prompts (streamed, temperature 0), vLLM over /v1/chat/completions, transformers over /v1/completions, because its
server knows no stop sequences and a base model's chat would not end there. They take turns, a round each, and the
processes of the one that is not asked are suspended, so neither computes beside the other. For each number of streams:

    tokens/s        completion tokens of the round over its wall time; ratio = median over rounds of ours / theirs
    added TTFT      time to the first text, ours less theirs for the same prompt in the same round; the median

A model without a chat template (a base model) gets, for the other server, the one that HyperCube writes prompts by.
Run it in the environment that has the engine: `.venv-vllm/bin/python` for vllm.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.llm_servers import Server, own_server, start_hypercube, start_own_server
from benchmarks.rounds import append, environment
from hypercube.inference.transformers.prompt import PLAIN_STOPS
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.convert import for_engine
from hypercube.model_registry.store import ModelStore

STREAMS: Final = (1, 4, 16)
TOKENS: Final = 64
CHAT: Final = "/v1/chat/completions"
COMPLETIONS: Final = "/v1/completions"
CONTEXT: Final = 1024
SLOTS: Final = 16
PROMPTS: Final = tuple(
    f"Write about the {element} element of the four pillars, its {season} and its {side}, in plain words."
    for element in ("wood", "fire", "earth", "metal")
    for season, side in (("spring", "east"), ("summer", "south"), ("autumn", "west"), ("winter", "north"))
)
_LIMIT_S: Final = 600.0


@dataclass(frozen=True)
class Answer:
    """One streamed answer, as its client saw it.

    Attributes:
        first_s: from the last byte of the request to the first text.
        tokens: completion tokens, as the server counts them.
        text: all of it.
    """

    first_s: float
    tokens: int
    text: str


@dataclass(frozen=True)
class Round:
    """All answers of one server in one round, and the seconds they took together."""

    answers: list[Answer]
    wall_s: float

    @property
    def tokens_per_s(self) -> float:
        """Throughput of the round."""
        return sum(answer.tokens for answer in self.answers) / self.wall_s


async def ask(server: Server, api: str, prompt: str) -> Answer:
    """One request on a connection of its own; the clock starts when it is connected."""
    asked: dict[str, object] = {
        "model": server.model,
        "max_tokens": TOKENS,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if api == CHAT:
        asked |= {"messages": [{"role": "user", "content": prompt}], "stop": list(PLAIN_STOPS)}
    else:
        asked["prompt"] = prompt
    body = json.dumps(asked).encode()
    head = (
        f"POST {api} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    clock = asyncio.get_running_loop().time
    first_s, tokens, text = None, None, ""
    try:
        writer.write(head + body)
        began = clock()
        status = await reader.readline()
        if b" 200 " not in status:
            raise SystemExit(f"{server.name} answered {status.decode().strip()}: {await reader.read(2000)!r}")
        async for line in reader:
            # Each event is a line of its own; what else there is (headers, sizes of chunks) begins otherwise.
            if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
                continue
            event = json.loads(line[6:])
            if "error" in event:
                raise SystemExit(f"{server.name} answered {event['error']}")
            for choice in event.get("choices", ()):
                if piece := choice["delta"].get("content") if api == CHAT else choice.get("text"):
                    first_s = clock() - began if first_s is None else first_s
                    text += piece
            if event.get("usage"):
                tokens = int(event["usage"]["completion_tokens"])
    finally:
        writer.close()
    if first_s is None or tokens is None:
        raise SystemExit(f"{server.name} ended an answer without text or usage: {text!r}")
    return Answer(first_s, tokens, text)


async def one_round(server: Server, api: str, streams: int, requests: int) -> Round:
    """`requests` prompts over `streams` clients, each of which asks again when it has its answer."""
    left = list(range(requests))[::-1]
    answers: dict[int, Answer] = {}

    async def client() -> None:
        while left:
            number = left.pop()
            answers[number] = await ask(server, api, PROMPTS[number % len(PROMPTS)])

    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(_LIMIT_S):
        await asyncio.gather(*(client() for _ in range(streams)))
    wall_s = asyncio.get_running_loop().time() - began
    return Round([answers[number] for number in range(requests)], wall_s)


async def compare(
    ours: Server, theirs: Server, api: str, streams: int, rounds: int, requests: int | None = None
) -> dict[str, object]:
    """Rounds in turn, the first of each not counted; who begins changes from round to round."""
    requests = requests or max(4, streams)
    seen: dict[str, list[Round]] = {ours.name: [], theirs.name: []}
    for number in range(rounds + 1):
        for server in (ours, theirs) if number % 2 else (theirs, ours):
            server.resume()
            found = await one_round(server, api, streams, requests)
            server.suspend()
            if number:
                seen[server.name].append(found)
    return summary(seen[ours.name], seen[theirs.name])


def summary(ours: Sequence[Round], theirs: Sequence[Round]) -> dict[str, object]:
    """The figures of one number of streams."""
    ratios = [a.tokens_per_s / b.tokens_per_s for a, b in zip(ours, theirs, strict=True)]
    pairs = [
        (a, b)
        for ra, rb in zip(ours, theirs, strict=True)
        for a, b in zip(ra.answers, rb.answers, strict=True)
    ]
    added = [a.first_s - b.first_s for a, b in pairs]
    return {
        "rounds": len(ours),
        "requests_a_round": len(ours[0].answers),
        "tokens_per_s": round(statistics.median(r.tokens_per_s for r in ours), 2),
        "tokens_per_s_own": round(statistics.median(r.tokens_per_s for r in theirs), 2),
        "ratio": round(statistics.median(ratios), 4),
        "ratio_least": round(min(ratios), 4),
        "ratio_most": round(max(ratios), 4),
        "first_ms": round(1e3 * statistics.median(a.first_s for a, _ in pairs), 2),
        "first_ms_own": round(1e3 * statistics.median(b.first_s for _, b in pairs), 2),
        "added_first_ms": round(1e3 * statistics.median(added), 2),
        "same_text": round(statistics.fmean(a.text == b.text for a, b in pairs), 3),
        "tokens": sum(a.tokens for a, _ in pairs),
        "tokens_own": sum(b.tokens for _, b in pairs),
    }


def model_folder(name: str, engine: str, precision: str) -> Path:
    """The folder that HyperCube serves the model from."""
    store = ModelStore(None)
    manifest = for_engine(lookup(name), engine, "float32" if precision == "fp32" else "bfloat16")
    made = store.made(manifest) if manifest.derivation is not None else manifest
    if made is None or not store.has(made):
        raise SystemExit(
            f"{name} is not here for {engine}; once: hypercube serve --model {name} --engine {engine}"
        )
    return store.folder_of(made)


async def run(arguments: argparse.Namespace) -> list[Mapping[str, object]]:
    """Start both, compare, end both; one row a number of streams."""
    rows: list[Mapping[str, object]] = []
    api = CHAT if arguments.engine == "vllm" else COMPLETIONS
    folder = model_folder(arguments.model, arguments.engine, arguments.precision)
    with tempfile.TemporaryDirectory() as scratch:
        own = own_server(arguments.engine, folder, Path(scratch), arguments.precision, CONTEXT, SLOTS)
        servers: list[Server] = []
        try:
            print("starting HyperCube ...", flush=True)
            servers.append(
                await start_hypercube(
                    arguments.model, arguments.engine, arguments.precision, CONTEXT, SLOTS, Path(scratch)
                )
            )
            servers[0].suspend()
            print(f"starting {own.title} ...", flush=True)
            servers.append(await start_own_server(own, Path(scratch)))
            servers[1].suspend()
            for streams in arguments.streams:
                found = await compare(
                    servers[0], servers[1], api, streams, arguments.rounds, arguments.requests
                )
                row = {
                    "benchmark": "llm",
                    "engine": arguments.engine,
                    "own_server": own.title,
                    "model": arguments.model,
                    "precision": arguments.precision,
                    "api": api,
                    "streams": streams,
                    "max_tokens": TOKENS,
                    **found,
                    "engine_version": version(own.package),
                    **environment(),
                }
                rows.append(row)
                print(
                    f"{streams:3d} streams: {found['tokens_per_s']} tokens/s beside {found['tokens_per_s_own']}, "
                    f"ratio {found['ratio']} ({found['ratio_least']} to {found['ratio_most']}); first text "
                    f"{found['first_ms']} ms, added {found['added_first_ms']} ms; same text {found['same_text']}",
                    flush=True,
                )
        finally:
            for server in servers:
                await server.end()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", choices=("vllm", "transformers"), default="vllm")
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--streams", type=int, nargs="+", default=list(STREAMS))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument(
        "--requests",
        type=int,
        help="of a round; fewer, so that a change of the machine's speed meets both alike",
    )
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if any(streams < 1 or streams > SLOTS for streams in arguments.streams):
        sys.exit(f"--streams goes from 1 to {SLOTS}, the slots of both servers.")
    append(arguments.output, asyncio.run(run(arguments)))


if __name__ == "__main__":
    main()
