"""Compatibility: pairs explained a second on one core, and one person against a full list over HTTP.

    python -m benchmarks.pairs                                          # print
    python -m benchmarks.pairs --output benchmarks/results/pairs-cpu.jsonl

`explain` writes the sentences of two charts with their facts; `explained` also scores them, checks every sentence
and puts the cited facts in words, as the server does. Charts are computed beforehand; seconds are processor time of
this thread, of one pass over all pairs, after one of warm-up. `list over HTTP` is the whole of a request for the
best ten of `MAX_BIRTHS` people against a server in a process of its own: wall-clock, body and answer included; its
answer is compared with `match` first. No figure where a sentence contradicts a chart or a rank is another.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.inference_v2 import served
from benchmarks.reading import births
from benchmarks.rounds import append, environment, quantiles
from hypercube.core.chart import MAX_BIRTHS, BirthInput, Chart
from hypercube.core.compatibility import CompatibilityLength, CompatibilityOptions, plain, with_facts
from hypercube.core.reading import ReadingLanguage
from hypercube.saju import charts, match
from hypercube.saju.compatibility import CORPUS_VERSION, explain
from hypercube.saju.pairing import explained

TOP: Final = 10
People = list[tuple[Chart, Chart]]


def charted(people: list[BirthInput]) -> list[Chart]:
    """Their charts."""
    return [result.chart for result in charts(people) if result.chart is not None]


def green(pairs: People, options: CompatibilityOptions) -> int:
    """How many sentences were checked; ends the program at the first contradiction."""
    count = 0
    for first, second in pairs:
        pair, checks = explained(first, second, options)
        count += len(checks)
        if len(pair.sentences) != len(checks):
            raise SystemExit(f"{first.instant.local}: a sentence contradicts a chart; no figures.")
    return count


def measure(work: Callable[[Chart, Chart], object], pairs: People, rounds: int) -> list[float]:
    """Seconds of each pass over all pairs."""
    taken = []
    for _ in range(rounds):
        began = time.thread_time()
        for first, second in pairs:
            work(first, second)
        taken.append(time.thread_time() - began)
    return taken


def in_words(pairs: People, rounds: int) -> list[dict[str, Any]]:
    """A row for each language and length, without and with the check."""
    rows = []
    for language in ReadingLanguage:
        for length in CompatibilityLength:
            how = CompatibilityOptions(language, length)
            sentences = green(pairs, how)
            contestants: dict[str, Callable[[Chart, Chart], object]] = {
                "explain": lambda first, second, how=how: explain(first, second, how),  # type: ignore[misc]
                "explained": lambda first, second, how=how: explained(first, second, how),  # type: ignore[misc]
            }
            for name, work in contestants.items():
                seconds = measure(work, pairs, rounds)
                rate = sorted(len(pairs) / each for each in seconds)[len(seconds) // 2]
                print(f"{name:10} {language.value} {length.value:7} {rate:8,.0f} pairs/s a core")
                rows.append(
                    {
                        "op": "compatibility text",
                        "what": name,
                        "language": language.value,
                        "length": length.value,
                        "pairs": len(pairs),
                        "sentences_a_pair": round(sentences / len(pairs), 1),
                        **quantiles(seconds),
                        "pairs_s": round(rate),
                        "corpus": CORPUS_VERSION,
                        **environment(),
                    }
                )
    return rows


def over_http(rounds: int) -> dict[str, Any]:
    """The best `TOP` of a full list, asked of a server."""
    people = [plain(each) for each in births(MAX_BIRTHS + 1, seed=11)]
    body = json.dumps(
        {
            "first": {"birth": people[0].birth, "fold": 0},
            "others": [{"birth": each.birth, "fold": 0} for each in people[1:]],
            "top": TOP,
        }
    )
    first, *others = charted(people)
    scores = [match(first, each).score for each in others]
    ranked = sorted(range(len(others)), key=lambda row: (-scores[row], row))[:TOP]
    seconds = []
    with served() as (port, _), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for number in range(rounds + 2):
            began = time.perf_counter()
            answer = client.post("/v1/saju/compatibility", content=body)
            taken = time.perf_counter() - began
            if [pair["index"] for pair in answer.raise_for_status().json()["pairs"]] != ranked:
                raise SystemExit("The ranks are not those of match; no figures.")
            if number >= 2:
                seconds.append(taken)
    median = sorted(seconds)[len(seconds) // 2]
    print(f"list over HTTP: best {TOP} of {MAX_BIRTHS:,} in {1e3 * median:.0f} ms")
    return {
        "op": "compatibility list",
        "what": "http",
        "people": MAX_BIRTHS,
        "top": TOP,
        **quantiles(seconds),
        **environment(),
    }


def main() -> int:
    """Check, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    found = charted([with_facts(each) for each in births(2 * options.pairs)])
    pairs = list(zip(found[::2], found[1::2], strict=True))
    rows = [*in_words(pairs, options.rounds), over_http(options.rounds)]
    if options.output is not None:
        append(options.output, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
