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
    steps = [step.pillar for step in ground.luck]
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
    steps = _steps(claim, ground, beside)
    if steps is None:
        return (OPEN, "")
    later = 10 if claim.detail == "end" else 0
    right = any(
        step.ages[0] + later - _AGE_TOLERANCE - bool(later) < value < step.ages[1] + later + _AGE_TOLERANCE
        for step in steps
    )
    return decided(right, " ".join(f"{step.ages[0]:g}" for step in steps))


def year(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
    """A year: of birth, or when the luck pillar named beside it begins or ends."""
    value = int(str(claim.value))
    if claim.detail == "birth" and value < _CENTURY:
        return decided(value == ground.birth_year % _CENTURY, str(ground.birth_year))
    if claim.detail == "birth":
        return decided(value == ground.birth_year, str(ground.birth_year))
    steps = _steps(claim, ground, beside)
    if steps is None or len(steps) > 1:
        return (OPEN, "")
    later = 10 if claim.detail == "end" else 0
    first, last = steps[0].years
    return decided(first + later - bool(later) <= value <= last + later, str(first))


def _steps(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> list[LuckStep] | None:
    """The luck pillar that an age or year belongs to: the nearest named in the sentence, else any."""
    named = [each for each in beside if each.kind == "pillar" and each.detail.startswith("luck")]
    if not ground.luck or not named:
        return None
    beside_it = [each for each in named if any(each.value == _index(position) for position, _ in claim.near)]
    nearest = min(beside_it or named, key=lambda each: abs(each.start - claim.start))
    found = [step for step in ground.luck if step.pillar == nearest.value]
    return found or None


def _index(position: str) -> int | None:
    """Of the luck pillar that `pillar:14` stands for."""
    return int(position[7:]) if position.startswith("pillar:") else None
