"""Charts and readings by the cubes that make them."""

import datetime as dt
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, fields, replace
from typing import Any

from hypercube.core.calendar import LuckPillar
from hypercube.core.chart import BirthInput, Chart, ChartsRequest, ChartsResponse
from hypercube.core.cube import Call, is_stream
from hypercube.core.errors import HyperCubeError
from hypercube.core.reading import (
    Checked,
    Reading,
    ReadingLanguage,
    ReadingRequest,
    ReadingSection,
    ReadingSentence,
    ReadingWriter,
    events,
)
from hypercube.cubes.feature.saju_chat.parts import READING, SAJU, Cubes
from hypercube.saju.composing import MOST_ASKED
from hypercube.saju.conversation.asked import Asked
from hypercube.saju.conversation.compose import length_of
from hypercube.saju.years import LAST_YEAR


async def charts_of(cubes: Cubes, births: Sequence[BirthInput], call: Call) -> tuple[Chart, ...]:
    """A chart for each birth.

    Raises:
        HyperCubeError: what is wrong with the first birth that has none; what the saju cube raises.
    """
    answer: ChartsResponse = await cubes.process(SAJU, ChartsRequest(tuple(births)), call)
    for each in answer.results:
        if each.error is not None:
            raise HyperCubeError.of(each.error)
    return tuple(each.chart for each in answer.results if each.chart is not None)


def in_year(birth: BirthInput, year: int) -> BirthInput:
    """The birth with the middle of a year as the day that counts as now."""
    return replace(birth, as_of=f"{year}-07-01")


def in_next_month(birth: BirthInput, today: dt.date) -> BirthInput:
    """The birth with the middle of the month after `today` as the day that counts as now: its 절 has come by then."""
    years, month = divmod(today.year * 12 + today.month, 12)
    return replace(birth, as_of=f"{years:04d}-{month + 1:02d}-15")


def on_day(birth: BirthInput, day: str) -> BirthInput:
    """The birth with a civil day, ISO 8601, as the one that counts as now."""
    return replace(birth, as_of=day)


def within(birth: BirthInput, luck: LuckPillar) -> BirthInput | None:
    """The birth with the middle of a luck pillar as now; None where that lies beyond the years counted here."""
    year = int(luck.start_date[:4]) + 5
    return replace(birth, as_of=f"{year:04d}-07-01") if year < LAST_YEAR else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the reading is wanted of whom, and in whose words.

    Attributes:
        birth: with the day that counts as now.
        sections: which.
        asked: how long and for whom.
        language: of the text.
        model: whose words; empty for the written ones.
        question: what a model is told that the reader wants to know.
    """

    birth: BirthInput
    sections: tuple[ReadingSection, ...]
    asked: Asked
    language: ReadingLanguage
    model: str = ""
    question: str = ""

    def request(self) -> ReadingRequest:
        """As the reading cube takes it."""
        of_birth: dict[str, Any] = {each.name: getattr(self.birth, each.name) for each in fields(BirthInput)}
        return ReadingRequest(
            **of_birth,
            sections=self.sections,
            language=self.language,
            length=length_of(self.asked),
            audience=self.asked.audience,
            writer=ReadingWriter.MODEL if self.model else ReadingWriter.CORPUS,
            model=self.model,
            question=self.question[:MOST_ASKED] if self.model else "",
            stream=bool(self.model),
        )


class SectionsRead:
    """Sections of a reading as they come; afterwards, what was checked and who wrote."""

    def __init__(self, cubes: Cubes, wanted: Wanted, call: Call) -> None:
        self._cubes = cubes
        self._wanted = wanted
        self._call = call
        self.checked: Checked | None = None
        self.written_by = ""

    async def sentences(self) -> AsyncGenerator[tuple[str, ReadingSentence], None]:
        """Each sentence, with the title of its section."""
        answer = await self._cubes.process(READING, self._wanted.request(), self._call)
        if not is_stream(answer):
            for event in events(answer):
                if event.sentence is not None:
                    yield event.title, event.sentence
            self._end(answer)
            return
        async with aclosing(answer):
            async for event in answer:
                if event.sentence is not None:
                    yield event.title, event.sentence
                if event.done is not None:
                    self._end(event.done)

    def _end(self, reading: Reading) -> None:
        self.checked, self.written_by = reading.checked, reading.written_by
