"""Whether a turn says that the person is a man or a woman."""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import Sex


@dataclass(frozen=True, slots=True)
class SexSaid:
    """At `text[start:end]` of the canonical turn."""

    start: int
    end: int
    sex: Sex


# 남자 운, 남자를, 남자가 생길까: somebody else.
_NOT_SELF: Final = (
    r"(?!\s?(?:친구|사람 ?친구|복|운|문제|관계|때문|들|만나|만날|만남|보는|조심|쪽|화장실|옷|와|랑|"
    r"과|한테|에게|의|도|를|을|만|하고|아이돌|"
    r"가(?!\s?(?:맞|에요|예요))|이(?!에|예|고|구|며|라|야|요|지|다|니|었|시|입|임|거)))"
)
_LONG: Final = re.compile(
    rf"(?<![가-힣])(?:(?P<m>남자아이|남자애|남학생|남자|남성|남아|사내아이|사내애|사내|아들|건명)|"
    rf"(?P<f>여자아이|여자애|여학생|여자|여성|여아|딸(?!기)|곤명)){_NOT_SELF}"
    rf"|(?<=[생서시분경])(?:(?P<m2>남자|남성|남아)|(?P<f2>여자|여성|여아)){_NOT_SELF}"
    r"|(?<![가-힣])(?:(?P<m3>남잔|남잡|남자ㅇ)|(?P<f3>여잔|여잡|여자ㅇ))"
)
_SHORT: Final = re.compile(
    r"(?:(?<![가-힣a-z0-9])|(?<=[생시분일울산구주천전경반]))(?:(?P<m>남)|"
    r"(?P<f>여))(?:자)?(?=(?:이에요|예요|에요|입니다|이고|임|요|이요|이야|이고요|"
    r"인데)?(?:[\s,.()/\]!~]|$|새벽|아침|오전|오후|낮|저녁|밤|시간|\d))"
)
_ENGLISH: Final = re.compile(
    r"(?<![a-z'])(?:(?P<m>male|man|boy|guy|gentleman|dude|he/him)|(?P<f>female|woman|girl|lady|gal|"
    r"she/her))(?![a-z'])(?!s\b)"
    r"(?!\s(?:i|who|of my|friend|in my|that i))"
    r"|(?:sex|gender)\s?(?:is)?\s?[:=]?\s?(?:(?P<m2>m)|(?P<f2>f))\b|(?:^|[,/(]\s?|\s)(?:(?P<m3>m)|"
    r"(?P<f3>f))(?=\s?(?:[,/).]|$))"
)
_SYMBOL: Final = re.compile(r"(?P<m>[♂🚹])|(?P<f>[♀🚺])")
_MY_CHILD: Final = re.compile(r"(?:my|our|a|the)\s$")


def sexes_in(text: str) -> list[SexSaid]:
    """All of them in order."""
    found: list[SexSaid] = []
    taken: set[int] = set()
    for pattern in (_LONG, _SHORT, _ENGLISH, _SYMBOL):
        for match in pattern.finditer(text):
            group = next(name for name, value in match.groupdict().items() if value is not None)
            start, end = match.span(group)
            if start not in taken:
                taken.update(range(start, end))
                found.append(SexSaid(start, end, Sex.MALE if group[0] == "m" else Sex.FEMALE))
    return sorted(found, key=lambda said: said.start)
