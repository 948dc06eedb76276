"""The written reading: cited, deterministic, distinct, and never at odds with its chart."""

import re
from dataclasses import replace

import pytest

from hypercube.core.chart import Chart
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.reading import (
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingSection,
    ReadingSentence,
    ReadingTone,
    SectionText,
)
from hypercube.saju import chart
from hypercube.saju.grounding import Checker
from hypercube.saju.reading import cited, read
from hypercube.saju.reading.book import CORPORA
from hypercube.saju.reading.corpus import en, ko
from hypercube.saju.reading.time_of_life import TimeOfLife
from tests.unit.reading_charts import AS_OF, random_charts

ALL = ("facts", "luck", "periods")
KO, EN = ReadingLanguage.KO, ReadingLanguage.EN


def known(**options: object) -> Chart:
    given = {"sex": "female", "place": "Seoul", "include": ALL, "as_of": AS_OF, **options}
    return chart("1990-05-03T07:20", **given)  # type: ignore[arg-type]


def text(sections: tuple[SectionText, ...]) -> str:
    return "\n".join(sentence.text for section in sections for sentence in section.sentences)


def promises(charts: list[Chart], options: ReadingOptions) -> None:
    """0 contradictions, every sentence cited by facts that exist, no two charts alike."""
    seen: dict[str, tuple[object, object]] = {}
    for each in charts:
        sections = read(each, options)
        checker = Checker(each)
        for section in sections:
            for sentence in section.sentences:
                assert sentence.facts, sentence.text
                assert "{" not in sentence.text
                check = checker.sentence(sentence.text)
                assert check.grounded, (sentence.text, check.mentions)
        cited(each, sections, options.language)  # a KeyError for a fact that the chart lacks
        whole = text(sections)
        who = (each.pillars.indices(), each.options.sex)
        assert seen.setdefault(whole, who) == who


@pytest.mark.parametrize("language", [KO, EN])
@pytest.mark.parametrize("length", list(ReadingLength))
def test_a_sample_keeps_every_promise(language: ReadingLanguage, length: ReadingLength) -> None:
    options = ReadingOptions(language=language, length=length, audience=ReadingAudience.BEGINNER)
    promises(random_charts(150, seed=len(length)), options)


@pytest.mark.slow
@pytest.mark.parametrize("language", [KO, EN])
def test_ten_thousand_charts_keep_every_promise(language: ReadingLanguage) -> None:
    promises(random_charts(10_000, seed=9), ReadingOptions(language=language, length=ReadingLength.LONG))


def test_the_same_chart_gives_the_same_text() -> None:
    assert read(known()) == read(known())


def test_a_section_reads_the_same_alone() -> None:
    whole = {section.section: section for section in read(known())}
    for section in ReadingSection:
        (alone,) = read(known(), ReadingOptions(sections=(section,)))
        assert alone == whole[section]


def test_pillars_or_sex_change_the_text() -> None:
    assert text(read(known())) != text(read(known(sex="male")))
    short = ReadingOptions(length=ReadingLength.SHORT)
    assert text(read(known(), short)) != text(read(known(sex="male"), short))


@pytest.mark.parametrize("time", list(TimeOfLife))
def test_the_corpora_have_the_same_tables_and_keys(time: TimeOfLife) -> None:
    korean, english = CORPORA[KO, time], CORPORA[EN, time]
    assert korean.keys() == english.keys()
    for name, table in korean.items():
        assert table.keys() == english[name].keys(), name
        for key, variants in table.items():
            assert bool(variants) is bool(english[name][key]), (name, key)


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=["-".join(each) for each in CORPORA])
def test_no_sentence_is_fatalistic_diagnoses_or_promises(
    corpus: dict[str, dict[object, tuple[str, ...]]],
) -> None:
    forbidden = re.compile(
        r"반드시|틀림없이|운명입니다|죽|암에|질환|진단합니다|치료|부자가 됩니다|보장|이혼|불행|망합니다|대박"
        r"|\b(?:doomed|fated|cancer|diagnos\w+|guarantee\w*|will die|will be rich|divorce)\b"
    )
    for name, table in corpus.items():
        for key, variants in table.items():
            assert len(set(variants)) == len(variants), (name, key)
            for sentence in variants:
                assert not forbidden.search(sentence), (name, key, sentence)
                assert sentence.rstrip().endswith((".", "요.", "다.")), (name, key, sentence)


@pytest.mark.parametrize("stem", range(10))
def test_every_day_master_in_every_season_and_strength_has_its_words(stem: int) -> None:
    for corpus in (ko.CORPUS, en.CORPUS):
        for season in ("spring", "summer", "autumn", "winter"):
            assert corpus["SEASON"][f"{stem}.{season}"]
        for side in ("strong", "weak", "balanced"):
            assert corpus["STRENGTH_SELF"][f"{stem}.{side}"]


def test_what_depends_on_a_school_names_it() -> None:
    found = read(known())
    by_fact: dict[str, ReadingSentence] = {}
    for section in found:
        for sentence in section.sentences:
            by_fact.setdefault(sentence.facts[0], sentence)
    assert by_fact["structure"].schools == ("structure/japyeong-exposure@1",)
    assert "자평진전" in by_fact["structure"].text
    assert "양순음역" in by_fact["stage.day"].text
    assert by_fact["stage.day"].schools == ("life_stages/yin_backward@1",)
    other = read(known(life_stages="yin_forward"))
    assert "동생동사" in text(other)


@pytest.mark.parametrize(
    "school",
    [
        {"life_stages": "yin_forward"},
        {"hidden_stems": "chinese"},
        {"blade": "all_stems"},
        {"goegang": "six_pillars"},
        {"luck_age": "exact"},
        {"luck_age": "floored"},
        {"luck_age": "ymd"},
        {"day_boundary": "zi23"},
    ],
    ids=lambda school: "-".join(school.values()),
)
def test_every_school_keeps_every_promise(school: dict[str, str]) -> None:
    births = [each.instant.local[:16] for each in random_charts(12, seed=31)]
    charts = [chart(each, sex="female", fold=0, include=ALL, as_of=AS_OF, **school) for each in births]  # type: ignore[arg-type]
    for language in (KO, EN):
        promises(charts, ReadingOptions(language=language, length=ReadingLength.LONG))


def test_a_plain_reading_leaves_the_encouragement_out() -> None:
    warm, plain = (read(known(), ReadingOptions(tone=tone)) for tone in (ReadingTone.WARM, ReadingTone.PLAIN))
    warm_text = text(warm)
    assert len(text(plain)) < len(warm_text)
    assert any(sentence in warm_text for sentence in ko.CORPUS["CLOSING"]["all"])
    assert not any(sentence in text(plain) for sentence in ko.CORPUS["CLOSING"]["all"])


def test_a_beginner_is_told_the_terms() -> None:
    told = text(read(known(), ReadingOptions(audience=ReadingAudience.BEGINNER)))
    assert ko.CORPUS["GLOSS"]["day_master"][0] in told
    assert ko.CORPUS["GLOSS"]["day_master"][0] not in text(read(known()))


def test_without_an_hour_nothing_is_said_of_it() -> None:
    found = chart("1990-05-03", sex="female", include=ALL, as_of=AS_OF)
    told = text(read(found, ReadingOptions(length=ReadingLength.LONG)))
    assert "시지" not in told
    assert "시주 천간" not in told
    assert "사이로만 말할 수 있고" in told  # the start of luck is a range


def test_a_term_on_the_birth_day_that_turns_luck_round_is_read_at_noon() -> None:
    # 입춘 at 11:13: the morning is of a yin year, noon of a yang one, and luck of each runs the other way.
    found = chart("1990-02-04", sex="female", include=ALL, as_of=AS_OF)
    assert {each.earliest.forward for each in found.luck_ranges} == {True, False}
    for language in (KO, EN):
        promises([found], ReadingOptions(language=language, length=ReadingLength.LONG))


def test_without_sex_luck_is_not_guessed() -> None:
    found = chart("1990-05-03T07:20", include=("facts", "periods"), as_of=AS_OF)
    (section,) = read(found, ReadingOptions(sections=(ReadingSection.LUCK,)))
    assert [sentence.text for sentence in section.sentences] == list(ko.CORPUS["LUCK_UNKNOWN"]["sex"])


def test_another_day_changes_only_what_depends_on_it() -> None:
    now, later = read(known()), read(known(as_of="2031-03-01"))
    same = [a.section for a, b in zip(now, later, strict=True) if a == b]
    assert ReadingSection.TEMPER in same
    assert ReadingSection.NOW not in same


def test_a_chart_without_facts_is_refused() -> None:
    with pytest.raises(HyperCubeError) as caught:
        read(replace(known(), facts=None))
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
