"""The 24 solar terms (절기) of any year from 1800 to 2200, with the minute as KASI prints it.

Instants are those of the kernels' table (`hypercube.kernels.pillars.terms`), in milliseconds; docs/accuracy
says how far to trust them (0.5 s for the astronomy). A minute is rounded half up, as KASI's published minutes
are: 17:26:30.000 is 17:27.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import TermInstant
from hypercube.core.errors import invalid
from hypercube.kernels.pillars.terms import TERMS, load_terms
from hypercube.saju.as_of import require_int
from hypercube.saju.local_time import local_ms
from hypercube.saju.years import FIRST_YEAR, LAST_YEAR
from hypercube.saju.zones import DEFAULT_ZONE, load_zone

Int64 = NDArray[np.int64]

TERMS_PER_YEAR: Final = 24
MINUTE_MS: Final = 60_000
KST_MS: Final = 9 * 3_600_000


def term_instants(first_year: int, last_year: int) -> Int64:
    """Instants of every term of some civil years.

    Args:
        first_year: 1800 to 2200.
        last_year: the same; included.

    Returns:
        int64[Y, 24] POSIX milliseconds, column k as in `TERMS` (0 = 소한 … 23 = 동지); read-only.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`year`).
    """
    for year in (first_year, last_year):
        require_int("year", year, FIRST_YEAR, LAST_YEAR)
    table = load_terms()
    start = (first_year - table.first_year) * TERMS_PER_YEAR - table.first_k
    stop = start + max(0, last_year - first_year + 1) * TERMS_PER_YEAR
    return table.instants_ms[start:stop].reshape(-1, TERMS_PER_YEAR)


def rounded_minutes(local_milliseconds: Int64) -> Int64:
    """Minutes since 1970-01-01T00:00, rounded half up, of milliseconds int64[N] on the same clock."""
    return (local_milliseconds + MINUTE_MS // 2) // MINUTE_MS


def solar_terms(year: int, zone: str = DEFAULT_ZONE) -> tuple[TermInstant, ...]:
    """The 24 terms of a civil year, 소한 to 동지.

    Args:
        year: 1800 to 2200.
        zone: IANA zone whose clock `local` and `local_minute` show, summer time included.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`year`, `zone`).
    """
    return _described(term_instants(year, year)[0], 0, zone)


def terms_between(utc_start: int, utc_end: int, zone: str = DEFAULT_ZONE) -> tuple[TermInstant, ...]:
    """The terms from `utc_start` on and before `utc_end`, in order; POSIX seconds.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`utc_start`, `utc_end`, `zone`): the span leaves the table or runs backwards.
    """
    table = load_terms()
    first, last = (int(table.instants_ms[i]) for i in (0, -1))
    for name, value in (("utc_start", utc_start), ("utc_end", utc_end)):
        require_int(name, value, -(-first // 1_000), last // 1_000)
    if utc_end < utc_start:
        raise invalid(
            f"utc_end {utc_end} lies before utc_start {utc_start}.",
            param="utc_end",
            value=utc_end,
            fix="Give the earlier instant first.",
        )
    start, stop = np.searchsorted(
        table.instants_ms, [utc_start * 1_000, utc_end * 1_000], side="left"
    ).tolist()
    return _described(table.instants_ms[start:stop], (start + table.first_k) % TERMS_PER_YEAR, zone)


def _described(instants_ms: Int64, first_k: int, zone: str) -> tuple[TermInstant, ...]:
    local = local_ms(instants_ms, load_zone(zone))
    texts = zip(
        instants_ms.tolist(),
        _iso(instants_ms, "ms"),
        _iso(local, "ms"),
        _iso(rounded_minutes(local), "m"),
        _iso(rounded_minutes(instants_ms + KST_MS), "m"),
        strict=True,
    )
    found = []
    for i, (utc_ms, utc, by_clock, minute, kst_minute) in enumerate(texts):
        term = TERMS[(first_k + i) % TERMS_PER_YEAR]
        found.append(
            TermInstant(
                k=term.k,
                hangul=term.hangul,
                hanja=term.hanja,
                longitude_deg=term.longitude_degrees,
                utc_ms=utc_ms,
                utc=utc + "Z",
                local=by_clock,
                local_minute=minute,
                kst_minute=kst_minute,
            )
        )
    return tuple(found)


def _iso(values: Int64, unit: str) -> list[str]:
    texts: list[str] = np.datetime_as_string(values.astype(f"datetime64[{unit}]")).tolist()
    return texts
