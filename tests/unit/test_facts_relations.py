"""Bonds and conflicts: the cycles they come from, their symmetry, and their list form."""

import numpy as np
import pytest

from hypercube.core.errors import HyperCubeError
from hypercube.saju.facts import against, facts, pair_relations, relations
from hypercube.saju.facts.relations import GROUP_RULES, PAIR_RULES, PAIRS, group_mask, pair_element, pair_mask

BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
BIT = {rule.name.key: bit for bit, rule in enumerate(PAIR_RULES)}
CHART = ("year", "month", "day", "hour")


def expected(a: int, b: int) -> set[str]:
    """The relations of two pillars, by arithmetic on the circles of ten and twelve."""
    s, t, p, q = a % 10, b % 10, a % 12, b % 12
    low, high = min(p, q), max(p, q)
    found = set()
    if abs(s - t) == 5:
        found.add("stem_combination")
    if abs(s - t) == 6 and min(s, t) < 4:  # 甲庚 乙辛 丙壬 丁癸
        found.add("stem_clash")
    if (p + q) % 12 == 1:
        found.add("six_combination")
    if p != q and p % 4 == q % 4:
        found.add("half_triad" if 0 in (p % 3, q % 3) else "arched_triad")
    if p != q and (p + 1) // 3 % 4 == (q + 1) // 3 % 4:
        found.add("half_direction")
    if high - low == 6:
        found.add("clash")
    if p != q and ({p, q} <= {2, 5, 8} or {p, q} <= {1, 10, 7}):
        found.add("punishment")
    if {p, q} == {0, 3}:
        found.add("mutual_punishment")
    if p == q and p in (4, 6, 9, 11):
        found.add("self_punishment")
    # 파: every yang branch with the one three behind it.
    if any(x % 2 == 0 and y == (x - 3) % 12 for x, y in ((p, q), (q, p))):
        found.add("break")
    if (p + q) % 12 == 7:
        found.add("harm")
    resent = {0: 7, 2: 9, 4: 11, 6: 1, 8: 3, 10: 5}
    ghost = {0: 9, 2: 7, 4: 11, 6: 1, 8: 3, 10: 5}
    if resent.get(p) == q or resent.get(q) == p:
        found.add("resentment")
    if ghost.get(p) == q or ghost.get(q) == p:
        found.add("ghost_gate")
    return found


def names(mask: int) -> set[str]:
    return {rule.name.key for bit, rule in enumerate(PAIR_RULES) if mask >> bit & 1}


def test_every_pair_of_pillars() -> None:
    for a in range(60):
        for b in range(60):
            assert names(pair_mask(a, b)) == expected(a, b), (a, b)
            assert pair_mask(a, b) == pair_mask(b, a)
        assert pair_mask(a, 60) == pair_mask(60, a) == 0


def test_how_often_each_relation_occurs() -> None:
    counts = {rule.name.key: len(rule.pairs) for rule in PAIR_RULES}
    assert counts == {
        "stem_combination": 5,
        "stem_clash": 4,
        "six_combination": 6,
        "half_triad": 8,
        "arched_triad": 4,
        "half_direction": 12,
        "clash": 6,
        "punishment": 6,
        "mutual_punishment": 1,
        "self_punishment": 4,
        "break": 6,
        "harm": 6,
        "resentment": 6,
        "ghost_gate": 6,
    }


def test_elements_of_combinations() -> None:
    # 甲己 earth, and each next stem combination the element it feeds.
    elements = ["earth", "metal", "water", "wood", "fire"]
    assert [pair_element(BIT["stem_combination"], s, s + 5) for s in range(5)] == elements
    six = [pair_element(BIT["six_combination"], b, (1 - b) % 12) for b in (0, 2, 3, 4, 5, 6)]
    assert six == ["earth", "wood", "fire", "metal", "water", "fire"]
    assert pair_element(BIT["clash"], 0, 6) is None


def test_groups_need_all_their_branches() -> None:
    hanja = ["".join(sorted(BRANCHES[b] for b in rule.members)) for rule in GROUP_RULES]
    of_three = "申子辰 寅午戌 巳酉丑 亥卯未 亥子丑 巳午未 申酉戌 寅卯辰 寅巳申 丑戌未"
    assert hanja == ["".join(sorted(letters)) for letters in of_three.split()]
    for present in range(4096):
        letters = {BRANCHES[b] for b in range(12) if present >> b & 1}
        whole = {"".join(sorted(group)) for group in of_three.split() if set(group) <= letters}
        assert {hanja[bit] for bit in range(len(hanja)) if group_mask(present) >> bit & 1} == whole


def test_arrays_agree_with_the_rules() -> None:
    rng = np.random.default_rng(3)
    pillars = rng.integers(0, 60, (3_000, 4), dtype=np.uint8)
    pillars[::4, 3] = 255
    found = facts(pillars)
    for i, row in enumerate(pillars.tolist()):
        known = [60 if pillar == 255 else pillar for pillar in row]
        assert found.pair_relations[i].tolist() == [pair_mask(known[a], known[b]) for a, b in PAIRS]
        present = 0
        for pillar in row:
            present |= 0 if pillar == 255 else 1 << pillar % 12
        assert found.groups[i] == group_mask(present)


def test_a_whole_triad_is_listed_once_with_all_its_members() -> None:
    # 申 子 辰 申
    found = relations(CHART, [8, 0, 4, 20])
    triad = [each for each in found if each.kind.key == "triad"]
    assert [(each.positions, each.letters, each.element) for each in triad] == [(CHART, "申子辰申", "water")]
    assert not {"half_triad", "arched_triad"} & {each.kind.key for each in found}


def test_a_half_triad_says_whether_its_middle_is_there() -> None:
    with_middle = relations(("a", "b"), [8, 0])
    assert {each.kind.hangul for each in with_middle} == {"반합"}
    without = relations(("a", "b"), [8, 4])
    assert [(each.kind.hangul, each.letters, each.element) for each in without] == [("공합", "申辰", "water")]


def test_the_pairs_of_a_whole_triple_punishment_are_not_repeated() -> None:
    found = {each.kind.key for each in relations(CHART, [2, 5, 8, 255])}
    assert "triple_punishment" in found
    assert "punishment" not in found
    assert "clash" in found


def test_relations_with_a_further_pillar() -> None:
    # Luck 午 meets 子 in the year and completes 寅午戌 with month and day.
    labels, pillars = (*CHART, "luck"), [0, 2, 10, 255, 30]
    found = relations(labels, pillars, involving="luck")
    assert all("luck" in each.positions for each in found)
    kinds = {each.kind.key: each for each in found}
    assert kinds["triad"].positions == ("month", "day", "luck")
    assert kinds["clash"].letters == "子午"
    arrays = against([pillars[:4]], [[30, 255]])
    assert [names(mask) for mask in arrays.pair_relations[0, 0].tolist()] == [
        *(expected(pillars[position], 30) for position in range(3)),
        set(),
    ]
    assert arrays.groups[0, 0] == 1 << 1
    assert arrays.groups[0, 1] == 0
    assert arrays.pair_relations[0, 1].tolist() == [0] * 4


def test_list_and_mask_agree_for_any_pair() -> None:
    for a in range(0, 60, 7):
        for b in range(60):
            listed = {each.kind.key for each in relations(("a", "b"), [a, b])}
            assert listed == expected(a, b) == names(int(pair_relations(a, b)))


def test_pair_relations_broadcast_and_check() -> None:
    table = pair_relations(np.arange(60)[:, None], np.arange(60))
    assert table.shape == (60, 60)
    assert (table == table.T).all()
    assert not pair_relations(255, np.arange(60)).any()
    for wrong in (60, 254, 256, -1):
        with pytest.raises(HyperCubeError, match=str(wrong)):
            pair_relations(wrong, 0)
    with pytest.raises(HyperCubeError, match="float64"):
        pair_relations(1.0, 0)
