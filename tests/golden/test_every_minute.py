"""Every minute that a clock in Seoul showed in 1900-2050, both passes of repeated hours: two ways from the clock to
the four pillars, written apart, that must agree bit for bit.

    slow way    built in UTC: the spells of one offset are found by asking `zoneinfo` for the offset of instant after
                instant and halving the interval; inside a spell the clock runs on with the offset. Pillars by the
                reference kernel.
    fast way    what a product runs: the clock's minutes, with `fold`, through `zones.resolve` and through the bulk
                path's tables; pillars by Numba and by `charts_table`.

The fast way is also shown minutes that never were: it must call them skipped.
"""

import importlib.resources
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hypercube.kernels.pillars import pillars
from hypercube.saju.bulk import charts_table
from hypercube.saju.zones import AMBIGUOUS, OK, SKIPPED, load_zone, resolve

pytest.importorskip("numba")

ZONE = "Asia/Seoul"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = -36_817_920
"""Minutes from 1970-01-01T00:00 back to 1900-01-01T00:00."""
END = 42_604_560
"""2051-01-01T00:00."""
CHUNK = 1 << 20
STEP_S = 5 * 86_400
"""No two changes of this zone's clock in 1900-2050 are closer: the shortest spell has 100 days."""


@dataclass(frozen=True)
class Spell:
    """A run of civil minutes read with one offset; `first` to `end` in minutes of the clock."""

    first: int
    end: int
    offset: int
    fold: int


def offset_at(zone: ZoneInfo, instant: int) -> int:
    offset = (EPOCH + timedelta(seconds=instant)).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def changes(zone: ZoneInfo, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Every instant at which the offset changes, with the offsets before and after it."""
    for start in range(first, last, STEP_S):
        low, high = start, start + STEP_S
        before, after = offset_at(zone, low), offset_at(zone, high)
        if before == after:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if offset_at(zone, middle) == before:
                low = middle
            else:
                high = middle
        yield high, before, after


def spells() -> list[Spell]:
    """Every civil minute once, and twice where the clock went back: the second pass is a spell of fold 1."""
    data = importlib.resources.files("tzdata") / "zoneinfo" / "Asia" / "Seoul"
    with data.open("rb") as stream:
        zone = ZoneInfo.from_file(stream, key=ZONE)
    found: list[Spell] = []
    clock = FIRST
    offset = offset_at(zone, FIRST * 60 - 30_000)
    for at, before, after in changes(zone, FIRST * 60 - 100_000, END * 60 + 100_000):
        assert before == offset
        # Whole minutes of the clock: the first not before the change on the old clock and on the new one.
        until, since = (-(-(at + each) // 60) for each in (before, after))
        found.append(Spell(clock, until, before, 0))
        if since < until:
            found.append(Spell(since, until, after, 1))
        clock, offset = max(until, since), after
    found.append(Spell(clock, END, offset, 0))
    return [each for each in found if each.first < each.end]


def compare(minutes: np.ndarray, spell: Spell) -> int:
    """Both ways over civil minutes of one spell; returns how many were compared."""
    local = minutes * 60
    utc = local - spell.offset
    want = pillars(utc, spell.offset, backend="reference")

    fold = np.full(len(minutes), spell.fold, dtype=np.int8)
    resolved = resolve(local, load_zone(ZONE), fold)
    assert (resolved.utc_seconds == utc).all()
    assert (resolved.offset_seconds == spell.offset).all()
    assert (resolved.status != SKIPPED).all()
    got = pillars(resolved.utc_seconds, resolved.offset_seconds, backend="numba")
    assert np.array_equal(got, want), f"{spell}: {int((got != want).any(axis=1).sum())} minutes differ"

    table = charts_table({"local_minutes": minutes, "fold": fold}, include=("pillars",), backend="numba")
    assert not table.status.any()
    assert np.array_equal(table.utc_seconds, utc)
    assert np.array_equal(table.clock, resolved.status)
    assert np.array_equal(table.pillars, want)
    return len(minutes)


def gaps(all_spells: list[Spell]) -> Iterator[tuple[int, int]]:
    """Minutes that the clock left out."""
    first_passes = [each for each in all_spells if each.fold == 0]
    for before, after in itertools.pairwise(first_passes):
        if after.first > before.end:
            yield before.end, after.first


def test_what_the_clock_did() -> None:
    """12 summers; of the changes of standard time, 1908, 1912 and 1961 went forward and 1954 back."""
    found = spells()
    assert sum(each.fold for each in found) == 12 + 1
    assert len(list(gaps(found))) == 12 + 3
    covered = sum(each.end - each.first for each in found if each.fold == 0)
    left_out = sum(end - first for first, end in gaps(found))
    assert covered + left_out == END - FIRST


def test_minutes_that_never_were_are_skipped() -> None:
    for first, end in gaps(spells()):
        minutes = np.arange(first, end)
        for fold in (-1, 0, 1):
            status = resolve(minutes * 60, load_zone(ZONE), np.full(len(minutes), fold, dtype=np.int8)).status
            assert (status == SKIPPED).all()
        table = charts_table({"local_minutes": minutes}, zone=ZONE, include=())
        assert (table.pillars == 255).all()


def test_a_repeated_minute_is_ambiguous_and_its_neighbours_are_not() -> None:
    for spell in (each for each in spells() if each.fold == 1):
        minutes = np.arange(spell.first - 1, spell.end + 1)
        status = resolve(minutes * 60, load_zone(ZONE), np.full(len(minutes), -1, dtype=np.int8)).status
        assert status.tolist() == [OK, *[AMBIGUOUS] * (len(minutes) - 2), OK]


def test_sampled_minutes_and_every_day_of_a_change() -> None:
    rng = np.random.default_rng(20_261_123)
    compared = 0
    for spell in spells():
        length = spell.end - spell.first
        near = min(length, 1_440)
        sample = rng.integers(spell.first, spell.end, length // 250)
        minutes = np.concatenate(
            [np.arange(spell.first, spell.first + near), np.arange(spell.end - near, spell.end), sample]
        )
        compared += compare(minutes, spell)
    assert compared > 350_000


@pytest.mark.slow
def test_every_minute() -> None:
    """79 million minutes, three ways each; 8 s on one core of an AMD EPYC (2026-11-23)."""
    compared = 0
    for spell in spells():
        for first in range(spell.first, spell.end, CHUNK):
            compared += compare(np.arange(first, min(first + CHUNK, spell.end)), spell)
    repeated = sum(each.end - each.first for each in spells() if each.fold == 1)
    left_out = sum(end - first for first, end in gaps(spells()))
    assert compared == END - FIRST + repeated - left_out
    assert compared > 79_000_000
