"""The tables of this package, compiled into rows that a chart gathers: a handful of look-ups gives every fact.

rows [10 * 61, 16 bytes] by day stem and pillar: what the day stem makes of one pillar sums [4][10 * 61, 32
bytes] by position, day stem and pillar: numbers that add up over the four pillars pairs [61 * 61] uint16
relations of two pillars present [61] uint16, groups [4096] uint16 branches of a chart, and what three of them
make exposure [12 * 61] uint8 which stems of the month branch a pillar's stem exposes structure [120 * 8]
uint32 by day stem, month branch and exposure mask climate [120] uint64 by day stem and month branch remedy
[10 * 64] uint16 by day stem, level and the comparisons of `strength.remedy`

Row 60 of every pillar axis is the unknown hour: 255 in codes, nothing in sums and masks. Words are
little-endian.
"""

import functools
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.saju.facts import strength
from hypercube.saju.facts.climate import CLIMATE_GODS
from hypercube.saju.facts.hidden_stems import HIDDEN, slots
from hypercube.saju.facts.life_stages import life_stage
from hypercube.saju.facts.nayin import nayin
from hypercube.saju.facts.relations import group_mask, pair_mask
from hypercube.saju.facts.schools import Schools
from hypercube.saju.facts.sinsal import FlagTables, flag_tables
from hypercube.saju.facts.structure import month_stems, structure
from hypercube.saju.facts.symbols import BRANCH_ELEMENT, NONE, ROWS, STEM_ELEMENT, UNKNOWN
from hypercube.saju.facts.ten_gods import branch_god, ten_god
from hypercube.saju.facts.void import void_branches

ROW_STEM_GOD: Final = 0
ROW_BRANCH_GOD: Final = 1
ROW_HIDDEN_GODS: Final = slice(2, 5)
ROW_STAGE: Final = 5
ROW_OWN_STAGE: Final = 6
ROW_NAYIN: Final = 7
ROW_HIDDEN_STEMS: Final = slice(8, 11)
ROW_BYTES: Final = 16

SUM_ELEMENTS: Final = slice(0, 5)
SUM_POLARITY: Final = slice(5, 7)
SUM_ROOTS: Final = 7
SUM_HIDDEN: Final = slice(8, 13)
SUM_SUPPORT: Final = slice(13, 17)
"""All, 득령, 득지, 득세."""
SUM_LEVEL_KEY: Final = 17
"""Support, plus 128 without an hour: the index of `levels`."""
SUM_WEIGHTS: Final = slice(18, 28)
"""uint16[5], by group of ten gods: 비겁 식상 재성 관성 인성."""
SUM_BYTES: Final = 32


class Lookup(NamedTuple):
    """See the module; every array is flat and read-only."""

    rows: NDArray[np.uint64]
    sums: tuple[NDArray[np.uint64], ...]
    flags: FlagTables
    pairs: NDArray[np.uint16]
    present: NDArray[np.uint16]
    groups: NDArray[np.uint16]
    void: NDArray[np.uint16]
    exposure: NDArray[np.uint8]
    structure: NDArray[np.uint32]
    climate: NDArray[np.uint64]
    levels: NDArray[np.uint8]
    remedy: NDArray[np.uint32]


@functools.lru_cache(maxsize=16)
def load(schools: Schools) -> Lookup:
    """Compile; about a tenth of a second, once a choice of schools, of which there are sixteen."""
    lookup = Lookup(
        rows=_rows(schools),
        sums=tuple(_sums(schools, position) for position in range(4)),
        flags=flag_tables(schools),
        pairs=_pairs(),
        present=np.array([*(1 << i % 12 for i in range(60)), 0], dtype="<u2"),
        groups=np.array([group_mask(mask) for mask in range(4096)], dtype="<u2"),
        void=np.array([_pack(void_branches(i)) for i in range(60)], dtype="<u2"),
        exposure=_exposure(),
        structure=_structure(),
        climate=_climate(),
        levels=_levels(),
        remedy=_remedy(),
    )
    for field in lookup:
        for array in field if isinstance(field, tuple) else (field,):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
    return lookup


def _pack(codes: tuple[int, ...]) -> int:
    return sum(code << 8 * place for place, code in enumerate(codes))


def _rows(schools: Schools) -> NDArray[np.uint64]:
    table = np.full((10, ROWS, ROW_BYTES), NONE, dtype=np.uint8)
    for day in range(10):
        for pillar in range(60):
            stem, branch = pillar % 10, pillar % 12
            hidden = [None if each is None else each.stem for each in slots(schools.hidden_stems, branch)]
            row = table[day, pillar]
            row[ROW_STEM_GOD] = ten_god(day, stem)
            row[ROW_BRANCH_GOD] = branch_god(day, branch)
            row[ROW_HIDDEN_GODS] = [NONE if each is None else ten_god(day, each) for each in hidden]
            row[ROW_STAGE] = life_stage(day, branch, schools.life_stages)
            row[ROW_OWN_STAGE] = life_stage(stem, branch, schools.life_stages)
            row[ROW_NAYIN] = nayin(pillar)
            row[ROW_HIDDEN_STEMS] = [NONE if each is None else each for each in hidden]
    return table.reshape(10 * ROWS, ROW_BYTES).view("<u8")


def _sums(schools: Schools, position: int) -> NDArray[np.uint64]:
    table = np.zeros((10, ROWS, SUM_BYTES), dtype=np.uint8)
    table[:, UNKNOWN, SUM_LEVEL_KEY] = 128
    points = strength.BRANCH_POINTS[position]
    for day in range(10):
        for pillar in range(60):
            stem, branch = pillar % 10, pillar % 12
            row = table[day, pillar]
            hidden = HIDDEN[schools.hidden_stems][branch]
            visible, inside = row[SUM_ELEMENTS], row[SUM_HIDDEN]
            visible[STEM_ELEMENT[stem]] += 1
            visible[BRANCH_ELEMENT[branch]] += 1
            row[SUM_POLARITY] = [2, 0] if pillar % 2 == 0 else [0, 2]
            weights = np.zeros(5, dtype="<u2")
            weights[(STEM_ELEMENT[stem] - STEM_ELEMENT[day]) % 5] += (
                strength.STEM_POINTS * strength.THIRTIETHS
            )
            for each in hidden:
                inside[STEM_ELEMENT[each.stem]] += 1
                weights[(STEM_ELEMENT[each.stem] - STEM_ELEMENT[day]) % 5] += points * each.share
            row[SUM_WEIGHTS] = weights.view(np.uint8)
            row[SUM_ROOTS] = int(inside[STEM_ELEMENT[day]] > 0) << position
            of_stem = strength.stem_support(day, stem)
            of_branch = strength.branch_support(day, branch, position)
            row[SUM_SUPPORT] = [
                of_stem + of_branch,
                of_branch if position == 1 else 0,
                of_branch if position == 2 else 0,
                (0 if position == 2 else of_stem) + (0 if position in (1, 2) else of_branch),
            ]
            row[SUM_LEVEL_KEY] = of_stem + of_branch
    return table.reshape(10 * ROWS, SUM_BYTES).view("<u8")


@functools.cache
def _pairs() -> NDArray[np.uint16]:
    return np.array([pair_mask(a, b) for a in range(ROWS) for b in range(ROWS)], dtype="<u2")


@functools.cache
def _exposure() -> NDArray[np.uint8]:
    table = np.zeros((12, ROWS), dtype=np.uint8)
    for branch in range(12):
        for bit, stem in enumerate(month_stems(branch)):
            table[branch, stem:UNKNOWN:10] |= 1 << bit
    return table.ravel()


@functools.cache
def _structure() -> NDArray[np.uint32]:
    """Bytes: code, stem, exposed."""
    found = [structure(d, b, mask) for d in range(10) for b in range(12) for mask in range(8)]
    return np.array([_pack((each.code, each.stem, each.exposed)) for each in found], dtype="<u4")


@functools.cache
def _climate() -> NDArray[np.uint64]:
    cells = [CLIMATE_GODS[day][branch] for day in range(10) for branch in range(12)]
    return np.array([_pack((*cell, *[NONE] * (8 - len(cell)))) for cell in cells], dtype="<u8")


@functools.cache
def _levels() -> NDArray[np.uint8]:
    keys = range(256)
    available = [strength.WITHOUT_HOUR if key >= 128 else strength.ALL_POINTS for key in keys]
    return np.array([strength.level(key % 128, available[key]) for key in keys], dtype=np.uint8)


@functools.cache
def _remedy() -> NDArray[np.uint32]:
    """Bytes: first and second element, code of the reason. Index: day stem * 64 + level * 8 + comparisons."""
    table = np.zeros(640, dtype="<u4")
    for day in range(10):
        for level in range(len(strength.LEVELS)):
            for bits in range(8):
                code = strength.remedy(level, bool(bits & 1), bool(bits & 2), bool(bits & 4))
                elements = [(STEM_ELEMENT[day] + group) % 5 for group in strength.REMEDIES[code][1]]
                table[day * 64 + level * 8 + bits] = _pack((*(elements or (NONE, NONE)), code))
    return table
