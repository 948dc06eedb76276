"""궁합 between two charts: the kernel's named parts, each with what it rests on.

The points are those of `hypercube.kernels.compatibility`, whose weights are data there; here each part is said
in words. There is no score without its parts.
"""

from collections.abc import Callable
from typing import Final

from hypercube.core.chart import Chart, Pillars
from hypercube.core.match import Match, MatchPart
from hypercube.kernels.compatibility import SCORE_VERSION, components
from hypercube.kernels.compatibility.score import BRANCH_WEIGHTS, EXCESS_FROM, SPOUSE_WEIGHTS, STEM_WEIGHTS
from hypercube.kernels.sexagenary import BRANCH_GOD, STEM_GOD
from hypercube.saju.facts.relation_list import relations
from hypercube.saju.facts.symbols import ELEMENTS
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.reading.josa import with_particle

_ELEMENT_WORDS: Final = {"wood": "목", "fire": "화", "earth": "토", "metal": "금", "water": "수"}
_STEPS: Final = ("같은 오행", "내가 생함", "내가 극함", "나를 극함", "나를 생함")
"""By the steps of generation from the first person's day stem to the second's."""
_PLACES: Final = {"year_branch": 0, "month_branch": 1, "day_branch": 2, "hour_branch": 3}


def match(first: Chart | Pillars, second: Chart | Pillars) -> Match:
    """The compatibility of two charts, part by part.

    Every part is the same both ways but `element_complement`, which is what `second` brings to `first`. What
    needs an unknown hour gives 0 points.

    Args:
        first: whose chart is asked about.
        second: the other person's.
    """
    one, other = _pillars(first), _pillars(second)
    points = components(one.indices(), other.indices())
    parts = tuple(
        MatchPart(name, value, _REASONS[name](one, other) if value else ()) for name, value in points.items()
    )
    return Match(sum(points.values()), parts, SCORE_VERSION)


def _pillars(chart: Chart | Pillars) -> Pillars:
    return chart.pillars if isinstance(chart, Chart) else chart


def _related(one: Pillars, other: Pillars, position: int, kinds: dict[str, int]) -> tuple[str, ...]:
    """The relations of the kinds that count between the pillars at one place."""
    pair = (one.indices()[position], other.indices()[position])
    found = relations(("first", "second"), pair)
    return tuple(f"{each.letters} {each.kind.hangul}" for each in found if each.kind.key in kinds)


def _day_stem_relation(one: Pillars, other: Pillars) -> tuple[str, ...]:
    return _related(one, other, 2, STEM_WEIGHTS)


def _day_stem_element(one: Pillars, other: Pillars) -> tuple[str, ...]:
    mine, theirs = one.day.stem, other.day.stem
    steps = (theirs.index // 2 - mine.index // 2) % 5
    return (f"일간 {mine.hanja}·{theirs.hanja}: {_STEPS[steps]}",)


def _branches(place: str) -> Callable[[Pillars, Pillars], tuple[str, ...]]:
    return lambda one, other: _related(one, other, _PLACES[place], BRANCH_WEIGHTS)


def _spouse_star(one: Pillars, other: Pillars) -> tuple[str, ...]:
    said = []
    for whose, seen_from, letters in (("상대", one, other), ("나", other, one)):
        day = seen_from.day.stem.index
        for place in ("year", "month", "day", "hour"):
            pillar = getattr(letters, place)
            if pillar is None:
                continue
            # The day stem is the person; only what stands around it counts.
            if place != "day" and SPOUSE_WEIGHTS[god := int(STEM_GOD[day, pillar.stem.index])]:
                said.append(f"{whose}의 {pillar.stem.hanja}: {TEN_GODS[god].hangul}")
            if SPOUSE_WEIGHTS[god := int(BRANCH_GOD[day, pillar.branch.index])]:
                said.append(f"{whose}의 {pillar.branch.hanja}: {TEN_GODS[god].hangul}")
    return tuple(said)


def _element_complement(one: Pillars, other: Pillars) -> tuple[str, ...]:
    mine, theirs = _element_counts(one), _element_counts(other)
    said = []
    for element in ELEMENTS:
        brought = theirs[element]
        if brought and not mine[element]:
            said.append(f"없는 {with_particle(_ELEMENT_WORDS[element], '을')} {brought}자 채움")
        elif brought and mine[element] >= EXCESS_FROM:
            said.append(f"많은 {_ELEMENT_WORDS[element]}에 {brought}자 더함")
    return tuple(said)


def _element_counts(pillars: Pillars) -> dict[str, int]:
    counts = dict.fromkeys(ELEMENTS, 0)
    for pillar in (pillars.year, pillars.month, pillars.day, pillars.hour):
        if pillar is not None:
            counts[pillar.stem.element] += 1
            counts[pillar.branch.element] += 1
    return counts


_REASONS: Final[dict[str, Callable[[Pillars, Pillars], tuple[str, ...]]]] = {
    "day_stem_relation": _day_stem_relation,
    "day_stem_element": _day_stem_element,
    **{place: _branches(place) for place in _PLACES},
    "spouse_star": _spouse_star,
    "element_complement": _element_complement,
}
