"""Next month, asked about: its pillar, and what the corpus says of such a month.

Only the sentence about the month itself is taken, and it is put so that nobody, the checker least of all, takes what it
says of that month's stem for something in the chart.
"""

import re
from typing import Final

from hypercube.core.reading import ReadingLanguage, ReadingSentence, SectionText

_KO: Final = re.compile(r"^이번 달은 ([가-힣]{2}월)로, 천간에 ")
_EN: Final = re.compile(r"^This month's pillar is (.+?), and its stem is [^:]+:")


def month_said(section: SectionText | None, language: ReadingLanguage) -> list[ReadingSentence]:
    """The sentence of next month.

    Args:
        section: the reading of the year and month in force in its middle; None for a chart without periods.
        language: of the sentence.
    """
    found = []
    for each in () if section is None else section.sentences:
        if each.facts != ("period.month",):
            continue
        if language is ReadingLanguage.KO:
            text = _KO.sub(r"다음 달은 \1이고, \1 천간에 ", each.text)
        else:
            text = _EN.sub(r"Next month is under \1:", each.text)
        found.append(ReadingSentence(text, each.facts, each.schools))
    return found
