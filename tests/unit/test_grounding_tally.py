"""Counts that are kept are the counts made afresh, for every sentence and every chart."""

import random
from itertools import pairwise
from pathlib import Path

import pytest

from hypercube.core.chart import BirthInput, Chart, Include, Sex
from hypercube.core.reading import ReadingAudience, ReadingLanguage, ReadingLength, ReadingOptions
from hypercube.core.schools import HiddenStemSet, LifeStageSchool
from hypercube.saju import charts
from hypercube.saju.grounding import Checker, cut, patterns
from hypercube.saju.grounding.asking import watched
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.tally import Tally, _count, _sentence
from hypercube.saju.reading import read

_CHARTS = 1_200
_GOLDEN = Path(__file__).parents[1] / "golden" / "grounding"


def _charts(count: int, seed: int) -> list[Chart]:
    draw = random.Random(seed)
    births = []
    for _ in range(count):
        sex = draw.choice((None, Sex.MALE, Sex.FEMALE))
        day = f"{draw.randint(1930, 2019)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
        clock = f"T{draw.randint(0, 23):02}:{draw.randint(0, 59):02}" if draw.random() < 0.85 else ""
        include = [Include.FACTS]
        include += [Include.LUCK] if sex is not None and draw.random() < 0.9 else []
        include += [Include.PERIODS] if draw.random() < 0.9 else []
        births.append(
            BirthInput(
                day + clock,
                sex,
                fold=0,
                include=tuple(include),
                as_of=f"{draw.randint(2020, 2030)}-{draw.randint(1, 12):02}-15",
                hidden_stems=draw.choice(list(HiddenStemSet)),
                life_stages=draw.choice(list(LifeStageSchool)),
            )
        )
    return [result.chart for result in charts(births, backend="reference") if result.chart is not None]


def _afresh(checker: Checker, text: str) -> Tally:
    _, said = cut([checker.sentence(text)])
    return Tally(said.mentions, said.confirmed, said.contradictions)


@pytest.mark.parametrize("language", list(ReadingLanguage))
def test_kept_counts_are_those_made_afresh(language: ReadingLanguage) -> None:
    """Also for the sentences of another chart, of which many contradict this one."""
    found = _charts(_CHARTS, seed=11)
    assert len(found) > 0.95 * _CHARTS
    draw = random.Random(3)
    texts = []
    for chart in found:
        options = ReadingOptions(
            language=language,
            length=draw.choice(list(ReadingLength)),
            audience=draw.choice(list(ReadingAudience)),
        )
        texts.append([each.text for section in read(chart, options) for each in section.sentences])
    wrong = 0
    for (chart, own), (_, others) in pairwise(zip(found, texts, strict=True)):
        checker = Checker(chart)
        for text in own:
            assert checker.tally(text) == _afresh(checker, text), (chart.instant.local, text)
            assert not checker.tally(text).contradictions
        for text in others:
            kept = checker.tally(text)
            assert kept == _afresh(checker, text), (chart.instant.local, text)
            wrong += bool(kept.contradictions)
    assert wrong > _CHARTS


def test_most_sentences_of_a_reading_are_kept() -> None:
    found = _charts(200, seed=12)
    texts = [[each.text for section in read(chart) for each in section.sentences] for chart in found]
    kept = 0
    for turn in range(3):
        for chart, own in zip(found, texts, strict=True):
            checker = Checker(chart)
            for text in own:
                sentence = _sentence(text)
                before = sentence.room
                checker.tally(text)
                kept += turn == 2 and bool(before) and sentence.room == before
    assert kept > 0.85 * sum(map(len, texts))


def test_what_is_kept_of_one_sentence_is_bounded() -> None:
    """A share in per cent hangs on numbers that hardly two charts have alike."""
    text = "수(水)의 비중이 20%입니다."
    for chart in _charts(600, seed=13):
        checker = Checker(chart)
        assert checker.tally(text) == _afresh(checker, text)
    assert _sentence(text).room == 0


def test_a_watched_ground_answers_as_the_ground() -> None:
    for chart in _charts(40, seed=14):
        ground = Ground.of(chart)
        for section in read(chart):
            for each in section.sentences:
                sentence = _sentence(each.text)
                asked, notes = watched(ground)
                try:
                    count = _count(sentence, asked)
                except Exception:  # noqa: BLE001 - what cannot be watched is counted without
                    continue
                assert count == _count(sentence, ground)
                assert all(question.of(ground) == answer for question, answer in notes.items())


def test_a_sentence_without_latin_letters_loses_no_term_to_the_shorter_pattern() -> None:
    rows = [
        line.split("\t")[-1]
        for name in ("hand", "held_out", "unseen")
        for line in (_GOLDEN / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    ]
    assert any(patterns._LATIN.search(each) for each in rows)
    assert sum(not patterns._LATIN.search(each) for each in rows) > 100
    for each in rows:
        whole = [(m.lastgroup, m.group(), *m.span()) for m in patterns._TOKEN.finditer(each)]
        assert patterns.scan(each) == whole
