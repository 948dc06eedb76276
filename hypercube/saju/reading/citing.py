"""What a fact id stands for, in words."""

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.facts import ChartFacts, Name, PillarFacts, Relation
from hypercube.core.reading import CitedFact, ReadingLanguage, SectionText
from hypercube.core.signs import Pillar
from hypercube.saju.grounding.once import once
from hypercube.saju.reading.naming import NAMES, branch_name, listed
from hypercube.saju.reading.sheet import ELEMENTS, id_of_relation, range_at_noon

_KO: Final = {
    "void.day": "일주 공망",
    "void.year": "연주 공망",
    "visible": "드러난 글자",
    "weighted": "자리와 지장간 무게",
    "yang": "양",
    "yin": "음",
    "forward": "순행",
    "backward": "역행",
    "luck": "대운",
    "from": "시작",
    "age": "세",
    "year": "세운",
    "month": "월운",
    "none": "없음",
    "balance": "억부 용신",
    "climate": "조후 용신",
    "hidden": "지장간",
    "as_of": "기준일",
}
_EN: Final = {
    "void.day": "void by the day pillar",
    "void.year": "void by the year pillar",
    "visible": "visible letters",
    "weighted": "weights",
    "yang": "yang",
    "yin": "yin",
    "forward": "forward",
    "backward": "backward",
    "luck": "luck pillar",
    "from": "from",
    "age": "",
    "year": "year",
    "month": "month",
    "none": "none",
    "balance": "useful by balance",
    "climate": "useful by climate",
    "hidden": "hidden stems",
    "as_of": "as of",
}
_PARTS: Final = {"stem": 0, "branch": 1}
_KEPT: Final = 32_768
_kept: Final[dict[ReadingLanguage, dict[tuple[str, Hashable], CitedFact]]] = {
    each: {} for each in ReadingLanguage
}
"""By id, and by what decides its words (`_decider`)."""


def cited(chart: Chart, sections: Sequence[SectionText], language: ReadingLanguage) -> tuple[CitedFact, ...]:
    """Every fact that the sentences cite, once, in the order of first use.

    Raises:
        KeyError: a sentence cites what the chart does not have.
    """
    words = _Words(chart, language)
    ids = dict.fromkeys(
        [fact for section in sections for sentence in section.sentences for fact in sentence.facts]
    )
    kept, found = _kept[language], []
    for fact in ids:
        decide = _decider(fact)
        if decide is None:
            found.append(CitedFact(fact, words.of(fact)))
            continue
        what = decide(words)
        known = kept.get((fact, what))
        if known is None:
            if len(kept) >= _KEPT:
                kept.clear()
            known = kept[fact, what] = CitedFact(fact, words.of(fact))
        found.append(known)
    return tuple(found)


def fact_words(chart: Chart, language: ReadingLanguage) -> Callable[[str], str]:
    """What says a fact of a chart in words, by its id; a KeyError for one that the chart does not have."""
    return _Words(chart, language).of


@functools.lru_cache(maxsize=16_384)
def _parsed(fact: str) -> tuple[str, tuple[str, ...]]:
    """What says a fact in words, and of which place or what it is."""
    head, *rest = fact.split(".")
    return f"_{head}", tuple(rest)


class _Words:
    """The facts of one chart in one language."""

    def __init__(self, chart: Chart, language: ReadingLanguage) -> None:
        assert chart.facts is not None
        self._chart = chart
        self.periods = chart.periods
        self.facts: ChartFacts = chart.facts
        self._language = language
        self._names = NAMES[language]
        self._korean = language is ReadingLanguage.KO
        self._say = _KO if self._korean else _EN
        self.places: dict[str, PillarFacts] = {each.position: each for each in chart.facts.pillars}

    @once
    def relations(self) -> dict[str, Relation]:
        """Bonds and conflicts by their ids."""
        every = (*self.facts.relations, *self._chart.period_relations)
        return {id_of_relation(each.kind.key, each.positions): each for each in every}

    def of(self, fact: str) -> str:
        """The fact in words."""
        rule, rest = _parsed(fact)
        if rule == "_relation":
            relation = self.relations[fact]
            return f"{self._name(relation.kind)} {relation.letters}"
        made: str = getattr(self, rule)(*rest)
        return made

    def _name(self, name: Name) -> str:
        return f"{name.hangul}({name.hanja})" if self._korean else f"{name.english} {name.hanja}"

    def _both(self, pillar: Pillar) -> str:
        if self._korean:
            return f"{pillar.hangul}({pillar.hanja})"
        return self._names.pillars[pillar.index]

    def _pillar(self, position: str) -> str:
        return f"{self._names.pillar_places[position]} {self._both(self.places[position].pillar)}"

    def _stem(self, position: str) -> str:
        index = self.places[position].pillar.stem.index
        return f"{self._names.stem_places[position]} {self._names.stems[index]}"

    def _branch(self, position: str) -> str:
        index = self.places[position].pillar.branch.index
        return f"{self._names.branch_places[position]} {branch_name(index, self._language)}"

    def _god(self, position: str, part: str) -> str:
        facts = self.places[position]
        god = (facts.stem_god, facts.branch_god)[_PARTS[part]]
        assert god is not None
        places = self._names.stem_places if part == "stem" else self._names.branch_places
        return f"{places[position]} {self._name(god)}"

    def _hidden(self, position: str) -> str:
        stems = " ".join(
            f"{each.stem.hanja} {each.ten_god.hangul if self._korean else each.ten_god.english}"
            for each in self.places[position].hidden_stems
        )
        return f"{self._names.branch_places[position]} {self._say['hidden']} {stems}"

    def _stage(self, position: str) -> str:
        return f"{self._names.branch_places[position]} {self._name(self.places[position].stage)}"

    def _sinsal(self, key: str, position: str) -> str:
        name = next(each for each in self.places[position].sinsal if each.key == key)
        return f"{self._names.pillar_places[position]} {self._name(name)}"

    def _strength(self) -> str:
        strength = self.facts.strength
        return f"{self._name(strength.level)} {strength.support}/{strength.available}"

    def _structure(self) -> str:
        return self._name(self.facts.structure.name)

    def _elements(self, which: str) -> str:
        values = self.facts.elements.visible if which == "visible" else self.facts.elements.weighted
        unit = "" if which == "visible" else "%"
        shown = " ".join(
            f"{self._names.elements[each]} {getattr(values, each):.0f}{unit}" for each in ELEMENTS
        )
        return f"{self._say[which]}: {shown}"

    def _polarity(self) -> str:
        elements = self.facts.elements
        return f"{self._say['yang']} {elements.yang}, {self._say['yin']} {elements.yin}"

    def _void(self, by: str) -> str:
        signs = self.facts.void_day if by == "day" else self.facts.void_year
        return f"{self._say[f'void.{by}']} {''.join(each.hanja for each in signs)}"

    def _useful(self, school: str) -> str:
        gods = self.facts.useful_gods
        if school == "balance":
            shown = listed(self._names, [self._names.elements[each] for each in gods.balance])
            return f"{self._say['balance']} {shown or self._say['none']} ({self._name(gods.balance_reason)})"
        return f"{self._say['climate']} {' '.join(each.stem.hanja for each in gods.climate)}"

    def _luck(self, which: str) -> str:
        luck = self._chart.luck
        if luck is None:
            both = range_at_noon(self._chart)
            assert both is not None
            luck = both.earliest
        if which == "start":
            way = self._say["forward" if luck.forward else "backward"]
            return f"{self._say['luck']} {way}, {luck.start.exact:.2f}{self._say['age']}"
        each = luck.pillars[int(which)]
        return f"{self._say['luck']} {self._both(each.pillar)} {each.age:.2f}{self._say['age']} {each.start_date}"

    def _period(self, which: str) -> str:
        periods = self._chart.periods
        assert periods is not None
        pillar = periods.year.pillar if which == "year" else periods.month.pillar
        return f"{self._say[which]} {self._both(pillar)}"

    def _as_of(self) -> str:
        assert self._chart.periods is not None
        return f"{self._say['as_of']} {self._chart.periods.as_of.date}"


_Decide = Callable[[_Words], Hashable]


@functools.lru_cache(maxsize=16_384)
def _decider(fact: str) -> _Decide | None:
    """What the words of a fact follow from, beside its id; None for one whose words hardly come again."""
    rule, rest = _parsed(fact)
    decides = _DECIDES.get(rule)
    return None if decides is None else decides(fact, *rest)


def _pillar_there(_: str, position: str) -> _Decide:
    return lambda words: words.places[position].pillar.index


def _god_there(_: str, position: str, part: str) -> _Decide:
    def key(words: _Words) -> Hashable:
        facts = words.places[position]
        god = facts.stem_god if part == "stem" else facts.branch_god
        assert god is not None
        return god.key

    return key


def _stage_there(_: str, position: str) -> _Decide:
    return lambda words: words.places[position].stage.key


def _sinsal_there(_: str, key: str, position: str) -> _Decide:
    """Itself, as its name goes with its key; only whether it is there must be looked at."""

    def there(words: _Words) -> Hashable:
        if key not in [each.key for each in words.places[position].sinsal]:
            raise KeyError(key)
        return key

    return there


def _relation_there(fact: str, *_: str) -> _Decide:
    return lambda words: words.relations[fact].letters


def _strength_there(_: str) -> _Decide:
    def points(words: _Words) -> Hashable:
        strength = words.facts.strength
        return strength.level.key, strength.support, strength.available

    return points


def _structure_there(_: str) -> _Decide:
    return lambda words: words.facts.structure.name.key


def _useful_there(_: str, school: str) -> _Decide:
    if school == "balance":
        return lambda words: (words.facts.useful_gods.balance, words.facts.useful_gods.balance_reason.key)
    return lambda words: "".join([each.stem.hanja for each in words.facts.useful_gods.climate])


def _period_there(_: str, which: str) -> _Decide:
    def index(words: _Words) -> Hashable:
        periods = words.periods
        assert periods is not None
        return (periods.year if which == "year" else periods.month).pillar.index

    return index


_DECIDES: Final[dict[str, Callable[..., _Decide]]] = {
    "_pillar": _pillar_there,
    "_stem": _pillar_there,
    "_branch": _pillar_there,
    "_god": _god_there,
    "_stage": _stage_there,
    "_sinsal": _sinsal_there,
    "_useful": _useful_there,
    "_period": _period_there,
    "_relation": _relation_there,
    "_strength": _strength_there,
    "_structure": _structure_there,
}
"""By rule, of a fact's id and the rest of the id: what reads off a chart what the fact's words follow from."""
