"""What the fact ids of an explanation stand for, in words."""

from collections.abc import Callable, Sequence
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.compatibility import PairSentence
from hypercube.core.facts import Name
from hypercube.core.reading import CitedFact, ReadingLanguage
from hypercube.kernels.sexagenary import BRANCH_GOD, STEM_GOD
from hypercube.saju.compatibility.naming import NAMES_OF_PAIRS
from hypercube.saju.compatibility.sheet import FIRST, OTHER, SECOND, PairSheet, pair_sheet
from hypercube.saju.facts.relation_list import relations
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.reading.citing import fact_words

_STEPS: Final = {
    ReadingLanguage.KO: ("같은 오행", "첫째가 생함", "첫째가 극함", "둘째가 극함", "둘째가 생함"),
    ReadingLanguage.EN: (
        "the same element",
        "the first feeds",
        "the first controls",
        "the second controls",
        "the second feeds",
    ),
}


def cited(
    first: Chart, second: Chart, sentences: Sequence[PairSentence], language: ReadingLanguage
) -> tuple[CitedFact, ...]:
    """Every fact that the sentences cite, once, in the order of first use.

    Raises:
        KeyError: a sentence cites what the charts do not have.
    """
    people = NAMES_OF_PAIRS[language].people
    charts = {FIRST: fact_words(first, language), SECOND: fact_words(second, language)}
    pair = _Between(pair_sheet(first, second), language)
    found: dict[str, CitedFact] = {}
    for sentence in sentences:
        for fact in sentence.facts:
            if fact in found:
                continue
            head, rest = fact.split(".", 1)
            if head == "pair":
                text = pair.of(rest)
            else:
                word = people[head]
                text = f"{word[:1].upper()}{word[1:]}: {charts[head](rest)}"
            found[fact] = CitedFact(fact, text)
    return tuple(found.values())


class _Between:
    """What is between two charts, in one language."""

    def __init__(self, sheet: PairSheet, language: ReadingLanguage) -> None:
        self._sheet = sheet
        self._language = language
        self._korean = language is ReadingLanguage.KO
        self._rules: dict[str, Callable[[list[str]], str]] = {
            "relation": self._relation,
            "steps": self._steps,
            "god": self._god,
            "part": self._part,
            "score": self._score,
        }

    def of(self, fact: str) -> str:
        """The fact in words."""
        head, *rest = fact.split(".")
        return self._rules[head](rest)

    def _name(self, name: Name) -> str:
        return f"{name.hangul}({name.hanja})" if self._korean else f"{name.english} {name.hanja}"

    def _relation(self, rest: list[str]) -> str:
        key, position = rest
        pillars = [getattr(chart.pillars, position).index for chart in self._sheet.charts.values()]
        found = {each.kind.key: each for each in relations((FIRST, SECOND), pillars)}[key]
        names = NAMES_OF_PAIRS[self._language]
        part = "stem" if key.startswith("stem_") else "branch"
        return f"{names.place(position, part)} {found.letters} {self._name(found.kind)}"

    def _steps(self, _: list[str]) -> str:
        one, other = self._sheet.stems
        return f"{one.hanja}·{other.hanja}: {_STEPS[self._language][self._sheet.steps]}"

    def _god(self, rest: list[str]) -> str:
        owner, position, part = rest
        day = self._sheet.charts[OTHER[owner]].pillars.day.stem.index
        pillar = getattr(self._sheet.charts[owner].pillars, position)
        sign = pillar.stem if part == "stem" else pillar.branch
        god = TEN_GODS[int((STEM_GOD if part == "stem" else BRANCH_GOD)[day, sign.index])]
        viewer, whose = (NAMES_OF_PAIRS[self._language].people[each] for each in (OTHER[owner], owner))
        place = NAMES_OF_PAIRS[self._language].place(position, part)
        if self._korean:
            return f"{viewer}에게 {whose}의 {place} {sign.hanja}: {self._name(god)}"
        return f"{whose}'s {place} {sign.hanja} to {viewer}: {self._name(god)}"

    def _part(self, rest: list[str]) -> str:
        (name,) = rest
        (part,) = (each for each in self._sheet.match.parts if each.name == name)
        return f"{name} {part.points:+d}"

    def _score(self, _: list[str]) -> str:
        return f"{'총점' if self._korean else 'score'} {self._sheet.match.score}"
