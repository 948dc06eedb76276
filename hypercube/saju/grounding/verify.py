"""A claim against a chart: true, false, or open where nothing decides it."""

from collections.abc import Callable
from typing import Any, Final

from hypercube.saju.grounding import weighing
from hypercube.saju.grounding.claims import Claim, Place
from hypercube.saju.grounding.ground import ELEMENTS, NATAL, SEASONS, Ground, belongs
from hypercube.saju.grounding.related import relation
from hypercube.saju.grounding.verdicts import FALSE, OPEN, TRUE, Verdict, decided, unless
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

_AGE_TOLERANCE: Final = 1.0
"""Years: luck ages are rounded, floored or exact."""


def verify(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
    """One claim; `beside` are all claims of its sentence."""
    if not claim.asserted:
        return (OPEN, "")
    return _RULES[claim.kind](claim, ground, beside)


def _pillar(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
    index = int(str(claim.value))
    head, _, tail = claim.detail.partition(":")
    if head == "natal":
        return _same(index, ground.pillar(tail))
    if head == "civil":
        return _same(index, (int(tail) - 4) % 60)
    if head.startswith("luck"):
        return _luck(index, head, ground, beside)
    if not claim.scope:
        return (OPEN, "")
    if any(position == "unknown" for position, _ in claim.scope):
        return (OPEN, "")
    return _same(index, ground.pillar(claim.scope[-1][0]), claim.scope[-1][0])


def _same(index: int, found: int | None, position: str = "") -> Verdict:
    if found is None:
        return (
            (OPEN, "") if position in ("luck", "this_year", "this_month", "this_day") else (FALSE, "unknown")
        )
    return decided(index == found, PILLARS[found].hanja)


def _luck(index: int, how: str, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
    steps = [step.pillar for step in ground.luck]
    if not steps:
        return (OPEN, "")
    dated = any(each.kind in ("age", "year") for each in beside)
    if how == "luck_first":
        return decided(index == steps[0], PILLARS[steps[0]].hanja)
    if how == "luck_now" and ground.current is not None:
        return decided(index == steps[ground.current], PILLARS[steps[ground.current]].hanja)
    if how == "luck_next" and not dated and ground.current is not None:
        after = steps[ground.current + 1 :][:1]
        return decided(index in after, PILLARS[after[0]].hanja if after else "none")
    return decided(index in steps, " ".join(PILLARS[each].hanja for each in steps))


def _letter(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    if not claim.scope:
        return (OPEN, "")
    position, part = claim.scope[-1]
    pillar = ground.pillar(position)
    if pillar is None:
        return (FALSE, "unknown") if position in NATAL else (OPEN, "")
    value = int(str(claim.value))
    if claim.detail == "or_branch":
        expected = {"stem": {pillar % 10 == 7}, "branch": {pillar % 12 == 8}}
        hits = expected.get(part, {pillar % 10 == 7, pillar % 12 == 8})
        return decided(any(hits), PILLARS[pillar].hanja)
    if claim.kind == "stem":
        if part == "branch":
            return (OPEN, "")
        return unless(claim, pillar % 10 == value, STEMS[pillar % 10].hanja)
    if part == "stem":
        return (OPEN, "")
    return unless(claim, pillar % 12 == value, BRANCHES[pillar % 12].hanja)


def _god(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    wanted = str(claim.value)
    if claim.detail.startswith("count:"):
        count = ground.shown(wanted)
        return decided(count == int(claim.detail[6:]), str(count))
    if claim.scope:
        return _god_at(claim, ground, wanted)
    if claim.detail == "stems":
        return unless(claim, ground.exposed(wanted), wanted)
    if claim.detail == "most":
        return decided(ground.heaviest(wanted), "another")
    if claim.detail == "excess":
        reason = ground.facts.useful_gods.balance_reason.key
        return decided(reason == f"{wanted}_excess" or ground.shown(wanted) >= 3, reason)
    there = bool(ground.shown(wanted)) or (
        claim.detail != "shown" and not claim.negated and ground.hides(wanted)
    )
    return unless(claim, there, wanted)


def _god_at(claim: Claim, ground: Ground, wanted: str) -> Verdict:
    for position, part in claim.scope:
        found = ground.gods(position, part)
        if position == "unknown" or (found is None and position not in NATAL):
            return (OPEN, "")
        if found is None:
            return (FALSE, "unknown")
        if not found:
            return (OPEN, "")
        if any(belongs(god, wanted) for god in found) is claim.negated:
            return (FALSE, " ".join(sorted(found)))
    return (TRUE, "")


def _natal(scope: tuple[Place, ...]) -> list[str]:
    return [position for position, _ in scope if position in NATAL]


def _stage(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    positions = _natal(claim.scope)
    if claim.scope and not positions:
        return (OPEN, "")
    for position in positions or ["day"]:
        facts = ground.places.get(position)
        if facts is None:
            return (FALSE, "unknown")
        part = dict(claim.scope).get(position, "branch")
        known = {facts.stage.key} | ({facts.own_stage.key} if part == "pillar" else set())
        if claim.value not in known:
            return (FALSE, facts.stage.hangul)
    return (TRUE, "")


def _sinsal(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    wanted = claim.value
    assert isinstance(wanted, frozenset)

    positions = _natal(claim.scope)
    if claim.scope and not positions:
        return (OPEN, "")
    if any(position not in ground.places for position in positions):
        return (FALSE, "unknown")
    if positions:
        return unless(
            claim, all(ground.bears(position, wanted) for position in positions), " ".join(sorted(wanted))
        )
    return unless(
        claim, any(ground.bears(position, wanted) for position in ground.places), " ".join(sorted(wanted))
    )


def _void(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    positions = _natal(claim.scope[-1:])
    if not positions:
        return (OPEN, "")
    facts = ground.places.get(positions[-1])
    if facts is None:
        return (FALSE, "unknown")
    hit = claim.detail in facts.void_by if claim.detail else bool(facts.void_by)
    return unless(claim, hit, "void")


def _void_pair(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    pairs = {"day": ground.facts.void_day, "year": ground.facts.void_year}
    wanted = [pairs[claim.detail]] if claim.detail else list(pairs.values())
    known = [{sign.index for sign in pair} for pair in wanted]
    assert isinstance(claim.value, tuple)
    return decided(set(claim.value) in known, "".join(sign.hanja for sign in ground.facts.void_day))


def _age(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
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


def _year(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> Verdict:
    value = int(str(claim.value))
    if claim.detail == "birth":
        return decided(value == ground.birth_year, str(ground.birth_year))
    steps = _steps(claim, ground, beside)
    if steps is None or len(steps) > 1:
        return (OPEN, "")
    later = 10 if claim.detail == "end" else 0
    first, last = steps[0].years
    return decided(first + later - bool(later) <= value <= last + later, str(first))


def _steps(claim: Claim, ground: Ground, beside: tuple[Claim, ...]) -> list[Any] | None:
    """The luck pillar that an age or year belongs to: the nearest named in the sentence, else any."""
    named = [each for each in beside if each.kind == "pillar" and each.detail.startswith("luck")]
    if not ground.luck or not named:
        return None
    nearest = min(named, key=lambda each: abs(each.start - claim.start))
    found = [step for step in ground.luck if step.pillar == nearest.value]
    return found or None


def _simple(read: Callable[[Ground], Any]) -> Callable[[Claim, Ground, tuple[Claim, ...]], Verdict]:
    """A claim of one value that the chart has one of."""

    def rule(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
        found = read(ground)
        return (OPEN, "") if found is None else unless(claim, str(found) == str(claim.value), str(found))

    return rule


def _nayin(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    positions = _natal(claim.scope) or list(ground.places)
    known = [ground.places[each].nayin.key for each in positions if each in ground.places]
    return decided(claim.value in known, " ".join(known))


def _date(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    return (OPEN, "")


def _wealth_element(ground: Ground) -> str:
    return ELEMENTS[(ground.pillars["day"] % 10 // 2 + 2) % 5]


_RULES: Final[dict[str, Callable[[Claim, Ground, tuple[Claim, ...]], Verdict]]] = {
    "pillar": _pillar,
    "stem": _letter,
    "branch": _letter,
    "god": _god,
    "stage": _stage,
    "sinsal": _sinsal,
    "relation": relation,
    "void": _void,
    "void_pair": _void_pair,
    "age": _age,
    "year": _year,
    "date": _date,
    "strength": weighing.strength,
    "structure": _simple(lambda ground: ground.facts.structure.name.key),
    "useful": weighing.useful,
    "useful_any": weighing.useful,
    "wealth_element": _simple(_wealth_element),
    "element_absent": lambda claim, ground, _: decided(not ground.visible[str(claim.value)], "present"),
    "element_count": lambda claim, ground, _: decided(
        ground.visible[str(claim.value)] == float(claim.detail), f"{ground.visible[str(claim.value)]:g}"
    ),
    "element_share": weighing.share,
    "element_most": weighing.extreme(max, by_count=True),
    "element_most_weighed": weighing.extreme(max, by_count=False),
    "element_least": weighing.extreme(min, by_count=True),
    "elements_full": lambda _claim, ground, _: decided(all(ground.visible.values()), "not all"),
    "support": weighing.support,
    "polarity": weighing.polarity,
    "polarity_one": weighing.polarity_one,
    "month_of": _simple(lambda ground: ground.pillars["month"] % 12),
    "season": _simple(lambda ground: SEASONS[ground.pillars["month"] % 12]),
    "zodiac": _simple(lambda ground: ground.pillars["year"] % 12),
    "sex": _simple(lambda ground: ground.chart.options.sex),
    "direction": _simple(
        lambda ground: None if ground.forward is None else "forward" if ground.forward else "backward"
    ),
    "nayin": _nayin,
    "luck": lambda *_: (OPEN, ""),
}
