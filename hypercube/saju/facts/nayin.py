"""Nayin (납음): the sound element of each two neighbouring pillars, thirty in all.

Source: 三命通會 卷一 論納音取象; written as in Korean almanacs (澗下水, not 涧下水). No school differs.
"""

from typing import Final

from hypercube.core.facts import Name

_TABLE: Final = """
    海中金 해중금 gold in the sea
    爐中火 노중화 fire in the furnace
    大林木 대림목 wood of the great forest
    路傍土 노방토 earth by the road
    劍鋒金 검봉금 metal of the sword's edge
    山頭火 산두화 fire on the hilltop
    澗下水 간하수 water in the ravine
    城頭土 성두토 earth of the rampart
    白蠟金 백랍금 white wax metal
    楊柳木 양류목 willow wood
    泉中水 천중수 water in the spring
    屋上土 옥상토 earth on the roof
    霹靂火 벽력화 thunderbolt fire
    松柏木 송백목 pine and cypress wood
    長流水 장류수 long flowing water
    沙中金 사중금 gold in the sand
    山下火 산하화 fire below the hill
    平地木 평지목 wood of the plain
    壁上土 벽상토 earth on the wall
    金箔金 금박금 gold leaf
    覆燈火 복등화 covered lamp fire
    天河水 천하수 water of the Milky Way
    大驛土 대역토 earth of the post road
    釵釧金 차천금 hairpin and bracelet gold
    桑柘木 상자목 mulberry wood
    大溪水 대계수 water of the great stream
    沙中土 사중토 earth in the sand
    天上火 천상화 fire in heaven
    石榴木 석류목 pomegranate wood
    大海水 대해수 water of the great sea
"""
_ELEMENTS: Final = {"木": "wood", "火": "fire", "土": "earth", "金": "metal", "水": "water"}


def _name(line: str) -> Name:
    hanja, hangul, english = line.split(maxsplit=2)
    key = english.lower().replace("'", "").replace(" ", "_")
    return Name(key, hangul, hanja, english)


NAYIN: Final = tuple(_name(line) for line in _TABLE.strip().splitlines())
"""By code: sexagenary index // 2."""

NAYIN_ELEMENT: Final = tuple(_ELEMENTS[name.hanja[-1]] for name in NAYIN)


def nayin(pillar: int) -> int:
    """Code 0..29 of a sexagenary index 0..59."""
    return pillar // 2
