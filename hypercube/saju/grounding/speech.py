"""How a sentence speaks: what it denies, supposes, defines, or says of somebody else than the person of the chart."""

import re
from typing import Final

_VERB: Final = (
    r"(?:드러나 있|드러나|들|걸리|빠지|보이|나타나|있|놓이|놓여 있|들어 있|들어와 있|들어|투출하|투출해 있|투출되"
    r"|자리하|자리|떠 있|뜨|존재하|"
    r"해당하|갖추고 있|갖추어져 있|갖고 있|가지고 있|지니|찾아볼 수 있|나와 있|섞여 있|이루|속하|크"
    r"|강하|갖춰져 있|붙어 있)"
)
_ABSENT: Final = (
    r"(?:없(?!이|지(?:는|도)? ?않|는 것(?:은|도)? 아니)|아니(?! ?라)|아니라(?! 할)|아닌|아닙|아녜|빠져|빠진|빠졌|"
    r"결핍|전무|부재|결여|찾아보기 (?:어렵|힘)|"
    r"찾아볼 수(?:가|는|도)? 없|찾을 수(?:가|는|도)? 없|안 보|안 나"
    r"|없는 것으로)"
)
_UNSEEN: Final = r"(?!는 (?:곳|손|뿌리|데|자리|힘|정))"
"""A hand that is not seen is there."""
_ADVERB: Final = (
    r"(?:이 사주에(?:는|서는)?|당신의? 사주에(?:는|서는)?|하나도|전혀|아예|따로|거의|겉|겉에|겉에는"
    r"|겉으로|겉으로는|다|모두|전부|단 하나도|한 개도|한 글자도|"
    r"드러난|드러나 있는|원국|사주|명식|[연년월일시][주간지](?:과|와)|어느"
    r"|[가-힣]{1,5}(?:에|에는|에도|에서|에서는|로|로는|까지)|사주 전체에서?|어디에도|안)"
)
DENIED_AFTER: Final = re.compile(
    r"^(?:살|격)?(?:\([^)]*\))?(?:살|격|귀인)?(?:한|인)? ?(?:기운|글자|오행|별|사주|편|구조|명식|쪽|일주|흐름|대운)?"
    r"(?:이라고는|이나|이|가|은|는|도|만|조차|마저|에|하지도|하지는|하지|지)? ?"
    rf"(?:{_ADVERB} ){{0,3}}(?:{_VERB}지(?:는|도)? ?(?:않|못){_UNSEEN}|않|{_ABSENT})"
)
_DENIED_BEFORE: Final = re.compile(
    r"\b(?:no|not(?: really)?(?: an?| in| the)?|without(?: an?| any)?|lack(?:s|ing)?(?: an?| any)?|neither|nor|never"
    r"|isn't(?: an?| in)?|don't have(?: an?| any)?|do not have(?: an?| any)?|missing(?: an?| any)?"
    r"|absence of(?: an?| any)?)(?: (?:visible|single|clear))? $",
    re.IGNORECASE,
)
_DENIED_AFTER_EN: Final = re.compile(
    r"^ \((?:absent|missing|not there|없음|부재)\)"
    r"|^s?(?: (?:star|element|energy|pillar|characters?))?(?: (?:is|are|does|do|has|was))?(?: (?:not|completely|"
    r"entirely|totally|nowhere|never)|n't| absent| missing| lacking){1,2}(?! only)\b",
    re.IGNORECASE,
)
_COORDINATE: Final = re.compile(
    r"^(?:\([^)]*\))?s?(?:하지도|하지는|과|와|도|이나|나|이랑|랑|하고|,|·|/| 및| and| or| nor)? ?"
)
SUPPOSED: Final = re.compile(
    r"만약|만일|가정하|있든 없든|있건 없건|[을ㄹ셨]지도 모르|을지 모르|있거나 없|었다면|았다면|였다면"
    r"|했더라면|이라면|라면 |\bif (?!you (?:look|read|see|check|count))"
    r"|\bwould\b|\bhad you\b|\bwere you\b|\bsuppose\b|\bimagine\b",
    re.IGNORECASE,
)
GENERAL: Final = re.compile(
    r"뜻(?:하는|하며|하고|한다|합니다|해요|하죠|하지요|이에요|입니다)|의미(?:하는|합니다|해요|하며)"
    r"|상징(?:하는|합니다|해요|하며)|말합니다|가리킵니다|가리키는|가리켜"
    r"|이란 |(?<=[살성격신])란 |라고 부(?!를 (?:수|만))|라 부(?!를 (?:수|만))"
    r"|라고들|고들 (?:해|합|하)|사람들|사람마다|사람이라면"
    r"|이들은|보통|일반적으로"
    r"|대체로|흔히|예부터|예로부터|전통적으로|[많강약적]은 사람은|[강약]한 사람은|라는 말이 있|누구나|비유하곤"
    r"|\bgenerally\b|stands? for|\busually\b|\bmeans\b|\bis called\b|\bare often\b|\btraditionally\b|\brepresents?\b"
    r"|\bpeople\b|\banyone\b|\bsomeone\b|\bthose\b|\brefers? to\b|\bin general\b|\bletters that\b",
    re.IGNORECASE,
)
_LIKENED: Final = re.compile(
    r"^(?:\([^)]*\))?(?: ?같은|처럼|과 같은|와 같은|같이| 같은)|^(?:이|가) [가-힣]+(?:[을를]) [가-힣]+(?:듯|것처럼)"
)
_OTHER: Final = re.compile(
    r"남의|다른 사람|타인|친구|동료|상대(?:방|가|는|를|의)|궁합|아버지|어머니|남편(?:이|은|의 사주)"
    r"|아내(?:가|는|의 사주)|자녀(?:가|의 사주)"
    r"|분을 만나|사람을 만나|사람과|분과|(?:일간|일주|띠)(?:의|인) (?:사람|분|이성|연인)(?:과|을|이|은)"
    r"|\b(?:friend|colleague|partner who|someone|somebody|her chart|his chart|their chart|people"
    r"|a person (?:with|born))\b",
    re.IGNORECASE,
)
_ANOTHER_AFTER: Final = re.compile(
    r"^(?:\([^)]*\))? ?(?:일간|일주|일생|띠)?(?:을|를)? ?(?:인|의|생|가진|로 태어난|을 가진|를 가진)? ?"
    r"(?:(?:동료|친구|상대|이성|연인|배우자|남자|여자|남편|아내|아이|자녀|선배|상사)(?=[이가을를와과는은에의도라]|처럼)"
    r"|(?:사람|분)(?:과|을|를|에게|이라면|이 (?:있|곁|옆)|하고|이랑|들))"
    r"|^(?: day master| person| native)? (?:friend|colleague|partner|boss|lover|mate)\b",
    re.IGNORECASE,
)
_SELF: Final = re.compile(
    r"당신|사주|명식|명조|원국|팔자|회원님|선생님|고객님|본인|그대|님(?:은|의|께)|\byou(?:r|rs)?\b|\bchart\b|\bnatal\b",
    re.IGNORECASE,
)
_ADVISED: Final = re.compile(
    r"조후|찾는|것처럼|듯이|비유|비하자면|필요|보완|보충|만나|들어오(?:는|면|니|고)|들어올|도움|도와"
    r"|돕|반기|반갑|챙기|활용|좋은 약|쓰면|오면|올 때"
    r"|\bhelp|\bneed|\badd|\bwelcome|\bbring|\bseek|\bbenefit|\bfavou?r",
    re.IGNORECASE,
)
_PASSING: Final = re.compile(
    r"대운|세운|월운|일진|올해|금년|내년|작년|지난해|이번 ?달|이달|오늘|내일|다음 ?달|\d{4}년|년에는"
    r"|해에는|해가 오|(?<![가-힣])유년|시기|흐름"
    r"|\bluck\b|this year|next year|last year|this month|\btoday\b|\b(?:19|20)\d\d\b|\bcycle|\bdecade|\byears?\b"
    r"|\bseason of\b|\bmonths?\b|\bperiod",
    re.IGNORECASE,
)


def denied(sentence: str, start: int, end: int, listed: list[int] | None = None) -> bool:
    """Whether what stands from `start` to `end` is said not to be there; `listed`: ends of what is joined to it."""
    before = sentence[max(0, start - 28) : start]
    if _DENIED_BEFORE.search(before):
        return True
    for last in (end, *(listed or ())):
        if DENIED_AFTER.match(sentence[last : last + 48]):
            return True
        if _DENIED_AFTER_EN.match(sentence[last : last + 40]):
            return True
    return False


def joined_to(sentence: str, end: int, starts: dict[int, int]) -> list[int]:
    """Ends of the terms that a list goes on with after `end`: 식상과 재성, Fire or Metal."""
    found: list[int] = []
    while True:
        gap = _COORDINATE.match(sentence[end : end + 24])
        if gap is None or not gap.group().strip():
            return found
        following = starts.get(end + gap.end())
        if following is None:
            return found
        found.append(following)
        end = following


def likened(after: str) -> bool:
    """Whether a term is a picture only: 갑목 같은, 갑목이 정화를 낳는 것처럼."""
    return bool(_LIKENED.match(after))


def of_another_after(after: str) -> bool:
    """Whether a term describes somebody else: 임수 일간인 동료가."""
    return bool(_ANOTHER_AFTER.match(after))


def supposed(sentence: str) -> bool:
    """Whether it supposes what is not: nothing in it is claimed."""
    return bool(SUPPOSED.search(sentence))


def general(sentence: str) -> bool:
    """Whether it speaks of what terms mean or of people in general."""
    return bool(GENERAL.search(sentence))


def of_another(sentence: str) -> bool:
    """Whether somebody else may be meant."""
    return bool(_OTHER.search(sentence))


def of_the_chart(sentence: str) -> bool:
    """Whether the person or the chart is named."""
    return bool(_SELF.search(sentence))


def advised(sentence: str) -> bool:
    """Whether something may be wished for rather than there."""
    return bool(_ADVISED.search(sentence))


def passing(sentence: str) -> bool:
    """Whether a luck pillar, a year, a month or a day may be meant."""
    return bool(_PASSING.search(sentence))
