"""Which calendar a turn says a date is of."""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import Calendar
from hypercube.saju.birth_phrases.corrections import denied


@dataclass(frozen=True, slots=True)
class CalendarSaid:
    """At `text[start:end]` of the canonical turn; `calendar` None where only the leap month is told."""

    start: int
    end: int
    calendar: Calendar | None
    leap_month: bool | None = None
    unsure: bool = False
    """"양력인지 음력인지 모르겠어요"."""


_UNSURE: Final = re.compile(
    r"(?:양력|음력)인지\s?,?(?:양력|음력)인지[가-힣\s]{0,8}(?:모르|몰라|헷갈|확실|모름)|(?:양력|"
    r"음력)\s?(?:/|인지|여부)[가-힣\s]{0,8}(?:모르|몰라|헷갈|모름)|"
    r"(?:not sure|don'?t know|unsure)[\w' ]{0,20}(?:lunar or solar|solar or lunar)"
)
_LUNAR: Final = re.compile(r"음력|(?<![가-힣])음(?=\s?\d|[).,]|\s?윤|\s?/)|(?<=\()음(?=\))|\blunar\b")
_SOLAR: Final = re.compile(r"양력|(?<![가-힣])양(?=\s?\d|[).,]|\s?/)|(?<=\()양(?=\))|\bsolar\b|\bgregorian\b")
_LEAP: Final = re.compile(r"윤달|(?<![가-힣])윤(?=\s?\d{1,2}\s?월)|(?<=음력)\s?윤(?=\s?\d)|\bleap month\b")
_PLAIN: Final = re.compile(r"평달")


def calendars_in(text: str) -> list[CalendarSaid]:
    """All of them in order; what is said not to be so is turned into its opposite where nothing else is said."""
    found: list[CalendarSaid] = []
    if match := _UNSURE.search(text):
        return [CalendarSaid(*match.span(), None, unsure=True)]
    negated: list[CalendarSaid] = []
    opposite = {Calendar.LUNAR: Calendar.SOLAR, Calendar.SOLAR: Calendar.LUNAR}
    for pattern, calendar in ((_LUNAR, Calendar.LUNAR), (_SOLAR, Calendar.SOLAR)):
        for match in pattern.finditer(text):
            if denied(text, *match.span()):
                negated.append(CalendarSaid(*match.span(), opposite[calendar]))
            else:
                found.append(CalendarSaid(*match.span(), calendar))
    found = found or negated
    for match in _LEAP.finditer(text):
        leap = not denied(text, *match.span())
        found.append(CalendarSaid(*match.span(), Calendar.LUNAR if leap else None, leap_month=leap))
    found.extend(
        CalendarSaid(*match.span(), Calendar.LUNAR, leap_month=False) for match in _PLAIN.finditer(text)
    )
    return sorted(found, key=lambda said: said.start)
