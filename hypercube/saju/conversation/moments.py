"""Times that a turn asks about, other than years: days, ages, and when something will be.

All of them are everyday language (내일 봐요, 30대 직장인), so they ask only beside a word that makes the turn a
question about a fate, or alone.
"""

import datetime as dt
import re
from typing import Final

from hypercube.saju.conversation import words
from hypercube.saju.conversation.numerals import ONES, SINO_TENS, TENS

Ages = tuple[int, int]
"""First and last age, both counted."""
MOST_DAYS: Final = 7
OLDEST: Final = 109
_STEPS: Final = (
    (re.compile(r"어제|\byesterday\b", re.IGNORECASE), -1),
    (re.compile(r"오늘|금일|\btoday\b|\btonight\b", re.IGNORECASE), 0),
    (
        re.compile(
            r"내일(?! ?모레)|명일|(?<![가-힣])낼(?=[은의 ]|운|모)|(?<!after )\btomm?orr?ow\b", re.IGNORECASE
        ),
        1,
    ),
    (re.compile(r"모레|\bday after tomm?orr?ow\b", re.IGNORECASE), 2),
    (re.compile(r"글피", re.IGNORECASE), 3),
)
_WEEK: Final = re.compile(r"이번 ?주(?! ?말)|금주|\bthis week\b(?!end)", re.IGNORECASE)
_NEXT_WEEK: Final = re.compile(r"다음 ?주(?! ?말)|담주|\bnext week\b(?!end)", re.IGNORECASE)
_WEEKEND: Final = re.compile(r"(?<!다음 주 )(?<!다음주 )주말|\b(?:this |the )?weekend\b", re.IGNORECASE)
_DATE: Final = re.compile(r"(?<!\d)(?<!년 )(?<!년)(\d{1,2}) ?월 ?(\d{1,2}) ?일(?! ?생)")
_MONTHS: Final = str.split(
    "january february march april may june july august september october november december"
)
_ENGLISH_DATE: Final = re.compile(
    rf"\b({'|'.join(f'{each[:3]}(?:{each[3:]})?' for each in _MONTHS)})\.? (\d{{1,2}})(?:st|nd|rd|"
    rf"th)?\b(?!,? \d{{4}})",
    re.IGNORECASE,
)
_OF_A_DAY: Final = re.compile(
    r"운|하루|일진|어때|어떤|어떨|어떻|좋|괜찮|될까|까요|조심|봐 ?[줘주]"
    r"|\bfortune|\bhoroscope|\bluck|\bhow(?:'s| is| will| does| about)\b|\bwhat about\b|\bgood day\b|\bfor me\b",
    re.IGNORECASE,
)
_DAY_ALONE: Final = re.compile(
    r"^\W*(?:(?:그럼|그러면|그리고|근데|and|so|then)\W+)?(?:오늘|내일(?: ?모레)?|낼|모레|글피|어제|"
    r"이번 ?주|다음 ?주|담주|주말|"
    r"today|tomm?orr?ow|yesterday|this week(?:end)?|next week|the weekend|weekend|(?:the )?day after tomm?orr?ow"
    r"|\d{1,2} ?월 ?\d{1,2} ?일)(?:은|는|이|도|의)?(?:요|여|용)?\W*$",
    re.IGNORECASE,
)
_DECADE: Final = re.compile(
    r"(?<!\d)([1-9]0)(?: ?[~,·\-/와과] ?[1-9]0)* ?대(?! ?(?:학|여|남|초반 ?여|초반 ?남|중반 ?여|중반 "
    r"?남|직장|회사|부부|주부|손님|인데|"
    r"이에|예요|입니|1|이야))"
)
_OTHER_DECADE: Final = re.compile(r"[1-9]0(?= ?[~,·\-/와과대])")
_SPELT_DECADE: Final = re.compile(r"(?<![가-힣])([이삼사오육칠팔구])십 ?대(?=[은는의에엔가운 ?]|$)")
_NATIVE: Final = re.compile(
    rf"(?<![가-힣])({'|'.join(TENS)})({'|'.join(ONES)})?(?: ?살)?(?= ?(?:이? ?넘|부터|이후|에는|에|"
    rf"엔|이 ?되|때|쯤|은|전후|초반|중반|후반))"
)
_AGE: Final = re.compile(
    r"(?<![\d.])(\d{1,3}) ?(?:살|세)(?! ?(?:이에|예요|입니|인데|여|남|이야|이고|기))(?=에|엔|은|이|때|"
    r"쯤|부터|까지| |$|\?|가|의)"
)
_ENGLISH_TENS: Final = str.split(
    "teens twenties thirties forties fifties sixties seventies eighties nineties"
)
_ENGLISH_DECADE: Final = re.compile(rf"\b(?:([1-9]0)'?s|({'|'.join(_ENGLISH_TENS)}))\b", re.IGNORECASE)
_ENGLISH_AGE: Final = re.compile(
    r"\b(?:at(?: age)?|age|when i(?:'m| am| turn)|turn(?:ing)?|after|by) (\d{1,3})\b(?! ?[:ap])",
    re.IGNORECASE,
)
_PAST: Final = re.compile(r"넘|이후|\bafter\b", re.IGNORECASE)
_WHEN: Final = re.compile(
    r"언제|몇 ?(?:살|세|년|월|째)|어느 ?(?:해|때)|시기|\bwhen\b|\bwhat (?:age|year)\b|\bhow soon\b",
    re.IGNORECASE,
)


def days(text: str, today: dt.date) -> tuple[dt.date, ...]:
    """The civil days that a turn asks about, in order, at most seven.

    Args:
        text: what the user wrote.
        today: the day that counts as now.
    """
    if not (_OF_A_DAY.search(text) or _DAY_ALONE.search(text)):
        return ()
    found = {today + dt.timedelta(step) for pattern, step in _STEPS if pattern.search(text)}
    left = 6 - today.weekday()
    if _WEEK.search(text):
        found |= {today + dt.timedelta(step) for step in range(left + 1)}
    if _NEXT_WEEK.search(text):
        found |= {today + dt.timedelta(left + 1 + step) for step in range(7)}
    if _WEEKEND.search(text):
        found |= {today + dt.timedelta(step) for step in (left - 1, left) if step >= 0}
    found |= {each for each in _dates(text, today) if each is not None}
    return tuple(sorted(found)[:MOST_DAYS])


def _dates(text: str, today: dt.date) -> list[dt.date | None]:
    found = [_next(int(match[1]), int(match[2]), today) for match in _DATE.finditer(text)]
    for match in _ENGLISH_DATE.finditer(text):
        month = next(at for at, name in enumerate(_MONTHS, 1) if name.startswith(match[1][:3].lower()))
        found.append(_next(month, int(match[2]), today))
    return found


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


def ages(text: str) -> tuple[Ages, ...]:
    """The ages that a turn asks about, each as a span of years: 40대 is 40 to 49, 서른다섯 35 alone."""
    found: set[Ages] = set()
    for match in _DECADE.finditer(text):
        found |= {(int(each), int(each) + 9) for each in _OTHER_DECADE.findall(match[0])}
    found |= {(ten, ten + 9) for match in _SPELT_DECADE.finditer(text) if (ten := SINO_TENS[match[1]])}
    for match in _NATIVE.finditer(text):
        found.add(_span(TENS[match[1]] + ONES.get(match[2] or "", 0), text[match.end() : match.end() + 4]))
    for match in _ENGLISH_DECADE.finditer(text):
        ten = int(match[1]) if match[1] else 10 * (1 + _ENGLISH_TENS.index(match[2].lower()))
        found.add((ten, ten + 9))
    if words.FATE.search(text) or _OF_A_DAY.search(text) or words.BARE.search(text):
        for match in _AGE.finditer(text):
            found.add(_span(int(match[1]), text[match.end() : match.end() + 4]))
        for match in _ENGLISH_AGE.finditer(text):
            found.add(_span(int(match[1]), match[0]))
    return tuple(sorted(each for each in found if each[1] <= OLDEST)[:3])


def _span(age: int, behind: str) -> Ages:
    """One age, or the ten years from it on where it is passed: 마흔 넘어서."""
    return (age, age + 9) if age % 10 == 0 and _PAST.search(behind) else (age, age)


def asks_when(text: str) -> bool:
    """Whether a turn asks when something will be."""
    return bool(_WHEN.search(text))
