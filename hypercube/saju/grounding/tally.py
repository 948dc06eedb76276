"""The verdicts of a sentence counted, and kept: what a sentence that many readings share costs is a look-up.

What a claim is worth depends on a few facets of the chart: on the pillars at the places that it names, on the
strength, on the sinsal of a pillar. The count of a sentence is kept by the facets that its claims need. Where a claim
needs more (luck ages, shares), the sentence is compared each time.
"""

import functools
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hypercube.saju.grounding.claims import Claim, claims_of
from hypercube.saju.grounding.ground import NATAL, Ground
from hypercube.saju.grounding.masks import mask
from hypercube.saju.grounding.place_names import Place
from hypercube.saju.grounding.related import of_branches
from hypercube.saju.grounding.verdicts import FALSE, TRUE
from hypercube.saju.grounding.verify import verify

_KEPT: Final = 4_096
"""Counts kept of one sentence."""
_PLANS: Final = 32_768
_WHOLE: Final[dict[str, tuple[str, ...]]] = {
    "strength": ("strength",),
    "structure": ("structure",),
    "useful": ("useful",),
    "useful_any": ("useful",),
    "shunned": ("useful",),
    "wealth_element": ("day",),
    "element_absent": ("visible",),
    "element_count": ("visible",),
    "elements_full": ("visible",),
    "month_of": ("month",),
    "season": ("month",),
    "zodiac": ("year",),
    "date": (),
}
"""Kinds that say something of the whole chart, and what decides them."""
_GROUPS: Final = frozenset({"triad", "direction", "triple_punishment"})


class Tally(NamedTuple):
    """What a sentence says of the chart, counted."""

    mentions: int
    confirmed: int
    contradictions: int


@dataclass(slots=True)
class _Plan:
    """What the verdicts of a sentence depend on."""

    facets: tuple[str, ...] | None
    """What of the chart decides; () for nothing, None where more does than is kept apart."""
    found: tuple[Claim, ...]
    """The claims, where they are compared each time."""
    kept: dict[tuple[object, ...], Tally] = field(default_factory=dict)


_plans: dict[str, _Plan] = {}


def _plan(sentence: str) -> _Plan:
    """The plan of a sentence, kept unless hardly another chart shares it."""
    plan = _plans.get(sentence)
    if plan is not None:
        return plan
    masked = mask(sentence)
    found = claims_of(sentence, masked)
    if masked is not None and masked.rare:
        return _Plan(None, found)
    if len(_plans) >= _PLANS:
        _plans.clear()
    facets = _facets(found)
    plan = _plans[sentence] = _Plan(facets, found if facets is None else ())
    return plan


@functools.lru_cache(maxsize=1_024)
def _tally(mentions: int, confirmed: int, contradictions: int) -> Tally:
    return Tally(mentions, confirmed, contradictions)


def _facets(found: tuple[Claim, ...]) -> tuple[str, ...] | None:
    needed = [_needs(each) for each in found if each.asserted]
    if any(each is None for each in needed):
        return None
    return tuple(dict.fromkeys(name for each in needed for name in each or ()))


def _needs(claim: Claim) -> tuple[str, ...] | None:
    """The facets that decide a claim; None where those are not all."""
    places = tuple(position for position, _ in claim.scope)
    if claim.kind in _WHOLE:
        return _WHOLE[claim.kind]
    if claim.hidden or "any" in places:
        return None
    if claim.anywhere:
        return NATAL
    if claim.kind == "pillar":
        head, _, tail = claim.detail.partition(":")
        if head == "natal":
            return (tail,)
        if head == "civil":
            return ()
        return None if head else places
    if claim.kind in ("stem", "branch"):
        return _parts(claim.scope)
    if claim.kind == "god" and claim.scope and not claim.detail:
        return ("day.stem", *_parts(claim.scope))
    if claim.kind == "stage":
        return tuple(f"stage.{each}" for each in (places or ("day",)) if each in NATAL)
    if claim.kind == "void":
        return ("year", "day", *places)
    if claim.kind == "relation" and not claim.detail and claim.value not in _GROUPS:
        named = tuple(dict.fromkeys(position for position, _ in claim.near))
        if len(named) < 2:
            return None
        return tuple(f"{each}.branch" for each in named) if of_branches(claim) else named
    return None


def _parts(scope: tuple[Place, ...]) -> tuple[str, ...]:
    return tuple(position if part == "pillar" else f"{position}.{part}" for position, part in scope)


def tally(sentence: str, ground: Ground) -> Tally:
    """How many claims a sentence makes of a chart, and how many of them are right and wrong."""
    plan = _plan(sentence)
    if plan.facets is None:
        return _counted(plan.found, ground)
    facets = ground.facets
    key = tuple([facets[each] for each in plan.facets])
    known = plan.kept.get(key)
    if known is None:
        if len(plan.kept) >= _KEPT:
            plan.kept.clear()
        known = plan.kept[key] = _counted(claims_of(sentence, mask(sentence)), ground)
    return known


def _counted(found: tuple[Claim, ...], ground: Ground) -> Tally:
    verdicts = [verify(each, ground, found)[0] for each in found if each.asserted]
    return _tally(len(found), verdicts.count(TRUE), verdicts.count(FALSE))
