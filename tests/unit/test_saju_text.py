"""The text of a chart for a language model: complete, compact, the same every time, in two languages."""

import pytest

from hypercube.core.chart import Chart
from hypercube.core.errors import HyperCubeError
from hypercube.saju import chart
from hypercube.saju.text import to_text

EVERYTHING = ["facts", "luck", "periods"]


@pytest.fixture
def whole() -> Chart:
    return chart("1990-05-03T07:20", sex="male", place="Seoul", include=EVERYTHING, as_of="2026-11-23")


def test_korean_names_every_fact(whole: Chart) -> None:
    text = to_text(whole)
    assert whole.facts is not None
    assert whole.luck is not None
    for facts in whole.facts.pillars:
        assert f"{facts.pillar.hanja}({facts.pillar.hangul})" in text
        for name in (*facts.sinsal, facts.branch_god, facts.stage, facts.nayin, facts.twelve_by_year):
            assert name.hangul in text
    for relation in whole.facts.relations:
        assert f"{relation.kind.hangul} {relation.letters}" in text
    for pillar in whole.luck.pillars:
        assert pillar.start_date in text
    for words in (
        "음력 1990-04-09",
        "신강 65/110",
        "정관격 (乙 투출)",
        "억부 목>금",
        "대운 甲申(갑신)",
        "mean_solar",
    ):
        assert words in text
    for school in whole.facts.schools:
        assert school.version in text
    assert all(note in text for note in whole.notes)


def test_english_says_the_same(whole: Chart) -> None:
    text = to_text(whole, "en")
    assert len(text.splitlines()) == len(to_text(whole, "ko").splitlines())
    for words in (
        "Month pillar: 庚辰",
        "strong 身強 65/110",
        "direct officer structure",
        "Now 2026-11-23: Luck pillars 甲申",
    ):
        assert words in text


@pytest.mark.parametrize(("locale", "most"), [("ko", 2_000), ("en", 3_600)])
@pytest.mark.parametrize("birth", ["1990-05-03T07:20", "1988-02-04T23:40", "2003-08-29T03:15", "1964-06-06"])
def test_it_is_compact_and_always_the_same(birth: str, locale: str, most: int) -> None:
    made = chart(birth, sex="female", place="부산", include=EVERYTHING, as_of="2026-11-23")
    text = to_text(made, locale)
    again = chart(birth, sex="female", place="부산", include=EVERYTHING, as_of="2026-11-23")
    assert text == to_text(again, locale)
    assert len(text) < most


def test_what_is_not_there_is_left_out() -> None:
    bare = to_text(chart("1990-05-03T07:20"))
    assert "庚午(경오)" in bare
    for word in ("십성", "대운", "현재", "용신"):
        assert word not in bare
    unknown = to_text(chart("1990-02-04", sex="female", include=EVERYTHING, as_of="2026-11-23"))
    assert "시주: 시 모름" in unknown
    assert "절입 경계 후보: before 己巳 丁丑 庚子; after 庚午 戊寅 庚子" in unknown
    assert unknown.count("대운: ") == 2


def test_the_luck_pillar_in_force(whole: Chart) -> None:
    assert whole.luck is not None
    first, second, *_, last = whole.luck.pillars
    assert whole.luck.in_force("1991-05-02") is None
    assert whole.luck.in_force(first.start_date) is first
    assert whole.luck.in_force(second.start_date) is second
    assert whole.luck.in_force("2199-12-31") is last


@pytest.mark.parametrize("locale", ["kr", "", None, 1])
def test_a_language_that_is_not_there(whole: Chart, locale: object) -> None:
    with pytest.raises(HyperCubeError) as caught:
        to_text(whole, locale)  # type: ignore[arg-type]
    assert caught.value.param == "locale"
    assert "ko, en" in str(caught.value.fix)
