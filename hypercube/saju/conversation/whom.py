"""Whom a turn names of the people of a conversation, by the words that people use for one another."""

import re
from collections.abc import Sequence
from typing import Final

from hypercube.core.chart import Sex
from hypercube.saju.birth_phrases import BirthDraft
from hypercube.saju.birth_phrases.people import SELF, SEX_OF_ROLE, chart_asked_of

_SAME: Final = tuple(
    frozenset(group.split("|"))
    for group in (
        "아내|와이프|집사람|wife",
        "남편|신랑|husband",
        "남자친구|남친|boyfriend",
        "여자친구|여친|girlfriend",
        "엄마|어머니|mother|mom",
        "아빠|아버지|father|dad",
        "딸|딸아이|daughter",
        "아들|son",
        "친구|friend",
    )
)
"""Words for one and the same person."""
COUPLE: Final = re.compile(
    r"남편|아내|와이프|배우자|남자 ?친구|여자 ?친구|남친|여친|연인|애인|약혼|상대|그 ?사람|그이|신랑|신부|예비"
    r"|husband|wife|spouse|partner|boyfriend|girlfriend|fianc",
    re.IGNORECASE,
)
_ADMIRED: Final = re.compile(r"썸|짝|전남|전여|그분|^(?:crush|ex|that person|that man|that woman)$")
"""Whom nobody calls a partner, and who may be seen as one."""
_POINTING: Final = re.compile(
    r"(?<![가-힣])(?:그 ?사람|그 ?분|그 ?남자|그 ?여자|그녀|그이|걔|상대(?:방)?|둘째 ?분)(?=[은는이가도의 ]|$)"
    r"|\b(?:his|him|he|her|she|their|the other (?:one|person)|(?:my )?partner)\b",
    re.IGNORECASE,
)
_SEX_POINTED: Final = (
    (re.compile(r"그 ?남자|\b(?:his|him|he)\b", re.IGNORECASE), Sex.MALE),
    (re.compile(r"그 ?여자|그녀|\b(?:her|she)\b", re.IGNORECASE), Sex.FEMALE),
)
_MINE: Final = re.compile(
    r"(?<![가-힣])(?:제|저의|나의|내|저는|나는|제가|내가|저도|나도|난|전|나|저|본인)(?=[\s?!.~,]|$)|\b(?:my|"
    r"mine|am i|do i|will i)\b",
    re.IGNORECASE,
)


_ROLE_ALONE: Final = re.compile(
    r"^\W*(?:(?:그럼|그러면|근데|우리|저희|제|내)\W*)*(?P<ko>[가-힣]{2,5}?)(?:은|는)(?:요)?\W*$"
    r"|^\W*(?:and|then|so)?\W*(?:what|how) about my (?P<en>[a-z]+)\W*$",
    re.IGNORECASE,
)
_ANYBODY: Final = frozenset(
    str.split("배우자 애인 연인 상대 친구 아이 아기 partner spouse friend child baby")
)
"""Asked of alone, they are a topic of the asker's own chart."""


def named(text: str, others: Sequence[BirthDraft]) -> BirthDraft | None:
    """The one of several known people whom a turn names or points to; None where it names nobody of them.

    Args:
        text: the turn.
        others: everybody but the first person, whose births are known.
    """
    for each in reversed(others):
        if each.role and any(_says(text, word) for word in _words(each.role)):
            return each
    mine = [each for each in others if each.role == SELF]
    if mine and _MINE.search(text):
        return mine[0]
    couple = [each for each in others if COUPLE.search(each.role or "")]
    if couple and (said := _couple_said(text)):
        fitting = [each for each in couple if each.sex in said or None in said]
        return fitting[-1] if fitting else None
    if len(others) == 1 and _POINTING.search(text):
        wanted = [sex for pattern, sex in _SEX_POINTED if pattern.search(text)]
        return others[0] if not wanted or others[0].sex in (None, *wanted) else None
    return None


def may_be_a_couple(roles: Sequence[str | None]) -> bool:
    """Whether two people may be one, by their roles: a boss, a friend or a sister of whoever writes is none of it."""
    named_so = {role for role in roles if role not in (None, SELF)}
    return len(named_so) != 1 or any(
        COUPLE.search(role) or _ADMIRED.search(role) for role in named_so if role
    )


def says_role(text: str, role: str | None) -> bool:
    """Whether a turn has a word for whoever has that role."""
    return role is not None and any(_says(text, word) for word in _words(role))


def nameless(text: str, known: Sequence[BirthDraft]) -> str:
    """A turn without the words for people, known or asked about for the first time: "남편도 그거 있어?"."""
    text = without_names(text, known)
    role = _asked_of(text)
    return text if role is None else text.replace(role, " ", 1)


def _asked_of(text: str) -> str | None:
    """The person whose chart a turn asks about, or that it names and nothing else: "남편 성격은?", "아내는?"."""
    role = chart_asked_of(text.lower())
    if role is None and (match := _ROLE_ALONE.search(text)):
        word = match["ko"] or match["en"].lower()
        role = word if word in SEX_OF_ROLE and word not in _ANYBODY else None
    return role


def unknown(text: str, known: Sequence[BirthDraft]) -> str | None:
    """The role of somebody whose chart a turn asks about and whose birth nobody told; None for everybody known."""
    role = _asked_of(text)
    return None if role is None or any(role in _words(each.role or "") for each in known) else role


def without_names(text: str, others: Sequence[BirthDraft]) -> str:
    """A turn without the words for people that are known: "친구 재물운" asks for wealth, not for friendship."""
    for each in others:
        for word in _words(each.role or ""):
            text = re.sub(rf"(?<![가-힣A-Za-z]){re.escape(word)}(?:'s|의)?(?![A-Za-z])", " ", text)
    return text


def _words(role: str) -> frozenset[str]:
    return next((group for group in _SAME if role in group), frozenset((role,) if role else ()))


def _says(text: str, word: str) -> bool:
    if word.isascii():
        return re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) is not None
    return re.search(rf"(?:(?<![가-힣])|(?<=우리|저희)|(?<=[제내])){re.escape(word)}", text) is not None


def _couple_said(text: str) -> frozenset[Sex | None]:
    """Sexes of the words for one half of a couple in a turn; None for a word that says none."""
    return frozenset(SEX_OF_ROLE.get(match[0].replace(" ", "").lower()) for match in COUPLE.finditer(text))
