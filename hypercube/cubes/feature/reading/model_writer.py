"""A reading in a model's words: section by section, every sentence judged, the corpus wherever the model falls short.

The written reading is made first, so whatever becomes of the model there is one. Each section is asked for on its
own, within its share of the time that is left; what the model may not say, leaves out, or never says because it is
away, loads, is too slow or dies, the corpus says in its place, and the reading tells which and why.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from hypercube.core.chart import Chart
from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.reading import (
    Checked,
    Reading,
    ReadingEvent,
    ReadingRequest,
    ReadingSentence,
    ReadingWriter,
    SectionText,
    writers,
)
from hypercube.core.served_models import Capability, ModelsRequest, ModelsResponse
from hypercube.cubes.grounded_generation import GroundedGeneration, Outcome
from hypercube.saju.composing import (
    UNFIT,
    Judge,
    Judged,
    Outline,
    as_sentence,
    checked,
    completing,
    correcting,
    outline,
    prompt,
)
from hypercube.saju.grounding import Checker, SentenceCheck, cut
from hypercube.saju.interpretation import interpret
from hypercube.saju.reading import cited

_CHAT: Final = "chat"
_MODELS: Final = "models"
_RESERVE_S: Final = 1.0
"""Of a request's time, what is kept for the corpus and the way out."""
_FATAL: Final = frozenset(ErrorKind) - {ErrorKind.ENGINE_FAILED, ErrorKind.CONTEXT_LENGTH_EXCEEDED}
"""After these the model is not asked for the sections that follow."""
_SEED: Final = 20_260_101
_RAISED: Final = frozenset({ErrorKind.PERMISSION_DENIED, ErrorKind.UNAUTHENTICATED})


class Cubes(Protocol):
    """What is needed of the registry: another cube's answer."""

    async def process(self, name: str, request: Any, call: Call) -> Any:
        """Call a cube by name."""
        ...


@dataclass(frozen=True, slots=True)
class ModelWriting:
    """How models write here.

    Attributes:
        prompt: id of the template.
        model: name as served; empty for the first that generates text.
        section_s: seconds that one section may take at most.
        attempts: how often a model is asked for a section in all.
    """

    prompt: str
    model: str = ""
    section_s: float = 30.0
    attempts: int = 2


class ModelWriter:
    """Writes readings with the models of the `chat` cube."""

    def __init__(self, cubes: Cubes, how: ModelWriting, clock: Clock) -> None:
        self._cubes = cubes
        self._how = how
        self._clock = clock

    async def events(
        self, chart: Chart, request: ReadingRequest, call: Call
    ) -> AsyncGenerator[ReadingEvent, None]:
        """The reading as it comes into being: a sentence an event, the last one with the rest.

        Raises:
            HyperCubeError: PERMISSION_DENIED where the caller asked for a model and may not use it.
        """
        written = interpret(chart, request.to_options())
        work = _Work(chart, written, request)
        try:
            work.model = await self._model(request, call)
        except HyperCubeError as error:
            work.refused(error)
        for at, section in enumerate(written.sections):
            material = outline(chart, section, written.options.language)
            said: list[ReadingSentence] = []
            if not work.failure:
                told = self._section(work, material, len(written.sections) - at, call)
                try:
                    async with aclosing(told):
                        async for sentence in told:
                            if sentence not in said:  # two copies of one written sentence
                                said.append(sentence)
                                yield work.event(section, sentence)
                except HyperCubeError as error:
                    work.refused(error)
            rest, short = completing(material, said)
            why = (work.failure or work.section_failure or UNFIT) if short else ""
            for sentence in rest:
                work.by_corpus.append(sentence.text)
                yield work.event(section, sentence, why)
        yield ReadingEvent(done=work.rest(self._how.prompt))

    async def _model(self, request: ReadingRequest, call: Call) -> str:
        """The name of the model that writes."""
        if name := request.model or self._how.model:
            return name
        answer: ModelsResponse = await self._cubes.process(_MODELS, ModelsRequest(), call)
        able = [each for each in answer.models if Capability.GENERATE in each.capabilities]
        if not able:
            raise HyperCubeError(ErrorKind.MODEL_NOT_FOUND, "No model that writes is served here.")
        return next((each.name for each in able if each.accepting), able[0].name)

    async def _section(
        self, work: "_Work", material: Outline, sections_left: int, call: Call
    ) -> AsyncGenerator[ReadingSentence, None]:
        options = work.written.options
        template = prompt(self._how.prompt, options.language)
        judge = Judge(
            work.chart,
            options.language,
            outline=material,
            secret=template.instructions,
            before=work.said,
            question=work.request.question,
        )
        generation = GroundedGeneration(
            lambda asked, asking: self._cubes.process(_CHAT, asked, asking),
            judge,
            correct=correcting(options.language, template.correction),
            attempts=self._how.attempts,
            until=self._until(sections_left, call),
            clock=self._clock,
        )
        asked = template.request(
            material, options, question=work.request.question, model=work.model, seed=_SEED
        )
        work.section_failure = ""
        try:
            async with aclosing(generation.sentences(asked, call)) as texts:
                async for text in texts:
                    work.said.append(text)
                    yield as_sentence(material, text, work.model, judge.judged[-1].check)
        finally:
            work.judged += judge.judged
            work.asked_again += generation.checked.asked_again
        work.ended(generation.outcome)

    def _until(self, sections_left: int, call: Call) -> float:
        now = self._clock()
        most = now + self._how.section_s
        if call.deadline is None:
            return most
        return min(most, now + max(0.0, call.deadline - _RESERVE_S - now) / sections_left)


@dataclass(slots=True)
class _Work:
    """One reading under way."""

    chart: Chart
    written: Reading
    request: ReadingRequest
    model: str = ""
    failure: str = ""
    """Why the model is not asked any more."""
    section_failure: str = ""
    said: list[str] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    asked_again: int = 0
    by_corpus: list[str] = field(default_factory=list)
    """What the corpus said in the model's place."""
    _sections: dict[str, list[ReadingSentence]] = field(default_factory=dict)

    def event(self, section: SectionText, sentence: ReadingSentence, fallback: str = "") -> ReadingEvent:
        """A sentence that leaves."""
        self._sections.setdefault(section.section, []).append(sentence)
        return ReadingEvent(section.section, section.title, sentence, fallback=fallback)

    def refused(self, error: HyperCubeError) -> None:
        """The model cannot be asked; raises it where the caller may not ask for what it asks for."""
        if error.kind in _RAISED and self.request.writer is ReadingWriter.MODEL:
            raise error
        self.failure = error.kind.value

    def ended(self, outcome: Outcome) -> None:
        """How the model's answer to a section ended."""
        if outcome.failure is None:
            return
        kind = outcome.failure.kind
        self.section_failure = kind.value
        if kind in _FATAL and not (kind is ErrorKind.DEADLINE_EXCEEDED and outcome.first_byte):
            self.failure = kind.value

    def rest(self, template: str) -> Reading:
        """The reading without its sections."""
        sections = [
            SectionText(each.section, each.title, tuple(self._sections[each.section]))
            for each in self.written.sections
            if each.section in self._sections
        ]
        checker = Checker(self.chart)
        own = [checker.sentence(text) for text in self.by_corpus]
        return replace(
            self.written,
            sections=(),
            facts=cited(self.chart, sections, self.written.options.language),
            written_by=writers(each.written_by for section in sections for each in section.sentences),
            checked=_together(checked(self.judged, self.asked_again), own),
            prompt=template if self.judged else "",
        )


def _together(model: Checked, corpus: Sequence[SentenceCheck]) -> Checked:
    _, own = cut(corpus)
    return replace(
        model,
        sentences=model.sentences + own.sentences,
        mentions=model.mentions + own.mentions,
        confirmed=model.confirmed + own.confirmed,
        contradictions=model.contradictions + own.contradictions,
        cut=model.cut + own.cut,
    )
