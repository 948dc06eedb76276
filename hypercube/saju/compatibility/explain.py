"""From two charts to the sentences about them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypercube.core.chart import Chart
from hypercube.core.compatibility import CompatibilityLength, CompatibilityOptions, PairSentence
from hypercube.core.reading import ReadingLanguage
from hypercube.kernels.compatibility import SCORE_VERSION
from hypercube.kernels.compatibility.score import EXCESS_FROM
from hypercube.saju.compatibility.corpus import en, ko
from hypercube.saju.compatibility.naming import NAMES_OF_PAIRS, PairNames
from hypercube.saju.compatibility.sheet import (
    FIRST,
    OTHER,
    SECOND,
    Meeting,
    PairSheet,
    SpouseLetter,
    god_fact,
    pair_sheet,
    relation_fact,
)
from hypercube.saju.facts.symbols import ELEMENTS
from hypercube.saju.reading.corpus.table import Corpus
from hypercube.saju.reading.naming import NAMES
from hypercube.saju.reading.template import filled
from hypercube.saju.reading.writer import mixed

CORPUS_VERSION: Final = "2"
"""Rises with any change of the text or of the rules that choose it: same version, same charts, same text."""
SCORE_SCHOOL: Final = f"compatibility/score@{SCORE_VERSION}"
"""The weights of the score, named beside the schools of the facts."""
_CORPORA: Final[dict[ReadingLanguage, Corpus]] = {
    ReadingLanguage.KO: ko.CORPUS,
    ReadingLanguage.EN: en.CORPUS,
}
_DEFAULT: Final = CompatibilityOptions()
_SIDE: Final = {
    "very_weak": "weak",
    "weak": "weak",
    "balanced": "balanced",
    "strong": "strong",
    "very_strong": "strong",
}
_LETTERS_SAID: Final = 3
"""Of one person's spouse stars, the most that are named."""
_BROUGHT: Final = 2
"""Of the elements that one brings the other, the most that are named."""


@dataclass(slots=True)
class _Pen:
    """Collects the sentences about one pair."""

    sheet: PairSheet
    names: PairNames
    corpus: Corpus
    brief: bool
    at: int = 0
    sentences: list[PairSentence] = field(default_factory=list)

    def say(
        self,
        about: str,
        table: str,
        key: Any,
        facts: tuple[str, ...],
        topics: tuple[str, ...] = (),
        **words: str,
    ) -> None:
        """A sentence of a table; `topics` are those of the schools that it depends on."""
        variants = self.corpus[table][key]
        self.at += 1
        text = filled(variants[mixed(self.sheet.seed, self.at, len(variants))], words)
        self.sentences.append(PairSentence(about, text, facts, self._schools(topics)))

    def _schools(self, topics: tuple[str, ...]) -> tuple[str, ...]:
        known: list[str] = []
        for chart in self.sheet.charts.values():
            assert chart.facts is not None
            known += [each.version for each in chart.facts.schools if each.topic in topics]
        score = (SCORE_SCHOOL,) if "score" in topics else ()
        return (*dict.fromkeys(known), *score)


def explain(
    first: Chart, second: Chart, options: CompatibilityOptions = _DEFAULT
) -> tuple[PairSentence, ...]:
    """The sentences about two people; the same charts and options always give the same text.

    Args:
        first: whose chart is asked about, with facts.
        second: the other person's, with facts.
        options: in which language, and how much.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a chart without facts.
    """
    sheet = pair_sheet(first, second)
    pen = _Pen(
        sheet,
        NAMES_OF_PAIRS[options.language],
        _CORPORA[options.language],
        options.length is CompatibilityLength.SHORT,
    )
    for write in (_opening, _stems, _places, _stars, _elements, _strength, _advice):
        write(pen)
    return tuple(pen.sentences)


def _opening(pen: _Pen) -> None:
    sheet, names = pen.sheet, pen.names
    one, other = (names.pillars(chart.pillars) for chart in sheet.charts.values())
    a, b = (names.letter(stem, "stem") for stem in sheet.stems)
    positions = {
        who: [at for at in ("year", "month", "day", "hour") if getattr(chart.pillars, at) is not None]
        for who, chart in sheet.charts.items()
    }
    facts = tuple(f"{who}.pillar.{at}" for who, places in positions.items() for at in places)
    pen.say("opening", "OPENING", "all", facts, one=one, two=other, a=a, b=b)
    if pen.brief:
        return
    images = [pen.corpus["IMAGE"][stem.index][0] for stem in sheet.stems]
    alike = sheet.stems[0] is sheet.stems[1]
    pen.say("opening", "PICTURE", "alike" if alike else "unlike", _DAYS, x=images[0], y=images[1])
    unknown = sheet.unknown_hours
    if unknown:
        pen.say("opening", "HOUR", unknown[0] if len(unknown) == 1 else "both", _DAYS)


_DAYS: Final = ("first.stem.day", "second.stem.day")


def _stems(pen: _Pen) -> None:
    sheet = pen.sheet
    a, b = (pen.names.letter(stem, "stem") for stem in sheet.stems)
    if sheet.stem_relation is not None:
        # The five combinations and the four clashes of stems, each known by its first stem.
        which = min(stem.index for stem in sheet.stems)
        key = f"{sheet.stem_relation}.{which}"
        facts = (*_DAYS, f"pair.relation.{sheet.stem_relation}.day")
        pen.say("day_stem_relation", "STEM_BOND", key, facts, ("relations",), a=a, b=b)
    if sheet.stem_relation != "stem_combination" and not (pen.brief and sheet.stem_relation):
        key = f"{sheet.steps}.{sheet.stems[0].element}"
        pen.say("day_stem_element", "STEM_ELEMENT", key, (*_DAYS, "pair.steps.day"), a=a, b=b)


def _places(pen: _Pen) -> None:
    meetings = [each for each in pen.sheet.meetings if each.relations or each.position == "day"]
    if pen.brief:
        # Of the places the one that weighs most; among equals the day.
        weight = {each.position: abs(pen.sheet.points[f"{each.position}_branch"]) for each in meetings}
        meetings = sorted(meetings, key=lambda each: (-weight[each.position], each.position != "day"))[:1]
    said: set[str] = set()
    for meeting in meetings:
        _place(pen, meeting)
        kinds = [each.kind.key for each in meeting.relations]
        if kinds and not pen.brief and kinds[0] not in said and meeting.position in ("year", "day"):
            said.add(kinds[0])
            fact = relation_fact(meeting.relations[0], meeting.position)
            pen.say(f"{meeting.position}_branch", "KIND", kinds[0], (fact,), ("relations",))


def _place(pen: _Pen, meeting: Meeting) -> None:
    x, y = (pen.names.letter(branch, "branch") for branch in meeting.branches)
    branches = tuple(f"{who}.branch.{meeting.position}" for who in (FIRST, SECOND))
    facts = (*branches, *(relation_fact(each, meeting.position) for each in meeting.relations))
    words = {"x": x, "y": y}
    if meeting.relations:
        words["kinds"] = pen.names.relations([each.kind for each in meeting.relations])
    pen.say(
        f"{meeting.position}_branch",
        "PLACE",
        f"{meeting.position}.{meeting.tone}",
        facts,
        ("relations",) if meeting.tone != "same" else (),
        **words,
    )


def _stars(pen: _Pen) -> None:
    stars = pen.sheet.stars
    if not any(stars.values()):
        pen.say("spouse_star", "STARS", "none", _DAYS, ("hidden_stems",))
        return
    viewers = [who for who in (FIRST, SECOND) if stars[who]]
    for viewer in viewers[:1] if pen.brief else viewers:
        letters = stars[viewer]
        groups = {each.god.rsplit("_", 1)[1] for each in letters[:_LETTERS_SAID]}
        key = "both" if len(groups) == 2 else "wealth" if "wealth" in groups else "officers"
        owner = OTHER[viewer]
        facts = (
            f"{viewer}.stem.day",
            *(fact for each in letters[:_LETTERS_SAID] for fact in _star_facts(viewer, each)),
        )
        pen.say(
            "spouse_star",
            "STARS",
            key,
            facts,
            ("hidden_stems",),
            viewer=pen.names.people[viewer],
            owner=pen.names.people[owner],
            letters=_listed(pen, letters[:_LETTERS_SAID]),
        )
    if len(viewers) == 2 and not pen.brief:
        facts = tuple(god_fact(viewer, stars[viewer][0]) for viewer in viewers)
        pen.say("spouse_star", "STARS", "mutual", facts, ("hidden_stems",))


def _star_facts(viewer: str, letter: SpouseLetter) -> tuple[str, str]:
    return f"{OTHER[viewer]}.{letter.part}.{letter.position}", god_fact(viewer, letter)


def _listed(pen: _Pen, letters: Sequence[SpouseLetter]) -> str:
    """월간 을목(乙)이 정재(正財), 일지 묘목(卯)이 정관(正官); month stem Eul Wood (乙) is direct wealth."""
    said = []
    for each in letters:
        place, sign = pen.names.place(each.position, each.part), pen.names.letter(each.sign, each.part)
        god = pen.corpus["GOD"][each.god][0]
        template = "{place} {sign:이} {god}" if pen.names.korean else "{place} {sign} is {god}"
        # Not through `filled` as a whole sentence: it stands inside one.
        said.append(filled(template, {"place": place, "sign": sign, "god": god}))
    if pen.names.korean:
        return ", ".join(said)
    said = [each[:1].lower() + each[1:] for each in said]
    return " and ".join(filter(None, (", ".join(said[:-1]), said[-1])))


def _elements(pen: _Pen) -> None:
    counts = pen.sheet.counts
    said = _brought(pen, FIRST, 1 if pen.brief else _BROUGHT)
    if pen.brief:
        return
    said += _brought(pen, SECOND, 1)
    neither = [each for each in ELEMENTS if not counts[FIRST][each] and not counts[SECOND][each]]
    for element in neither[:1]:
        pen.say("element_complement", "NEITHER", element, _COUNTS, e=_element(pen, element))
        said += 1
    told = set()
    for who in (FIRST, SECOND):
        excess = [each for each in ELEMENTS if counts[who][each] >= EXCESS_FROM and counts[OTHER[who]][each]]
        # What the score counts is what the second person adds to the first; the reverse is told for balance,
        # but where both have much of one element a single sentence has said it of both.
        for element in excess[:1]:
            if element in told:
                continue
            told.add(element)
            alike = counts[OTHER[who]][element] >= EXCESS_FROM
            table = "EXCESS_BOTH" if alike else "EXCESS"
            _both_counts(pen, table, element, who, counts[who][element], counts[OTHER[who]][element])
            said += 1
    if not said and all(counts[FIRST].values()):
        pen.say("element_complement", "FULL", "all", ("first.elements.visible",), who=pen.names.people[FIRST])


_COUNTS: Final = ("first.elements.visible", "second.elements.visible")


def _brought(pen: _Pen, who: str, most: int) -> int:
    """What the other person has of elements that `who` lacks: the plentiful first."""
    mine, theirs = pen.sheet.counts[who], pen.sheet.counts[OTHER[who]]
    found = sorted(
        (each for each in ELEMENTS if theirs[each] and not mine[each]), key=lambda each: -theirs[each]
    )
    for element in found[:most]:
        _both_counts(pen, "BRINGS", element, who, theirs[element], 0)
    return len(found[:most])


def _both_counts(pen: _Pen, table: str, element: str, who: str, n: int, m: int) -> None:
    counted = m or n
    pen.say(
        "element_complement",
        table,
        element,
        _COUNTS,
        who=pen.names.people[who],
        other=pen.names.people[OTHER[who]],
        e=_element(pen, element),
        n=pen.names.number(n),
        m=pen.names.number(m),
        letters="letter" if counted == 1 else "letters",
    )


def _element(pen: _Pen, element: str) -> str:
    return NAMES[pen.names.language].elements[element]


def _strength(pen: _Pen) -> None:
    if pen.brief:
        return
    levels = [chart.facts.strength.level for chart in pen.sheet.charts.values() if chart.facts is not None]
    names = [each.hangul if pen.names.korean else each.english for each in levels]
    key = f"{_SIDE[levels[0].key]}.{_SIDE[levels[1].key]}"
    facts = ("first.strength", "second.strength")
    pen.say("strength", "STRENGTH", key, facts, ("strength",), s1=names[0], s2=names[1])


def _advice(pen: _Pen) -> None:
    points = pen.sheet.points
    best = max(points, key=lambda each: points[each])
    worst = min(points, key=lambda each: points[each])
    if not pen.brief:
        good = best if points[best] > 0 else "none"
        pen.say("advice", "GOOD", good, (f"pair.part.{best}",), ("score",))
    care = worst if points[worst] < 0 else "none"
    pen.say("advice", "CARE", care, (f"pair.part.{worst}",), ("score",))
    pen.say("advice", "CLOSE", "all", ("pair.score",), ("score",), score=str(pen.sheet.match.score))


__all__ = ["CORPUS_VERSION", "SCORE_SCHOOL", "explain"]
