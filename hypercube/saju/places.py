"""Korea's seventeen cities and provinces: where their office stands, which is what "born in ..." means here.

The position is that of the city hall or provincial office at the street address which the office itself
publishes (`office`), in WGS 84, good to 0.001 degrees: a quarter of a second of solar time. A province is
wide (Gangwon: four and a half minutes from Chuncheon to the coast), so a birth far from the seat should give
`longitude`. Gwangju and Jeonnam, merged in July 2026, stay two places: a birth place is where it was.
"""

import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hypercube.core.errors import HyperCubeError, invalid, nearest, shown


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a birth can name."""

    name: str
    """Canonical English name, in Revised Romanization."""
    hangul: str
    """Official Korean name."""
    longitude: float
    """Degrees east of Greenwich."""
    latitude: float
    """Degrees north of the equator."""
    office: str
    """Whose door the position is: the office and its street address."""
    zone: str = "Asia/Seoul"


_CITIES: Final = (
    # name, short Korean name, kind of city, longitude, latitude, other spellings
    ("Seoul", "서울", "특별시", 126.9780, 37.5665, ""),
    ("Busan", "부산", "광역시", 129.0756, 35.1796, "Pusan"),
    ("Daegu", "대구", "광역시", 128.6014, 35.8714, "Taegu"),
    ("Incheon", "인천", "광역시", 126.7052, 37.4563, "Inchon"),
    ("Gwangju", "광주", "광역시", 126.8526, 35.1595, "Kwangju"),
    ("Daejeon", "대전", "광역시", 127.3845, 36.3504, "Taejon"),
    ("Ulsan", "울산", "광역시", 129.3114, 35.5384, ""),
    ("Sejong", "세종", "특별자치시", 127.2890, 36.4800, ""),
)
_PROVINCES: Final = (
    # name, official name, longitude, latitude, other names (_ for a space)
    ("Gyeonggi", "경기도", 127.0535, 37.2893, "경기 Kyonggi"),
    ("Gangwon", "강원특별자치도", 127.7298, 37.8854, "강원 강원도 Kangwon"),
    ("Chungbuk", "충청북도", 127.4914, 36.6358, "충북 충북도 Chungcheongbuk North_Chungcheong"),
    ("Chungnam", "충청남도", 126.6728, 36.6588, "충남 충남도 Chungcheongnam South_Chungcheong"),
    ("Jeonbuk", "전북특별자치도", 127.1089, 35.8203, "전북 전라북도 전북도 Jeollabuk North_Jeolla"),
    ("Jeonnam", "전라남도", 126.4629, 34.8162, "전남 전남도 Jeollanam South_Jeolla"),
    ("Gyeongbuk", "경상북도", 128.5056, 36.5760, "경북 경북도 Gyeongsangbuk North_Gyeongsang"),
    ("Gyeongnam", "경상남도", 128.6920, 35.2379, "경남 경남도 Gyeongsangnam South_Gyeongsang"),
    ("Jeju", "제주특별자치도", 126.4984, 33.4890, "제주 제주도 Cheju"),
)
_ADDRESSES: Final = {
    "Seoul": "중구 세종대로 110",
    "Busan": "연제구 중앙대로 1001",
    "Daegu": "중구 공평로 88",
    "Incheon": "남동구 정각로 29",
    "Gwangju": "서구 내방로 111",
    "Daejeon": "서구 둔산로 100",
    "Ulsan": "남구 중앙로 201",
    "Sejong": "한누리대로 2130",
    "Gyeonggi": "수원시 영통구 도청로 30",
    "Gangwon": "춘천시 중앙로 1",
    "Chungbuk": "청주시 상당구 상당로 82",
    "Chungnam": "홍성군 홍북읍 충남대로 21",
    "Jeonbuk": "전주시 완산구 효자로 225",
    "Jeonnam": "무안군 삼향읍 오룡길 1",
    "Gyeongbuk": "안동시 풍천면 도청대로 455",
    "Gyeongnam": "창원시 의창구 중앙대로 300",
    "Jeju": "제주시 문연로 6",
}
# 광주시 is a city of Gyeonggi-do, 97 s of solar time east of 광주광역시: not a name of the latter.
_OTHERS_NAME: Final = frozenset({"광주시"})
_ENGLISH_CITY: Final = ("", " City", "-si", " Metropolitan City", " Special City")
_ENGLISH_PROVINCE: Final = ("", "-do", " Province", " Special Self-Governing Province")
_LONGEST_NAME: Final = 100


def _key(name: str) -> str:
    """What two spellings of one name share: no case, space, hyphen, dot or comma; Hangul composed."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character not in " -_.,'’\t")


def _known() -> tuple[tuple[Place, ...], dict[str, Place], dict[str, str]]:
    """All places, every key to its place, and every key to the spelling that suggestions show."""
    places: list[Place] = []
    by_key: dict[str, Place] = {}
    spellings: dict[str, str] = {}

    def add(name: str, official: str, longitude: float, latitude: float, names: list[str]) -> None:
        office = f"{official}청, {official} {_ADDRESSES[name]}"
        places.append(Place(name, official, longitude, latitude, office))
        for each in names:
            if each not in _OTHERS_NAME:
                by_key[_key(each)] = places[-1]
                spellings.setdefault(_key(each), each)

    for name, short, kind, longitude, latitude, others in _CITIES:
        english = [each + suffix for each in (name, *others.split()) for suffix in _ENGLISH_CITY]
        add(name, short + kind, longitude, latitude, [*english, short, short + "시", short + kind])
    for name, official, longitude, latitude, others in _PROVINCES:
        names = [name, *(each.replace("_", " ") for each in others.split() if each.isascii())]
        english = [each + suffix for each in names for suffix in _ENGLISH_PROVINCE]
        korean = [official, *(each for each in others.split() if not each.isascii())]
        add(name, official, longitude, latitude, english + korean)
    return tuple(places), by_key, spellings


PLACES, _BY_KEY, _SPELLINGS = _known()


@functools.lru_cache(maxsize=4_096)
def find_place(name: str) -> Place:
    """The place of that Korean or English name, full or short; case, spaces and hyphens do not matter.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`place`) with the nearest name.
    """
    place = _BY_KEY.get(_key(name)) if len(name) <= _LONGEST_NAME else None
    if place is None:
        raise _unknown_place(name)
    return place


def is_named(name: str) -> bool:
    """Whether `find_place` knows the name; nothing is suggested where it does not."""
    return _key(name[:_LONGEST_NAME]) in _BY_KEY


def spellings() -> Mapping[str, str]:
    """By the key of every name of these places the spelling that suggestions show."""
    return _SPELLINGS


def _unknown_place(name: str) -> HyperCubeError:
    close = _nearest_spelling(_key(name[:64]))
    guess = f"Did you mean {close!r}? " if close else ""
    return invalid(
        f"place {shown(name)!r} is not known.",
        param="place",
        value=name,
        fix=f"{guess}Name one of Korea's cities or provinces ({', '.join(place.name for place in PLACES)}; "
        "서울, 부산, 경기 ...), or give `longitude` and `zone` instead.",
        nearest=close,
    )


@functools.lru_cache(maxsize=1_024)
def _nearest_spelling(key: str) -> str | None:
    """Looked for among the names of the same initial: a batch may hold thousands of misspelt places."""
    close = nearest(key, [known for known in _SPELLINGS if known[:1] == key[:1]])
    return _SPELLINGS[close] if close else None
