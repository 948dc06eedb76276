"""Two people in words: cited, deterministic, distinct, and never at odds with either chart."""

import re
from dataclasses import replace
from itertools import combinations

import pytest

from hypercube.core.chart import Chart
from hypercube.core.compatibility import CompatibilityLength, CompatibilityOptions, PairSentence
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.match import MatchPart
from hypercube.core.reading import ReadingLanguage
from hypercube.kernels.compatibility import COMPONENTS
from hypercube.kernels.compatibility.score import EXCESS_FROM
from hypercube.saju import chart, match
from hypercube.saju.compatibility import SCORE_SCHOOL, cited, explain
from hypercube.saju.compatibility.corpus import en, ko
from hypercube.saju.facts.symbols import ELEMENTS
from hypercube.saju.grounding.pair import PairChecker
from hypercube.saju.pairing import explained
from hypercube.saju.reading.corpus.table import Corpus
from tests.unit.reading_charts import random_charts

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
SHORT, NORMAL = CompatibilityLength.SHORT, CompatibilityLength.NORMAL
ABOUT = {*COMPONENTS, "opening", "strength", "advice"}


def pairs(count: int, seed: int) -> list[tuple[Chart, Chart]]:
    found = random_charts(2 * count, seed)
    return list(zip(found[::2], found[1::2], strict=True))


def known() -> tuple[Chart, Chart]:
    return (
        chart("1990-05-03T07:20", place="Seoul", include=("facts",)),
        chart("1993-09-17T21:10", place="Busan", include=("facts",)),
    )


def text(sentences: tuple[PairSentence, ...]) -> str:
    return "\n".join(each.text for each in sentences)


def promises(people: list[tuple[Chart, Chart]], options: CompatibilityOptions) -> int:
    """0 contradictions, every sentence cited by facts that exist, no two pairs alike; how much was borne out."""
    seen: dict[str, object] = {}
    confirmed = 0
    for first, second in people:
        found = explain(first, second, options)
        checker = PairChecker(first, second)
        for sentence in found:
            assert sentence.facts, sentence.text
            assert sentence.about in ABOUT
            assert "{" not in sentence.text
            check = checker.sentence(sentence.text)
            assert check.grounded, (sentence.text, check.mentions)
            confirmed += sum(each.verdict == "true" for each in check.mentions)
        cited(first, second, found, options.language)  # a KeyError for a fact that the charts lack
        who = (first.pillars.indices(), second.pillars.indices())
        assert seen.setdefault(text(found), who) == who
    return confirmed


@pytest.mark.parametrize("language", [KO, EN])
@pytest.mark.parametrize("length", [SHORT, NORMAL])
def test_a_sample_keeps_every_promise(language: ReadingLanguage, length: CompatibilityLength) -> None:
    people = pairs(60, seed=len(length) + len(language))
    confirmed = promises(people, CompatibilityOptions(language, length))
    assert confirmed > (25 if length is NORMAL else 12) * len(people)


@pytest.mark.slow
@pytest.mark.parametrize("language", [KO, EN])
def test_thousands_of_pairs_keep_every_promise(language: ReadingLanguage) -> None:
    promises(pairs(3_000, seed=9), CompatibilityOptions(language))


def test_the_same_pair_gives_the_same_text() -> None:
    assert explain(*known()) == explain(*known())


def test_the_other_way_round_it_is_told_of_the_other() -> None:
    first, second = known()
    there, back = explain(first, second), explain(second, first)
    assert there[0].text != back[0].text
    assert "첫째 분의 무토(戊)가 둘째 분의 신금(辛)을 생하니" in text(there)
    assert "둘째 분의 무토(戊)가 첫째 분의 신금(辛)을 생하니" in text(back)


def test_beyond_shared_facts_pairs_do_not_read_alike() -> None:
    # Of two random pairs the same sentences are few: those of facts that they share.
    told = [{each.text for each in explain(*people)} for people in pairs(40, seed=4)]
    shared = [len(one & other) / len(one | other) for one, other in combinations(told, 2)]
    assert sum(shared) / len(shared) < 0.08
    assert max(shared) < 0.5


def test_short_says_less_and_only_what_weighs_most() -> None:
    first, second = known()
    short = explain(first, second, CompatibilityOptions(length=SHORT))
    normal = explain(first, second)
    assert len(short) < len(normal) / 2
    assert {each.about for each in short} >= {"opening", "day_stem_element", "advice"}


def test_every_relation_that_counts_is_told() -> None:
    for first, second in pairs(30, seed=8):
        told = text(explain(first, second))
        for part in match(first, second).parts:
            for reason in part.because if part.name.endswith("_branch") else ():
                kind = reason.split(" ")[1]
                assert f"{kind}(" in told, (part.name, reason)


@pytest.mark.parametrize("language", [KO, EN])
def test_much_of_one_element_on_both_sides_is_said_once_of_both(language: ReadingLanguage) -> None:
    both = {each[0].split("}")[-1] for each in _corpus(language)["EXCESS_BOTH"].values()}
    found = 0
    for first, second in pairs(300, seed=12):
        told = [each.text for each in explain(first, second, CompatibilityOptions(language))]
        advice = [each for each in told if any(each.endswith(end) for end in both)]
        assert len(told) == len(set(told))
        counts = [chart.facts.elements.visible for chart in (first, second) if chart.facts is not None]
        much = [[each for each in ELEMENTS if getattr(count, each) >= EXCESS_FROM] for count in counts]
        if any(each in much[1][:1] for each in much[0][:1]):
            found += 1
            assert len(advice) == 1, told
    assert found >= 3


def _corpus(language: ReadingLanguage) -> Corpus:
    return ko.CORPUS if language is KO else en.CORPUS


def test_what_depends_on_a_school_names_it() -> None:
    found = explain(*known())
    by_about: dict[str, PairSentence] = {}
    for each in found:
        by_about.setdefault(each.about, each)
    assert by_about["day_branch"].schools == ("relations/classical@1",)
    assert by_about["strength"].schools == ("strength/place-points@1",)
    assert "자리 점수법" in by_about["strength"].text
    assert by_about["spouse_star"].schools == ("hidden_stems/korean@1",)
    assert by_about["advice"].schools == (SCORE_SCHOOL,)


def test_schools_of_both_charts_are_named_where_they_differ() -> None:
    first, _ = known()
    second = chart("1993-09-17T21:10", include=("facts",), hidden_stems="chinese")
    star = next(each for each in explain(first, second) if each.about == "spouse_star")
    assert star.schools == ("hidden_stems/korean@1", "hidden_stems/chinese@1")


def test_without_an_hour_nothing_is_said_of_it() -> None:
    first, second = known()
    dateless = chart("1993-09-17", include=("facts",))
    told = explain(first, dateless)
    assert "둘째 분은 시를 모른 채로" in text(told)
    facts = {fact for each in told for fact in each.facts}
    assert not any("hour" in fact for fact in facts if "first" not in fact)
    assert "hour_branch" not in {each.about for each in explain(first, dateless)}
    assert "hour_branch" in {each.about for each in explain(first, second)}


def test_the_corpora_have_the_same_tables_and_keys() -> None:
    assert ko.CORPUS.keys() == en.CORPUS.keys()
    for name, table in ko.CORPUS.items():
        assert table.keys() == en.CORPUS[name].keys(), name


@pytest.mark.parametrize("corpus", [ko.CORPUS, en.CORPUS], ids=["ko", "en"])
def test_no_sentence_is_fatalistic_promises_or_calls_the_sum_destiny(
    corpus: dict[str, dict[object, tuple[str, ...]]],
) -> None:
    forbidden = re.compile(
        r"반드시|틀림없이|운명|천생연분|숙명|이혼|헤어지|파국|불행|망합니다|대박|보장|궁합이 나쁩|맞지 않습니다"
        r"|\b(?:doomed|fated|destin\w+|soulmates?|guarantee\w*|divorce|break up|will fail|must not)\b"
    )
    for name, table in corpus.items():
        for key, variants in table.items():
            assert len(set(variants)) == len(variants), (name, key)
            for sentence in variants:
                assert not forbidden.search(sentence), (name, key, sentence)
                if name not in ("IMAGE", "GOD"):
                    assert sentence.endswith((".", "요.", "다.")), (name, key, sentence)


def test_a_pair_is_its_match_with_sentences_and_checks() -> None:
    first, second = known()
    pair, checks = explained(first, second)
    found = match(first, second)
    assert (pair.score, pair.parts) == (found.score, found.parts)
    assert all(isinstance(part, MatchPart) for part in pair.parts)
    assert pair.chart == replace(second, facts=None)
    assert len(checks) == len(pair.sentences)
    facts = {each.id for each in pair.facts}
    assert facts == {fact for each in pair.sentences for fact in each.facts}
    assert {fact.split(".")[0] for fact in facts} == {"first", "second", "pair"}


def test_a_chart_without_facts_is_refused() -> None:
    first, second = known()
    with pytest.raises(HyperCubeError) as caught:
        explain(first, replace(second, facts=None))
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert "second" in caught.value.message
