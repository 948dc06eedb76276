"""Real models on real charts: how often one contradicts its chart unguarded, what a reading makes of it, which prompt.

    python -m benchmarks.grounded lies                     # the bare model beside ours
    python -m benchmarks.grounded prompts                  # every prompt on the same charts and sections
    python -m benchmarks.grounded judge                    # the rows kept, by the checker as it is now
    python -m benchmarks.grounded lies --model NAME --output benchmarks/results/grounded-cpu.jsonl

`lies`: the bare model gets the chart's facts and is asked for three or four sentences; nothing is cut. Ours is the
reading cube on the same model, one short section. Both texts are judged by the same checker, which is also what ours
is guarded by: that ours has no contradiction says that the guard works, not that the checker sees everything. The
sentences are in the rows, for people to read. `prompts`: each template is asked once for each chart and section,
without a second attempt; scored is the share of written sentences that what passed covers, less the share of its
sentences that contradict.

Everything is at the temperature of its template with fixed seeds. A run ends when `--budget-s` is spent, after a whole
chart; the rows say how many there were.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.reading import births
from benchmarks.rounds import append, environment
from hypercube.app.engines import make_cluster
from hypercube.core.chart import Chart
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationEvent, GenerationRequest, Sampling
from hypercube.core.reading import (
    CORPUS,
    Reading,
    ReadingEvent,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingRequest,
    ReadingSection,
    joined,
)
from hypercube.core.served_models import EngineState
from hypercube.cubes.feature.reading.model_writer import ModelWriter, ModelWriting
from hypercube.cubes.grounded_generation import GroundedGeneration
from hypercube.saju import charts
from hypercube.saju.composing import PROMOTED, Judge, Judged, as_sentence, completing, outline
from hypercube.saju.composing.prompts import prompts
from hypercube.saju.grounding import Checker, SentenceCheck
from hypercube.saju.reading import cited, read
from hypercube.settings import load_settings

ROWS: Final = Path(__file__).parent / "results" / "grounded-cpu.jsonl"
KO: Final = ReadingLanguage.KO
_SHORT: Final = {"language": KO, "length": ReadingLength.SHORT}
_SECTIONS: Final = (
    ReadingSection.TEMPER,
    ReadingSection.WORK,
    ReadingSection.RELATIONSHIPS,
    ReadingSection.NOW,
)
_BARE: Final = (
    "당신은 사주 상담가입니다. 사주 정보를 보고 이 사람의 성격과 재능을 한국어 서너 문장으로 풀이하세요."
)
_FACTS: Final = 12
"""Facts that the bare model is given: the pillars, the day master, strength, elements, stages, structure, ten gods."""


class Cluster:
    """The chat and models cubes of one served model."""

    def __init__(self, model: str, threads: int) -> None:
        self.model = model
        settings = load_settings({"model": {"name": model, "threads": threads, "slots": 1}})
        self.cluster = make_cluster(settings, on_status=None, on_line=None)

    async def __aenter__(self) -> "Cluster":
        self.cluster.start()
        while (status := self.cluster.models()[0].status).state is not EngineState.READY:
            if status.state is EngineState.FAILED:
                raise SystemExit(f"{self.model}: {status.reason}")
            await asyncio.sleep(0.2)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cluster.close()

    async def process(self, name: str, request: Any, call: Call) -> Any:
        """As the registry of a server."""
        if name != "chat":
            raise LookupError(name)
        return self.cluster.generate(request, call)

    async def source(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        """As the chat cube."""
        return self.cluster.generate(request, call)


async def bare(cluster: Cluster, chart: Chart, seed: int, tokens: int) -> tuple[str, list[Judged]]:
    """What the model says, given the facts, and what is wrong with each sentence."""
    options = ReadingOptions(sections=(ReadingSection.TEMPER, ReadingSection.WORK), language=KO)
    facts = "\n".join(each.text for each in cited(chart, read(chart, options), KO)[:_FACTS])
    request = GenerationRequest(
        (ChatMessage("system", _BARE), ChatMessage("user", f"사주 정보\n{facts}\n\n풀이:")),
        model=cluster.model,
        max_tokens=tokens,
        sampling=Sampling(temperature=0.7, top_p=0.9, seed=seed),
    )
    text = "".join([event.text async for event in cluster.cluster.generate(request, Call("bare"))])
    judge = Judge(chart, KO)
    return text, [judge.sentence(each.text) for each in Checker(chart).text(text)]


async def ours(cluster: Cluster, chart: Chart, section: ReadingSection) -> Reading:
    """The same chart's section by the reading cube's writer."""
    writer = ModelWriter(cluster, ModelWriting(PROMOTED, cluster.model, section_s=120.0), time.monotonic)
    request = ReadingRequest(chart.instant.local, sections=(section,), **_SHORT)  # type: ignore[arg-type]
    pieces: list[ReadingEvent] = [each async for each in writer.events(chart, request, Call("ours"))]
    found = joined(pieces)
    assert found is not None
    return found


async def lies(cluster: Cluster, found: list[Chart], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Rows of the bare model and ours, and their sums."""
    rows: list[dict[str, Any]] = []
    began = time.monotonic()
    for at, chart in enumerate(found):
        if at < options.first:
            continue
        if time.monotonic() - began > options.budget_s:
            break
        if options.side != "ours":
            start = time.monotonic()
            text, judged = await bare(cluster, chart, at, options.tokens)
            rows.append(_row("bare", chart, start) | {"text": text, **_judged(judged)})
        if options.side != "bare" and at % options.ours_every == 0:
            start = time.monotonic()
            reading = await ours(cluster, chart, _SECTIONS[at // options.ours_every % len(_SECTIONS)])
            checks = [Checker(chart).sentence(each.text) for each in reading.sections[0].sentences]
            rows.append(_row("ours", chart, start) | _reading(reading, checks))
        print(f"{at + 1:3} {rows[-1]['what']:4} {rows[-1]['seconds']:5.1f} s", file=sys.stderr)
    return [*rows, *sums(rows)]


def sums(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The sums of each side that has rows."""
    return [_sum(rows, what) for what in ("bare", "ours") if any(row.get("what") == what for row in rows)]


def judged_again(rows: Sequence[Mapping[str, Any]], found: Sequence[Chart]) -> list[dict[str, Any]]:
    """The texts of `lies` as the checker judges them now; of a chart that was asked twice the later one counts."""
    by_birth = {chart.instant.local: chart for chart in found}
    latest = {
        (row["birth"], row["what"]): row
        for row in rows
        if row.get("what") in ("bare", "ours") and row["birth"] in by_birth
    }
    again: list[dict[str, Any]] = []
    for (birth, what), row in latest.items():
        chart = by_birth[birth]
        if what == "bare":
            judge = Judge(chart, KO)
            verdict = _judged([judge.sentence(each.text) for each in Checker(chart).text(row["text"])])
        else:
            verdict = _checked([Checker(chart).sentence(each.split("] ", 1)[1]) for each in row["text"]])
        again.append({**row, **verdict})
    return [*again, *sums(again)]


def _row(what: str, chart: Chart, start: float) -> dict[str, Any]:
    return {
        "op": "grounded",
        "what": what,
        "birth": chart.instant.local,
        "pillars": list(chart.pillars.indices()),
        "seconds": round(time.monotonic() - start, 1),
    }


def _judged(judged: list[Judged]) -> dict[str, Any]:
    verdicts = Counter(mention.verdict for each in judged for mention in each.check.mentions)
    return {
        "sentences": len(judged),
        "mentions": sum(verdicts.values()),
        "confirmed": verdicts["true"],
        "contradictions": verdicts["false"],
        "contradicting_sentences": sum(1 for each in judged if each.contradictions),
        "faults": dict(Counter(each.fault for each in judged if each.fault)),
        "false": [
            f"{mention.text} ({mention.expected})" for each in judged for mention in each.contradictions
        ],
    }


def _reading(reading: Reading, checks: list[SentenceCheck]) -> dict[str, Any]:
    (section,) = reading.sections
    return {
        "section": section.section.value,
        "written_by": section.written_by,
        "fallback": section.fallback,
        "text": [f"[{each.written_by}] {each.text}" for each in section.sentences],
        "by_model": sum(1 for each in section.sentences if each.written_by != CORPUS),
        **_checked(checks),
        "cut": reading.checked.cut,
        "unfit": reading.checked.unfit,
        "asked_again": reading.checked.asked_again,
    }


def _checked(checks: Sequence[SentenceCheck]) -> dict[str, Any]:
    verdicts = Counter(mention.verdict for each in checks for mention in each.mentions)
    return {
        "sentences": len(checks),
        "mentions": sum(verdicts.values()),
        "confirmed": verdicts["true"],
        "contradictions": verdicts["false"],
        "contradicting_sentences": sum(1 for each in checks if not each.grounded),
    }


def _sum(rows: Sequence[Mapping[str, Any]], what: str) -> dict[str, Any]:
    own = [row for row in rows if row["what"] == what]
    names = ("sentences", "mentions", "confirmed", "contradictions", "contradicting_sentences", "seconds")
    sums = {name: round(sum(row[name] for row in own), 1) for name in names}
    wrong = sum(1 for row in own if row["contradicting_sentences"])
    return {
        "op": "grounded",
        "what": f"{what}, in all",
        "charts": len(own),
        "charts_with_a_lie": wrong,
        **sums,
    } | ({"by_model": sum(row["by_model"] for row in own)} if what == "ours" else {})


async def compare(cluster: Cluster, found: list[Chart], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Rows of each prompt on each chart and section, and the scores."""
    rows: list[dict[str, Any]] = []
    began = time.monotonic()
    names = sorted({ident for ident, _ in prompts()})
    for at, chart in enumerate(found):
        if time.monotonic() - began > options.budget_s:
            break
        section = _SECTIONS[at % len(_SECTIONS)]
        for ident in names:
            rows.append(await _asked(cluster, chart, section, ident, at))
            print(
                f"{at + 1:3} {ident:10} {rows[-1]['score']:5.2f} {rows[-1]['seconds']:5.1f} s",
                file=sys.stderr,
            )
    return [*rows, *(_score(rows, ident) for ident in names)]


async def _asked(
    cluster: Cluster, chart: Chart, section: ReadingSection, ident: str, seed: int
) -> dict[str, Any]:
    how = ReadingOptions(sections=(section,), **_SHORT)  # type: ignore[arg-type]
    (written,) = read(chart, how)
    material, template = outline(chart, written, KO), prompts()[ident, KO]
    judge = Judge(chart, KO, outline=material, secret=template.instructions)
    generation = GroundedGeneration(cluster.source, judge, attempts=1)
    request = template.request(material, how, model=cluster.model, seed=seed)
    start = time.monotonic()
    async for _ in generation.sentences(request, Call("prompts")):
        pass
    passed = [each for each in judge.judged if each.passed]
    said = list(dict.fromkeys(as_sentence(material, each.text, cluster.model, each.check) for each in passed))
    missing, short = completing(material, said)
    covered = 1 - len(missing) / len(material.sentences) if short else 1.0
    wrong = sum(1 for each in judge.judged if each.contradictions) / max(1, len(judge.judged))
    return {
        "op": "prompts",
        "prompt": ident,
        "section": section.value,
        "birth": chart.instant.local,
        "seconds": round(time.monotonic() - start, 1),
        "sentences": len(judge.judged),
        "kept": len(passed),
        "own": sum(1 for each in said if each.written_by != CORPUS),
        "covered": round(covered, 3),
        "contradicting": round(wrong, 3),
        "score": round(covered - wrong, 3),
        "faults": dict(Counter(each.fault for each in judge.judged if each.fault)),
        "text": [f"{each.fault or 'kept'}: {each.text}" for each in judge.judged],
    }


def _score(rows: list[dict[str, Any]], ident: str) -> dict[str, Any]:
    own = [row for row in rows if row["prompt"] == ident]
    count = max(1, len(own))
    faults: Counter[str] = Counter()
    for row in own:
        faults.update(row["faults"])
    sums: Mapping[str, int] = {name: sum(row[name] for row in own) for name in ("sentences", "kept", "own")}
    means = {
        name: round(sum(row[name] for row in own) / count, 3)
        for name in ("covered", "contradicting", "score")
    }
    return {
        "op": "prompts",
        "what": "in all",
        "prompt": ident,
        "asked": len(own),
        **sums,
        **means,
        "faults": dict(faults),
    }


async def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Serve the model, ask it, take its rows."""
    found = [
        result.chart for result in charts(births(options.charts, options.seed)) if result.chart is not None
    ]
    if options.what == "judge":
        kept = [json.loads(line) for line in options.rows.read_text(encoding="utf-8").splitlines()]
        return judged_again(kept, found)
    async with Cluster(options.model, options.threads) as cluster:
        rows = await (lies if options.what == "lies" else compare)(cluster, found, options)
    return [row | {"model": options.model, "threads": options.threads, **environment()} for row in rows]


def main() -> int:
    """Ask, print the sums, append the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=["lies", "prompts", "judge"])
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct")
    parser.add_argument("--charts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=64, help="of the bare model's answer")
    parser.add_argument("--ours-every", type=int, default=1, help="charts for one that ours reads, too")
    parser.add_argument("--first", type=int, default=0, help="charts of an earlier run, not asked again")
    parser.add_argument("--side", choices=["both", "bare", "ours"], default="both")
    parser.add_argument("--rows", type=Path, default=ROWS, help="what `judge` judges again")
    parser.add_argument("--budget-s", type=float, default=900.0)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    rows = asyncio.run(run(options))
    for row in rows:
        if "in all" in str(row.get("what")):
            print({name: value for name, value in row.items() if name not in environment()})
    append(options.output, rows, readable=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
