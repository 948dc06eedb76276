"""Four pillars to every fact that follows from them, for many charts at once."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hypercube.core.errors import invalid, shown
from hypercube.saju.facts import lookup as lk
from hypercube.saju.facts.arrays import Facts
from hypercube.saju.facts.lookup import Lookup
from hypercube.saju.facts.relations import PAIRS
from hypercube.saju.facts.schools import Schools, settle
from hypercube.saju.facts.sinsal import TWELVE_BY_DAY, TWELVE_BY_YEAR
from hypercube.saju.facts.symbols import NONE, ROWS, UNKNOWN
from hypercube.saju.facts.ten_gods import DAY_MASTER

_CHUNK: Final = 8_192
"""Rows at a time: indices and gathers of a chunk stay in the second-level cache."""


def facts(pillars: ArrayLike, **schools: Any) -> Facts:
    """Every fact that follows from the pillars.

    Args:
        pillars: integers [N, 4], sexagenary indices 0..59 of year, month, day and hour; hour 255 = not known.
        schools: `hidden_stems="korean" | "chinese"`, `life_stages="yin_backward" | "yin_forward"`,
            `blade="yang_stems" | "all_stems"`, `goegang="four_days" | "six_pillars"`; the first is the default.

    Raises:
        HyperCubeError: INVALID_ARGUMENT; a pillar is out of range (with its row and column), or there is no
            such school.
    """
    return compute(as_pillars(pillars), settle(**schools))


def as_pillars(pillars: ArrayLike) -> NDArray[np.uint8]:
    """Check an array of pillars; see `facts`."""
    given = np.asarray(pillars)
    if given.ndim != 2 or given.shape[1] != 4 or given.dtype.kind not in "ui":
        raise invalid(
            f"pillars are {given.dtype} of shape {given.shape}, expected integers of shape (N, 4).",
            param="pillars",
            value=str(given.shape),
            fix="Give year, month, day and hour as sexagenary indices, one row a chart.",
        )
    table = given.astype(np.uint8)  # a copy: what the facts say of must not change under them
    wrong = table >= UNKNOWN
    wrong[:, 3] &= table[:, 3] != NONE
    if given.dtype != np.uint8:
        wrong |= given != table
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise invalid(
            f"pillars[{row}][{column}] is {shown(int(given[row, column]))}, not a sexagenary index.",
            param=f"pillars[{row}][{column}]",
            value=int(given[row, column]),
            fix="Use 0 (甲子) to 59 (癸亥); for an unknown hour, and only there, 255.",
        )
    return table


def compute(pillars: NDArray[np.uint8], schools: Schools) -> Facts:
    """`facts` for pillars that are known to be right."""
    n = len(pillars)
    work = _Work(n)
    tables = lk.load(schools)
    for start in range(0, n, _CHUNK):
        _fill(work, tables, pillars, slice(start, min(start + _CHUNK, n)))
    return work.facts(pillars, schools)


class _Work:
    """The memory that `Facts` looks into: position first, so that each gather writes one run."""

    def __init__(self, n: int) -> None:
        self.rows = np.empty((4, n, lk.ROW_BYTES // 8), dtype="<u8")
        self.flags = np.empty((4, n), dtype="<u8")
        self.sums = np.empty((n, lk.SUM_BYTES // 8), dtype="<u8")
        self.pairs = np.empty((len(PAIRS), n), dtype="<u2")
        self.groups = np.empty(n, dtype="<u2")
        self.void = np.empty((2, n), dtype="<u2")
        self.structure = np.empty(n, dtype="<u4")
        self.remedy = np.empty(n, dtype="<u4")
        self.climate = np.empty(n, dtype="<u8")
        self.strength = np.empty(n, dtype=np.uint8)

    def facts(self, pillars: NDArray[np.uint8], schools: Schools) -> Facts:
        """The work, under its names."""
        rows = self.rows.view(np.uint8).transpose(1, 0, 2)
        flags = self.flags.view(np.uint8).reshape(4, -1, 8).transpose(1, 0, 2)
        sums = self.sums.view(np.uint8)
        structure = self.structure.view(np.uint8).reshape(-1, 4)
        remedy = self.remedy.view(np.uint8).reshape(-1, 4)
        void = self.void.view(np.uint8).reshape(2, -1, 2)
        return Facts(
            pillars=pillars,
            schools=schools,
            stem_gods=rows[..., lk.ROW_STEM_GOD],
            branch_gods=rows[..., lk.ROW_BRANCH_GOD],
            hidden_stems=rows[..., lk.ROW_HIDDEN_STEMS],
            hidden_gods=rows[..., lk.ROW_HIDDEN_GODS],
            stages=rows[..., lk.ROW_STAGE],
            own_stages=rows[..., lk.ROW_OWN_STAGE],
            nayin=rows[..., lk.ROW_NAYIN],
            void_day=void[0],
            void_year=void[1],
            flags=self.flags.T,
            twelve_by_year=flags[..., TWELVE_BY_YEAR],
            twelve_by_day=flags[..., TWELVE_BY_DAY],
            pair_relations=self.pairs.T,
            groups=self.groups,
            element_counts=sums[:, lk.SUM_ELEMENTS],
            hidden_counts=sums[:, lk.SUM_HIDDEN],
            polarity=sums[:, lk.SUM_POLARITY],
            group_weights=sums[:, lk.SUM_WEIGHTS].view("<u2"),
            support=sums[:, lk.SUM_SUPPORT],
            strength=self.strength,
            roots=sums[:, lk.SUM_ROOTS],
            structure=structure[:, 0],
            structure_stem=structure[:, 1],
            structure_exposed=structure[:, 2],
            balance_gods=remedy[:, :2],
            balance_reason=remedy[:, 2],
            climate_gods=self.climate.view(np.uint8).reshape(-1, 8)[:, :5],
        )


def _fill(work: _Work, tables: Lookup, pillars: NDArray[np.uint8], at: slice) -> None:
    """One chunk. Indices are within their tables by construction, so `take` need not check: mode "wrap"."""
    index = np.minimum(pillars[at].T, UNKNOWN).astype(np.intp, order="C")
    year, month, day, hour = index
    day_stem = day % 10
    month_branch = month % 12
    by_day_stem = index + day_stem * ROWS

    for position in range(4):
        np.take(tables.rows, by_day_stem[position], axis=0, out=work.rows[position, at], mode="wrap")
    work.rows.view(np.uint8)[2, at, lk.ROW_STEM_GOD] = DAY_MASTER

    sums = np.take(tables.sums[0], by_day_stem[0], axis=0, out=work.sums[at], mode="wrap")
    for position in range(1, 4):
        sums += np.take(tables.sums[position], by_day_stem[position], axis=0, mode="wrap")

    flags = tables.flags
    for position in range(4):
        words = np.take(flags.by_day, index[position] + day * ROWS, mode="wrap")
        words |= np.take(flags.by_year, index[position] + year * ROWS, mode="wrap")
        words |= np.take(flags.by_month, index[position] + month * ROWS, mode="wrap")
        np.bitwise_and(words, np.uint64(flags.allowed[position]), out=work.flags[position, at])

    scaled = index * ROWS
    for column, (first, second) in enumerate(PAIRS):
        np.take(tables.pairs, scaled[first] + index[second], out=work.pairs[column, at], mode="wrap")
    present = np.bitwise_or.reduce(np.take(tables.present, index, mode="wrap"), axis=0)
    np.take(tables.groups, present, out=work.groups[at], mode="wrap")

    np.take(tables.void, day, out=work.void[0, at], mode="wrap")
    np.take(tables.void, year, out=work.void[1, at], mode="wrap")

    month_row = month_branch * ROWS
    exposed = np.take(tables.exposure, month_row + year, mode="wrap")
    exposed |= np.take(tables.exposure, month_row + month, mode="wrap")
    exposed |= np.take(tables.exposure, month_row + hour, mode="wrap")
    cell = day_stem * 12 + month_branch
    np.take(tables.structure, cell * 8 + exposed, out=work.structure[at], mode="wrap")
    np.take(tables.climate, cell, out=work.climate[at], mode="wrap")

    sum_bytes = sums.view(np.uint8)
    level = np.take(tables.levels, sum_bytes[:, lk.SUM_LEVEL_KEY], out=work.strength[at], mode="wrap")
    weights = sum_bytes[:, lk.SUM_WEIGHTS].view("<u2")
    peers, output, wealth, officers, resource = weights.T
    bits = (resource > peers).view(np.uint8)
    bits |= (wealth > output).view(np.uint8) << 1
    bits |= (officers > np.maximum(output, wealth)).view(np.uint8) << 2
    bits |= level << 3
    np.take(tables.remedy, day_stem * 64 + bits, out=work.remedy[at], mode="wrap")
