"""Places of birth in a canonical turn, as `world_places.find_place` knows them."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hypercube.core.errors import HyperCubeError
from hypercube.saju.world_places import find_place, is_named


@dataclass(frozen=True, slots=True)
class PlaceSaid:
    """At `text[start:end]` of the canonical turn; `choices` where several places go by the name."""

    start: int
    end: int
    name: str
    choices: tuple[str, ...] = ()
    country: bool = False
    """A country that needs a city."""
    known: bool = True
    explicit: bool = False
    """The words around it say that it is the place of birth."""


_MOST_WORDS: Final = 240
_WORD: Final = re.compile(r"(?:(?<=\d[분시일반생])|(?<![가-힣\d]))[가-힣]{2,20}")
_JOSA: Final = re.compile(
    r"(?:에서는|에서도|에서|출생이에요|출생입니다|출생이고|출생|태생이에요|태생입니다|태생|"
    r"출신이에요|출신입니다|출신|토박이|생이에요|생입니다|생|이에요|예요|"
    r"에요|이요|요|입니다|이고요|이고|이구|이며|인데|인데요|이었어요|이야|임|으로|로|에|은|는|이|가|"
    r"남자|여자|남성|여성|쪽|사람|시내|근처|병원)$"
)
_BORN_IN: Final = re.compile(
    r"(?:[\s가-힣]{0,12}(?:에서|에)?\s?(?:태어|났|출생|낳)|\s?(?:출생|태생|출신|토박이|"
    r"생(?=[\s,.이입]|$)))|에서 ?(?=\d|$)"
)
_PLACE_LABEL: Final = re.compile(
    r"(?:출생지|출생 ?장소|출생 ?지역|태어난 ?곳|태어난 ?장소|태어난 ?지역|고향|장소|지역|도시|"
    r"출생도시)(?:은|는|이)?\s?[:=]?\s?$"
)
_LIVES: Final = re.compile(
    r"\s?(?:에서|에|으로|로|까지|쪽)?\s?(?:지금|현재)?\s?(?:살|사는|삽니다|거주|산지|직장|일하|근무|"
    r"회사|대학|여행|이사|놀러|갈|가서|간)"
)
_COMMON: Final = frozenset(
    str.split(
        "장수 공주 고령 영양 부여 화성 수성 나라 파리 이천 사천 고성 사상 수영 연기 중구 남구 동구 "
        "북구 서구 진안 양산 상주 보은 영주 동해 의성 보성 대덕 안성 금정 광명 남해 성주 시안 우한 "
        "오산 하남 구리 김제 완도 진도 청송 영광 장성 화순 곡성 함안 창녕 합천 단양 괴산 음성 진천 "
        "옥천 영동 가평 연천 정선 인제 양구 화천 홍천 횡성 태백 고흥 강진 해남 무안 신안 함평 임실 "
        "순창 무주 부안 고창 동작 관악 서초 강동 노원 도봉 성북 강북 중랑 종로 마포 은평 양천 구로 "
        "금천 영등포 사하 기장 수지 기흥 처인 덕양 단원 상록 만안 동안 소사 원미 오정 서원 상당 "
        "흥덕 청원 완산 덕진 북 남 미추홀 계양 부평 연수 서해 동대문 서대문 리마 바리 시라 안나 "
        "마나 라마 가자 사나 하마 모로 오리 카나 바로 우리 여기 거기 하나 다시 아마 대로 이상 가지 "
        "사라 미나 고미 고마 사가 오가 이가 나가 하다 오다 이다 미치 자라 수원지 고베 이란 오만 "
        "차드 말리"
    )
) - frozenset(str.split("고베 서초 강동 마포 종로 영등포 노원 은평 관악 동대문 서대문 구로"))
_WORDS: Final = frozenset(
    str.split("미리 지난 한다 홀로 오시 위해 수정 지시 오타 팔월 중화 서리 구성 사리 이세 지지 지지가 정정")
)
"""Everyday words that somewhere in the world are a city: a place only where the words around them say so."""
_COUNTRIES: Final = frozenset(
    str.split(
        "미국 일본 중국 캐나다 호주 영국 독일 프랑스 베트남 태국 필리핀 인도네시아 인도 러시아 "
        "브라질 멕시코 스페인 이탈리아 뉴질랜드 말레이시아 대만 몽골 우즈베키스탄 카자흐스탄 사우디 "
        "스위스 네덜란드 스웨덴 아르헨티나 북한 usa us america canada australia uk england germany "
        "france vietnam thailand philippines indonesia india russia brazil mexico spain italy japan "
        "china malaysia taiwan mongolia switzerland netherlands sweden argentina"
    )
)
_VAGUE: Final = frozenset(
    str.split(
        "병원 집 시골 외가 외국 해외 한국 대한민국 지방 조산원 산부인과 친정 korea hospital home abroad"
    )
)
_UNKNOWN_SITE: Final = re.compile(
    r"(?<![가-힣])([가-힣]{2,10})에서\s(?:태어났|태어나|출생했|출생하|났어|났습)"
)
_ENGLISH_SITE: Final = re.compile(
    r"(?:\bborn (?:and raised )?(?:in|at|near)|\bbirth ?place(?: is| was)?\s?:?|\bplace(?: of "
    r"birth)?(?: is| was)?\s?:?|\bcity(?: of birth)?\s?:|\bin|\bfrom|\bat|\bbut|\bnot|\bit was|,|^|/|-(?=\s)|\bborn|"
    r"(?<=\d)\s|(?<=[ap]m)\s|\b(?:fe)?male)\s?"
    r"(?=([a-z][a-z.'-]{1,20}(?: [a-z][a-z.'-]{1,20}){0,2}(?:, ?[a-z][a-z-]{1,20}(?: [a-z][a-z-]{1,20})?)?))"
)
_ENGLISH_STOP: Final = frozenset(
    str.split(
        "male female man woman boy girl unknown time the a an my and or at on in am pm noon "
        "midnight morning evening night may march june july august born birth lunar solar korea me "
        "i is was not date sex gender f m of around about afternoon hour hi hello yes no ok please "
        "so it this that reading nice bath mobile most split orange of today general normal fact "
        "case case, total love work school time, order short long home hospital"
    )
)


def places_in(text: str, *, whole: bool) -> list[PlaceSaid]:
    """The places that a turn names as places of birth, in order.

    `whole`: the turn tells a birth or answers for one, so that a bare name is a place of birth too.
    """
    found = list(_korean(text, whole=whole))
    if not found:
        found = list(_english(text, whole=whole))
    if not found:
        for match in _UNKNOWN_SITE.finditer(text):
            name = match[1]
            if name in _COUNTRIES:
                found.append(PlaceSaid(*match.span(1), name, country=True, explicit=True))
            elif name not in _VAGUE and not name.endswith(("병원", "집", "의원", "댁")):
                found.append(PlaceSaid(*match.span(1), name, known=False, explicit=True))
    return found


def _korean(text: str, *, whole: bool) -> Iterator[PlaceSaid]:
    words = [
        (match.start(), match[0]) for _, match in zip(range(_MOST_WORDS), _WORD.finditer(text), strict=False)
    ]
    index = 0
    while index < len(words):
        best: tuple[int, PlaceSaid] | None = None
        for count in (4, 3, 2, 1):
            group = words[index : index + count]
            if len(group) == count and _adjacent(text, group):
                said = _named(text, group, whole=whole)
                if said is not None:
                    best = (count, said)
                    break
        if best is None:
            index += 1
        else:
            yield best[1]
            index += best[0]


def _adjacent(text: str, group: list[tuple[int, str]]) -> bool:
    return all(
        text[start + len(word) : following].strip() in ("", ",") and following - start - len(word) <= 2
        for (start, word), (following, _) in itertools.pairwise(group)
    )


def _named(text: str, group: list[tuple[int, str]], *, whole: bool) -> PlaceSaid | None:
    head = [word for _, word in group[:-1]]
    if head and not all(
        is_named(word) or word in _COUNTRIES or word in ("한국", "대한민국") for word in head
    ):
        return None
    start, last = group[-1]
    for stem in _stems(last):
        if not head and stem in _COUNTRIES and is_named(stem) is False:
            return _country(text, group[0][0], start, stem)
        name = " ".join([*head, stem])
        # 광주 광역시: the last word is no place by itself.
        if not is_named(stem) and not (head and is_named(name)):
            continue
        said = _judged(text, group[0][0], start + len(stem), name, whole=whole)
        if said is not None:
            return said
    return None


def _country(text: str, start: int, last: int, stem: str) -> PlaceSaid | None:
    end = last + len(stem)
    if _BORN_IN.match(text, end) or _PLACE_LABEL.search(text[max(0, start - 14) : start]):
        return PlaceSaid(start, end, stem, country=True, explicit=True)
    return None


def _stems(word: str) -> Iterator[str]:
    """The word, and the word without the particles behind it, longest first."""
    yield word
    for _ in range(3):
        match = _JOSA.search(word)
        if match is None or match.start() < 2:
            return
        word = word[: match.start()]
        yield word


def _judged(text: str, start: int, end: int, name: str, *, whole: bool) -> PlaceSaid | None:
    explicit = bool(_BORN_IN.match(text, end)) or bool(_PLACE_LABEL.search(text[max(0, start - 14) : start]))
    if not explicit:
        if _LIVES.match(text, end) or not whole or name in _WORDS:
            return None
        if name in _COMMON and not _alone(text, start, end):
            return None
    try:
        find_place(name)
    except HyperCubeError as error:
        choices = tuple(error.details.get("choices", ()))
        return PlaceSaid(start, end, name, choices, explicit=explicit) if choices else None
    return PlaceSaid(start, end, name, explicit=explicit)


def _alone(text: str, start: int, end: int) -> bool:
    """Whether the name stands by itself between commas, or is all of the turn."""
    return text[:start].rstrip()[-1:] in ("", ",", "/", "\n") and text[end:].lstrip()[:1] in (
        "",
        ",",
        "/",
        "\n",
        ".",
    )


def _english(text: str, *, whole: bool) -> Iterator[PlaceSaid]:
    for match in _ENGLISH_SITE.finditer(text):
        lead = text[match.start() : match.start(1)]
        explicit = "born" in lead or "place" in lead or "city" in lead or "from" in lead
        if not explicit and not whole:
            continue
        words = match[1].strip(" ,.").split(" ")
        for count in range(min(len(words), 5), 0, -1):
            name = " ".join(words[:count]).strip(" ,.")
            plain = name.split(",")[0].split(" ")
            if any(word.strip(",") in _ENGLISH_STOP for word in plain) or len(name) < 2:
                continue
            said = _english_name(match.start(1), name, explicit=explicit)
            if said is not None:
                yield said
                break


def _english_name(start: int, name: str, *, explicit: bool) -> PlaceSaid | None:
    end = start + len(name)
    if name in _COUNTRIES:
        return PlaceSaid(start, end, name, country=True, explicit=explicit) if explicit else None
    if not is_named(name.split(",")[0]) and not is_named(name):
        return None
    try:
        find_place(name)
    except HyperCubeError as error:
        choices = tuple(error.details.get("choices", ()))
        return PlaceSaid(start, end, name, choices, explicit=explicit) if choices else None
    return PlaceSaid(start, end, name, explicit=explicit)
