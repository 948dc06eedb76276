"""Pillars that meet a chart: luck, year, month and day pillars (대운, 세운, 월운, 일진), or another person's.

The same tables as for the chart's own pillars, read from the chart's day stem and branches.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hypercube.core.errors import invalid
from hypercube.saju.facts import lookup as lk
from hypercube.saju.facts.compute import as_pillars
from hypercube.saju.facts.schools import Schools, settle
from hypercube.saju.facts.sinsal import TWELVE_BY_DAY, TWELVE_BY_YEAR, VOID_BY_DAY, rules
from hypercube.saju.facts.sinsal_rule import ALL
from hypercube.saju.facts.symbols import NONE, ROWS, UNKNOWN


@dataclass(frozen=True, slots=True, eq=False)
class ExtraFacts:
    """What K further pillars are to each of N charts; codes as in `Facts`, 255 where the extra pillar is 255."""

    extra: NDArray[np.uint8]
    """[N, K] sexagenary indices."""
    schools: Schools
    stem_gods: NDArray[np.uint8]
    """[N, K]."""
    branch_gods: NDArray[np.uint8]
    """[N, K]."""
    hidden_stems: NDArray[np.uint8]
    """[N, K, 3]."""
    hidden_gods: NDArray[np.uint8]
    """[N, K, 3]."""
    stages: NDArray[np.uint8]
    """[N, K] the day stem in the extra branch."""
    own_stages: NDArray[np.uint8]
    """[N, K] the extra stem in its own branch."""
    nayin: NDArray[np.uint8]
    """[N, K]."""
    flags: NDArray[np.uint64]
    """[N, K] flag words, see `sinsal`; only rules that may fall on any position."""
    twelve_by_year: NDArray[np.uint8]
    """[N, K]."""
    twelve_by_day: NDArray[np.uint8]
    """[N, K]."""
    pair_relations: NDArray[np.uint16]
    """[N, K, 4] bits of `PAIR_RULES` between the extra pillar and the year, month, day and hour pillar."""
    groups: NDArray[np.uint16]
    """[N, K] bits of `GROUP_RULES` that the extra branch completes."""


def against(pillars: ArrayLike, extra: ArrayLike, **schools: Any) -> ExtraFacts:
    """What further pillars are to charts.

    Args:
        pillars: integers [N, 4], as for `facts`.
        extra: integers [N, K], or [K] for the same pillars against every chart; 0..59, or 255 for none.
        schools: as for `facts`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT, as for `facts`.
    """
    chosen = settle(**schools)
    tables = lk.load(chosen)
    index = np.minimum(as_pillars(pillars), UNKNOWN).astype(np.intp)
    met = _as_extra(extra, len(index))
    other = np.minimum(met, UNKNOWN).astype(np.intp)
    year, month, day = index[:, 0, None], index[:, 1, None], index[:, 2, None]

    rows = tables.rows[other + day % 10 * ROWS].view(np.uint8)
    flags = tables.flags.by_day[other + day * ROWS]
    flags |= tables.flags.by_year[other + year * ROWS]
    flags |= tables.flags.by_month[other + month * ROWS]
    flags &= np.uint64(_anywhere(chosen))
    codes = flags.view(np.uint8).reshape(*flags.shape, 8)

    present = np.bitwise_or.reduce(tables.present[index], axis=1)[:, None]
    return ExtraFacts(
        extra=met,
        schools=chosen,
        stem_gods=rows[..., lk.ROW_STEM_GOD],
        branch_gods=rows[..., lk.ROW_BRANCH_GOD],
        hidden_stems=rows[..., lk.ROW_HIDDEN_STEMS],
        hidden_gods=rows[..., lk.ROW_HIDDEN_GODS],
        stages=rows[..., lk.ROW_STAGE],
        own_stages=rows[..., lk.ROW_OWN_STAGE],
        nayin=rows[..., lk.ROW_NAYIN],
        flags=flags,
        twelve_by_year=codes[..., TWELVE_BY_YEAR],
        twelve_by_day=codes[..., TWELVE_BY_DAY],
        pair_relations=tables.pairs[other[:, :, None] * ROWS + index[:, None, :]],
        groups=tables.groups[present | tables.present[other]] & ~tables.groups[present],
    )


def pair_relations(first: ArrayLike, second: ArrayLike) -> NDArray[np.uint16]:
    """Bits of `PAIR_RULES` between pillars, element by element; the arrays broadcast.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a value that is neither 0..59 nor 255.
    """
    a, b = (np.minimum(_codes(each), UNKNOWN).astype(np.intp) for each in (first, second))
    found: NDArray[np.uint16] = np.take(lk.load(Schools()).pairs, a * ROWS + b)
    return found


def _as_extra(extra: ArrayLike, n: int) -> NDArray[np.uint8]:
    given = _codes(extra)
    if given.ndim == 1:
        given = np.broadcast_to(given, (n, len(given)))
    if given.ndim != 2 or len(given) != n:
        raise invalid(
            f"extra pillars are of shape {given.shape}, expected ({n}, K) or (K,).",
            param="extra",
            value=str(given.shape),
            fix="Give one row of further pillars a chart, or one row for all.",
        )
    return given


def _codes(given: ArrayLike) -> NDArray[np.uint8]:
    array = np.asarray(given)
    if array.dtype.kind not in "ui":
        raise invalid(
            f"pillars are {array.dtype}, expected integers.",
            param="extra",
            value=str(array.dtype),
            fix="Give sexagenary indices 0..59, or 255 for none.",
        )
    wrong = ((array < 0) | (array >= UNKNOWN)) & (array != NONE)
    if wrong.any():
        value = int(array[wrong][0])
        raise invalid(
            f"A pillar is {value}, not a sexagenary index.",
            param="extra",
            value=value,
            fix="Use 0 (甲子) to 59 (癸亥), or 255 for none.",
        )
    return array.astype(np.uint8)


def _anywhere(schools: Schools) -> int:
    """The bits of rules that are not bound to a position, and everything above the rules."""
    bound = sum(1 << bit for bit, rule in enumerate(rules(schools)) if rule.positions != ALL)
    assert bound >> VOID_BY_DAY == 0
    return ((1 << 64) - 1) ^ bound
