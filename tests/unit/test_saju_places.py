import unicodedata

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju.places import PLACES, find_place
from hypercube.saju.zones import load_zone

NAMES = {
    "Seoul": "서울 서울시 서울특별시 SEOUL seoul-si|Seoul City|Seoul Special City| seoul ",
    "Busan": "부산 부산시 부산광역시 Pusan busan|Busan Metropolitan City",
    "Daegu": "대구 대구시 대구광역시 Taegu",
    "Incheon": "인천 인천시 인천광역시 incheon",
    "Gwangju": "광주 광주광역시 Gwangju-si|Kwangju",
    "Daejeon": "대전 대전시 대전광역시 Taejon",
    "Ulsan": "울산 울산시 울산광역시 ulsan",
    "Sejong": "세종 세종시 세종특별자치시 Sejong City",
    "Gyeonggi": "경기 경기도 Gyeonggi-do gyeonggido GYEONGGI|Gyeonggi Province",
    "Gangwon": "강원 강원도 강원특별자치도 Gangwon-do Kangwon",
    "Chungbuk": "충북 충청북도 Chungcheongbuk-do|North Chungcheong Province|chungbuk",
    "Chungnam": "충남 충청남도 Chungcheongnam-do|South Chungcheong",
    "Jeonbuk": "전북 전라북도 전북특별자치도 Jeollabuk-do|North Jeolla|전북 특별 자치도",
    "Jeonnam": "전남 전라남도 Jeollanam-do|South Jeolla Province",
    "Gyeongbuk": "경북 경상북도 Gyeongsangbuk-do|North Gyeongsang",
    "Gyeongnam": "경남 경상남도 Gyeongsangnam-do|South Gyeongsang",
    "Jeju": "제주 제주도 제주특별자치도 Jeju-do Cheju|Jeju Special Self-Governing Province",
}


def spelt() -> list[tuple[str, str]]:
    return [
        (name, spelling)
        for name, listed in NAMES.items()
        for first, *rest in [listed.split("|")]
        for spelling in [name, *first.split(" "), *rest]
        if spelling and spelling != "City"
    ]


@pytest.mark.parametrize(("name", "spelling"), spelt())
def test_every_spelling(name: str, spelling: str) -> None:
    assert find_place(spelling).name == name
    assert find_place(unicodedata.normalize("NFD", spelling)).name == name


def test_seventeen_places_in_korea() -> None:
    assert [place.name for place in PLACES] == list(NAMES)
    for place in PLACES:
        assert 126 < place.longitude < 129.6
        assert 33 < place.latitude < 38.6
        assert place.office.startswith(f"{place.hangul}청, {place.hangul} ")
        assert load_zone(place.zone).name == "Asia/Seoul"
    assert find_place("Seoul").longitude == 126.978


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("Soul", "Seoul"),
        ("서울특별", "서울특별시"),
        ("Gyeongi-do", "Gyeonggi-do"),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_an_unknown_place(name: str, close: str | None) -> None:
    with pytest.raises(HyperCubeError) as caught:
        find_place(name)
    error = caught.value
    assert (error.kind, error.param, error.value) == (ErrorKind.INVALID_ARGUMENT, "place", name)
    assert error.details["nearest"] == close
    assert error.fix is not None
    assert "`longitude` and `zone`" in error.fix
    assert close is None or f"Did you mean {close!r}?" in error.fix


def test_a_city_of_gyeonggi_is_not_taken_for_gwangju() -> None:
    with pytest.raises(HyperCubeError):
        find_place("광주시")


def test_a_monstrous_name_is_refused_briefly() -> None:
    with pytest.raises(HyperCubeError) as caught:
        find_place("seoul" + " " * 1_000_000)
    assert len(str(caught.value)) < 600
