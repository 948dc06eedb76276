"""What stands around a date or a time: words of birth, or words of something else that happened or will happen."""

import re
from typing import Final

_BORN_AFTER: Final = re.compile(
    r"[\s,.]{0,2}(?:날|때|쯤|경|정각)?(?:에|에서)?\s?(?:새벽에|아침에|낮에|저녁에|"
    r"밤에)?\s?(?:[가-힣]{1,8}에서\s)?"
    r"(?:출생|탄생|태어|낳|났|생(?![각활신기님길산겨겼])|\(?(?:양력|음력|양\)|음\))|is my b|was my "
    r"b|birth|born)"
)
_BORN_BEFORE: Final = re.compile(
    r"생년월일|생년|생일|생월|생시|출생|태어난|태어나|탄생|난 시|음력|양력|사주|명조|\bborn\b|"
    r"\bbirth|\bdob\b|\bb\.|\bbday\b|lunar|solar"
)
_EVENT: Final = re.compile(
    r"(?:결혼|이사|시험|면접|수술|여행|출장|개업|창업|계약|퇴사|퇴직|입사|이직|취업|합격|발표|약속|"
    r"만나|만났|만남|예약|회의|미팅|졸업|입학|승진)(?! ?운| ?수)|"
    r"헤어|사귀|사귄|이혼|무슨 ?일|있었|택일|길일|이후|까지|이전|지나|경기|올림픽|월드컵|행사|배송|"
    r"도착|출발|비행|기차|병원|마감|결제|입금|방송|"
    r"개봉|출시|알람|일어나|일어났|기상|잤|자요|잠들|먹|퇴근|출근|수업|강의|꿈|전화|연락|통화|문자|"
    r"보낼|보냈|갈게|갔|왔|온다|올게|끝나|끝났|"
    r"시작했|시작해|열려|닫|상담|방문|신청|가입|구매|주문|개통|"
    r"wedding|marri|meeting|appointment|exam|interview|flight|train|trip|graduat|move|moving|happen|"
    r"deadline|call me|wake|woke|"
    r"slept|alarm|lunch|dinner"
)
_FORTUNE: Final = re.compile(
    r"운세|운수|운이|운은|운을|(?<![가-힣])운(?![가-힣])|[가-힣]운(?=[\s,.?은이을]|$)|어때|어떨|"
    r"어떤가|어떻|재물|연애|사업|직장|대운|세운|삼재|생길|될까|할까|"
    r"fortune|horoscope|luck|forecast|look like|be like"
)
_OTHER_BEFORE: Final = re.compile(
    r"어제|오늘|내일|모레|그제|그저께|엊그제|지난|이번|다음|작년|올해|내년|매일|매달|매주|주말|"
    r"[월화수목금토일]요일|방금|아까|지금|요즘|"
    r"평소|항상|보통|결혼식|결혼기념일|기념일|회의|면접|시험|약속|수술|개업|이사|예약|계약|마감|"
    r"만남|입사|택일|길일|"
    r"yesterday|today|tomorrow|\blast\b|\bnext\b|\bthis\b|\bevery\b|meeting|appointment|exam\b|wedding|"
    r"until|since|deadline|flight|train|anniversary|woke|usually|\bnow\b|\bmarr(?:y|ied)|\bmov(?:e|ed|ing)\b"
)
_SENTENCE: Final = re.compile(r"[?!\n;。]|\.\s")
_REACH_BEFORE: Final = 14
_REACH_AFTER: Final = 16


def born_near(text: str, start: int, end: int) -> bool:
    """Whether the words next to `text[start:end]` say that it is a birth."""
    if _BORN_AFTER.match(text, end, end + 24):
        return True
    return _BORN_BEFORE.search(_before(text, start, _REACH_BEFORE)) is not None


def other_near(text: str, start: int, end: int, *, past_day: bool = False) -> bool:
    """Whether the words around it, within the sentence, say that it is the date or time of something else.

    `past_day`: a whole day in the past. Such a day is a birth where a fortune is asked for, and an event only where it
    is said that something was on it.
    """
    after = text[end : end + _REACH_AFTER]
    if cut := _SENTENCE.search(after):
        after = after[: cut.start()]
    # Beyond the next number the words belong to that.
    after = _NUMBER.split(after)[0]
    if past_day:
        if _EVENT_NOUN.match(after):
            return True
        return bool(_ON_IT.match(after) and _EVENT.search(after)) or bool(
            _EVENT_BEFORE.search(_before(text, start, 20))
        )
    if _EVENT.search(after) or _FORTUNE.search(after):
        return True
    return _OTHER_BEFORE.search(_before(text, start, _REACH_BEFORE)) is not None


def _before(text: str, start: int, reach: int) -> str:
    return _SENTENCE.split(text[max(0, start - reach) : start])[-1]


_NUMBER: Final = re.compile(r"\d")
_EVENT_NOUN: Final = re.compile(
    r"\s?(?:결혼식|기념일|공연|콘서트|행사|회의|면접|예약|약속|돌잔치|장례식|수술|개업식|출발|도착|"
    r"졸업식|입학식)"
)
_ON_IT: Final = re.compile(r"\s?(?:에|날|부터|까지|이후|이전|i |we |my )")
_EVENT_BEFORE: Final = re.compile(
    r"결혼식|기념일|회의|면접|시험|약속|수술|개업|이사|예약|계약|마감|입사|졸업|\bmet\b|\bsaw\b|"
    r"visited|started|bought|signed|\bgot\b|joined|married|wedding|anniversary|moved|graduat|"
    r"meeting|since|until"
)
