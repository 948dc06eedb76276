"""A thousand answers of a model that lies in every way we know: no lie leaves, and what is true stays.

The true sentences are the corpus's own in other variants than the reading has, and the phrases of the grounding set's
builder; the lies are false by construction (`tests.unit.lies`) or the same phrases with another value. Everything goes
through the registry and the reading cube, as a request does.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import pytest

from hypercube.core.chart import BirthInput, Chart, Include, Sex
from hypercube.core.cube import Call
from hypercube.core.engine import GenerationRequest
from hypercube.core.reading import (
    Reading,
    ReadingLanguage,
    ReadingOptions,
    ReadingRequest,
    ReadingSection,
    ReadingWriter,
)
from hypercube.core.served_models import EngineState, EngineStatus, ServedModel
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.reading import ModelWriting, ReadingCube
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.registry import CubeRegistry
from hypercube.saju import charts
from hypercube.saju.composing.sanity import runs
from hypercube.saju.reading.naming import NAMES
from hypercube.saju.reading.read import _SECTIONS
from hypercube.saju.reading.sheet import sheet
from hypercube.saju.reading.writer import writer
from scripts.build_grounding_set import facts
from tests.unit.lies import lies
from tests.unit.scripted_model import ScriptedModel

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
AS_OF = "2026-11-27"


def births(count: int, seed: int) -> list[BirthInput]:
    rng = random.Random(seed)
    return [
        BirthInput(
            f"{rng.randint(1930, 2015)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:30",
            rng.choice([Sex.MALE, Sex.FEMALE]),
            zone="Asia/Seoul",
            fold=0,
            include=tuple(Include),
            as_of=AS_OF,
        )
        for _ in range(count)
    ]


def other_words(found: Chart, language: ReadingLanguage, seed: int) -> dict[ReadingSection, list[str]]:
    """The written reading with other variants chosen: true, and in other words."""
    asked = sheet(found)
    versions = tuple(each.version for each in asked.facts.schools)
    pen = writer(versions, ReadingOptions(language=language), seed, asked.time)
    said = {}
    for number, (section, write) in enumerate(_SECTIONS.items()):
        pen.seed, pen.at = seed, 1_000 * number
        write(replace(asked, seed=seed), pen)
        said[section] = [each.sentence.text for each in pen.take()]
    return said


@dataclass
class Liar:
    """What it says of the charts it is asked about, by section, and what of it was true."""

    language: ReadingLanguage
    rng: random.Random
    titles: dict[str, ReadingSection] = field(init=False)
    plans: dict[ReadingSection, str] = field(default_factory=dict)
    true: dict[ReadingSection, list[str]] = field(default_factory=dict)
    false: dict[ReadingSection, list[tuple[str, str]]] = field(default_factory=dict)
    outputs: int = 0

    def __post_init__(self) -> None:
        self.titles = {title: section for section, title in NAMES[self.language].titles.items()}

    def plan(self, found: Chart) -> None:
        """Mix true sentences and lies for every section of a chart."""
        rng = self.rng
        told = [each for each in facts(found, rng) if each[0] == self.language.value and _polite(each[1])]
        ways = [
            *lies(found, self.language, rng),
            *(("phrase", false) for _, _, false in rng.sample(told, min(6, len(told)))),
        ]
        truths = [true for _, true, _ in told]
        for section, own in other_words(found, self.language, rng.getrandbits(60)).items():
            said = [*rng.sample(own, min(5, len(own))), *rng.sample(truths, min(2, len(truths)))]
            wrong = rng.sample(ways, 3)
            mixed = [*said, *(text for _, text in wrong)]
            rng.shuffle(mixed)
            self.true[section], self.false[section], self.plans[section] = said, wrong, " ".join(mixed)

    def __call__(self, request: GenerationRequest) -> str:
        self.outputs += 1
        asked = request.messages[1].content
        return next(
            self.plans[section] for title, section in self.titles.items() if title in asked.split("\n")[0]
        )


def _polite(text: str) -> bool:
    """Whether a phrase is a whole sentence in the register of a reading: 일간은 甲. is none."""
    return text.rstrip(".!?")[-1:] not in "甲乙丙丁戊己庚辛壬癸"


@dataclass
class Tally:
    """What became of the lies and the truths."""

    lies: int = 0
    truths: int = 0
    passed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def add(self, liar: Liar, reading: Reading) -> None:
        """Count one reading, section by section."""
        texts = {each.text for section in reading.sections for each in section.sentences}
        for section in liar.plans:
            self.lies += len(liar.false[section])
            self.passed += [f"{kind}: {text}" for kind, text in liar.false[section] if text in texts]
            truths = dict.fromkeys(liar.true[section])
            self.truths += len(truths)
            self.lost += [text for text in truths if not kept(text, reading)]


class Engines(ScriptedModel):
    """The liar as the engines of a server."""

    def models(self) -> Sequence[ServedModel]:
        status = EngineStatus(EngineState.READY, "scripted")
        return (ServedModel("liar", "scripted", 4096, "Apache-2.0", 1_790_000_000, status),)


def kept(text: str, reading: Reading) -> bool:
    """Whether a sentence left: as it stood, or as the written one that it copies."""
    own = runs(text)
    for section in reading.sections:
        for each in section.sentences:
            theirs = runs(each.text)
            if len(own & theirs) >= 0.75 * min(len(own), len(theirs)):
                return True
    return False


async def tell(liar: Liar, count: int, seed: int) -> Tally:
    """The readings of some births, each planned before it is asked for."""
    asked = births(count, seed)
    engines, batchers, registry, tally = Engines(liar), SajuBatchers("reference"), CubeRegistry(), Tally()
    registry.register(SajuCube(batchers))
    registry.register(ReadingCube(registry, how=ModelWriting("retell@1")))
    registry.register(ChatCube(engines))  # type: ignore[arg-type]
    registry.register(ModelsCube(engines))  # type: ignore[arg-type]
    await registry.start_all()
    try:
        for birth, result in zip(asked, charts(asked), strict=True):
            assert result.chart is not None
            liar.plan(result.chart)
            request = ReadingRequest(
                **{each.name: getattr(birth, each.name) for each in fields(BirthInput)},
                language=liar.language,
                writer=ReadingWriter.MODEL,
            )
            reading = await registry.process("reading", request, Call("liar"))
            assert reading.checked.contradictions >= 1
            tally.add(liar, reading)
    finally:
        await registry.stop_all()
        await batchers.close()
    assert engines.active == 0
    return tally


@pytest.mark.parametrize(("language", "readings", "at_least"), [(KO, 52, 800), (EN, 16, 200)])
async def test_a_thousand_answers_leave_without_a_lie(
    language: ReadingLanguage, readings: int, at_least: int
) -> None:
    liar = Liar(language, random.Random(readings))
    tally = await tell(liar, readings, seed=readings)
    assert liar.outputs >= at_least
    assert tally.lies >= at_least
    assert tally.passed == []
    assert len(tally.lost) <= 0.05 * tally.truths, tally.lost
