"""The facts of one chart by plain integers, out of the same compiled tables as `compute`, whose sums these are.

A chart that comes alone would wait 300 us for NumPy's forty calls.
"""

import functools
import struct
from typing import Final, NamedTuple

from hypercube.core.facts import ChartFacts
from hypercube.saju.facts import lookup as lk
from hypercube.saju.facts.describe import Codes, named
from hypercube.saju.facts.schools import Schools
from hypercube.saju.facts.symbols import ROWS, UNKNOWN

_SUMS: Final = struct.Struct("<4Q")
_WEIGHTS: Final = struct.Struct("<5H")


class _Tables(NamedTuple):
    """`Lookup`, as lists."""

    sums: list[list[list[int]]]
    by_day: list[int]
    by_year: list[int]
    by_month: list[int]
    allowed: tuple[int, ...]
    void: list[int]
    exposure: list[int]
    structure: list[int]
    climate: list[int]
    levels: list[int]
    remedy: list[int]


@functools.lru_cache(maxsize=16)
def _tables(schools: Schools) -> _Tables:
    tables = lk.load(schools)
    flags = tables.flags
    return _Tables(
        [each.tolist() for each in tables.sums],
        flags.by_day.tolist(),
        flags.by_year.tolist(),
        flags.by_month.tolist(),
        tuple(map(int, flags.allowed)),
        tables.void.tolist(),
        tables.exposure.tolist(),
        tables.structure.tolist(),
        tables.climate.tolist(),
        tables.levels.tolist(),
        tables.remedy.tolist(),
    )


def facts_alone(pillars: list[int], schools: Schools) -> ChartFacts:
    """The facts of four pillars that are known to be right; the hour may be 255."""
    tables = _tables(schools)
    index = [min(each, UNKNOWN) for each in pillars]
    year, month, day, hour = index
    day_stem, month_branch = day % 10, month % 12
    rows = [each + day_stem * ROWS for each in index]
    words = zip(*[table[row] for table, row in zip(tables.sums, rows, strict=True)], strict=True)
    sums = _SUMS.pack(*map(sum, words))
    of_day, of_year, of_month = day * ROWS, year * ROWS, month * ROWS
    flags = [
        (tables.by_day[each + of_day] | tables.by_year[each + of_year] | tables.by_month[each + of_month])
        & allowed
        for each, allowed in zip(index, tables.allowed, strict=True)
    ]
    month_row = month_branch * ROWS
    exposed = (
        tables.exposure[month_row + year]
        | tables.exposure[month_row + month]
        | tables.exposure[month_row + hour]
    )
    cell = day_stem * 12 + month_branch
    level = tables.levels[sums[lk.SUM_LEVEL_KEY]]
    weights = list(_WEIGHTS.unpack(sums[lk.SUM_WEIGHTS]))
    peers, output, wealth, officers, resource = weights
    bits = (resource > peers) | (wealth > output) << 1 | (officers > max(output, wealth)) << 2 | level << 3
    first, second, reason, _ = _octets(tables.remedy[day_stem * 64 + bits], 4)
    return named(
        Codes(
            pillars=pillars,
            flags=flags,
            void_day=_octets(tables.void[day], 2),
            void_year=_octets(tables.void[year], 2),
            element_counts=list(sums[lk.SUM_ELEMENTS]),
            hidden_counts=list(sums[lk.SUM_HIDDEN]),
            polarity=list(sums[lk.SUM_POLARITY]),
            group_weights=weights,
            support=list(sums[lk.SUM_SUPPORT]),
            strength=level,
            roots=sums[lk.SUM_ROOTS],
            structure=_octets(tables.structure[cell * 8 + exposed], 4)[:3],
            balance_gods=[first, second],
            balance_reason=reason,
            climate_gods=_octets(tables.climate[cell], 8)[:5],
        ),
        schools,
    )


def _octets(word: int, count: int) -> list[int]:
    return list(word.to_bytes(count, "little"))
