"""A day asked about: its pillar, what its stem and branch are to the day stem, and how it meets the day branch."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from hypercube.core.reading import ReadingLanguage, ReadingSentence
from hypercube.saju.conversation import day_words
from hypercube.saju.conversation.known import Known, said
from hypercube.saju.facts.relation_list import relations
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.reading.naming import NAMES

KO: Final = ReadingLanguage.KO
_WEEKDAYS: Final = {KO: "월화수목금토일", ReadingLanguage.EN: str.split("Mon Tue Wed Thu Fri Sat Sun")}


def day_said(known: Known, language: ReadingLanguage, *, brief: bool) -> list[ReadingSentence]:
    """The sentences of a day; none for a chart without periods.

    Args:
        known: the chart with that day as the one that counts as now.
        language: of the sentences.
        brief: of several days: the pillar and what its stem brings, no more.
    """
    now = known.chart.periods
    if now is None:
        return []
    own, pillar = known.places["day"].pillar.stem.index, now.day.pillar
    above, below = TEN_GODS[ten_god(own, pillar.stem.index)], TEN_GODS[branch_god(own, pillar.branch.index)]
    day = dt.date.fromisoformat(now.as_of.date)
    when = f"{now.as_of.date}({_WEEKDAYS[language][day.weekday()]})"
    if language is KO:
        gods = f"천간은 {above.hangul}, 지지는 {below.hangul}입니다"
        found = [
            said(f"{when}의 일진은 {pillar.hangul}({pillar.hanja})입니다.", "as_of"),
            said(f"나를 뜻하는 글자에서 보면 이날의 {gods}.", "as_of", "stem.day"),
        ]
        tone = f"{above.hangul}의 날에는 {day_words.TONE_KO[above.key]}."
    else:
        name = NAMES[language].pillars[pillar.index]
        found = [
            said(f"The pillar of {when.replace('(', ' (')} is {name}.", "as_of"),
            said(
                f"To you its stem counts as {above.english}, and its branch as {below.english}.",
                "as_of",
                "stem.day",
            ),
        ]
        tone = f"With {above.english} in its stem, the day {day_words.TONE_EN[above.key]}."
    if brief:
        return [found[0], said(tone, "as_of", "stem.day")]
    met = _met(known, pillar.index, language)
    return [*found, said(tone, "as_of", "stem.day"), *met, said(day_words.NO_VERDICT[language])]


def _met(known: Known, pillar: int, language: ReadingLanguage) -> Sequence[ReadingSentence]:
    """How the day meets the pillar of the day of birth: the first bond or conflict of it, or that there is none."""
    own = known.places["day"].pillar.index
    words = day_words.MET_KO if language is KO else day_words.MET_EN
    for each in relations(("day", "this_day"), (own, pillar), "this_day"):
        text = words.get(each.kind.key)
        if text is not None:
            return [said(text, "pillar.day", "as_of")]
    return [said(words["none"], "pillar.day", "as_of")]
