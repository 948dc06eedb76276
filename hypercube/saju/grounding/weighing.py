"""Claims about strength, the five elements, and yin and yang."""

from collections.abc import Callable
from typing import Final

from hypercube.saju.grounding.claims import Claim
from hypercube.saju.grounding.ground import GROUPS, Ground
from hypercube.saju.grounding.verdicts import Verdict, decided, unless


def strength(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """The level, or its side: 신강 is said of 극신강, too; "strong" of a balanced chart that leans that way."""
    level = ground.facts.strength.level.key
    right = level == claim.value or level == f"very_{claim.value}"
    return unless(claim, right, level)


def useful(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """A candidate of 억부."""
    wanted = ground.facts.useful_gods.balance
    climate = (
        {each.stem.element for each in ground.facts.useful_gods.climate} if "조후" in claim.detail else set()
    )
    return decided(claim.value in (*wanted, *climate), " ".join(wanted) or "none")


def shunned(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """An element called unfavourable: none that 억부 chooses."""
    wanted = ground.facts.useful_gods.balance
    return decided(claim.value not in wanted, f"useful {' '.join(wanted)}")


SOME: Final = 15.0
_MANY: Final = 30.0
"""Per cent of weight: below the first nobody says much, above the second nobody says little."""


def _weighs(ground: Ground, element: str, least: float) -> bool:
    return ground.weighted[element] >= least


def group_weighs(ground: Ground, group: str, least: float) -> bool:
    """Whether a group of ten gods has so much weight, per cent."""
    return ground.group_weights.get(group, 0.0) >= least


def much(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """Much of an element: not one letter or none with little weight."""
    element = str(claim.value)
    right = ground.visible[element] > 1 or ground.ask(_weighs, element, SOME + 5)
    return unless(claim, right, "little")


def little(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """Little of an element: not three letters with a third of the weight."""
    element = str(claim.value)
    right = ground.visible[element] < 3 and not ground.ask(_weighs, element, _MANY)
    return decided(right or claim.negated, "much")


def present(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """An element that is there, by a letter or within a branch."""
    element = str(claim.value)
    right = ground.visible[element] > 0 or (ground.weighted[element] > 0 and claim.hidden)
    return unless(claim, right, "absent")


def polarity_all(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """All letters of one side."""
    elements = ground.facts.elements
    other = elements.yin if claim.value == "yang" else elements.yang
    return unless(claim, other == 0, f"{elements.yang}/{elements.yin}")


def _by_weight(ground: Ground, pick: Callable[..., float]) -> tuple[str, ...]:
    return _at(pick, ground.weighted)


def _by_count(ground: Ground, pick: Callable[..., float]) -> tuple[str, ...]:
    return _at(pick, ground.visible)


def _at(pick: Callable[..., float], values: dict[str, float]) -> tuple[str, ...]:
    edge = pick(values.values())
    return tuple([each for each, value in values.items() if value == edge])


def heaviest_groups(ground: Ground) -> tuple[str, ...]:
    """The groups of ten gods of most weight."""
    return _at(max, ground.group_weights)


def lightest_groups(ground: Ground) -> tuple[str, ...]:
    """Those of least."""
    return _at(min, ground.group_weights)


def fewest_of_a_group(ground: Ground) -> int:
    """How many letters the group of ten gods with fewest has."""
    return min(ground.god_count(group) for group in GROUPS)


def all_elements(ground: Ground) -> bool:
    """Whether each of the five has a letter."""
    return all(ground.visible.values())


def extreme(pick: Callable[..., float], *, by_count: bool) -> Callable[..., Verdict]:
    """A rule for the element of most, or of least, weight."""

    def rule(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
        element, edge = str(claim.value), ground.ask(_by_weight, pick)
        right = element in edge or (by_count and element in ground.ask(_by_count, pick))
        return decided(right, edge[0])

    return rule


def share(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """Per cent, by weight or by letters, to the nearest whole."""
    value, element = float(claim.detail), str(claim.value)
    right = ground.ask(_shares, element, value)
    return decided(right, "" if right else f"{ground.weighted[element]:.0f}%")


def _shares(ground: Ground, element: str, value: float) -> bool:
    counted = 100 * ground.visible[element] / sum(ground.visible.values())
    return abs(value - ground.weighted[element]) <= 1 or abs(value - counted) <= 1


def polarity(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """How many letters are yang, and how many yin."""
    elements = ground.facts.elements
    if claim.value == "even":
        return decided(elements.yang == elements.yin, f"{elements.yang}/{elements.yin}")
    return decided(
        str(elements.yang) == claim.value and str(elements.yin) == claim.detail,
        f"{elements.yang}/{elements.yin}",
    )


def polarity_more(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """Of which side more letters are."""
    elements = ground.facts.elements
    more = elements.yang > elements.yin if claim.value == "yang" else elements.yin > elements.yang
    return unless(claim, more, f"{elements.yang}/{elements.yin}")


def polarity_one(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """How many are of one side."""
    number = getattr(ground.facts.elements, str(claim.value))
    return decided(str(number) == claim.detail, str(number))


def support(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> Verdict:
    """Points of support, and of how many."""
    strength = ground.facts.strength
    right = str(strength.support) == claim.value and str(strength.available) == claim.detail
    return decided(right, f"{strength.support}/{strength.available}")
