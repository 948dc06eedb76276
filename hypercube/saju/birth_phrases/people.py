"""Whose birth a part of a turn tells: "저는 1990년 …, 남편은 1988년 …"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import Sex
from hypercube.saju.birth_phrases.corrections import denied
from hypercube.saju.birth_phrases.somebody import SOMEBODY_ENGLISH, somebody_in

SELF: Final = "본인"
"""The role of the person who writes, where somebody else came first."""

_MALE: Final = str.split(
    "남편 남자친구 남친 아들 아빠 아버지 시아버지 장인어른 장인 오빠 남동생 할아버지 외할아버지 "
    "삼촌 사위 손자 신랑 예비신랑 썸남 전남친 전남편 첫째아들 둘째아들 큰아들 작은아들 막내아들 "
    "조카아들 형님"
)
_FEMALE: Final = str.split(
    "아내 와이프 집사람 여자친구 여친 딸 딸아이 엄마 어머니 시어머니 장모님 언니 누나 여동생 "
    "할머니 외할머니 이모 고모 며느리 손녀 신부 예비신부 썸녀 전여친 첫째딸 둘째딸 큰딸 작은딸 "
    "막내딸"
)
_EITHER: Final = str.split(
    "배우자 애인 연인 상대방 상대 짝꿍 동생 친구 아이 아기 애기 첫째 둘째 셋째 막내 조카 손주 "
    "동업자 상사 사장 팀장 부장 동료 선배 후배 룸메이트 사촌 그분 그사람 짝남 짝녀 궁합상대"
)
_ENGLISH: Final = {
    "husband": Sex.MALE,
    "boyfriend": Sex.MALE,
    "son": Sex.MALE,
    "father": Sex.MALE,
    "dad": Sex.MALE,
    "brother": Sex.MALE,
    "grandfather": Sex.MALE,
    "fiance": Sex.MALE,
    "wife": Sex.FEMALE,
    "girlfriend": Sex.FEMALE,
    "daughter": Sex.FEMALE,
    "mother": Sex.FEMALE,
    "mom": Sex.FEMALE,
    "sister": Sex.FEMALE,
    "grandmother": Sex.FEMALE,
    "fiancee": Sex.FEMALE,
    "partner": None,
    "friend": None,
    "baby": None,
    "child": None,
    "kid": None,
    "boss": None,
    "coworker": None,
    "colleague": None,
    "roommate": None,
    "crush": None,
    "spouse": None,
    "ex": None,
}
SEX_OF_ROLE: Final[dict[str, Sex | None]] = {
    **dict.fromkeys(_MALE, Sex.MALE),
    **dict.fromkeys(_FEMALE, Sex.FEMALE),
    **dict.fromkeys(_EITHER, None),
    **_ENGLISH,
    **dict.fromkeys(SOMEBODY_ENGLISH, None),
    "that man": Sex.MALE,
    "that woman": Sex.FEMALE,
    "짝남": Sex.MALE,
    "짝녀": Sex.FEMALE,
}
_PARENTS: Final = {
    "엄마",
    "아빠",
    "어머니",
    "아버지",
    "할머니",
    "할아버지",
    "외할머니",
    "외할아버지",
    "mother",
    "father",
    "mom",
    "dad",
}
"""Who tells the time of a birth more often than they have theirs read."""

_KOREAN_ROLE: Final = "|".join(
    sorted((role for role in SEX_OF_ROLE if not role.isascii()), key=len, reverse=True)
)
_ROLE: Final = re.compile(
    rf"(?:(?<![가-힣])|(?<=우리|저희)|(?<=[제내]))(?P<ko>{_KOREAN_ROLE}|"
    rf"형(?=[은이의]\s))(?:님)?(?P<after>은|는|이에요|예요|이요|요(?![가-힣])|의|도|꺼는|거는|건|"
    rf"이(?=\s?\d|\s)|가(?=\s?\d|\s)|"
    r"\s?(?=[:(,=)/]|-\s)|\s(?=생년|생일|사주|정보|\d|음력|양력|'\d)|(?=\d)|인데|입니다|것도|꺼|거(?=는|도)|$)"
    rf"|\b(?P<en>{'|'.join(sorted(_ENGLISH, key=len, reverse=True))})(?P<en_after>'s|\sis|\swas|"
    rf"\s?[:(,=/-]|\s(?=born|\d)|\s?\d|$)"
)
_SELF: Final = re.compile(
    r"(?<![가-힣])(?P<ko>저는|나는|저의|제가|내가|(?:전|난)(?=\s{0,2}\d)|제 ?(?:생일|"
    r"생년|사주|꺼|거는|건)|내 ?(?:생일|생년|사주|꺼|거는|건)|본인(?:은|의)?|(?:저|나|"
    r"본인)(?=\s?[:(=/)]|\s\d|,\s?\d))"
    r"|\b(?P<en>i was born|i'm|i am|me\s?[:(=-]|my birthday|my birth|mine|myself|my date)"
)
_HEARSAY: Final = re.compile(
    r"[^.?!\n]{0,12}(?:그러|말씀|말로|물어|얘기|이야기|알려|기억|하시는|들었|확인|전화|said|says|"
    r"told|remembers|thinks|according)"
)
_TOGETHER: Final = re.compile(
    rf"(?P<ko>{_KOREAN_ROLE})(?:님)?(?:이랑|랑|과|와|하고|도)|\b(?:my\s)(?P<en>{'|'.join(_ENGLISH)})\b"
)
_WHAT_OF: Final = re.compile(
    rf"(?P<ko>{_KOREAN_ROLE})(?:님)?(?:은|는)요?\s?[?~]{{0,3}}$"
    rf"|(?:what|how) about (?:my |our )?(?P<en>{'|'.join(_ENGLISH)})\b"
)
_CHART_OF: Final = re.compile(
    rf"(?:(?<![가-힣])|(?<=우리|저희)|(?<=[제내]))(?P<ko>{_KOREAN_ROLE})(?:님|분)?(?:의|은|는|도|한테도|에게도)?\s?"
    r"(?:그거|그게|그것|이거|성격|기질|성향|직업|적성|진로|재물|금전|건강|사주|팔자|운세|대운|일간|일주|용신|띠|오행|격국|올해|내년)"
    rf"|\bmy (?P<en>{'|'.join(_ENGLISH)})'s (?:personality|temperament|career|job|wealth|money|health|chart|saju|luck|"
    r"fortune|day (?:master|stem))"
)
_TO_COME: Final = re.compile(r"미래|나중에|앞으로 만날|배우자|\bfuture\b")
"""A partner whom nobody knows yet is read from the chart of the one who asks."""
_MATCHING: Final = re.compile(r"궁합|같이 ?봐|함께 ?봐|도 ?봐|도 ?봐줘|잘 ?맞|안 ?맞|어울리|compatib|match")


@dataclass(frozen=True, slots=True)
class Segment:
    """`text[start:end]` of the canonical turn, and whose it is; role None is the person who writes."""

    start: int
    end: int
    role: str | None
    said: bool
    """False where nobody is named: then it is whoever is spoken about."""
    pointed: bool = False
    """A pronoun says whose: somebody else who is known or awaited, and `role` where there is nobody."""


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    role: str | None
    closing: bool
    """The name stands behind what it names: "1988.3.2 (남편)", "… 제 남편이에요"."""
    pointed: bool = False


_CLOSING: Final = ("이에요", "예요", "입니다", "이요", "요")


def segments_in(text: str) -> list[Segment]:
    """The turn cut where it goes over to somebody else; always covers all of it."""
    marks = sorted(_marks(text), key=lambda mark: mark.start)
    segments: list[Segment] = []
    start, role, said, pointed = 0, None, False, False
    for mark in marks:
        if mark.closing and not said and any(character.isdigit() for character in text[start : mark.start]):
            segments.append(Segment(start, mark.end, mark.role, said=True))
            start, role, said, pointed = mark.end, None, False, False
        elif not said or mark.role != role:
            if mark.start > start:
                segments.append(Segment(start, mark.start, role, said, pointed))
            start, role, said, pointed = mark.start, mark.role, True, mark.pointed
    if start < len(text) or not segments:
        segments.append(Segment(start, len(text), role, said, pointed))
    return segments


def _marks(text: str) -> Iterator[_Mark]:
    for match in _ROLE.finditer(text):
        role = match["ko"] or match["en"]
        if denied(text, *match.span("ko" if match["ko"] else "en")):
            continue
        hearsay = _HEARSAY.match(text, match.end())
        if role in _PARENTS and match["after"] in ("이", "가"):
            continue
        if hearsay and (role in _PARENTS or match["after"] in ("이", "가")):
            continue
        closing = match["after"] in _CLOSING or _bracketed(text, match)
        yield _Mark(match.start(), match.end(), role, closing)
    for match in _SELF.finditer(text):
        yield _Mark(match.start(), match.end(), None, _bracketed(text, match))
    for each in somebody_in(text, _KOREAN_ROLE, frozenset(_ENGLISH)):
        yield _Mark(each.start, each.end, each.role, closing=False, pointed=each.pointed)


def _bracketed(text: str, match: re.Match[str]) -> bool:
    return text[: match.start()].endswith("(") and text[match.end() :].startswith(")")


def chart_asked_of(text: str) -> str | None:
    """Somebody else, named in the canonical turn, about whose chart it asks: "남편 성격은?"."""
    match = _CHART_OF.search(text)
    if match is None or _TO_COME.search(text):
        return None
    role: str = match["ko"] or match["en"]
    return role


def awaited(text: str) -> str | None:
    """The one other person whose birth the turn announces: "남편이랑 궁합 봐 주세요"."""
    if match := _WHAT_OF.search(text):
        role: str = match["ko"] or match["en"]
        return role
    if (role_asked := chart_asked_of(text)) is not None:
        return role_asked
    if _MATCHING.search(text) is None:
        return None
    roles = {match["ko"] or match["en"] for match in _TOGETHER.finditer(text)}
    return roles.pop() if len(roles) == 1 else None
