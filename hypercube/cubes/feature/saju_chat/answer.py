"""A written answer about one chart, or two: what was understood, facts, years, sections of the reading."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from hypercube.core.chart import BirthInput, Chart
from hypercube.core.cube import Call
from hypercube.core.reading import (
    Grounding,
    ReadingLength,
    ReadingSection,
    SectionText,
    writers,
)
from hypercube.cubes.feature.saju_chat import tool
from hypercube.cubes.feature.saju_chat.charts import (
    SectionsRead,
    Wanted,
    charts_of,
    in_next_month,
    in_year,
    on_day,
    within,
)
from hypercube.cubes.feature.saju_chat.parts import Conversation, Cubes
from hypercube.saju.birth_phrases import said_back
from hypercube.saju.birth_phrases.people import SELF
from hypercube.saju.conversation import (
    Known,
    Paragraph,
    Written,
    ages_said,
    begins_said,
    covering,
    day_said,
    facts_said,
    meaning_said,
    month_said,
    period_said,
    when_said,
    year_said,
)
from hypercube.saju.conversation.asked import FactQuestion, FactTopic
from hypercube.saju.conversation.beyond import BY_KEY
from hypercube.saju.conversation.compose import chart_said, sections_of, stated, verdict
from hypercube.saju.conversation.meanings import EXCUSED
from hypercube.saju.conversation.phrases import GIVEN_UP, MORE, OF_WHOM, OTHER_RESULT, PAIR, who_is
from hypercube.saju.conversation.whom import may_be_a_couple


class WrittenAnswer:
    """The text of the answer, sentence by sentence; afterwards, what it rests on."""

    def __init__(
        self,
        cubes: Cubes,
        talk: Conversation,
        births: Sequence[BirthInput],
        charts: Sequence[Chart],
        model: str,
        call: Call,
    ) -> None:
        self._cubes = cubes
        self._talk = talk
        self._births = births
        self._charts = charts
        self._model = model
        self._call = call
        self._written = Written()
        self._writers: set[str] = set()
        self._left = 0
        """Paragraphs of `_written` that have left."""

    @property
    def grounding(self) -> Grounding:
        """What was checked, which facts were stated, and who wrote."""
        return Grounding(writers(self._writers), self._written.facts, self._written.checked)

    async def texts(self) -> AsyncGenerator[str, None]:
        """Sentences with the space before them."""
        await self._write()
        for text in self._written.pieces():
            yield text
        sections = self._sections()
        if sections:
            async with aclosing(self._read(sections)) as read:
                async for text in read:
                    yield text
        if self._introduces():
            yield f"\n\n{MORE[self._talk.language]}"

    def _introduces(self) -> bool:
        """Whether the turn gives a birth and asks nothing yet."""
        return (
            self._talk.people.changed and not self._talk.asked.of_a_chart and not self._talk.people.together
        )

    def _sections(self) -> tuple[ReadingSection, ...]:
        if self._introduces():
            return (ReadingSection.TEMPER,)
        return sections_of(self._talk.asked)

    def _of_whom(self) -> str:
        """Whose chart it is, where it is not the first person's; nothing where the birth is said back anyway."""
        people, language = self._talk.people, self._talk.language
        role = people.subject.role
        first = role == people.draft.role and all(each.role != SELF for each in people.draft.others)
        if people.changed or people.partner is not None or role is None or first:
            return ""
        return OF_WHOM[language].format(who=who_is(role, language))

    def _titles(self) -> tuple[str, ...]:
        """Above each chart of two, who in the pair it is; nothing above one alone."""
        if len(self._charts) == 1:
            return ("",)
        language = self._talk.language
        whose = [who_is(each.role or SELF, language) for each in self._talk.people.everybody]
        return tuple(title.format(who=who) for title, who in zip(PAIR[language], whose, strict=True))

    async def _write(self) -> None:
        talk, language, written = self._talk, self._talk.language, self._written
        known = Known(self._charts[0])
        results = tool.results(talk.request.messages)
        written.note(self._of_whom())
        for key in talk.asked.beyond:
            written.note(BY_KEY[key].said[language])
        for field in talk.people.given_up:
            written.note(GIVEN_UP[language].get(field.value, ""))
        if talk.people.changed or talk.asked.birth or results or (talk.people.given_up and talk.people.newly):
            written.note(said_back(talk.people.draft, talk.locale))
            for chart, title in zip(self._charts, self._titles(), strict=True):
                written.add(chart, chart_said(Known(chart), language), title)
        if any(tool.other_than(each, self._charts) for each in results):
            written.note(OTHER_RESULT[language])
        if talk.people.together and len(self._charts) > 1:
            # Where a year is asked about, what binds the two is told in short, and the year of each follows.
            length = ReadingLength.SHORT if talk.asked.years else talk.asked.length
            couple = may_be_a_couple([each.role for each in talk.people.everybody])
            written.add_pair(self._charts[0], self._charts[1], language, length, couple=couple)
        self._facts(known)
        for day in talk.asked.days:
            await self._day(day.isoformat())
        if talk.asked.ages:
            await self._ages(known)
        for year in talk.asked.years:
            await self._year(year)
        if talk.asked.next_month:
            await self._next_month()
        if talk.asked.when:
            brief = talk.asked.length is ReadingLength.SHORT
            written.add(known.chart, when_said(known, talk.asked.sections, language, brief=brief))

    def _facts(self, known: Known) -> None:
        language, questions = self._talk.language, self._questions()
        facts = facts_said(known, questions, language)
        if not facts:
            return
        asked = self._talk.asked
        if asked.each:
            for chart, title in zip(self._charts, self._titles(), strict=True):
                self._written.add(chart, stated(facts_said(Known(chart), questions, language)), title)
            return
        beside = bool(asked.sections) and asked.length is ReadingLength.LONG
        if asked.meaning or beside or asked.beyond:
            # What is told in the place of a judgement is no yes or no to the question.
            facts = stated(facts)
        self._written.note(verdict(known, self._talk.turns[-1], language))
        if asked.meaning:
            for each in questions:
                self._written.explain(
                    known.chart, meaning_said(each, language), EXCUSED.get(each.topic, frozenset())
                )
        self._written.add(known.chart, facts)

    def _questions(self) -> tuple[FactQuestion, ...]:
        if self._introduces():
            return (FactQuestion(FactTopic.DAY_STEM),)
        return self._talk.asked.facts

    async def _day(self, day: str) -> None:
        (chart,) = await charts_of(self._cubes, (on_day(self._births[0], day),), self._call)
        asked, language, known = self._talk.asked, self._talk.language, Known(chart)
        several, long = len(asked.days) > 1, asked.length is ReadingLength.LONG
        brief = asked.length is ReadingLength.SHORT or (several and not long)
        self._written.add(chart, day_said(known, language, brief=brief))
        if long and day == asked.days[-1].isoformat():
            every = (FactQuestion(FactTopic.PERIODS, "year"), FactQuestion(FactTopic.PERIODS, "month"))
            self._written.add(chart, facts_said(known, every, language))

    async def _ages(self, known: Known) -> None:
        """The luck pillars of the ages asked about, and what is read of each while it runs."""
        language, luck, spans = self._talk.language, known.chart.luck, self._talk.asked.ages
        for first, last in spans:
            self._written.add(known.chart, ages_said(known, first, last, language))
        if luck is None:
            # Why ages have a width, or nothing can be said of them: the hour or the sex is not known.
            self._written.add(known.chart, facts_said(known, (FactQuestion(FactTopic.LUCK),), language))
            return
        for at in sorted({at for span in spans for at in covering(known, *span)}):
            await self._luck(self._births[0], known, at)

    async def _luck(self, birth: BirthInput, known: Known, at: int) -> None:
        """A luck pillar: when it begins, and what is read of it while it runs."""
        assert known.chart.luck is not None
        self._written.add(known.chart, [begins_said(known, at, self._talk.language)])
        then = within(birth, known.chart.luck.pillars[at])
        if then is not None:
            chart, section = await self._then(then, ReadingSection.LUCK)
            self._written.go_on(chart, period_said(section, at))

    async def _year(self, year: int) -> None:
        """A year of the one asked about, or of both of two."""
        for birth, title in zip(self._births, self._titles(), strict=True):
            chart, section = await self._then(in_year(birth, year))
            then = Known(chart)
            self._written.add(chart, year_said(then, section, year, self._talk.language), title)
            at = then.luck_in(year)
            if at is not None and self._talk.asked.length is ReadingLength.LONG:
                await self._luck(birth, then, at)

    async def _next_month(self) -> None:
        chart, section = await self._then(in_next_month(self._births[0], self._talk.today))
        self._written.add(chart, month_said(section, self._talk.language))

    async def _then(
        self, birth: BirthInput, about: ReadingSection = ReadingSection.NOW
    ) -> tuple[Chart, SectionText | None]:
        """The chart with another day as now, and what a section says of that day."""
        (chart,) = await charts_of(self._cubes, (birth,), self._call)
        wanted = Wanted(birth, (about,), self._talk.asked, self._talk.language)
        read = SectionsRead(self._cubes, wanted, self._call)
        async with aclosing(read.sentences()) as pieces:
            every = [(title, sentence) async for title, sentence in pieces]
        if not every:
            return chart, None
        return chart, SectionText(about, every[0][0], tuple(each for _, each in every))

    async def _read(self, sections: tuple[ReadingSection, ...]) -> AsyncGenerator[str, None]:
        asked = self._talk.asked
        if self._introduces():
            asked = replace(asked, length=ReadingLength.SHORT)
        wanted = Wanted(
            self._births[0], sections, asked, self._talk.language, self._model, self._talk.turns[-1]
        )
        read = SectionsRead(self._cubes, wanted, self._call)
        last, first = "", not self._written.paragraphs
        async with aclosing(read.sentences()) as pieces:
            async for title, sentence in pieces:
                if title == last:
                    yield f" {sentence.text}"
                else:
                    head = f"{title}\n" if len(sections) > 1 else ""
                    gap = "" if first else "\n\n"
                    yield f"{gap}{head}{sentence.text}"
                last, first = title, False
                self._written.paragraphs.append(Paragraph((sentence,)))
        if read.checked is not None:
            self._written.count(read.checked)
            self._writers.add(read.written_by)
