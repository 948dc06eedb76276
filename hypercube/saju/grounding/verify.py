"""A claim against a chart: true, false, or open where nothing decides it."""

from collections.abc import Callable
from typing import Any, Final

from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.grounding import weighing
from hypercube.saju.grounding.claims import Claim
from hypercube.saju.grounding.ground import ELEMENTS, NATAL, SEASONS, Ground, belongs
from hypercube.saju.grounding.luck_claims import age, luck_pillar, year
from hypercube.saju.grounding.place_names import Place
from hypercube.saju.grounding.related import relation
from hypercube.saju.grounding.verdicts import FALSE, OPEN, TRUE, UNDECIDED, Verdict, decided, unless
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS


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
        return luck_pillar(index, head, ground, beside)
    if claim.anywhere:
        own = [ground.pillars[each] for each in NATAL if each in ground.pillars]
        return unless(claim, index in own, " ".join(PILLARS[each].hanja for each in own))
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


def _letter(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    if claim.anywhere:
        return _somewhere(claim, ground)
    for position, part in claim.scope:
        verdict = _letter_at(claim, ground, position, part)
        if verdict[0] != TRUE:
            return verdict
    return (TRUE, "") if claim.scope else (OPEN, "")


def _letter_at(claim: Claim, ground: Ground, position: str, part: str) -> Verdict:
    if not ground.stands(position):
        return (FALSE, "unknown") if position in NATAL else (OPEN, "")
    value = int(str(claim.value))
    if claim.detail == "or_branch":
        hit = (part != "branch" and ground.letter(position, "stem") == 7) or (
            part != "stem" and ground.letter(position, "branch") == 8
        )
        return decided(hit, "" if hit else PILLARS[ground.pillar(position) or 0].hanja)
    if part == ("branch" if claim.kind == "stem" else "stem"):
        return (OPEN, "")
    letter = ground.letter(position, claim.kind)
    assert letter is not None
    return unless(claim, letter == value, (STEMS if claim.kind == "stem" else BRANCHES)[letter].hanja)


def _somewhere(claim: Claim, ground: Ground) -> Verdict:
    """A letter said of the chart without a place: some place has it."""
    value = int(str(claim.value))
    there = ground.ask(_letter_there, claim.kind, value)
    hidden_too = False
    if claim.kind == "stem" and not there:
        if claim.hidden:
            hidden_too = True
        elif not claim.negated and claim.detail != "own" and ground.ask(_stem_within, value):
            return (OPEN, "")  # a hidden stem may be meant, unless the person is called by it
    if claim.detail == "or_branch":
        there = ground.ask(_letter_there, "stem", 7) or ground.ask(_letter_there, "branch", 8)
        value = 7
    return unless(claim, there or (hidden_too and ground.ask(_stem_within, value)), "none")


def _letter_there(ground: Ground, kind: str, value: int) -> bool:
    """Whether a stem or branch stands in the chart itself."""
    size = 10 if kind == "stem" else 12
    return value in [ground.pillars[each] % size for each in NATAL if each in ground.pillars]


def _stem_within(ground: Ground, value: int) -> bool:
    """Whether a stem is hidden in a branch of the chart."""
    return any(stem.stem.index == value for each in ground.facts.pillars for stem in each.hidden_stems)


def _god(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    wanted = str(claim.value)
    if claim.detail.startswith("count:"):
        return _god_count(claim, ground, wanted)
    if claim.detail.startswith("of_"):
        kind, letter = claim.detail.split(":")
        own = ground.pillars["day"] % 10
        index = ten_god(own, int(letter)) if kind == "of_stem" else branch_god(own, int(letter))
        return unless(claim, belongs(TEN_GODS[index].key, wanted), TEN_GODS[index].hangul)
    if claim.scope:
        return _god_at(claim, ground, wanted)
    visible = ground.god_count(wanted)
    if claim.detail == "stems":
        stems = [each.stem_god.key for each in ground.facts.pillars if each.stem_god is not None]
        return unless(claim, any(belongs(god, wanted) for god in stems), wanted)
    if claim.detail == "most":
        return decided(wanted in ground.ask(weighing.heaviest_groups), "another")
    if claim.detail == "much":
        some = ground.ask(weighing.group_weighs, wanted, weighing.SOME)
        return (OPEN, "") if visible == 1 or (some and not visible) else decided(bool(visible), "none")
    if claim.detail == "least":
        lightest = wanted in ground.ask(weighing.lightest_groups)
        return decided(lightest or visible == ground.ask(weighing.fewest_of_a_group), "another")
    if claim.detail == "excess":
        reason = ground.facts.useful_gods.balance_reason.key
        return decided(reason == f"{wanted}_excess" or visible >= 3, reason)
    there = bool(visible) or (claim.detail != "shown" and not claim.negated and ground.hides_god(wanted))
    return unless(claim, there, wanted)


def _god_count(claim: Claim, ground: Ground, wanted: str) -> Verdict:
    said, count = int(claim.detail[6:]), ground.god_count(wanted)
    if claim.scope:
        at = _god_at(claim, ground, wanted)
        inside = sum(
            belongs(god, wanted)
            for position, part in claim.scope
            for each in (("stem", "branch") if part == "pillar" else (part,))
            for god in ground.gods(position, each) or ()
        )
        return at if at[0] != TRUE else decided(said in (count, inside), str(count))
    return decided(said == count, str(count))


def _god_at(claim: Claim, ground: Ground, wanted: str) -> Verdict:
    for position, part in claim.scope:
        found = ground.gods(position, part)
        if position == "unknown" or (found is None and position not in NATAL):
            return (OPEN, "")
        if found is None:
            return (FALSE, "unknown")
        if not found:
            return (OPEN, "")
        if claim.hidden and position in ground.places:
            found |= {stem.ten_god.key for stem in ground.places[position].hidden_stems}
        if any(belongs(god, wanted) for god in found) is claim.negated:
            return (FALSE, " ".join(sorted(found)))
    return (TRUE, "")


def _row(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """The letters of all stems or branches one after another, from the year or from the hour."""
    size = 10 if claim.kind == "stem_row" else 12
    own = [str(ground.pillars[each] % size) for each in NATAL if each in ground.pillars]
    said = str(claim.value).split(",")
    return decided(said in (own[: len(said)], own[::-1]), " ".join(own))


def _natal(scope: tuple[Place, ...]) -> list[str]:
    return [position for position, _ in scope if position in NATAL]


def _stage(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    positions = _natal(claim.scope)
    if claim.scope and not positions:
        return (OPEN, "")
    if claim.anywhere:
        known = {key for each in ground.places.values() for key in (each.stage.key, each.own_stage.key)}
        return decided(claim.value in known, " ".join(sorted(known)))
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

    def on(position: str) -> bool:
        return ground.has_sinsal(position, wanted)

    positions = _natal(claim.scope)
    if claim.scope and not positions:
        return (OPEN, "")
    if any(position not in ground.places for position in positions):
        return (FALSE, "unknown")
    if positions:
        return unless(claim, all(on(position) for position in positions), " ".join(sorted(wanted)))
    return unless(
        claim, any(on(position) for position in NATAL if position in ground.places), " ".join(sorted(wanted))
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
    "age": age,
    "year": year,
    "date": lambda *_: UNDECIDED,
    "strength": weighing.strength,
    "structure": _simple(lambda ground: ground.facts.structure.name.key),
    "useful": weighing.useful,
    "useful_any": weighing.useful,
    "wealth_element": _simple(_wealth_element),
    "element_absent": lambda claim, ground, _: decided(not ground.visible[str(claim.value)], "present"),
    "element_count": lambda claim, ground, _: decided(
        ground.visible[str(claim.value)] == float(claim.detail), f"{ground.visible[str(claim.value)]:g}"
    ),
    "elements_missing": lambda claim, ground, _: decided(
        list(ground.visible.values()).count(0) == int(claim.detail), "another number"
    ),
    "god_element": lambda claim, ground, _: unless(
        claim, claim.value == ground.element_of(claim.detail), ground.element_of(claim.detail)
    ),
    "stem_row": _row,
    "branch_row": _row,
    "element_share": weighing.share,
    "element_much": weighing.much,
    "element_little": weighing.little,
    "element_present": weighing.present,
    "shunned": weighing.shunned,
    "element_most": weighing.extreme(max, by_count=True),
    "element_most_weighed": weighing.extreme(max, by_count=False),
    "element_least": weighing.extreme(min, by_count=True),
    "elements_full": lambda claim, ground, _: unless(claim, ground.ask(weighing.all_elements), "not all"),
    "support": weighing.support,
    "polarity": weighing.polarity,
    "polarity_all": weighing.polarity_all,
    "polarity_one": weighing.polarity_one,
    "polarity_more": weighing.polarity_more,
    "month_of": _simple(lambda ground: ground.pillars["month"] % 12),
    "season": _simple(lambda ground: SEASONS[ground.pillars["month"] % 12]),
    "zodiac": _simple(lambda ground: ground.pillars["year"] % 12),
    "sex": _simple(lambda ground: ground.chart.options.sex),
    "direction": _simple(
        lambda ground: None if ground.forward is None else "forward" if ground.forward else "backward"
    ),
    "nayin": _nayin,
}
