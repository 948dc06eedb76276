"""Places of Korea and of the world by name: what is found, what is refused because several share the name."""

import unicodedata

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju import places
from hypercube.saju.world_places import DOMINANT, all_places, find_place
from hypercube.saju.zones import zone_names

FOUND = {
    "Gangnam-gu, Seoul": "강남구|강남|Gangnam-gu|gangnam|서울 강남구|서울특별시강남구|Gangnam-gu, Seoul, Korea",
    "Jung-gu, Seoul": "서울 중구|중구, 서울|Jung-gu, Seoul|서울특별시중구, 한국",
    "Suwon-si, Gyeonggi": "수원|수원시|경기 수원|경기도 수원시|Suwon|Suwon-si",
    "Jangan-gu, Suwon, Gyeonggi": "장안구|수원 장안구|수원시 장안구|경기도 수원시 장안구|장안구, 수원시, 경기",
    "Deogyang-gu, Goyang, Gyeonggi": "덕양구|고양시 덕양구|고양 덕양",
    "Gwangju": "광주광역시|Gwangju|Kwangju|Gwangju Metropolitan City",
    "Gwangju-si, Gyeonggi": "경기 광주|경기도 광주시|광주, 경기|광주시, 경기도|Gwangju, Gyeonggi",
    "Buk-gu, Gwangju": "광주 북구|광주광역시 북구|북구, 광주",
    "Goseong-gun, Gangwon": "강원 고성|강원도 고성군|고성, 강원|Goseong, Gangwon|강원특별자치도 고성군",
    "Goseong-gun, Gyeongnam": "경남 고성|경상남도 고성군|고성군, 경남",
    "Michuhol-gu, Incheon": "미추홀구|인천 남구|인천 미추홀구",
    "Gunwi-gun, Daegu": "군위군|군위|대구 군위군|경북 군위군",
    "Masan-si, Gyeongnam": "마산|마산시|Masan",
    "Yeoju-si, Gyeonggi": "여주|여주시|여주군",
    "Jeonju-si, Jeonbuk": "전주|전라북도 전주|전북특별자치도 전주시",
    "Suncheon-si, Jeonnam": "순천|순천시",
    "Jeju": "제주|제주도|Jeju",
    "Jeju-si, Jeju": "제주시",
    "Seoul": "서울|서울, 한국|한국 서울|Seoul, Korea|Seoul South Korea",
    "London, GB-ENG": "London|런던|London, England|London, United Kingdom|런던, 영국",
    "London, CA-ON": "London, Ontario|London Ontario|London, Canada|London, CA-ON",
    "Portland, US-OR": "Portland, US-OR|Portland, OR|Portland Oregon|Portland, Oregon, USA",
    "Portland, US-ME": "Portland, ME|Portland, Maine",
    "New York City, US-NY": "New York|NYC|뉴욕|new york city",
    "Los Angeles, US-CA": "LA|L.A.|로스앤젤레스|Los Angeles, California",
    "Zürich, CH-ZH": "Zürich|Zurich|zurich|취리히",
    "Köln, DE-NW": "Köln|Cologne|쾰른",
    "Pyongyang, KP-01": "평양|Pyongyang",
    "Yanji, CN-JL": "연길|Yanji",
    "Osaka, JP-27": "오사카|Osaka|Osaka, Japan",
    "Hong Kong, Hong Kong": "Hong Kong|홍콩",
}
SHARED = {
    "광주": ["광주광역시", "광주, 경기"],
    "광주시": ["광주광역시", "광주, 경기"],
    "Gwangju-si": ["광주광역시", "광주, 경기"],
    "광주, 한국": ["광주광역시", "광주, 경기"],
    "고성": ["고성군, 강원", "고성군, 경남"],
    "Goseong-gun": ["고성군, 강원", "고성군, 경남"],
    "강서구": ["강서구, 서울", "강서구, 부산"],
    "Portland": ["Portland, US-OR", "Portland, US-ME"],
    "Birmingham": ["Birmingham, GB-ENG", "Birmingham, US-AL"],
    "Jinan": ["진안군, 전북", "Jinan, CN-SD"],
}


@pytest.mark.parametrize(
    ("name", "spelling"), [(n, s) for n, listed in FOUND.items() for s in listed.split("|")]
)
def test_every_spelling(name: str, spelling: str) -> None:
    assert find_place(spelling).name == name
    assert find_place(unicodedata.normalize("NFD", spelling)).name == name
    assert find_place(f"  {spelling.upper()} ").name == name


@pytest.mark.parametrize(("name", "choices"), list(SHARED.items()))
def test_a_name_that_several_share(name: str, choices: list[str]) -> None:
    with pytest.raises(HyperCubeError) as caught:
        find_place(name)
    error = caught.value
    assert (error.kind, error.param, error.value) == (ErrorKind.INVALID_ARGUMENT, "place", name)
    assert error.details["choices"] == choices
    assert error.fix is not None
    assert choices[0] in error.fix
    # Each choice, written as it says, is a place of its own.
    assert len({find_place(choice).name for choice in choices}) == len(choices)


@pytest.mark.parametrize(
    "name", ["중구", "동구", "서구", "남구", "북구", "Springfield", "San Jose", "Buk-gu"]
)
def test_all_choices_lead_to_different_places(name: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        find_place(name)
    choices = caught.value.details["choices"]
    assert len(choices) >= 3
    assert len({find_place(choice).name for choice in choices}) == len(choices)


def test_the_seventeen_offices_stay_where_they_were() -> None:
    for place in places.PLACES:
        assert find_place(place.name) == place
        assert find_place(place.hangul) == place


def test_every_place_is_found_by_its_own_name() -> None:
    every = all_places()
    assert len(every) > 7_000
    assert len({place.name for place in every}) == len(every)
    for place in every:
        assert find_place(place.name) == place


def test_every_place_has_a_zone_and_a_position() -> None:
    zones = zone_names()
    korean = [place for place in all_places() if place.zone == "Asia/Seoul"]
    assert len(korean) == 17 + 261
    for place in all_places():
        assert place.zone in zones
        assert -180 <= place.longitude <= 180
        assert -90 <= place.latitude <= 90
    for place in korean:
        assert 124.5 < place.longitude < 131.9
        assert 33 < place.latitude < 38.7
        assert find_place(place.hangul) == place
        assert place.office.startswith(("centroid", place.hangul))


@pytest.mark.parametrize(
    ("name", "longitude"),
    # City halls and county offices, as maps show them: a centroid lies within the area's own width of them.
    [
        ("수원시", 127.029),
        ("부천시", 126.766),
        ("춘천시", 127.730),
        ("여수시", 127.662),
        ("울릉군", 130.906),
        ("강남구", 127.047),
        ("해운대구", 129.164),
    ],
)
def test_centroids_lie_near_the_offices(name: str, longitude: float) -> None:
    place = find_place(name)
    spread = float(place.office.partition("at most ")[2].partition(" s")[0])
    assert abs(place.longitude - longitude) * 240 <= spread


def test_dominance_needs_twenty_times_the_people() -> None:
    assert DOMINANT == 20
    assert find_place("Paris").zone == "Europe/Paris"
    assert find_place("Seoul").zone == "Asia/Seoul"
    with pytest.raises(HyperCubeError):
        find_place("Vancouver")


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("Soul", "Seoul"),
        ("gangnamm", "Gangnam"),
        ("Gyeongi-do", "Gyeonggi-do"),
        ("서울특별", "서울특별시"),
        ("수원싱", "수원"),
        ("", None),
        ("🏙️", None),
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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("서을", "서울"),
        ("붓산", "부산"),
        ("대그", "대구"),
        ("인쳔", "인천"),
        ("광쥬", "광주"),
        ("수언", "수원"),
        ("제쥬", "제주"),
        ("데전", "대전"),
        ("seuol", "Seoul"),
        ("busna", "Busan"),
        ("daegoo", "Daegu"),
        ("incheom", "Incheon"),
        ("daeju", "Daegu"),
    ],
)
def test_a_slip_of_one_letter_finds_the_city_that_was_meant(name: str, meant: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        find_place(name)
    assert caught.value.details["nearest"] == meant
    assert f"Did you mean {meant!r}?" in str(caught.value.fix)


@pytest.mark.parametrize("name", ["busan", "BUSAN", "daegu"])
def test_a_name_without_a_slip_is_found(name: str) -> None:
    assert find_place(name).name in {"Busan", "Daegu"}


@pytest.mark.parametrize("name", ["seoul" + " " * 1_000_000, "a b " * 24, ",,,,", "서울" * 50])
def test_monstrous_names_are_refused_briefly(name: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        find_place(name)
    assert len(str(caught.value)) < 700
