"""Birth places by name: Korea's provinces, cities, counties and districts, and the world's larger cities.

Looked for in this order, first match wins; within a step a name shared by several places is refused, with how
to write each:

    Korea's 17 cities and provinces (`places`)     at the door of their office
    Korea's cities, counties and districts         강남구, 강남, Gangnam-gu, Gangnam: the centroid of the area
    cities of the world, by their usual name       at the position that GeoNames gives (in Latin letters
                                                   together with the step before)
    cities of the world, by other spellings

A name may say where the place is, before or after it: "경기 광주", "고성, 강원", "Portland, US-OR", "Paris, France".
A city of the world that has `DOMINANT` times the people of the next of its name needs no such help; the answer
repeats which one was taken. Sources and licences: data/NOTICE; the table: scripts/build_places.py.
"""

import csv
import functools
import gzip
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from hypercube.core.errors import HyperCubeError, invalid, nearest, shown
from hypercube.saju import places
from hypercube.saju.place_slips import Slips
from hypercube.saju.places import Place

DOMINANT: Final = 20
"""London (9 million) is not London, Ontario (0.4 million); Portland, Oregon, may be the one in Maine."""
_LONGEST_NAME: Final = 100
_MOST_PARTS: Final = 6
_MOST_CHOICES: Final = 8
_IGNORED: Final = str.maketrans("", "", " -_.,'’\t")
# 광주광역시 and, 97 s of solar time to the east, 광주시 of Gyeonggi are both called so. "Gwangju" alone is the
# metropolitan city, which goes by that name in English.
_SHARED: Final = frozenset({"광주", "광주시", "gwangjusi"})
_HOME: Final = frozenset({"korea", "southkorea", "republicofkorea", "kr", "한국", "대한민국"})
_STEPS: Final = range(3)
_KOREA, _USUAL, _OTHER = _STEPS


@dataclass(frozen=True, slots=True)
class _Entry:
    place: Place
    inside: frozenset[str]
    """Keys of the areas, divisions and countries that a caller may add."""
    population: int
    """0 in Korea, where nothing dominates."""
    home: bool
    """In South Korea."""


@dataclass(frozen=True, slots=True)
class _Gazetteer:
    entries: tuple[_Entry, ...]
    steps: tuple[dict[str, tuple[int, ...]], ...]
    """For each step, key of a name -> positions in `entries`."""
    spellings: dict[str, str]
    """Key -> a spelling to suggest."""


@functools.lru_cache(maxsize=16_384)
def find_place(name: str) -> Place:
    """The place of that Korean or English name; case, accents, spaces and hyphens do not matter.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`place`): unknown, with the nearest name, or shared by several places,
            with `details["choices"]`.
    """
    if len(name) > _LONGEST_NAME:
        raise _unknown(name)
    readings = list(_readings(name))
    for key, inside in readings:
        if _HOME.issuperset(inside):
            if key in _SHARED:
                raise _shared(name, ["광주광역시", "광주, 경기"])
            office = _office(key)
            if office is not None:
                return office
    gazetteer = _gazetteer()
    for step in _STEPS:
        found = _matches(gazetteer, step, readings)
        if found and step == _KOREA and name.isascii():
            # Jinan is a county of Jeonbuk and a city of Shandong; 진안 is the county.
            found += _matches(gazetteer, _USUAL, readings)
        if found:
            return _only(name, found)
    raise _unknown(name)


def is_named(name: str) -> bool:
    """Whether any place goes by that name alone, shared or not; costs a look-up, and no suggestion is looked for."""
    key = _key(name[:_LONGEST_NAME])
    return key in _SHARED or places.is_named(key) or any(key in step for step in _gazetteer().steps)


def all_places() -> tuple[Place, ...]:
    """Every place, Korea first; the `name` of each finds it again."""
    return (*places.PLACES, *(entry.place for entry in _gazetteer().entries))


def _key(name: str) -> str:
    """What two spellings of one name share: no case, accent, space, hyphen, dot or comma; Hangul composed."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    return unicodedata.normalize("NFC", plain).translate(_IGNORED)


def _office(name: str) -> Place | None:
    try:
        return places.find_place(name)
    except HyperCubeError:
        return None


def _readings(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A name as (key of the place, keys of what it is inside): whole, at its commas, at each of its spaces."""
    yield _key(name), ()
    parts = [part for part in name.split(",") if part.strip()]
    if len(parts) > 1:
        yield _key(parts[0]), tuple(_key(part) for part in parts[1:])
        return
    words = name.split()
    if len(words) > _MOST_PARTS:
        return
    for cut in range(1, len(words)):
        # 경기 광주, 경기도 수원시 장안구: each word before the name holds the place ...
        yield _key("".join(words[cut:])), tuple(_key(word) for word in words[:cut])
        # ... Portland Oregon, London United Kingdom: what follows is one name.
        yield _key("".join(words[:cut])), (_key("".join(words[cut:])),)


def _matches(
    gazetteer: _Gazetteer, step: int, readings: Iterable[tuple[str, tuple[str, ...]]]
) -> list[_Entry]:
    for key, inside in readings:
        entries = (gazetteer.entries[i] for i in gazetteer.steps[step].get(key, ()))
        found = [entry for entry in entries if entry.inside.issuperset(inside)]
        if found:
            return found
    return []


def _only(name: str, found: list[_Entry]) -> Place:
    if len(found) == 1:
        return found[0].place
    first, second = sorted(found, key=lambda entry: -entry.population)[:2]
    if first.population >= DOMINANT * second.population > 0:
        return first.place
    raise _shared(name, [_choice(entry) for entry in found])


def _choice(entry: _Entry) -> str:
    """How to write one of several: "고성, 강원", "Portland, US-OR"."""
    if not entry.home:
        return entry.place.name
    province, *between, own = entry.place.hangul.split()
    return ", ".join([own, *between, _PROVINCES.get(province, province)])


_PROVINCES: Final = {
    place.hangul: next(
        short
        for short in (place.hangul[:2], place.hangul[0] + place.hangul[2])
        if _office(short) is place or short == "광주"
    )
    for place in places.PLACES
}
"""서울특별시 -> 서울, 충청북도 -> 충북: the short name by which a choice is written."""


def _unknown(name: str) -> HyperCubeError:
    close = _nearest_spelling(_key(name[:64]))
    guess = f"Did you mean {close!r}? " if close else ""
    return invalid(
        f"place {shown(name)!r} is not known.",
        param="place",
        value=name,
        fix=f"{guess}Name a city, county or district of Korea (서울, 강남구, Goseong, Gangwon) or a city of the world "
        "with 100,000 people or more (Portland, US-OR), or give `longitude` and `zone` instead.",
        nearest=close,
    )


def _shared(name: str, choices: list[str]) -> HyperCubeError:
    listed = "; ".join(choices[:_MOST_CHOICES])
    more = f"; and {len(choices) - _MOST_CHOICES} more" if len(choices) > _MOST_CHOICES else ""
    return invalid(
        f"place {shown(name)!r} is the name of {len(choices)} places.",
        param="place",
        value=name,
        fix=f"Write one of: {listed}{more}; or give `longitude` and `zone`.",
        choices=choices,
    )


@functools.lru_cache(maxsize=1_024)
def _nearest_spelling(key: str) -> str | None:
    """Looked for among Korea's names by letters, then among all of the same start or end.

    Never among all: a batch may hold thousands of misspelt places.
    """
    slip = _slips().nearest(key)
    if slip is not None:
        return slip
    alike = {
        known: spelling for end in _ends(key) for known, spelling in _spellings_by_end().get(end, {}).items()
    }
    office = _nearest_office(key)
    if office:
        alike[_key(office)] = office
    close = nearest(key, alike)
    return alike[close] if close else None


def _nearest_office(key: str) -> str | None:
    try:
        return places.find_place(key).name
    except HyperCubeError as error:
        found: str | None = error.details["nearest"]
        return found


@functools.cache
def _slips() -> Slips:
    """Korea's names: the cities and provinces before what lies in them."""
    gazetteer = _gazetteer()
    inside = {
        key: gazetteer.spellings[key]
        for key, positions in gazetteer.steps[_KOREA].items()
        if any(gazetteer.entries[each].home for each in positions)
    }
    return Slips((places.spellings(), inside))


@functools.cache
def _spellings_by_end() -> dict[str, dict[str, str]]:
    by_end: dict[str, dict[str, str]] = defaultdict(dict)
    for key, spelling in _gazetteer().spellings.items():
        for end in _ends(key):
            by_end[end][key] = spelling
    return dict(by_end)


def _ends(key: str) -> tuple[str, str]:
    """First letters; first and last letters: a slip of the pen leaves one of them."""
    return key[:3] if key.isascii() else key[:1], f"{key[:1]}…{key[-2:]}"


@functools.cache
def _gazetteer() -> _Gazetteer:
    """The table of this package, read at the first name that needs it."""
    packed = files("hypercube.saju").joinpath("data/places.tsv.gz").read_bytes()
    text = io.StringIO(gzip.decompress(packed).decode("utf-8"), newline="")
    entries: list[_Entry] = []
    steps: tuple[dict[str, list[int]], ...] = tuple(defaultdict(list) for _ in _STEPS)
    spellings: dict[str, str] = {}
    keys_of = functools.cache(_keys)
    for row in csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE):
        position, home = len(entries), row["country"] == "KR"
        entries.append(_Entry(_place(row), keys_of(row["inside"]), int(row["population"] or 0), home))
        own = row["name"].partition(",")[0]
        names = row["others"].split("|")
        usual = {own, row["hangul"], *(each for each in names if not each.isascii())}
        for each in (own, row["hangul"], *names):
            if each:
                step = _KOREA if home else _USUAL if each in usual else _OTHER
                key = _key(each)
                spellings.setdefault(key, each)
                if position not in steps[step][key]:
                    steps[step][key].append(position)
    frozen = tuple({key: tuple(found) for key, found in step.items()} for step in steps)
    return _Gazetteer(tuple(entries), frozen, spellings)


def _keys(names: str) -> frozenset[str]:
    return frozenset(_key(name) for name in names.split("|"))


def _place(row: dict[str, str]) -> Place:
    if row["country"] == "KR":
        basis = (
            f"centroid of the area, at most {row['spread_s']} s of solar time from its edge (NGII boundaries)"
        )
    else:
        basis = "GeoNames"
    return Place(
        name=row["name"],
        hangul=row["hangul"] or row["name"],
        longitude=float(row["longitude"]),
        latitude=float(row["latitude"]),
        office=basis,
        zone=row["zone"],
    )
