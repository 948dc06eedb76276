"""궁합: the score is the sum of its parts, and every part that counts says why."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.chart import Pillars
from hypercube.core.reading import ReadingLanguage
from hypercube.kernels.compatibility import COMPONENTS, SYMMETRIC, compatibility
from hypercube.saju import chart
from hypercube.saju.match import _REASONS, match
from hypercube.saju.signs import PILLARS

index = st.integers(0, 59)
pillar_sets = st.builds(
    lambda y, m, d, h: Pillars(PILLARS[y], PILLARS[m], PILLARS[d], None if h is None else PILLARS[h]),
    index,
    index,
    index,
    st.none() | index,
)


@given(first=pillar_sets, second=pillar_sets)
def test_the_score_is_the_kernels_and_every_part_that_counts_says_why(
    first: Pillars, second: Pillars
) -> None:
    found = match(first, second)
    rows = [np.array([one.indices()], dtype=np.uint8) for one in (first, second)]
    assert found.score == compatibility(rows[0], rows[1], backend="reference")[0, 0]
    assert found.score == sum(part.points for part in found.parts)
    assert tuple(part.name for part in found.parts) == COMPONENTS == tuple(_REASONS)
    for part in found.parts:
        assert bool(part.because) == (part.points != 0), part


@given(first=pillar_sets, second=pillar_sets)
def test_it_is_the_same_both_ways_but_for_what_one_brings_the_other(first: Pillars, second: Pillars) -> None:
    there = {part.name: part.points for part in match(first, second).parts}
    back = {part.name: part.points for part in match(second, first).parts}
    assert all(there[name] == back[name] for name in SYMMETRIC)


def test_two_people() -> None:
    first, second = chart("1990-05-03 07:20", place="Seoul"), chart("1993-09-17 21:10", place="Busan")
    found = match(first, second)
    assert (first.pillars.day.hanja, second.pillars.day.hanja) == ("戊辰", "辛丑")
    assert {part.name: part.because for part in found.parts}["day_stem_element"] == ("일간 戊·辛: 내가 생함",)


@pytest.mark.parametrize(
    ("days", "because"),
    [(("甲子", "己丑"), ("甲己 천간합",)), (("甲子", "庚午"), ("甲庚 천간충",))],
    ids=["combine", "clash"],
)
def test_day_stems_that_combine_or_clash(days: tuple[str, str], because: tuple[str, ...]) -> None:
    by_hanja = {pillar.hanja: pillar for pillar in PILLARS}
    same = by_hanja["戊辰"]
    one, other = (Pillars(same, same, by_hanja[day], None) for day in days)
    assert {part.name: part.because for part in match(one, other).parts}["day_stem_relation"] == because


@given(first=pillar_sets, second=pillar_sets)
def test_reasons_are_the_same_in_both_languages_and_english_ones_have_no_hangul(
    first: Pillars, second: Pillars
) -> None:
    korean, english = (match(first, second, each) for each in ReadingLanguage)
    assert korean == match(first, second)
    assert korean.score == english.score
    for there, here in zip(korean.parts, english.parts, strict=True):
        assert (there.name, there.points, len(there.because)) == (here.name, here.points, len(here.because))
        for one, other in zip(there.because, here.because, strict=True):
            # The letters concerned stand in both.
            assert re.findall(r"[\u4e00-\u9fff]|\d", one) == re.findall(r"[\u4e00-\u9fff]|\d", other)
            assert not re.search("[가-힣]", other)


def test_two_people_in_english() -> None:
    first, second = chart("1990-05-03 07:20", place="Seoul"), chart("1993-09-17 21:10", place="Busan")
    parts = {part.name: part.because for part in match(first, second, ReadingLanguage.EN).parts}
    assert parts["day_stem_element"] == ("day stems 戊·辛: the first feeds the second",)
    assert parts["day_stem_relation"] == ()
