"""The written reading and its check: readings a second on one core; no figure where a reading contradicts its chart.

    python -m benchmarks.reading                                          # print
    python -m benchmarks.reading --output benchmarks/results/reading-cpu.jsonl

`read` writes the sentences of a chart with its facts, luck and periods; `interpret` also checks every sentence and
puts the cited facts in words, as the server does. Charts are computed beforehand and not counted. Seconds are
processor time of this thread, of one pass over all charts; sentences were met before (one pass of warm-up), as in
a server that has been up for a while. With `--fresh` each pass reads charts that no pass has met, after 3,000 others,
and `whole` also counts the chart: a birth comes in, its checked reading goes out.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks.rounds import append, environment, quantiles
from hypercube.core.chart import BirthInput, Chart, Include, Sex
from hypercube.core.reading import ReadingLanguage, ReadingLength, ReadingOptions
from hypercube.saju import charts
from hypercube.saju.alone import chart_alone
from hypercube.saju.grounding import Checker
from hypercube.saju.interpretation import interpret
from hypercube.saju.reading import CORPUS_VERSION, read

AS_OF: Final = "2026-11-27"
_OTHERS: Final = 3_000
"""Charts read before those that are met once."""
_Given = TypeVar("_Given")


def births(count: int, seed: int = 7) -> list[BirthInput]:
    """Births of 1930 to 2019 with an hour."""
    rng = random.Random(seed)
    return [
        BirthInput(
            f"{rng.randint(1930, 2019)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
            f"T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
            rng.choice([Sex.MALE, Sex.FEMALE]),
            fold=0,
            include=tuple(Include),
            as_of=AS_OF,
        )
        for _ in range(count)
    ]


def green(found: list[Chart], options: ReadingOptions) -> int:
    """How many sentences were checked; ends the program at the first contradiction."""
    count = 0
    for each in found:
        checker = Checker(each)
        for section in read(each, options):
            for sentence in section.sentences:
                count += 1
                if not checker.grounded(sentence.text):
                    raise SystemExit(
                        f"{each.instant.local}: {sentence.text!r} contradicts its chart; no figures."
                    )
    return count


def measure(work: Callable[[_Given], object], passes: Sequence[Sequence[_Given]]) -> list[float]:
    """Seconds of each pass over all that it is given."""
    taken = []
    for given in passes:
        began = time.thread_time()
        for each in given:
            work(each)
        taken.append(time.thread_time() - began)
    return taken


def fresh(how: ReadingOptions, count: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of passes over charts that are met once: reading, reading with check and facts, and all of it."""
    for each in charted(births(_OTHERS, seed=99)):
        interpret(each, how)

    def whole(birth: BirthInput) -> object:
        return interpret(charted([birth])[0], how)

    drawn = [[births(count, seed=100 + 3 * at + part) for at in range(rounds)] for part in range(3)]
    return {
        "read fresh": measure(lambda each: read(each, how), [charted(each) for each in drawn[0]]),
        "interpret fresh": measure(lambda each: interpret(each, how), [charted(each) for each in drawn[1]]),
        "whole fresh": measure(whole, drawn[2]),
    }


def charted(given: list[BirthInput]) -> list[Chart]:
    """The charts of some births, each as one that comes alone."""
    return [found for each in given if (found := chart_alone(each) or charts([each])[0].chart) is not None]


def main() -> int:
    """Check, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--charts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--fresh", action="store_true", help="also charts that are met once")
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    results = charts(births(options.charts))
    found = [result.chart for result in results if result.chart is not None]
    rows: list[dict[str, Any]] = []
    for language in ReadingLanguage:
        for length in ReadingLength:
            how = ReadingOptions(language=language, length=length)
            sentences = green(found, how)
            contestants: dict[str, Callable[[Chart], object]] = {
                "read": lambda each, how=how: read(each, how),  # type: ignore[misc]
                "interpret": lambda each, how=how: interpret(each, how),  # type: ignore[misc]
            }
            passes = {name: measure(work, [found] * options.rounds) for name, work in contestants.items()}
            if options.fresh:
                passes |= fresh(how, options.charts, options.rounds)
            for name, seconds in passes.items():
                rate = sorted(len(found) / each for each in seconds)[len(seconds) // 2]
                rows.append(
                    {
                        "op": "reading",
                        "what": name,
                        "language": language.value,
                        "length": length.value,
                        "charts": len(found),
                        "sentences_a_reading": round(sentences / len(found), 1),
                        **quantiles(seconds),
                        "readings_s": round(rate),
                        "corpus": CORPUS_VERSION,
                        **environment(),
                    }
                )
                print(
                    f"{name:15} {language.value} {length.value:7} {sentences / len(found):5.1f} sentences "
                    f"{rate:8,.0f} readings/s a core"
                )
    if options.output is not None:
        append(options.output, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
