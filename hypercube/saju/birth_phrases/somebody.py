"""Births told of somebody whom no role names before them: "9월 9일생 친구를 만났어", "걔는 …", "he was born …"."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SOMEBODY: Final = "그분"
"""The role of somebody of whom a Korean turn says no more than that they are another."""
_THAT_PERSON: Final = "that person"
_BY_WORD: Final = {
    **dict.fromkeys(("he", "his", "man", "guy", "boy", "gentleman", "dude"), "that man"),
    **dict.fromkeys(("she", "her", "woman", "girl", "lady"), "that woman"),
}
SOMEBODY_ENGLISH: Final = (_THAT_PERSON, "that man", "that woman")

_DATE: Final = (
    r"(?:(?:음력|양력)\s?)?(?:(?<!\d)'?\d{2,4}(?:\s?년도?\s?|[./-]\s?))?(?:(?:윤달?\s?)?(?<!\d)\d{1,2}(?:\s?월\s?|[./-]\s?)"
    r"(?:\d{1,2}\s?일?\s?)?)?(?:(?:오전|오후|새벽|아침|낮|저녁|밤)\s?)?(?:\d{1,2}시\s?(?:\d{1,2}분|반)?\s?)?"
)
_BORN: Final = r"(?:생|에\s?(?:[가-힣]{1,6}에서\s?)?(?:태어난|태어났|태어나))"
_ANY_NOUN: Final = "남자애|여자애|남자|여자|남성|여성|사람|분|애"
_COPULA: Final = (
    r"(?:이에요|예요|이예요|에요|이야|야|이요|요|입니다|임|인데|이고|이라|라서|라|다|이다|이지|지|$)"
)
_MET: Final = (
    r"(?:를|을|이랑|랑|과|와|하고|한테|에게|께|때문|이 ?있|가 ?있|이 ?생|가 ?생|"
    r"이 ?좋|가 ?좋|도|들|\s?(?:만나|만났|사귀|소개|좋아|때문|있))"
)
"""What stands behind a man or a woman who is somebody else: met, loved, compared with."""
_SELF_BEFORE: Final = re.compile(
    r"(?<![가-힣])(?:저는|나는|전|난|제가|내가|저|나|저도|나도|제 ?생일은|내 ?생일은)(?=[\s,])[^.?!\n]{0,20}$"
)
_POINTED: Final = re.compile(
    r"(?<![가-힣])(?:(?:그|이|저|새로 ?만난|만나는|좋아하는|사귀는|소개받은)\s?"
    r"(?P<sex>남자애|여자애|남자|여자|사람|분|아이|애|친구|녀석|놈|양반)|그녀|그이|걔|쟤|얘|그놈)(?:네|들)?"
    rf"(?:(?:은|는|이|가|도|의|께서|ㄴ)?\s?(?:생일|생년월일|생년|사주)?(?:은|는|이|가)?)[\s:,]{{0,2}}(?={_DATE}\d|\d)"
)
_CALLED: Final = re.compile(
    rf"(?<![가-힣])(?P<name>[가-힣]{{1,4}}\s(?:대리|과장|차장|부장|팀장|사장|대표|선생|교수|씨|님)|[가-힣]{{2,6}}?)님?(?:은|는)"
    rf"\s(?={_DATE}(?<=[년월일분시\d\s반]){_BORN}(?!각|활|신|기))"
)
_NOBODY: Final = re.compile(
    r"(?:일|월|년|시|시간|띠|사주|력|실|날|래|건|거|것|쪽|등록|호적|기록|출생|나이|서류|신분증|민증|오늘|올해|여기|남자|여자|"
    r"남성|여성|본인|저|나|우리|제|내|이번|하지만|그리고|아니|이름|성별|번호|정보|저희|너|당신|자기|원래|본래|"
    r"사람|그녀|그이|아이|애|분|놈)$"
)
"""A topic that is nobody: "생일은", "실제로는", "남자는"."""
_PARENT_BORN: Final = (
    rf"\s(?={_DATE}(?<=[년월일\d\s]){_BORN}(?!이?래|이?라고|이?랬|이?라던|이?라네|\s?(?:다고|대)|다고|대))"
)
_HEARD: Final = re.compile(
    rf"(?<![가-힣])(?P<ko>엄마|아빠|어머니|아버지|할머니|할아버지|외할머니|외할아버지)(?:이|가|께서){_PARENT_BORN}"
)
"""A parent's own birth; "엄마가 …생이래요" is what the parent says of the writer's."""
_SAID_OF: Final = re.compile(
    r"\b(?P<who>he|she|they)(?:'s|'re| is| was| were)? (?:also |actually )?born\b"
    r"|\b(?P<whose>his|her|their) (?:birthday|birth ?date|date of birth|dob|bday|birth)\b"
)
_ONE_BORN: Final = re.compile(
    r"(?<!i'm )(?<!i am )(?<!am )(?<!as )(?<!for )\b(?:a|an|this|that|the|some|another)\s(?:[a-z]{2,12}\s){0,2}?"
    r"(?P<one>man|guy|boy|gentleman|dude|woman|girl|lady|person|kid|one|neighbou?r|colleague|client|teacher)"
    r"(?:,? (?:who|that)(?:'s)?)?(?: is| was)? born\b"
    r"|\b(?P<some>someone|somebody|people|anyone)(?: who)?(?: is| was| were)? born\b"
    r"|\b(?:my|our) (?P<my>(?:[a-z]{2,12}\s){1,3}?)(?:is |was |were )?born\b"
)


@dataclass(frozen=True, slots=True)
class Somebody:
    """`text[start:end]` speaks of another; what follows is theirs.

    Attributes:
        role: who it is.
        pointed: said by a pronoun: whoever else is known or awaited, before anybody new.
    """

    start: int
    end: int
    role: str
    pointed: bool


def somebody_in(text: str, korean_roles: str, english_roles: frozenset[str]) -> Iterator[Somebody]:
    """Everybody of whom the canonical turn tells a birth so, in no order.

    Args:
        text: the turn.
        korean_roles: an alternation of the words that name a role.
        english_roles: the same, one by one.
    """
    for match in _behind(korean_roles).finditer(text):
        if match["is"] is not None and _SELF_BEFORE.search(text[max(0, match.start() - 30) : match.start()]):
            # "저는 90년생 막내예요".
            continue
        yield Somebody(match.start(), match.end(), match["ko"] or SOMEBODY, pointed=False)
    for match in _POINTED.finditer(text):
        yield Somebody(match.start(), match.end(), SOMEBODY, pointed=True)
    for match in _CALLED.finditer(text):
        if not _NOBODY.search(match["name"]) and not re.search(rf"(?:{korean_roles})$", match["name"]):
            yield Somebody(match.start(), match.end(), match["name"], pointed=False)
    for match in _HEARD.finditer(text):
        yield Somebody(match.start(), match.end(), match["ko"], pointed=False)
    for match in _SAID_OF.finditer(text):
        word = match["who"] or match["whose"]
        yield Somebody(match.start(), match.end(), _BY_WORD.get(word, _THAT_PERSON), pointed=True)
    for match in _ONE_BORN.finditer(text):
        said = (match["my"] or "").split()
        if said and (english_roles.intersection(said) or said[-1] in ("birthday", "date", "birth")):
            continue
        yield Somebody(
            match.start(), match.end(), _BY_WORD.get(match["one"] or "", _THAT_PERSON), pointed=False
        )


@functools.lru_cache(maxsize=2)
def _behind(korean_roles: str) -> re.Pattern[str]:
    """A noun for a person right behind a birth: "9월 9일생 친구를"."""
    return re.compile(
        rf"(?<![\d가-힣])(?={_DATE}\d|\d|음력|양력){_DATE}(?<=[년월일분시\d\s반]){_BORN}(?:\s?인|의)?\s?"
        rf"(?:(?:제|내|우리|저희|그|어떤|한)\s)?(?:(?P<ko>{korean_roles})(?!\s?[이가은는]?\s?(?:아니|아닌|말고))(?P<is>{_COPULA})?|(?P<any>{_ANY_NOUN}){_MET})"
    )
