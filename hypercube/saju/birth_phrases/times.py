"""Times of day in a canonical turn, and what each can mean.

A reading is `HH:MM` or `HH:MM:SS` of the day of birth; `24:00` to `28:59` are hours of the night that follows it, which
people count to the day before ("3일 밤 1시").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hypercube.saju.birth_phrases.branch_hours import HOUR_RANGES
from hypercube.saju.birth_phrases.day_parts import PART, clock_readings, part_of
from hypercube.saju.birth_phrases.unknown_times import UNKNOWN
from hypercube.saju.birth_phrases.values import HourRange


@dataclass(frozen=True, slots=True)
class TimeSaid:
    """A time at `text[start:end]` of the canonical turn; exactly one of the rest is set."""

    start: int
    end: int
    readings: tuple[str, ...] = ()
    """One where it is clear."""
    hours: HourRange | None = None
    unknown: bool = False
    impossible: str | None = None
    """As it was said, where no clock shows it."""
    between: bool = False
    """Said as a span of hours: `readings` are its ends."""
    part: str | None = None
    """A part of the day alone (오전, evening): it can only settle an earlier doubt."""
    minute: int | None = None
    """Minutes alone: they can only correct a time that is known."""
    whole_hour: bool = False
    """Said without minutes."""
    explicit: bool = False
    """Said with 시, am or a part of the day, not as 7:20, which may be anything."""


_P: Final = rf"(?:({PART})(?:\s?일찍|\s?늦게|에|의|은|\sat|,)?\s?)?(?:약|한|대략|at|around|about)?\s?"
_SECOND: Final = r"(?:\s?(\d{1,2})\s?초)?"
_HOUR_WORD: Final = r"시(?![간절작장험험월도기내대켜리집어누댁스민청즌티험킨키장세])"
_KOREAN: Final = re.compile(
    rf"{_P}(?<![\d.:-])(\d{{1,2}})\s?{_HOUR_WORD}\s?(?:(반)(?![가-힣]{{0,4}}[지복])|"
    rf"(\d{{1,2}})\s?분{_SECOND}(\s?전)?|(\d{{1,2}})(?![\d월일년시:살세개명.]))?"
    rf"(?:\s?\(?({PART})\)?(?:에)?(?![가-힣]))?"
)
_COLON: Final = re.compile(
    rf"{_P}(?<![\d.:/-])(\d{{1,2}})\s?:\s?(\d{{2}})(?::(\d{{2}}))?(?![\d:])(?:\s?\(?({PART})\)?(?![a-z]))?(?:분|시)?"
)
_AM_PM: Final = re.compile(
    r"(?<![\d:/-])(\d{1,2})(?:[:.h](\d{2}))?(?::(\d{2}))?\s?(?:o'?clock\s?)?(?:,\s?)?"
    r"(a\.?m\b\.?|p\.?m\b\.?|in the (?:early |late )?(?:morning|afternoon|evening)|at (?:night|"
    r"dawn)|(?:this |that )?(?:morning|afternoon|evening)\b)"
)
_FULL_HOUR: Final = re.compile(
    r"(?<![\d:/-])(\d{1,2})\s?o'?clock|(?:\bat|\baround|\babout)\s(\d{1,2})(?!\d|[:./]\d|\s?(?:st|"
    r"nd|rd|th|%|years|months|[a-z]{0,6}day))"
)
_HOURS_24: Final = re.compile(
    r"(?<![\d:])([01]\d|2[0-3])([0-5]\d)\s?(?:hours|hrs|시)\b|(?<!\d)([01]?\d|2[0-3])h([0-5]\d)\b"
    r"|(?<![\d.])(1[3-9]|2[0-3])\.([0-5]\d)(?![\d.])"
)
_MACHINE: Final = re.compile(
    r"(?<!\d)(?:1[89]|20)\d\d(?:-\d\d-\d\d[t ](\d\d):(\d\d)(?::(\d\d))?|"
    r"(?:0\d|1[0-2])[0-3]\d[t ]?([01]\d|2[0-3]):?([0-5]\d))(?!\d)"
)
_LONE_MINUTE: Final = re.compile(r"(?<![\d시])(?<!시 )(\d{1,2})\s?분(?![가-힣]?(?:간|뒤|후|전))")
_NOON: Final = re.compile(r"정오|한낮|\b(?:high )?noon\b|\bmidday\b")
_MIDNIGHT: Final = re.compile(r"(?<!심)자정|\bmidnight\b")
_BETWEEN: Final = re.compile(
    rf"{_P}(?<![\d.:-])(\d{{1,2}})\s?(?:시|:00)?\s?(?:~|-|에서|부터|이랑|이나|나|아니면|또는|or|to|"
    rf"and)\s?(?:({PART})\s?)?(\d{{1,2}})\s?(?:시|:00)(?!간)\s?(?:사이)?"
    r"|between (\d{1,2})(?::00)?\s?([ap]m)? and (\d{1,2})(?::00)?\s?([ap]m)?"
)
_BRANCH: Final = re.compile(
    r"(?:(?<![가-힣])|(?<=[일생]))(야자|조자|[자축인묘진사오미신유술해])\s?시"
    r"(?=생|에(?!서)|이[에고구라야었]|였|래|라고|입니|예요|에요|요|쯤|경|정도|무렵|초|말|즈음|로|"
    r"인데|인 |\(|[\s,.)!?/]|$)"
)
_ENGLISH_BRANCH: Final = re.compile(
    r"hour of the (rat|ox|tiger|rabbit|dragon|snake|horse|goat|sheep|monkey|rooster|dog|pig)"
    r"|(rat|ox|tiger|rabbit|dragon|snake|horse|goat|sheep|monkey|rooster|dog|pig) hour"
)
_ENGLISH_BRANCHES: Final = dict(
    zip(
        str.split("rat ox tiger rabbit dragon snake horse goat monkey rooster dog pig"),
        "자축인묘진사오미신유술해",
        strict=True,
    )
) | {"sheep": "미"}
_PART_ALONE: Final = re.compile(rf"(?<![가-힣a-z])({PART})(?![a-z])")


def times_in(text: str) -> list[TimeSaid]:
    """All times in order, none overlapping another; the fuller shape wins."""
    found: list[TimeSaid] = []
    taken = bytearray(len(text) + 1)
    for said in _candidates(text):
        if not any(taken[said.start : said.end]):
            taken[said.start : said.end] = b"\x01" * (said.end - said.start)
            found.append(said)
    return sorted(found, key=lambda said: said.start)


def _candidates(text: str) -> Iterator[TimeSaid]:
    for match in UNKNOWN.finditer(text):
        yield TimeSaid(*match.span(), unknown=True, explicit=True)
    for match in _BETWEEN.finditer(text):
        said = _between(match)
        if said is not None:
            yield said
    for match in _BRANCH.finditer(text):
        yield TimeSaid(*match.span(), hours=HOUR_RANGES[f"{match[1]}시"], explicit=True)
    for match in _ENGLISH_BRANCH.finditer(text):
        name = _ENGLISH_BRANCHES[match[1] or match[2]]
        yield TimeSaid(*match.span(), hours=HOUR_RANGES[f"{name}시"], explicit=True)
    for match in _MACHINE.finditer(text):
        # Behind a date as machines write it the clock counts to 24.
        first = 1 if match[1] else 4
        hour, minute, second = match[first], int(match[first + 1]), match[3] if first == 1 else None
        yield _timed(match.start(first), match.end(), match[0], (int(hour), minute, int(second or 0)), second)
    for match in _KOREAN.finditer(text):
        minute = 30 if match[3] else int(match[4] or match[7] or 0)
        yield _clock(match, match[1] or match[8], match[2], minute, match[5], before=bool(match[6]))
    for match in _AM_PM.finditer(text):
        yield _clock(match, match[4], match[1], int(match[2] or 0), match[3])
    for match in _COLON.finditer(text):
        yield _clock(match, match[1] or match[5], match[2], int(match[3]), match[4], colon=True)
    for match in _HOURS_24.finditer(text):
        hour, minute = int(match[1] or match[3] or match[5]), int(match[2] or match[4] or match[6])
        yield TimeSaid(*match.span(), readings=(f"{hour:02}:{minute:02}",), explicit=True)
    for match in _FULL_HOUR.finditer(text):
        yield _clock(match, None, match[1] or match[2], 0, None)
    for match in _NOON.finditer(text):
        yield TimeSaid(*match.span(), readings=("12:00",), explicit=True)
    for match in _MIDNIGHT.finditer(text):
        yield TimeSaid(*match.span(), readings=("00:00", "24:00"), explicit=True)
    for match in _LONE_MINUTE.finditer(text):
        yield TimeSaid(*match.span(), minute=int(match[1]))
    for match in _PART_ALONE.finditer(text):
        yield TimeSaid(*match.span(), part=part_of(match[1]))


def _clock(
    match: re.Match[str],
    part: str | None,
    hour: str,
    minute: int,
    second: str | None,
    *,
    before: bool = False,
    colon: bool = False,
) -> TimeSaid:
    start = match.start() + len(match[0]) - len(match[0].lstrip())
    said = match[0].strip()
    end = start + len(said)
    explicit = not colon or part is not None
    number, seconds = int(hour), int(second or 0)
    if before:  # 7시 5분 전
        number, minute = (number - 1, 60 - minute) if 0 < minute < 60 else (number, minute)
    if number > 24 or minute > 59 or seconds > 59 or (number == 24 and (minute or seconds)):
        return TimeSaid(start, end, impossible=said, explicit=explicit)
    hours = clock_readings(part_of(part) if part else None, number, padded=hour.startswith("0"))
    if not hours:
        return TimeSaid(start, end, impossible=said, explicit=explicit)
    tail = f":{minute:02}" + (f":{seconds:02}" if second else "")
    readings = tuple(f"{each:02}{tail}" for each in hours)
    return TimeSaid(start, end, readings=readings, explicit=explicit, whole_hour=minute == 0)


def _timed(start: int, end: int, said: str, clock: tuple[int, int, int], second: str | None) -> TimeSaid:
    """A time of the 24-hour clock."""
    hour, minute, seconds = clock
    if hour > 23 or minute > 59 or seconds > 59:
        return TimeSaid(start, end, impossible=said, explicit=True)
    tail = f":{seconds:02}" if second else ""
    return TimeSaid(start, end, readings=(f"{hour:02}:{minute:02}{tail}",), explicit=True)


def _between(match: re.Match[str]) -> TimeSaid | None:
    if match[5]:
        first, last, part = int(match[5]), int(match[7]), match[8] or match[6]
        last_part = match[8]
    else:
        first, last, part, last_part = int(match[2]), int(match[4]), match[1], match[3]
    ends = [
        clock_readings(part_of(each) if each else None, hour, padded=False)
        for each, hour in ((part, first), (last_part or part, last))
        if hour <= 24
    ]
    if len(ends) < 2 or not all(ends) or first == last:
        return None
    readings = tuple(dict.fromkeys(f"{hour:02}:00" for end in ends for hour in end))
    return TimeSaid(*match.span(), readings=readings, between=True, explicit=True)
