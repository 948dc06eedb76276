"""Days that a turn asks about.

All of them are everyday language (내일 봐요, 금요일에 회의), so they ask only beside a word that makes the turn a
question about a fate, or alone.
"""

import datetime as dt
import re
from typing import Final

from hypercube.saju.conversation import words
from hypercube.saju.years import FIRST_YEAR, LAST_YEAR

MOST_DAYS: Final = 7
_STEPS: Final = (
    (re.compile(r"그끄제|그끄저께"), -3),
    (re.compile(r"(?<!그)그제|(?<!그)그저께|엊그제|\bday before yesterday\b", re.IGNORECASE), -2),
    (re.compile(r"어제|(?<!before )\byesterday\b", re.IGNORECASE), -1),
    (re.compile(r"오늘|금일|\btoday\b|\btonight\b", re.IGNORECASE), 0),
    (
        re.compile(
            r"내일(?! ?모레)|명일|(?<![가-힣])낼(?! ?모레)(?=[은의 ]|운)|(?<!after )\btomm?orr?ow\b",
            re.IGNORECASE,
        ),
        1,
    ),
    (re.compile(r"모레|\bday after tomm?orr?ow\b", re.IGNORECASE), 2),
    (re.compile(r"글피", re.IGNORECASE), 3),
)
_WEEK: Final = re.compile(r"이번 ?주(?! ?(?:주 ?)?말)|금주|\bthis week\b(?!end)", re.IGNORECASE)
_NEXT_WEEK: Final = re.compile(
    r"다음 ?주(?! ?(?:주 ?)?말)|담주(?! ?(?:주 ?)?말)|\bnext week\b(?!end)", re.IGNORECASE
)
_NEXT_WEEKEND: Final = re.compile(
    r"(?:다음|담) ?(?:주 ?)?주말|(?:다음|담) ?주말|\bnext weekend\b", re.IGNORECASE
)
_WEEKEND: Final = re.compile(
    r"(?<!다음 주 )(?<!다음주 )(?<!다음 )(?<!다음)(?<!담)(?<!담주 )(?<!지난 )(?<!지난)(?<!지난 주 )(?<!지난주 )"
    r"(?<!저번 )주말|(?<!next )(?<!last )\bweekend\b",
    re.IGNORECASE,
)
_WEEKDAY: Final = re.compile(
    r"(?<!지난 )(?<!지난주 )(?<!지난 주 )(?<!저번 )(?<!매주 )(?<!매 )([월화수목금토일])요일(?!생|마다)"
    r"|(?<!last )(?<!every )(?<!on )\b(mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|(?<!every )(?<=on )(mon|tues|wednes|thurs|fri|satur|sun)day\b",
    re.IGNORECASE,
)
_NEXT_WEEKDAY: Final = re.compile(r"다음 [월화수목금토일]요일|\bnext \w{3,6}day\b", re.IGNORECASE)
_WEEKDAYS: Final = ("월화수목금토일", str.split("mon tues wednes thurs fri satur sun"))
_DATE: Final = re.compile(
    r"(?<!\d)(?<!년 )(?<!년)(?<!년도 )(?<!생 )(?<!음력 )(?<!년 양력 )(?<!생 양력 )(\d{1,2}) ?월 ?(\d{1,2}) ?일(?! ?생)"
)
_DATE_OF_YEAR: Final = re.compile(r"(?:(내년)|(?<!\d)(20\d\d) ?년) ?(\d{1,2}) ?월 ?(\d{1,2}) ?일(?! ?생)")
_MONTHS: Final = str.split(
    "january february march april may june july august september october november december"
)
_ENGLISH_DATE: Final = re.compile(
    rf"\b({'|'.join(f'{each[:3]}(?:{each[3:]})?' for each in _MONTHS)})\.? (\d{{1,2}})(?:st|nd|rd|"
    rf"th)?\b(?:,? (20\d\d)\b|(?!,? \d{{4}}))",
    re.IGNORECASE,
)
_FEASTS: Final = (
    (
        re.compile(r"크리스마스(?! ?이브)|성탄절|\bchristmas\b(?! eve)|\bxmas\b(?! eve)", re.IGNORECASE),
        12,
        25,
    ),
    (re.compile(r"크리스마스 ?이브|\b(?:christmas|xmas) eve\b", re.IGNORECASE), 12, 24),
    (re.compile(r"새해 ?첫 ?날|\bnew year'?s day\b", re.IGNORECASE), 1, 1),
)
_BESIDE: Final = (
    (re.compile(r"(?:의|날) ?전 ?날|[일절스] ?전 ?날|\bday before (?!yesterday)", re.IGNORECASE), -1),
    (re.compile(r"[일절스] ?다음 ?날|\bday after (?!tomm?orr?ow)", re.IGNORECASE), 1),
)
"""크리스마스 전날, the day after December 5: the day beside the one that is named."""
_THAT_DAY: Final = (
    (re.compile(r"(?<![가-힣])(?:그|바로) ?전전 ?날"), -2),
    (
        re.compile(
            r"(?<![가-힣])(?:그|바로) ?전 ?날|\bthe day before\W*$|\bthe day before that\b", re.IGNORECASE
        ),
        -1,
    ),
    (re.compile(r"(?<![가-힣])그 ?다음 ?날|\bthe day after\W*$|\bthe day after that\b", re.IGNORECASE), 1),
    (re.compile(r"(?<![가-힣])그 ?날(?=[은의 ?]|$|에|도)|\bthat day\b", re.IGNORECASE), 0),
)
_THAT_ALONE: Final = re.compile(
    r"^\W*(?:(?:그럼|그러면|그리고|근데|and|so|then|what about|how about)\W+)*(?:(?:그|바로) ?(?:전전 ?|전 ?|다음 ?)?날"
    r"|the day (?:before|after)(?: that)?|that day)(?:은|는|의|도)?(?:요|여|용)?\W*$",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(r"[.!?\n,]+")
_ASKED_OF: Final = re.compile(r"(?:이?라면|의|에는|엔|에|은|는)? ?(?:운|어때|어떨|어떤|하루|일진)")
"""Right behind a date it is asked about, even where it is a birthday."""
_OF_A_DAY: Final = re.compile(
    rf"{words.LUCK_KO}|하루|일진|어때|어떤|어떨|어떻|좋(?=을|은가|나요|아요?\s*\?)|좋은 ?날|괜찮|될까"
    r"|까요|조심|봐 ?[줘주]|있을까|생길|일어날"
    r"|\bfortune|\bhoroscope|\bluck|\bhow(?:'s| is| will| does| about)\b|\bwhat about\b|\bgood day\b|\bfor me\b",
    re.IGNORECASE,
)
_OF_THE_WORLD: Final = re.compile(
    r"(?<![가-힣])비 ?(?:가 ?|는 ?)?(?:올|오나|와)|(?<![가-힣])눈 ?(?:이 ?|은 ?)?(?:올|오나|와)|택배|코스피|코스닥"
    r"|주식 ?시장|(?<![가-힣])교통(?! ?사고)|\btraffic\b|\bmarkets?\b|\bschedule\b|\byour day\b",
    re.IGNORECASE,
)
"""How such a thing is today is no question about a fate."""
_WEEKDAY_ASKED: Final = re.compile(
    rf"{words.LUCK_KO}|일진|하루|\bfortune|\bhoroscope|\bluck\b|\bfor me\b", re.IGNORECASE
)
_DAY_ALONE: Final = re.compile(
    r"^\W*(?:(?:그럼|그러면|그리고|근데|and|so|then|what about|how about|on)\W+)?(?:오늘|내일(?: ?모레)?|낼(?: ?모레)?|"
    r"모레|글피|어제|그제|그저께|엊그제|이번 ?주|다음 ?주|담주|(?:(?:이번|다음|담) ?(?:주 ?)?)?(?:주말|"
    r"[월화수목금토일]요일)|"
    r"(?:(?:this|next) )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|"
    r"today|tomm?orr?ow|(?:the day before )?yesterday|this week(?:end)?|next week(?:end)?|the weekend|weekend"
    r"|(?:the )?day after tomm?orr?ow"
    r"|(?:(?:내|20\d\d ?)년 ?)?\d{1,2} ?월 ?\d{1,2} ?일(?: ?(?:의 ?)?(?:전|다음) ?날)?)(?:은|는|이|도|의)?(?:요|"
    r"여|용)?\W*$",
    re.IGNORECASE,
)


def of_a_day(text: str) -> bool:
    """Whether a turn has a word by which a day, or an age, is asked about."""
    return bool(_OF_A_DAY.search(text))


def days(text: str, today: dt.date) -> tuple[dt.date, ...]:
    """The civil days that a turn asks about, in order, at most seven.

    Args:
        text: what the user wrote.
        today: the day that counts as now.
    """
    alone = bool(_DAY_ALONE.search(text))
    if not (alone or _OF_A_DAY.search(text)) or _OF_THE_WORLD.search(text):
        return ()
    found = {today + dt.timedelta(step) for pattern, step in _STEPS if pattern.search(text)}
    found |= _of_weeks(text, today, asked=alone or bool(_WEEKDAY_ASKED.search(text)))
    left = 6 - today.weekday()
    if _WEEKEND.search(text):
        found |= {today + dt.timedelta(step) for step in (left - 1, left) if step >= 0}
    if _NEXT_WEEKEND.search(text):
        found |= {today + dt.timedelta(left + step) for step in (6, 7)}
    found |= {each for each in _dates(text, today) if each is not None}
    found |= {
        day for pattern, month, at in _FEASTS if pattern.search(text) and (day := _next(month, at, today))
    }
    if (step := _beside(text)) and len(found) == 1:
        found = {each + dt.timedelta(step) for each in found}
    return tuple(sorted(found)[:MOST_DAYS])


def _beside(text: str) -> int:
    return next((step for pattern, step in _BESIDE if pattern.search(text)), 0)


def beside_that(text: str, that: dt.date) -> dt.date | None:
    """The day that a turn means by its distance from the one spoken of (그 전날은?); None where it means none.

    Args:
        text: what the user wrote, which names no day itself.
        that: the day spoken of.
    """
    if not (_THAT_ALONE.search(text) or _OF_A_DAY.search(text)):
        return None
    step = next((step for pattern, step in _THAT_DAY if pattern.search(text)), None)
    return None if step is None else that + dt.timedelta(step)


def _of_weeks(text: str, today: dt.date, *, asked: bool) -> set[dt.date]:
    """The days of this week and of the next, those weekdays alone that are named; else the next such weekday."""
    left = 6 - today.weekday()
    named = {
        at
        for clause in _CLAUSE.split(text)
        if not words.BORN.search(clause)
        for match in _WEEKDAY.finditer(clause)
        for at in [_weekday(match)]
    }
    steps: set[int] = set()
    if _WEEK.search(text):
        steps |= set(range(left + 1))
    if _NEXT_WEEK.search(text):
        steps |= set(range(left + 1, left + 8))
    if not steps and asked:
        first = 1 if _NEXT_WEEKDAY.search(text) else 0
        steps = set(range(first, first + 7)) if named else set()
    every = {today + dt.timedelta(step) for step in steps}
    return {each for each in every if each.weekday() in named} if named else every


def _weekday(match: re.Match[str]) -> int:
    if match[1]:
        return _WEEKDAYS[0].index(match[1])
    return _WEEKDAYS[1].index((match[2] or match[3]).lower())


def _dates(text: str, today: dt.date) -> list[dt.date | None]:
    found: list[dt.date | None] = []
    for clause in _CLAUSE.split(text):
        born = bool(words.BORN.search(clause))
        found += [
            _next(int(match[1]), int(match[2]), today)
            for match in _DATE.finditer(clause)
            if not born or _ASKED_OF.match(clause, match.end())
        ]
        if born:
            continue
        found += [_of_year(match, today) for match in _DATE_OF_YEAR.finditer(clause)]
    for match in _ENGLISH_DATE.finditer(text):
        begins = max(text.rfind(end, 0, match.start()) for end in ".!?\n,")
        if words.BORN.search(text, begins + 1, match.start()):
            continue
        month, year = _month(match[1]), match[3]
        if year is None:
            found.append(_next(month, int(match[2]), today))
        else:
            found.append(_to_come(int(year), month, int(match[2]), today))
    return found


def without_dates(text: str) -> str:
    """A turn without the years that stand before a day, which is asked about and not they: 내년 1월 5일."""
    return _DATE_OF_YEAR.sub(" ", text)


def _of_year(match: re.Match[str], today: dt.date) -> dt.date | None:
    """A day to come, with its year; None for one that is past, or is none."""
    year = today.year + 1 if match[1] else int(match[2])
    return _to_come(year, int(match[3]), int(match[4]), today)


def _month(name: str) -> int:
    return next(at for at, each in enumerate(_MONTHS, 1) if each.startswith(name[:3].lower()))


def _to_come(year: int, month: int, day: int, today: dt.date) -> dt.date | None:
    if not FIRST_YEAR <= year < LAST_YEAR:
        return None
    try:
        found = dt.date(year, month, day)
    except ValueError:
        return None
    return found if found >= today else None


def _next(month: int, day: int, today: dt.date) -> dt.date | None:
    """The next such day; None for the 30th of February."""
    for year in (today.year, today.year + 1):
        try:
            found = dt.date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None
