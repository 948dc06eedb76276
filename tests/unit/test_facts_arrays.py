"""`facts` and `against` as arrays: every number against a slow reckoning, whatever the batch."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju.facts import Facts, HiddenStemSet, LifeStageSchool, Schools, against, compute, facts
from hypercube.saju.facts.hidden_stems import HIDDEN, slots
from hypercube.saju.facts.life_stages import life_stage
from hypercube.saju.facts.ten_gods import DAY_MASTER, branch_god, ten_god
from hypercube.saju.facts.twelve_sinsal import twelve_sinsal
from hypercube.saju.facts.void import void_branches

STEM_ELEMENT = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
BRANCH_ELEMENT = [4, 2, 0, 0, 2, 1, 1, 2, 3, 3, 2, 4]
ARRAYS = [name for name in Facts.__slots__ if name not in ("pillars", "schools")]


def charts(n: int, seed: int = 0) -> NDArray[np.uint8]:
    pillars = np.random.default_rng(seed).integers(0, 60, (n, 4), dtype=np.uint8)
    pillars[::6, 3] = 255
    return pillars


def arrays(found: Any) -> dict[str, NDArray[Any]]:
    return {name: getattr(found, name) for name in ARRAYS}


@pytest.mark.parametrize("hidden_stems", HiddenStemSet)
@pytest.mark.parametrize("life_stages", LifeStageSchool)
def test_codes_of_each_pillar(hidden_stems: HiddenStemSet, life_stages: LifeStageSchool) -> None:
    pillars = charts(600)
    found = facts(pillars, hidden_stems=hidden_stems, life_stages=life_stages)
    for i, row in enumerate(pillars.tolist()):
        day = row[2] % 10
        assert tuple(found.void_day[i].tolist()) == void_branches(row[2])
        assert tuple(found.void_year[i].tolist()) == void_branches(row[0])
        for position, pillar in enumerate(row):
            codes = [
                found.stem_gods[i, position],
                found.branch_gods[i, position],
                *found.hidden_stems[i, position],
                *found.hidden_gods[i, position],
                found.stages[i, position],
                found.own_stages[i, position],
                found.nayin[i, position],
                found.twelve_by_year[i, position],
                found.twelve_by_day[i, position],
            ]
            if pillar == 255:
                assert codes == [255] * 13
                continue
            stem, branch = pillar % 10, pillar % 12
            hidden = [each.stem if each else None for each in slots(hidden_stems, branch)]
            assert codes == [
                DAY_MASTER if position == 2 else ten_god(day, stem),
                branch_god(day, branch),
                *(255 if each is None else each for each in hidden),
                *(255 if each is None else ten_god(day, each) for each in hidden),
                life_stage(day, branch, life_stages),
                life_stage(stem, branch, life_stages),
                pillar // 2,
                twelve_sinsal(row[0] % 12, branch),
                twelve_sinsal(row[2] % 12, branch),
            ]


@pytest.mark.parametrize("school", HiddenStemSet)
def test_sums_over_the_pillars(school: HiddenStemSet) -> None:
    pillars = charts(600, seed=1)
    found = facts(pillars, hidden_stems=school)
    weights = found.element_weights()
    for i, row in enumerate(pillars.tolist()):
        known = [(position, pillar) for position, pillar in enumerate(row) if pillar != 255]
        visible, hidden, weighted = [0] * 5, [0] * 5, [0] * 5
        for position, pillar in known:
            visible[STEM_ELEMENT[pillar % 10]] += 1
            visible[BRANCH_ELEMENT[pillar % 12]] += 1
            weighted[STEM_ELEMENT[pillar % 10]] += 300
            for each in HIDDEN[school][pillar % 12]:
                hidden[STEM_ELEMENT[each.stem]] += 1
                weighted[STEM_ELEMENT[each.stem]] += (10, 30, 15, 15)[position] * each.share
        assert found.element_counts[i].tolist() == visible
        assert found.hidden_counts[i].tolist() == hidden
        assert weights[i].tolist() == weighted
        assert sum(weighted) == (3300 if len(known) == 4 else 2550)
        own = STEM_ELEMENT[row[2] % 10]
        assert found.group_weights[i].tolist() == [weighted[(own + group) % 5] for group in range(5)]
        yang = sum(2 for _, pillar in known if pillar % 2 == 0)
        assert found.polarity[i].tolist() == [yang, 2 * len(known) - yang]
        roots = [
            position
            for position, pillar in known
            if own in {STEM_ELEMENT[each.stem] for each in HIDDEN[school][pillar % 12]}
        ]
        assert found.roots[i] == sum(1 << position for position in roots)


def test_an_unknown_hour_adds_nothing() -> None:
    without = charts(400, seed=2)
    without[:, 3] = 255
    with_hour = without.copy()
    with_hour[:, 3] = np.random.default_rng(5).integers(0, 60, 400)
    a, b = facts(without), facts(with_hour)
    # What does not look at the hour is the same with any hour ...
    for name in ("void_day", "void_year", "climate_gods"):
        assert (getattr(a, name) == getattr(b, name)).all(), name
    for name in ("stem_gods", "hidden_gods", "stages", "nayin", "twelve_by_day", "flags"):
        assert (getattr(a, name)[:, :3] == getattr(b, name)[:, :3]).all(), name
    assert (a.pair_relations[:, [0, 1, 3]] == b.pair_relations[:, [0, 1, 3]]).all()
    # ... and nothing is found at the hour, nor counted.
    assert (a.pair_relations[:, [2, 4, 5]] == 0).all()
    assert (a.flags[:, 3] & np.uint64((1 << 48) - 1) == 0).all()
    assert (a.roots < 8).all()
    assert (a.element_counts.sum(axis=1) == 6).all()
    assert (b.element_counts.sum(axis=1) == 8).all()
    assert ((a.groups & ~b.groups) == 0).all()
    assert (a.support[:, 0] <= 85).all()


@pytest.mark.parametrize("n", [0, 1, 2, 8_191, 8_192, 8_193, 20_000])
def test_batch_size_does_not_matter(n: int) -> None:
    whole = charts(20_000, seed=3)
    reference, part = facts(whole), facts(whole[:n])
    assert len(part) == n
    for name, array in arrays(part).items():
        assert array.shape[0] == n, name
        assert (array == getattr(reference, name)[:n]).all(), name


def test_order_does_not_matter() -> None:
    pillars = charts(9_000, seed=4)
    order = np.random.default_rng(9).permutation(len(pillars))
    straight, shuffled = facts(pillars), facts(pillars[order])
    for name, array in arrays(shuffled).items():
        assert (array == getattr(straight, name)[order]).all(), name


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 59)] * 3, st.integers(0, 59) | st.just(255)), min_size=1, max_size=20)
)
def test_a_single_chart_is_a_batch_of_one(rows: list[tuple[int, int, int, int]]) -> None:
    together = facts(rows)
    for i, row in enumerate(rows):
        alone = facts([row])
        for name, array in arrays(alone).items():
            assert (array[0] == getattr(together, name)[i]).all(), name


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
def test_any_kind_of_integer_and_layout(dtype: type) -> None:
    pillars = charts(100, seed=6)
    reference = facts(pillars)
    wide = np.zeros((100, 9), dtype=dtype)
    wide[:, ::2][:, :4] = pillars
    for given_ in (pillars.astype(dtype), np.asfortranarray(pillars.astype(dtype)), wide[:, :8:2]):
        for name, array in arrays(facts(given_)).items():
            assert (array == getattr(reference, name)).all(), name


def test_facts_do_not_follow_a_changed_input() -> None:
    pillars = charts(3)
    found = facts(pillars)
    before = found.pillars.copy()
    pillars[:] = 1
    assert (found.pillars == before).all()


@pytest.mark.parametrize(
    ("pillars", "says"),
    [
        ([[0, 0, 0, 60]], r"pillars\[0\]\[3\] is 60"),
        ([[0, 0, 0, 0], [255, 0, 0, 0]], r"pillars\[1\]\[0\] is 255"),
        ([[0, 0, 255, 255]], r"pillars\[0\]\[2\] is 255"),
        ([[0, -1, 0, 0]], r"pillars\[0\]\[1\] is -1"),
        ([[0, 256, 0, 0]], r"pillars\[0\]\[1\] is 256"),
        ([[0, 0, 0, 511]], r"pillars\[0\]\[3\] is 511"),
        ([[0, 0, 0]], r"\(1, 3\)"),
        ([0, 0, 0, 0], r"\(4,\)"),
        ([[0.0, 0.0, 0.0, 0.0]], "float64"),
        ([["a", "b", "c", "d"]], "expected integers"),
    ],
)
def test_wrong_pillars_are_named(pillars: Any, says: str) -> None:
    for call in (lambda: facts(pillars), lambda: against(pillars, [0])):
        with pytest.raises(HyperCubeError, match=says) as caught:
            call()
        assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
        assert caught.value.fix


@pytest.mark.parametrize(
    ("schools", "says"),
    [
        ({"hidden_stems": "corean"}, "Did you mean 'korean'"),
        ({"hidden_stems": 3}, "korean, chinese"),
        ({"life_stages": "backward"}, "yin_backward"),
        ({"hiddenstems": "korean"}, "no choice of schools called 'hiddenstems'"),
    ],
)
def test_wrong_schools_are_named(schools: dict[str, Any], says: str) -> None:
    with pytest.raises(HyperCubeError, match=says):
        facts([[0, 0, 0, 0]], **schools)


def test_the_answer_repeats_its_schools() -> None:
    found = facts([[0, 0, 0, 0]], hidden_stems="chinese")
    assert found.schools == Schools(hidden_stems=HiddenStemSet.CHINESE)
    choices = {choice.topic: choice for choice in found.schools.choices()}
    assert choices["hidden_stems"].version == "hidden_stems/chinese@1"
    assert choices["strength"].version == "strength/place-points@1"
    assert all(choice.source for choice in choices.values())


def test_a_further_pillar_is_read_like_one_of_the_chart() -> None:
    pillars = charts(500, seed=8)
    found = facts(pillars)
    met = against(pillars, pillars)
    same = ("branch_gods", "hidden_stems", "hidden_gods", "stages", "own_stages", "nayin")
    for name in (*same, "twelve_by_year", "twelve_by_day"):
        assert (getattr(met, name) == getattr(found, name)).all(), name
    others = [0, 1, 3]
    assert (met.stem_gods[:, others] == found.stem_gods[:, others]).all()
    # The day stem itself is a peer when it comes again.
    assert (met.stem_gods[:, 2] == 0).all()
    for column, (a, b) in enumerate(compute.PAIRS):
        assert (met.pair_relations[:, a, b] == found.pair_relations[:, column]).all()
        assert (met.pair_relations[:, b, a] == found.pair_relations[:, column]).all()
    # Its own branches complete nothing new.
    assert not met.groups.any()
    # A rule bound to a position finds nothing on a further pillar.
    goegang = np.uint64(1 << 17)
    assert (found.flags[:, 2] & goegang).any()
    assert not (met.flags & goegang).any()


def test_the_same_further_pillars_for_all() -> None:
    pillars = charts(20, seed=10)
    one, each = against(pillars, np.arange(60)), against(pillars, np.tile(np.arange(60), (20, 1)))
    assert one.stem_gods.shape == (20, 60)
    for name in ("stem_gods", "flags", "pair_relations", "groups"):
        assert (getattr(one, name) == getattr(each, name)).all()
    with pytest.raises(HyperCubeError, match=r"\(3, 60\)"):
        against(pillars, np.zeros((3, 60), np.uint8))
