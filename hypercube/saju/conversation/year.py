"""A year asked about: its pillar, the luck pillar that runs in it, and what the corpus says of such a year."""

import re
from typing import Final

from hypercube.core.reading import ReadingLanguage, ReadingSentence, SectionText
from hypercube.saju.conversation.known import Known, plain_age, said
from hypercube.saju.reading.josa import with_particle
from hypercube.saju.reading.naming import NAMES

_PAIR: Final = 3
"""Dots in the id of a relation of two places; English has no words for a trio that point back to a year."""
KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
_NOW_KO: Final = re.compile(r"올해 (?=[가-힣]{2}년)")
_NOW_EN: Final = re.compile(r"(?:this year's pillar|This year's pillar)")
_STEM_KO: Final = re.compile(r"^세운 (?=천간|지지)")
_GOD_KO: Final = re.compile(r"^(\S+)의 해이니, ")
_STEM_EN: Final = re.compile(r"^The year's(?= stem| branch)")
_PLACE_EN: Final = re.compile(r"the (year|month|day|hour) (stem|branch)", re.IGNORECASE)


def year_said(
    known: Known, section: SectionText | None, year: int, language: ReadingLanguage
) -> list[ReadingSentence]:
    """The sentences of a year.

    Args:
        known: the chart with that year in force: `as_of` at its middle.
        section: the reading of the year and month in force then; None for a chart without periods.
        year: the civil year of its 입춘.
        language: of the sentences.
    """
    now, names = known.chart.periods, NAMES[language]
    if now is None:
        return []
    pillar = names.pillars[now.year.pillar.index]
    at = known.luck_in(year)
    luck = None if at is None or known.chart.luck is None else known.chart.luck.pillars[at]
    if language is KO:
        found = [said(f"{year}년은 {pillar}({now.year.pillar.hanja})년입니다.", "period.year")]
        if luck is not None:
            name = f"{luck.pillar.hangul}({luck.pillar.hanja})"
            found.append(said(f"그해에는 {plain_age(luck)}세에 시작한 {name} 대운을 지납니다.", f"luck.{at}"))
    else:
        found = [said(f"The pillar of {year} is {pillar}.", "period.year")]
        if luck is not None:
            name = names.pillars[luck.pillar.index]
            found.append(
                said(
                    f"In that year the {name} luck pillar runs, which began at age {plain_age(luck)}.",
                    f"luck.{at}",
                )
            )
    for each in () if section is None else section.sentences:
        if not _of_year(each) or (language is EN and any(fact.count(".") > _PAIR for fact in each.facts)):
            continue
        found.append(
            ReadingSentence(
                _renamed(each.text, now.year.pillar.hangul, year, language), each.facts, each.schools
            )
        )
    return found


def _of_year(sentence: ReadingSentence) -> bool:
    return all(
        fact == "period.year" or (fact.startswith("relation.") and "this_year" in fact)
        for fact in sentence.facts
    )


def _renamed(text: str, pillar: str, year: int, language: ReadingLanguage) -> str:
    """What is said of the year in force, said of the year by its number.

    The pillar stands beside the number, or the sentence points back to the one before it, so that nobody, the checker
    least of all, takes it for something about the present year.
    """
    if language is KO:
        text = _NOW_KO.sub(f"{year}년 ", text)
        text = _STEM_KO.sub(f"{year}년 {pillar}년 ", text)
        return _GOD_KO.sub(
            lambda god: f"{year}년 {pillar}년 천간에 {with_particle(god[1], '이')} 와서, ", text
        )
    text = _PLACE_EN.sub(r"the \2 of your birth \1", text)
    text = _STEM_EN.sub("Its", text)
    text = _NOW_EN.sub(f"the pillar of {year}", text)
    return text[:1].upper() + text[1:]
