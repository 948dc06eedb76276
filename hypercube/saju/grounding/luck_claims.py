"""Claims about luck pillars: which is in force, first or next, and at what age or in which year it begins."""

from typing import Final

from hypercube.saju.grounding.claims import Claim
from hypercube.saju.grounding.ground import Ground, LuckStep
from hypercube.saju.grounding.verdicts import OPEN, Verdict, decided
from hypercube.saju.signs import PILLARS

_CENTURY: Final = 100
_AGE_TOLERANCE: Final = 1.0
"""Years: luck ages are rounded, floored or exact."""


def luck_pillar(index: int, how: str, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
    """A luck pillar named; `how`: luck, luck_first, luck_now, luck_next."""
    dated = any(each.kind in ("age", "year") for each in beside)
    return ground.ask(_luck_pillar, index, how, dated)


def _luck_pillar(ground: Ground, index: int, how: str, dated: bool) -> Verdict:
    steps = ground.luck
    if not steps:
        return (OPEN, "")
    if how == "luck_first":
        return decided(index == steps[0], PILLARS[steps[0]].hanja)
    if how == "luck_now" and ground.current is not None:
        return decided(index == steps[ground.current], PILLARS[steps[ground.current]].hanja)
    if how == "luck_next" and not dated and ground.current is not None:
        after = steps[ground.current + 1 :][:1]
        return decided(index in after, PILLARS[after[0]].hanja if after else "none")
    return decided(index in steps, " ".join(PILLARS[each].hanja for each in steps))


def age(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
    """An age: now, or when the luck pillar named beside it begins or ends."""
    value = float(str(claim.value))
    if claim.detail == "now":
        if ground.age is None:
            return (OPEN, "")
        exact = claim.text.startswith("만")
        return decided(value == ground.age or (not exact and value == ground.age + 1), str(ground.age))
    step = _step(claim, ground, beside)
    if step is None:
        return (OPEN, "")
    later = 10 if claim.detail == "end" else 0
    first, last = step.ages
    right = first + later - _AGE_TOLERANCE - bool(later) < value < last + later + _AGE_TOLERANCE
    return decided(right, "" if right else f"{first:g}")


def year(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
    """A year: of birth, or when the luck pillar named beside it begins or ends."""
    value = int(str(claim.value))
    if claim.detail == "birth" and value < _CENTURY:
        return decided(value == ground.birth_year % _CENTURY, str(ground.birth_year))
    if claim.detail == "birth":
        return decided(value == ground.birth_year, str(ground.birth_year))
    step = _step(claim, ground, beside)
    if step is None:
        return (OPEN, "")
    later = 10 if claim.detail == "end" else 0
    first, last = step.years
    return decided(first + later - bool(later) <= value <= last + later, str(first))


def _step(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> LuckStep | None:
    """The luck pillar that an age or year belongs to: the nearest named in the sentence."""
    named = [each for each in beside if each.kind == "pillar" and each.detail.startswith("luck")]
    if not named:
        return None
    nearest = named[0]
    if len(named) > 1:
        near = [_index(position) for position, _ in claim.near]
        beside_it = [each for each in named if each.value in near]
        nearest = min(beside_it or named, key=lambda each: abs(each.start - claim.start))
    return ground.luck_step(int(str(nearest.value)))


def _index(position: str) -> int | None:
    """Of the luck pillar that `pillar:14` stands for."""
    return int(position[7:]) if position.startswith("pillar:") else None
