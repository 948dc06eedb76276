"""One turn of a conversation merged into what was known."""

import datetime as dt
import re
from dataclasses import replace
from typing import Final

from hypercube.core.chart import Calendar, Sex
from hypercube.saju.birth_phrases.draft import EMPTY_DRAFT, BirthDraft
from hypercube.saju.birth_phrases.values import ClockTime, DraftDate, Field, Span

MOST_READ: Final = 4_000
"""Characters of a turn that are looked at; a birth is said in far fewer."""
_DATE: Final = re.compile(r"(\d{4})(?:년|[-./]) ?(\d{1,2})(?:월|[-./]) ?(\d{1,2})일?")
_TIME: Final = re.compile(r"(오전|오후|아침) ?(\d{1,2})시(?: ?(\d{1,2})분)?")


def read_birth(text: str, *, today: dt.date, earlier: BirthDraft = EMPTY_DRAFT) -> BirthDraft:
    """Read one turn of the person who asks; what it says wins over what was known.

    Args:
        text: the turn, in Korean or English; only its first `MOST_READ` characters are looked at.
        today: no birth lies after it; it also decides the century of two-digit years.
        earlier: the draft after the turn before.

    Never raises for a text: what cannot be right becomes a `Doubt`.
    """
    draft, read, spans = earlier, text[:MOST_READ], []
    if date := _DATE.search(read):
        draft = replace(draft, date=DraftDate(*(int(part) for part in date.groups())))
        spans.append(Span(Field.DATE, *date.span(), date[0]))
    if time := _TIME.search(read):
        hour = int(time[2]) % 12 + 12 * (time[1] == "오후")
        draft = replace(draft, time=ClockTime(hour, int(time[3] or 0)), time_unknown=False)
        spans.append(Span(Field.TIME, *time.span(), time[0]))
    if "음력" in read:
        draft = replace(draft, calendar=Calendar.LUNAR)
    if "모름" in read or "몰라" in read:
        draft = replace(draft, time=None, time_unknown=True)
    if sex := re.search("남자|여자", read):
        draft = replace(draft, sex=Sex.MALE if sex[0] == "남자" else Sex.FEMALE)
        spans.append(Span(Field.SEX, *sex.span(), sex[0]))
    return replace(draft, spans=tuple(spans))
