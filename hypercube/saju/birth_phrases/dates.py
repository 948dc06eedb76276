"""Dates in a canonical turn: every shape in which a day, a month or a year is said, and what each can mean."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from hypercube.core.chart import Sex
from hypercube.saju.birth_phrases.english_numbers import MONTH, MONTHS
from hypercube.saju.birth_phrases.values import DraftDate
from hypercube.saju.birth_phrases.year_names import YEAR_NAME, years_named

OLDEST: Final = 105
"""Years: a two-digit year that would make someone older than this is not read so."""


@dataclass(frozen=True, slots=True)
class DateSaid:
    """A date, or a part of one, at `text[start:end]` of the canonical turn."""

    start: int
    end: int
    readings: tuple[DraftDate, ...]
    """One where it is clear."""
    leap: bool = False
    born: bool = False
    """The shape itself says that it is a birth."""
    bare: bool = False
    """Digits without a mark: a number like any other, unless something else speaks for a birth."""
    iso: bool = False
    """Written as machines do; a clock behind it counts to 24."""
    sex: Sex | None = None
    """Told by the seventh digit of a resident number."""


_Y4: Final = r"(?:1[6-9]\d\d|2[01]\d\d)"
_YEAR: Final = rf"(?<![\d.])'?({_Y4}|\d\d)\s?년(?:도)?\s?(?:생|출생|에|에 태어나)?"
_CALENDAR: Final = r"(?:\(?(?:음력|양력|음|양)\)?)?"
_LEAP: Final = r"(윤달|윤)?"
_FULL: Final = re.compile(
    rf"{_YEAR}(?:이고|이구|이며|인데|이에요|예요|입니다|의)?[\s,.]{{0,3}}(?:생일은|"
    rf"생일)?\s?{_CALENDAR}[\s,]{{0,2}}{_LEAP}\s?(\d{{1,2}})\s?월\s?(윤달)?[\s,]{{0,2}}"
    r"(\d{1,2})(?:\s?일|(?!\d|\s?[시분:월년살세개명]))"
)
_FULL_SLASH: Final = re.compile(rf"{_YEAR}\s?{_CALENDAR}\s?(\d{{1,2}})\s?[./-]\s?(\d{{1,2}})(?:일)?(?!\d)")
_SEPARATED: Final = re.compile(
    rf"(?<![\d.:/-])'?({_Y4}|\d\d)(\s?[.,/-]\s?)(\d{{1,2}})\s?[.,/-]\s?(\d{{1,2}})(?:일)?(?![\d:]|[./-]\d)"
)
_SPACED: Final = re.compile(
    rf"(?<![\d.:/-])({_Y4}|\d\d)년?\s(\d{{1,2}})월?\s(\d{{1,2}})(?:일)?(?!\d|\s?[시분:월년])"
)
_YEAR_LAST: Final = re.compile(
    rf"(?<![\d.:/-])(\d{{1,2}})\s?([./-])\s?(\d{{1,2}})\s?[./-]\s?'?({_Y4}|\d\d)(?![\d:]|[./-]\d)"
)
_RESIDENT: Final = re.compile(r"(?<![\d-])(\d\d)(\d\d)(\d\d)\s?-\s?(\d)(?:[\d*x●○]{6})?(?![\d-])")
_COMPACT: Final = re.compile(
    rf"(?<![\d.:/-])({_Y4})(\d\d)(\d\d)(?=[t ]?(?:\d\d:?\d\d)?(?!\d))(?!\d\d?(?!\d))"
)
_SHORT: Final = re.compile(r"(?<![\d.:/,-])(\d\d)(\d\d)(\d\d)(?![\d:/,-]|\.\d)")
_MONTH_DAY: Final = re.compile(
    rf"(?<![\d.])(?:({_Y4})\s)?{_LEAP}\s?(\d{{1,2}})\s?월\s?(윤달)?\s?(\d{{1,2}})\s?일"
)
_MONTH_DAY_SLASH: Final = re.compile(r"(?<![\d.:/-])(\d{1,2})\s?([./])\s?(\d{1,2})(?:일)?(?![\d:]|[./-]\d)")
_BORN_YEAR: Final = re.compile(rf"(?<![\d.])'?({_Y4}|\d\d)\s?(?:년도?\s?)?(?:생(?![각일신활]|년월)|출생)")
_ANIMAL_YEAR: Final = re.compile(r"(?<![\d.])(\d\d)\s?년?\s?(?=[가-힣]{1,3}띠)")
_SEASON: Final = (
    r"\s?(?:봄|여름|가을|겨울|초반|초|중반|중순|말|상반기|하반기)(?:에)?\s?(?:쯤|경|즈음|무렵|정도|인가|"
    r"인 ?것 ?같)?(?:에)?"
)
_SEASON_YEAR: Final = re.compile(
    rf"^[\s.,]{{0,3}}(?:저는|제가|전|아마|음)?[\s.,]{{0,3}}'?({_Y4}|"
    rf"\d\d)\s?년(?:도)?{_SEASON}\s?(?:이요|요|여|이에요|예요|에요|생|입니다|인데요)?"
    rf"[\s.,!~]{{0,3}}$|(?<![\d.])'?({_Y4}|\d\d)\s?년(?:도)?{_SEASON}\s?(?=태어|출생|생(?![각일신활]))"
)
"""The year alone is told, as vaguely as it was remembered; the month and the day are asked for."""
_ENGLISH_SEASON_YEAR: Final = re.compile(
    rf"\bborn (?:sometime )?(?:in |around )?(?:the )?(?:early |mid |late )?(?:spring|summer|autumn|"
    rf"fall|winter|beginning|end|middle)"
    rf"(?: of)? ({_Y4})(?!\d)"
)
_LONE_YEAR: Final = re.compile(rf"(?<![\d.])({_Y4}|\d\d)\s?년(?:도)?(?![가-힣]{{0,1}}[대간째차])")
_LONE_MONTH: Final = re.compile(rf"(?<!\d){_LEAP}\s?(\d{{1,2}})\s?월(?!\s?\d)")
_LONE_DAY: Final = re.compile(r"(?<![\d월])(?<!월 )(\d{1,2})\s?일(?![가-힣]?(?:간|째|차|뒤|후|전))")
_NAMED_YEAR: Final = re.compile(
    rf"{YEAR_NAME}\s?년?(?=\s?(?:생(?!각)|출생|에 태어|(?:음력|양력)?\s?{_LEAP}\s?\d{{1,2}}\s?월))"
)

_ORDINAL: Final = r"(?:st|nd|rd|th)?"
_TAIL_YEAR: Final = rf"(?:,|\sof|\sin)?\s?('?\d\d(?![\d:]|\s?[ap]\.?m)|{_Y4}(?!\d))"
_MONTH_FIRST: Final = re.compile(
    rf"\b({MONTH})\b\.?\s?-?(?:the )?(\d{{1,2}}){_ORDINAL}(?!\d|:)(?:[,\s-]{{1,2}}{_TAIL_YEAR})?"
)
_DAY_FIRST: Final = re.compile(
    rf"(?<![\d:'])(\d{{1,2}}){_ORDINAL}\s?[-/.]?(?:day )?(?:of )?({MONTH})\b\.?(?:[,\s/-]{{0,2}}{_TAIL_YEAR})?"
)
_YEAR_MONTH_DAY: Final = re.compile(
    rf"(?<![\d-])({_Y4}|'\d\d)[,\s-]{{1,2}}({MONTH})\b\.?[\s-](\d{{1,2}}){_ORDINAL}(?!\d|:)"
)
_MONTH_YEAR: Final = re.compile(rf"\b({MONTH})\b\.?,?\s(?:of )?({_Y4})(?!\d)")
_ENGLISH_YEAR: Final = re.compile(
    rf"(?:\bborn (?:in|on|at)?\s?(?:the year )?|\byear(?: of birth| is| was|:)?\s|\bin |\bmeant |"
    rf"\bmean |\bactually |\bchange (?:it )?to |^(?=\S{4}\s?[.!]?$))('?\d\d(?!\d|\s?[:/.\-ap])|"
    rf"{_Y4})(?![\d/.:-])"
)
_LONE_ENGLISH_MONTH: Final = re.compile(rf"\b({MONTH})\b(?!\.?\s?\d)")


def dates_in(text: str, today: dt.date) -> list[DateSaid]:
    """All dates and parts of dates, in order, none overlapping another; the fuller shape wins."""
    found: list[DateSaid] = []
    taken = bytearray(len(text) + 1)
    for said in _candidates(text, today):
        if said.readings and not any(taken[said.start : said.end]):
            taken[said.start : said.end] = b"\x01" * (said.end - said.start)
            found.append(said)
    return sorted(found, key=lambda said: said.start)


def years(written: str, today: dt.date) -> tuple[int, ...]:
    """The years that two or four digits can stand for, nearest first."""
    digits = written.lstrip("'")
    if len(digits) == 4:
        return (int(digits),)
    both = (2000 + int(digits), 1900 + int(digits))
    likely = tuple(year for year in both if today.year - OLDEST <= year <= today.year)
    return likely or (1900 + int(digits),)


def _candidates(text: str, today: dt.date) -> Iterator[DateSaid]:
    for match in _RESIDENT.finditer(text):
        if _plausible(match[2], match[3]):
            century = {"9": 1800, "0": 1800, "3": 2000, "4": 2000, "7": 2000, "8": 2000}.get(match[4], 1900)
            date = DraftDate(century + int(match[1]), int(match[2]), int(match[3]))
            sex = Sex.MALE if int(match[4]) % 2 else Sex.FEMALE
            yield DateSaid(*match.span(), (date,), born=True, sex=sex)
    for match in _COMPACT.finditer(text):
        yield DateSaid(*match.span(), _dates(years(match[1], today), match[2], match[3]), bare=True, iso=True)
    for match in _FULL.finditer(text):
        leap = bool(match[2] or match[4])
        yield DateSaid(*match.span(), _dates(years(match[1], today), match[3], match[5]), leap=leap)
    for match in _FULL_SLASH.finditer(text):
        yield DateSaid(*match.span(), _dates(years(match[1], today), match[2], match[3]))
    for match in _NAMED_YEAR.finditer(text):
        named = years_named(match[1], today)
        yield DateSaid(*match.span(), tuple(DraftDate(year) for year in named), born=True)
    for match in _SPACED.finditer(text):
        if _plausible(match[2], match[3]):
            yield DateSaid(*match.span(), _dates(years(match[1], today), match[2], match[3]), bare=True)
    yield from _english(text, today)
    for match in _SEPARATED.finditer(text):
        first, month, day = match[1], match[3], match[4]
        if len(first) == 2 and not _year_leads(text, first, month, day, match[2]):
            continue
        iso = len(first) == 4 and match[2] == "-" and len(month) == len(day) == 2
        yield DateSaid(*match.span(), _dates(years(first, today), month, day), iso=iso)
    for match in _YEAR_LAST.finditer(text):
        yield DateSaid(*match.span(), _either_order(text, match[1], match[3], match[4], today))
    for match in _SHORT.finditer(text):
        if _plausible(match[2], match[3]):
            yield DateSaid(
                *match.span(), _dates(years(match[1], today), match[2], match[3]), bare=True, iso=True
            )
    for match in _MONTH_DAY.finditer(text):
        year = int(match[1]) if match[1] else None
        date = DraftDate(year, int(match[3]), int(match[5]))
        yield DateSaid(*match.span(), (date,), leap=bool(match[2] or match[4]))
    for match in (*_BORN_YEAR.finditer(text), *_ANIMAL_YEAR.finditer(text)):
        yield DateSaid(*match.span(), tuple(DraftDate(year) for year in years(match[1], today)), born=True)
    for match in _SEASON_YEAR.finditer(text):
        said = tuple(DraftDate(year) for year in years(match[1] or match[2], today))
        yield DateSaid(*match.span(1 if match[1] else 2), said, born=True)
    for match in _LONE_YEAR.finditer(text):
        yield DateSaid(*match.span(), tuple(DraftDate(year) for year in years(match[1], today)))
    for match in _MONTH_DAY_SLASH.finditer(text):
        yield DateSaid(*match.span(), _month_and_day(text, match[1], match[3]), bare=True)
    for match in _LONE_MONTH.finditer(text):
        yield DateSaid(*match.span(), (DraftDate(month=int(match[2])),), leap=bool(match[1]))
    for match in _LONE_DAY.finditer(text):
        yield DateSaid(*match.span(), (DraftDate(day=int(match[1])),))


def _english(text: str, today: dt.date) -> Iterator[DateSaid]:
    for match in _YEAR_MONTH_DAY.finditer(text):
        yield DateSaid(*match.span(), _named_month(match[1], MONTHS[match[2]], int(match[3]), today))
    for match in _DAY_FIRST.finditer(text):
        yield DateSaid(*match.span(), _named_month(match[3], MONTHS[match[2]], int(match[1]), today))
    for match in _MONTH_FIRST.finditer(text):
        yield DateSaid(*match.span(), _named_month(match[3], MONTHS[match[1]], int(match[2]), today))
    for match in _MONTH_YEAR.finditer(text):
        yield DateSaid(*match.span(), (DraftDate(int(match[2]), MONTHS[match[1]]),))
    for match in _ENGLISH_SEASON_YEAR.finditer(text):
        yield DateSaid(*match.span(1), (DraftDate(int(match[1])),), born=True)
    for match in _ENGLISH_YEAR.finditer(text):
        if not _korean(text) or "born" in match[0]:
            said = tuple(DraftDate(year) for year in years(match[1], today))
            yield DateSaid(match.start(1), match.end(1), said, born="born" in match[0] or "birth" in match[0])
    for match in _LONE_ENGLISH_MONTH.finditer(text):
        if match[1] not in ("may", "mar", "march", "sep", "dec", "jan") or text[: match.start()].endswith(
            ("in ", "not ", "it's ", "is ", "was ")
        ):
            yield DateSaid(*match.span(), (DraftDate(month=MONTHS[match[1]]),))


def _named_month(year: str | None, month: int, day: int, today: dt.date) -> tuple[DraftDate, ...]:
    if year is None:
        return (DraftDate(None, month, day),)
    return tuple(DraftDate(each, month, day) for each in years(year, today))


def _dates(of_years: tuple[int, ...], month: str, day: str) -> tuple[DraftDate, ...]:
    return tuple(DraftDate(year, int(month), int(day)) for year in of_years)


def _plausible(month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def _year_leads(text: str, first: str, month: str, day: str, separator: str) -> bool:
    """Whether 90.5.3 opens with its year. In a Korean text it does; 05/03/10 elsewhere may be anything."""
    if int(first) > 31:
        return _plausible(month, day)
    if int(day) > 31 or not _plausible(month, day):
        return False
    return _korean(text)


def _either_order(text: str, first: str, second: str, last: str, today: dt.date) -> tuple[DraftDate, ...]:
    """5/3/1990: the day or the month may lead; a two-digit year may lead too."""
    pairs = [(a, b) for a, b in ((first, second), (second, first)) if _plausible(a, b)]
    if not pairs:
        pairs = [(first, second)]
    readings = [
        DraftDate(year, int(month), int(day)) for (month, day), year in product(pairs, years(last, today))
    ]
    if len(last) == 2 and len(first) == 2 and int(last) <= 31 and _plausible(second, last):
        readings.extend(DraftDate(year, int(second), int(last)) for year in years(first, today))
    return tuple(dict.fromkeys(readings))


def _month_and_day(text: str, first: str, second: str) -> tuple[DraftDate, ...]:
    if _korean(text):
        return (DraftDate(None, int(first), int(second)),) if _plausible(first, second) else ()
    pairs = [(a, b) for a, b in ((first, second), (second, first)) if _plausible(a, b)]
    return tuple(dict.fromkeys(DraftDate(None, int(month), int(day)) for month, day in pairs))


def _korean(text: str) -> bool:
    return any("가" <= character <= "힣" for character in text)
