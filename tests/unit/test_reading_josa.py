"""Particles follow the last syllable that is spoken."""

import pytest

from hypercube.saju.reading.josa import with_particle


@pytest.mark.parametrize(
    ("word", "particle", "expected"),
    [
        ("무토", "은", "무토는"),
        ("갑목", "은", "갑목은"),
        ("신금(辛金)", "이", "신금(辛金)이"),
        ("수(水)", "이", "수(水)가"),
        ("금(金)", "을", "금(金)을"),
        ("병오", "이라", "병오라"),
        ("기축", "이라", "기축이라"),
        ("역술", "으로", "역술로"),  # ㄹ takes 로
        ("오행", "으로", "오행으로"),
        ("연지", "과", "연지와"),
        ("일간", "과", "일간과"),
        ("29", "은", "29는"),
        ("36", "은", "36은"),
        ("올해 병오년", "은", "올해 병오년은"),
    ],
)
def test_the_particle_fits(word: str, particle: str, expected: str) -> None:
    assert with_particle(word, particle) == expected


def test_an_unknown_particle_is_an_error_of_the_corpus() -> None:
    with pytest.raises(KeyError):
        with_particle("무토", "까지")
