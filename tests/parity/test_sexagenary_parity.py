"""The small rule tables of the kernels against those of `hypercube.saju.facts`, cell by cell."""

import numpy as np
import pytest

from hypercube.core.schools import HiddenStemSet
from hypercube.kernels import sexagenary as rules
from hypercube.saju.facts import strength
from hypercube.saju.facts.hidden_stems import MAIN, slots
from hypercube.saju.facts.life_stages import life_stage
from hypercube.saju.facts.relations import GROUP_RULES, PAIR_RULES, PAIRS, group_mask, pair_mask
from hypercube.saju.facts.symbols import BRANCH_ELEMENT, NONE, STEM_ELEMENT, UNKNOWN
from hypercube.saju.facts.ten_gods import DAY_MASTER, branch_god, ten_god
from hypercube.saju.facts.void import void_branches


def test_elements_and_codes_for_what_is_missing() -> None:
    assert tuple(rules.STEM_ELEMENT) == STEM_ELEMENT
    assert tuple(rules.BRANCH_ELEMENT) == BRANCH_ELEMENT
    assert (rules.UNKNOWN_HOUR, rules.UNKNOWN_ROW, rules.DAY_MASTER) == (NONE, UNKNOWN, DAY_MASTER)
    assert rules.PAIRS == PAIRS


def test_hidden_stems() -> None:
    for branch in range(12):
        for place, hidden in enumerate(slots(HiddenStemSet.KOREAN, branch)):
            stem, days = (NONE, 0) if hidden is None else (hidden.stem, hidden.share)
            assert (rules.HIDDEN_STEM[branch, place], rules.HIDDEN_DAYS[branch, place]) == (stem, days)
            element = NONE if hidden is None else STEM_ELEMENT[hidden.stem]
            assert rules.HIDDEN_ELEMENT[branch, place] == element
    assert tuple(rules.MAIN_STEM) == MAIN
    assert (rules.HIDDEN_DAYS.sum(axis=1) == 30).all()


@pytest.mark.parametrize("day_stem", range(10))
def test_ten_gods_and_stages(day_stem: int) -> None:
    assert rules.STEM_GOD[day_stem].tolist() == [ten_god(day_stem, stem) for stem in range(10)]
    assert rules.BRANCH_GOD[day_stem].tolist() == [branch_god(day_stem, branch) for branch in range(12)]
    assert rules.LIFE_STAGE[day_stem].tolist() == [life_stage(day_stem, branch) for branch in range(12)]


def test_pair_flags_over_all_pairs_of_pillars() -> None:
    assert tuple(rule.name.key for rule in PAIR_RULES) == rules.RELATIONS
    for first in range(61):
        for second in range(61):
            flags = int(rules.PAIR_FLAGS[first, second])
            assert flags & 0x3FFF == pair_mask(first, second), (first, second)
            known = UNKNOWN not in (first, second)
            assert flags >> 14 & 1 == (known and second % 12 in void_branches(first))
            assert flags >> 15 == (known and first % 12 in void_branches(second))


def test_groups_of_every_set_of_branches() -> None:
    assert [set(members) for members in rules.GROUPS.values()] == [set(rule.members) for rule in GROUP_RULES]
    assert rules.GROUP_FLAGS.tolist() == [group_mask(present) for present in range(4_096)]


def test_strength() -> None:
    assert rules.STEM_POINTS == strength.STEM_POINTS
    assert rules.BRANCH_POINTS == strength.BRANCH_POINTS
    assert (rules.ALL_POINTS, rules.WITHOUT_HOUR) == (strength.ALL_POINTS, strength.WITHOUT_HOUR)
    for available in (strength.ALL_POINTS, strength.WITHOUT_HOUR):
        support = np.arange(available + 1)
        want = [strength.level(int(points), available) for points in support]
        assert rules.strength_level(support, available).tolist() == want


def test_tables_are_read_only() -> None:
    arrays = [value for value in vars(rules).values() if isinstance(value, np.ndarray)]
    assert len(arrays) >= 9
    assert not any(array.flags.writeable for array in arrays)
