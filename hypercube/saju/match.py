"""궁합 between two charts: the kernel's named parts, each with what it rests on.

The points are those of `hypercube.kernels.compatibility`, whose weights are data there; here each part is said
in words, Korean or English. There is no score without its parts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from hypercube.core.chart import Chart, Pillars
from hypercube.core.facts import Name
from hypercube.core.match import Match, MatchPart
from hypercube.core.reading import ReadingLanguage
from hypercube.core.signs import Sign
from hypercube.kernels.compatibility import SCORE_VERSION, components
from hypercube.kernels.compatibility.score import BRANCH_WEIGHTS, EXCESS_FROM, SPOUSE_WEIGHTS, STEM_WEIGHTS
from hypercube.kernels.sexagenary import BRANCH_GOD, STEM_GOD
from hypercube.saju.facts.relation_list import relations
from hypercube.saju.facts.symbols import ELEMENTS
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.reading.josa import with_particle

_PLACES: Final = {"year_branch": 0, "month_branch": 1, "day_branch": 2, "hour_branch": 3}


@dataclass(frozen=True, slots=True)
class _Words:
    """How reasons are said in one language."""

    steps: tuple[str, ...]
    """By the steps of generation from the first person's day stem to the second's."""
    elements: dict[str, str]
    people: dict[str, str]
    name: Callable[[Name], str]
    day_stems: str
    star: str
    filled: Callable[[str, int], str]
    """A lacking element and how many letters of it come."""
    added: Callable[[str, int], str]
    """A plentiful element and how many letters of it are added."""


_KOREAN: Final = _Words(
    ("같은 오행", "내가 생함", "내가 극함", "나를 극함", "나를 생함"),
    {"wood": "목", "fire": "화", "earth": "토", "metal": "금", "water": "수"},
    {"first": "나", "second": "상대"},
    lambda name: name.hangul,
    "일간 {pair}: {step}",
    "{whose}의 {letter}: {god}",
    lambda element, count: f"없는 {with_particle(element, '을')} {count}자 채움",
    lambda element, count: f"많은 {element}에 {count}자 더함",
)
_ENGLISH: Final = _Words(
    (
        "the same element",
        "the first feeds the second",
        "the first controls the second",
        "the second controls the first",
        "the second feeds the first",
    ),
    {each: each.capitalize() for each in ELEMENTS},
    {"first": "the first's", "second": "the second's"},
    lambda name: name.english,
    "day stems {pair}: {step}",
    "{whose} {letter}: {god}",
    lambda element, count: f"{_letters(count)} of {element}, which the first lacks",
    lambda element, count: f"{_letters(count)} of {element} on top of much",
)
_Reason: TypeAlias = Callable[[Pillars, Pillars, _Words], tuple[str, ...]]
_WORDS: Final = {ReadingLanguage.KO: _KOREAN, ReadingLanguage.EN: _ENGLISH}


def _letters(count: int) -> str:
    return f"{count} letter{'' if count == 1 else 's'}"


def match(
    first: Chart | Pillars, second: Chart | Pillars, language: ReadingLanguage = ReadingLanguage.KO
) -> Match:
    """The compatibility of two charts, part by part.

    Every part is the same both ways but `element_complement`, which is what `second` brings to `first`. What
    needs an unknown hour gives 0 points.

    Args:
        first: whose chart is asked about.
        second: the other person's.
        language: of the reasons.
    """
    one, other = _pillars(first), _pillars(second)
    points = components(one.indices(), other.indices())
    words = _WORDS[language]
    parts = tuple(
        MatchPart(name, value, _REASONS[name](one, other, words) if value else ())
        for name, value in points.items()
    )
    return Match(sum(points.values()), parts, SCORE_VERSION)


def _pillars(chart: Chart | Pillars) -> Pillars:
    return chart.pillars if isinstance(chart, Chart) else chart


def _related(
    one: Pillars, other: Pillars, position: int, kinds: dict[str, int], words: _Words
) -> tuple[str, ...]:
    """The relations of the kinds that count between the pillars at one place."""
    pair = (one.indices()[position], other.indices()[position])
    found = relations(("first", "second"), pair)
    return tuple(f"{each.letters} {words.name(each.kind)}" for each in found if each.kind.key in kinds)


def _day_stem_relation(one: Pillars, other: Pillars, words: _Words) -> tuple[str, ...]:
    return _related(one, other, 2, STEM_WEIGHTS, words)


def _day_stem_element(one: Pillars, other: Pillars, words: _Words) -> tuple[str, ...]:
    mine, theirs = one.day.stem, other.day.stem
    steps = (theirs.index // 2 - mine.index // 2) % 5
    return (words.day_stems.format(pair=f"{mine.hanja}·{theirs.hanja}", step=words.steps[steps]),)


def _branches(place: str) -> _Reason:
    return lambda one, other, words: _related(one, other, _PLACES[place], BRANCH_WEIGHTS, words)


def _spouse_star(one: Pillars, other: Pillars, words: _Words) -> tuple[str, ...]:
    said = []

    def say(whose: str, letter: Sign, god: int) -> None:
        if SPOUSE_WEIGHTS[god]:
            named = words.name(TEN_GODS[god])
            said.append(words.star.format(whose=words.people[whose], letter=letter.hanja, god=named))

    for whose, seen_from, letters in (("second", one, other), ("first", other, one)):
        day = seen_from.day.stem.index
        for place in ("year", "month", "day", "hour"):
            pillar = getattr(letters, place)
            if pillar is None:
                continue
            # The day stem is the person; only what stands around it counts.
            if place != "day":
                say(whose, pillar.stem, int(STEM_GOD[day, pillar.stem.index]))
            say(whose, pillar.branch, int(BRANCH_GOD[day, pillar.branch.index]))
    return tuple(said)


def _element_complement(one: Pillars, other: Pillars, words: _Words) -> tuple[str, ...]:
    mine, theirs = _element_counts(one), _element_counts(other)
    said = []
    for element in ELEMENTS:
        brought = theirs[element]
        if brought and not mine[element]:
            said.append(words.filled(words.elements[element], brought))
        elif brought and mine[element] >= EXCESS_FROM:
            said.append(words.added(words.elements[element], brought))
    return tuple(said)


def _element_counts(pillars: Pillars) -> dict[str, int]:
    counts = dict.fromkeys(ELEMENTS, 0)
    for pillar in (pillars.year, pillars.month, pillars.day, pillars.hour):
        if pillar is not None:
            counts[pillar.stem.element] += 1
            counts[pillar.branch.element] += 1
    return counts


_REASONS: Final[dict[str, _Reason]] = {
    "day_stem_relation": _day_stem_relation,
    "day_stem_element": _day_stem_element,
    **{place: _branches(place) for place in _PLACES},
    "spouse_star": _spouse_star,
    "element_complement": _element_complement,
}
