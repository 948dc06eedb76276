"""Write docs/accuracy: how far the shipped tables are from ERFA, the oracle, KASI's minutes and Skyfield itself.

    python -m scripts.terms_evidence            # write (half a minute)
    python -m scripts.terms_evidence --check    # compare; exit 1 if a file would change

Needs the dependency group `ephemeris`. Every limit that the README claims is asserted here before it is written.
"""

import argparse
import csv
import io
import json
import sys
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from hypercube.kernels.pillars.terms import TERMS, TermTable, load_terms
from hypercube.kernels.solar_offset import equation_of_time
from scripts import build_terms
from scripts.build_terms import ROOT, Floats, Sky

FOLDER: Final = ROOT / "docs/accuracy"
ORACLE: Final = ROOT / "tests/golden/oracle/solar_terms.csv"
LIGHT_DAY_AU: Final = 173.144632674
"""Speed of light, au a day: 86,400 s / 499.004783836 s (IAU 2012 au, c exact)."""
EPV00_YEARS: Final = (1900, 2100)
"""ERFA states epv00's errors (3.7 km RMS, 11.2 km at most against DE405) for these years; outside it warns."""
EOT_SAMPLES: Final = 2_000
EOT_SEED: Final = 20_261_122
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Rows = list[dict[str, Any]]


def erfa_longitude(tt_days: Floats) -> Floats:
    """Apparent geocentric ecliptic longitude of date of the Sun, degrees [N], by ERFA alone.

    epv00 positions with light time, `ab` for aberration (with its light-deflection-free direction), pnm06a for
    bias, precession and nutation, nut06a for the true obliquity. TT days after J2000 [N].
    """
    import erfa

    j2000 = build_terms.J2000_JD
    tdb = tt_days + erfa.dtdb(j2000, tt_days, 0.0, 0.0, 0.0, 0.0) / 86_400.0
    helio, bary = erfa.epv00(j2000, tdb)
    earth, velocity = bary["p"], bary["v"] / LIGHT_DAY_AU
    sun = bary["p"] - helio["p"]
    for _ in range(3):
        delay = np.linalg.norm(sun - earth, axis=-1) / LIGHT_DAY_AU
        then_helio, then_bary = erfa.epv00(j2000, tdb - delay)
        sun = then_bary["p"] - then_helio["p"]
    direction = sun - earth
    distance = np.linalg.norm(direction, axis=-1)
    natural = direction / distance[:, None]
    lorentz = np.sqrt(1.0 - np.sum(velocity**2, axis=-1))
    proper = erfa.ab(natural, velocity, np.linalg.norm(helio["p"], axis=-1), lorentz)
    of_date = np.einsum("nij,nj->ni", erfa.pnm06a(j2000, tt_days), proper)
    obliquity = erfa.obl06(j2000, tt_days) + erfa.nut06a(j2000, tt_days)[1]
    x, y, z = of_date.T
    return np.asarray(np.degrees(np.arctan2(y * np.cos(obliquity) + z * np.sin(obliquity), x)) % 360.0)


def against_erfa(sky: Sky, table: TermTable, summary: dict[str, Any]) -> Rows:
    """Per civil year: ERFA's instant minus ours, seconds, over its 24 terms."""
    tt = build_terms.posix_to_tt(sky, table.instants_ms / 1_000.0)
    number = table.first_year * 24 + table.first_k + np.arange(len(tt))
    target = (285.0 + 15.0 * (number % 24)) % 360.0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*epv00.*")  # stated in the README and in the CSV
        error = (erfa_longitude(tt) - target + 180.0) % 360.0 - 180.0
        ahead = (erfa_longitude(tt + 0.01) - erfa_longitude(tt - 0.01) + 180.0) % 360.0 - 180.0
    seconds = -error / (ahead / 0.02) * 86_400.0
    year = number // 24
    inside = (year >= EPV00_YEARS[0]) & (year < EPV00_YEARS[1])
    for name, chosen in (("erfa_1900_2099", inside), ("erfa_outside", ~inside)):
        summary[name] = _statistics(seconds[chosen])
    assert summary["erfa_1900_2099"]["max_abs_s"] < 1.0
    return [
        {
            "year": int(y),
            **_statistics(seconds[year == y]),
            "epv00_valid": int(EPV00_YEARS[0] <= y < EPV00_YEARS[1]),
        }
        for y in np.unique(year)
    ]


def against_oracle(table: TermTable, oracle: list[dict[str, str]], summary: dict[str, Any]) -> Rows:
    """Per year of the oracle's half (odd years): our instant minus its (Skyfield + DE421), seconds."""
    years = np.array([int(row["year"]) for row in oracle])
    index = [_index(table, row) for row in oracle]
    seconds = table.instants_ms[index] / 1_000.0 - np.array([float(row["utc_s"]) for row in oracle])
    summary["oracle_1901_2049"] = _statistics(seconds)
    assert summary["oracle_1901_2049"]["max_abs_s"] < 0.5
    return [{"year": int(y), **_statistics(seconds[years == y])} for y in np.unique(years)]


def against_kasi(table: TermTable, oracle: list[dict[str, str]], summary: dict[str, Any]) -> Rows:
    """Every term whose KST minute, rounded, is not KASI's."""
    compared, rows = 0, []
    for row in oracle:
        if not row["kasi_kst_minute"]:
            continue
        compared += 1
        ours = EPOCH + timedelta(milliseconds=int(table.instants_ms[_index(table, row)]), hours=9)
        minute = _rounded_minute(ours)
        kasi = _kasi_minute(row["kasi_kst_minute"])
        if minute == kasi:
            continue
        minutes = round((kasi - minute).total_seconds() / 60)
        # How far our instant lies outside the minute that KASI's value stands for: KASI minus ours, at least.
        offset = (kasi - ours).total_seconds()
        shift = offset - 30.0 if offset > 0 else offset + 30.0
        rows.append(
            {
                "year": row["year"],
                "term": row["name"],
                "jie": int(int(row["k"]) % 2 == 0),
                "ours_kst": f"{ours:%Y-%m-%dT%H:%M:%S}.{ours.microsecond // 1_000:03d}",
                "ours_minute": f"{minute:%Y-%m-%dT%H:%M}",
                "kasi_minute": row["kasi_kst_minute"],
                "kasi_minus_ours_min": minutes,
                "least_shift_s": f"{shift:.1f}",
                "explanation": _explanation(int(row["year"]), minutes, shift),
            }
        )
    summary["kasi"] = {"compared": compared, "equal": compared - len(rows), "different": len(rows)}
    return rows


def _explanation(year: int, minutes: int, shift: float) -> str:
    if abs(minutes) > 1:
        return "gross error in KASI's list: the other terms of that year fit within seconds"
    if 2008 <= year <= 2016 and -12.3 <= shift < 0:
        return "KASI's 2008-2016 minutes rest on a forecast Delta-T about 4 to 10 s too large"
    assert abs(shift) <= 0.5, "a difference that nothing explains"
    return "our instant is within 0.5 s of the half minute: either rounding is defensible"


def interpolation(sky: Sky, table: TermTable, summary: dict[str, Any]) -> Rows:
    """Interpolated minus directly computed equation of time, by century, at 2,000 random instants."""
    rng = np.random.default_rng(EOT_SEED)
    utc = rng.integers(table.first_utc_s, table.last_utc_s + 1, EOT_SAMPLES)
    seconds = equation_of_time(utc) - build_terms.equation_of_time(sky, utc.astype(np.float64))
    summary["equation_of_time"] = _statistics(seconds)
    assert summary["equation_of_time"]["max_abs_s"] < 0.02
    century = 1800 + (utc + 5_364_662_400) // 3_155_695_200 * 100
    return [{"century": int(c), **_statistics(seconds[century == c])} for c in np.unique(century)]


def delta_t(sky: Sky) -> Rows:
    """Every tenth year: Skyfield's Delta-T, the TT - UTC that the table uses, and their difference."""
    rows = []
    for year in range(1800, 2201, 10):
        posix = float((datetime(year, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
        tt = build_terms.posix_to_tt(sky, np.array([posix]))
        used = tt[0] * 86_400.0 + build_terms.J2000_POSIX_S - posix
        value = float(sky.ts.delta_t_function(tt + build_terms.J2000_JD)[0])
        rows.append(
            {
                "year": year,
                "delta_t_s": f"{value:.2f}",
                "tt_minus_table_s": f"{used:.2f}",
                "ut1_minus_table_s": f"{used - value:.2f}",
            }
        )
    return rows


def _statistics(seconds: Floats) -> dict[str, Any]:
    size = np.abs(seconds)
    return {
        "terms": len(seconds),
        "mean_abs_s": round(float(size.mean()), 4),
        "max_abs_s": round(float(size.max()), 4),
        "bias_s": round(float(seconds.mean()), 4),
    }


def _index(table: TermTable, row: dict[str, str]) -> int:
    index = (int(row["year"]) - table.first_year) * 24 + int(row["k"]) - table.first_k
    assert TERMS[int(row["k"])].hangul == row["name"]
    return index


def _rounded_minute(moment: datetime) -> datetime:
    return (moment + timedelta(seconds=30)).replace(second=0, microsecond=0)


def _kasi_minute(text: str) -> datetime:
    """KASI's list writes 18:00 of 2019 대한 as 17:60."""
    date, _, clock = text.partition("T")
    hour, minute = map(int, clock.split(":"))
    return datetime.fromisoformat(date).replace(tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def _csv(rows: Rows) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def main() -> int:
    """Compute everything, then write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare with docs/accuracy, write nothing")
    check = parser.parse_args().check
    sky, table = build_terms.open_sky(), load_terms()
    with ORACLE.open(encoding="utf-8", newline="") as stream:
        oracle = list(csv.DictReader(stream))
    summary: dict[str, Any] = {"table": table.version, "ephemeris": table.ephemeris}
    made = {
        "erfa_by_year.csv": _csv(against_erfa(sky, table, summary)),
        "oracle_by_year.csv": _csv(against_oracle(table, oracle, summary)),
        "kasi_differences.csv": _csv(against_kasi(table, oracle, summary)),
        "equation_of_time_by_century.csv": _csv(interpolation(sky, table, summary)),
        "delta_t.csv": _csv(delta_t(sky)),
    }
    made["summary.json"] = json.dumps(summary, indent=2) + "\n"
    stale = []
    for name, text in made.items():
        path = FOLDER / name
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(name)
        elif not check:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    print(made["summary.json"], "stale: " + ", ".join(stale) if stale else "ok")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
