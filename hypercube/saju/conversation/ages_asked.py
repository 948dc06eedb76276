"""Ages that a turn asks about, and whether it asks when something will be.

Ages are everyday language, too (30대 직장인, 트럭 50대): they ask beside a word of a fate, or alone.
"""

import re
from typing import Final

from hypercube.saju.conversation import words
from hypercube.saju.conversation.moments import of_a_day
from hypercube.saju.conversation.numerals import ONES, SINO_TENS, TENS

Ages = tuple[int, int]
"""First and last age, both counted."""
OLDEST: Final = 109
MOST: Final = 5
_TEN: Final = "|".join(TENS)
_ONE: Final = "|".join(ONES)
_ASKS: Final = (
    r"(?= ?(?:은|는|에|엔|의|때|초반|중반|후반|초|중|후|운|쯤|이?랑 ?[1-9]0|하고 ?[1-9]0"
    r"|이후|부터|까지|넘|어때|어떨|어떤|흐름|[~,·\-/와과]|[?.]|$)"
    r"| [1-9]0 ?대| (?:건강|재물|돈|연애|결혼|직업|직장|사업|인생|사주)(?=[ 은는이가?]|$)"
    r"| [가-힣]+ ?(?:[운은는]|어때|어떨|어떤|흐름))"
)
_NOT_HER_OWN: Final = (
    r"(?! ?(?:초반|중반|후반)? ?(?:여|남|직장|회사|부부|주부|손님|인데|이에|예요|입니|이야|야|학|1))"
)
_DECADE: Final = re.compile(rf"(?<!\d)([1-9]0)(?: ?[~,·\-/와과] ?[1-9]0)* ?대{_NOT_HER_OWN}{_ASKS}")
_OTHER_DECADE: Final = re.compile(r"[1-9]0(?= ?[~,·\-/와과대])")
_FROM_TO: Final = re.compile(r"(?<!\d)([1-9]0) ?대 ?(?:부터|에서|~|-) ?([1-9]0) ?대(?=까지|[은는에의 ?]|$)")
_SPELT_DECADE: Final = re.compile(r"(?<![가-힣])([이삼사오육칠팔구])십 ?대(?=[은는의에엔가운 ?]|$)")
_NATIVE: Final = re.compile(
    rf"(?<![가-힣])(?!열(?!(?:{_ONE})| ?살))({_TEN})({_ONE})?(?: ?살)?(?= ?(?:이? ?넘|부터|이후|에는|에|"
    rf"엔|이 ?되|때|쯤|은|는|전후|초반|중반|후반))"
)
_AGE: Final = re.compile(
    r"(?<![\d.])(\d{1,3}) ?(?:살|세)(?! ?(?:이에|예요|입니|인데|여|남|이야|이고|기|아이|아기|애|딸|아들|짜리|먹))"
    r"(?=에|엔|은|는|이|때|쯤|부터|까지|요| |$|\?|가|의)"
)
_ENGLISH_TENS: Final = str.split(
    "teens twenties thirties forties fifties sixties seventies eighties nineties"
)
_OF_OTHERS: Final = (
    r"(?<!the )(?<!his )(?<!her )(?<!their )(?<!i'm in my )(?<!i’m in my )(?<!i am in my )(?<!years in my )"
)
_ENGLISH_DECADE: Final = re.compile(
    rf"{_OF_OTHERS}\b(?:([1-9]0)['’]?s|({'|'.join(_ENGLISH_TENS)}))\b", re.IGNORECASE
)
_MY_DECADE: Final = re.compile(
    rf"(?<!i'm in )(?<!i’m in )(?<!i am in )(?<!years in )\bmy (?:early |mid |late )?"
    rf"(?:[1-9]0['’]?s|{'|'.join(_ENGLISH_TENS)})\b",
    re.IGNORECASE,
)
_ENGLISH_AGE: Final = re.compile(
    r"\b(?:at age|age|when i(?:['’]m| am| turn)|turn(?:ing)?|(?:at|after|by)(?= (?:1[5-9]|[2-9]\d)\b)) (\d{1,3})\b"
    r"(?! ?(?:[:ap%.]\S|months?|weeks?|days?|years?|hours?|minutes?|mg|km|percent|o'clock|am\b|pm\b|people|dollars))",
    re.IGNORECASE,
)
_AGE_ALONE: Final = re.compile(
    r"^\W*(?:(?:그럼|그러면|그리고|근데|제|내|and|so|at|my|what about|how about)\W+)*"
    rf"(?:\d{{1,3}} ?(?:살|세|대)|[이삼사오육칠팔구]십 ?대|(?:{_TEN})(?:{_ONE})?(?: ?살)?|\d{{2}}(?:['’]?s)?)"
    r"(?: ?(?:초반|중반|후반|때))?(?:에는|은|는|엔|에)?(?:요|여)?\W*$",
    re.IGNORECASE,
)
_OF_A_LIFE: Final = re.compile(r"어땠|인생")
_PAST: Final = re.compile(r"넘|이후|\bafter\b", re.IGNORECASE)
_WHEN: Final = re.compile(
    r"언제(?!나|든|라도|까지나)|몇 ?(?:살|세|년|월)(?! ?(?:째|간|동안|전|씩|만에))|어느 ?(?:해|때)"
    r"|(?<!지금 )(?<!이 )시기"
    r"|\bwhen(?= (?:will|do|does|can|could|should|would|shall|am|is|are|might)\b)|\bwhat (?:age|year)\b"
    r"|\bhow soon\b",
    re.IGNORECASE,
)


def ages(text: str) -> tuple[Ages, ...]:
    """The ages that a turn asks about, each as a span of years: 40대 is 40 to 49, 서른다섯 35 alone."""
    asks = _MY_DECADE.search(text) or words.FATE.search(text) or words.BARE.search(text)
    if not (
        asks
        or words.OF_THE_FIELD.search(text)
        or of_a_day(text)
        or _OF_A_LIFE.search(text)
        or _AGE_ALONE.search(text)
    ):
        return ()
    found: set[Ages] = set()
    for match in _DECADE.finditer(text):
        found |= {(int(each), int(each) + 9) for each in _OTHER_DECADE.findall(match[0])}
    for match in _FROM_TO.finditer(text):
        found |= {(ten, ten + 9) for ten in range(int(match[1]), int(match[2]) + 1, 10)}
    found |= {(ten, ten + 9) for match in _SPELT_DECADE.finditer(text) if (ten := SINO_TENS[match[1]])}
    for match in _NATIVE.finditer(text):
        found.add(_span(TENS[match[1]] + ONES.get(match[2] or "", 0), text[match.end() : match.end() + 4]))
    for match in _ENGLISH_DECADE.finditer(text):
        ten = int(match[1]) if match[1] else 10 * (1 + _ENGLISH_TENS.index(match[2].lower()))
        found.add((ten, ten + 9))
    for match in _AGE.finditer(text):
        found.add(_span(int(match[1]), text[match.end() : match.end() + 4]))
    for match in _ENGLISH_AGE.finditer(text):
        found.add(_span(int(match[1]), match[0]))
    return tuple(sorted(each for each in found if each[1] <= OLDEST)[:MOST])


def _span(age: int, behind: str) -> Ages:
    """One age, or the ten years from it on where it is passed: 마흔 넘어서."""
    return (age, age + 9) if age % 10 == 0 and _PAST.search(behind) else (age, age)


def asks_when(text: str) -> bool:
    """Whether a turn asks when something will be."""
    return bool(_WHEN.search(text))
