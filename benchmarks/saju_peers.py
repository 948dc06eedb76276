"""Charts with all their facts: this project's bulk path beside four saju libraries, in one interleaved run.

    python3 -m venv .venv-peers
    .venv-peers/bin/python -m pip install lunar-python==1.4.8 sxtwl==2.0.7 korean-saju==0.3.0 bazi-chart==1.2.0
    python -m benchmarks.saju_peers                                                   # print
    python -m benchmarks.saju_peers --output benchmarks/results/saju-peers-cpu.jsonl

(Never `bazi` beside `bazi-chart`: they overwrite each other.) Peers run one birth a call, as they are built, each in
a process of its own. Ours takes local minutes and sexes of 65,536 births a call and returns, as integer codes,
what a `BaziChart` holds: pillars, ten gods, hidden stems, stages, nayin, void, relations, element weights,
strength, structure, useful gods, sinsal, lunar date, and ten luck pillars with start age, date, ten gods and
stages. Its rating of luck pillars, its special structures (從格, 化氣格, 專旺格) and its mediating element (通關)
have no counterpart here; its lunar date is Chinese, ours Korean.

Parity first: four pillars of births where the conventions agree (clock at UTC+9 without summer time, two days from a
절, not 23:xx). Rates are per CPU-second and by the wall; one thread each. Births: random minutes of 1900-2050.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.pillars import cpu_name, installed
from hypercube._version import __version__
from hypercube.kernels.pillars import warm_up
from hypercube.saju.bulk import charts_table

Int64 = NDArray[np.int64]

PYTHON: Final = Path(".venv-peers/bin/python")
WORKER: Final = Path(__file__).with_name("saju_peers_worker.py")
OURS: Final = {"hypercube": ("facts", "luck", "lunar"), "hypercube pillars": ("pillars",)}
PEERS: Final = ("bazi-chart BaziChart", "bazi-chart cast_pillars", "lunar-python", "sxtwl", "korean-saju")
ROWS: Final = 65_536
_FIRST: Final = -36_817_920
_END: Final = 42_604_560
_DAY_S: Final = 86_400


class Peer:
    """A worker process."""

    def __init__(self, name: str, python: Path) -> None:
        self.name = name
        command = [str(python), str(WORKER), name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = str(self._answer()["version"])

    def ask(self, **question: Any) -> dict[str, Any]:
        """One question, one answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ConnectionError(f"{self.name} ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


def births(rows: int, seed: int) -> tuple[Int64, NDArray[np.int8]]:
    """Local minutes since 1970, uniform over 1900-2050, and sexes."""
    rng = np.random.default_rng(seed)
    return rng.integers(_FIRST, _END, rows), rng.integers(0, 2, rows).astype(np.int8)


def fields(minutes: Int64, sex: NDArray[np.int8]) -> list[list[int]]:
    """What a peer is given."""
    made = []
    for minute, code in zip(minutes.astype("datetime64[m]").tolist(), sex.tolist(), strict=True):
        made.append([minute.year, minute.month, minute.day, minute.hour, minute.minute, 1 - code])
    return made


def alike(rows: int) -> tuple[Int64, NDArray[np.int8]]:
    """Births that every peer should chart as we do."""
    minutes, sex = births(rows * 4, seed=7)
    found = charts_table({"local_minutes": minutes, "sex": sex, "fold": 0}, include=())
    good = (found.utc_offset_seconds == 32_400) & (np.abs(found.since_jie) > 2 * _DAY_S)
    good &= (minutes // 60 % 24 != 23) & (minutes >= -4_400_000)  # from September 1961 on
    return minutes[good][:rows], sex[good][:rows]


def parity(peers: list[Peer], rows: int) -> int:
    """Four pillars of every peer against ours; ends the run when one differs."""
    minutes, sex = alike(rows)
    want = charts_table({"local_minutes": minutes, "fold": 0}, include=()).pillars.tolist()
    for peer in peers:
        peer.ask(births=fields(minutes, sex))
        got = peer.ask(pillars=len(minutes))["pillars"]
        wrong = [row for row, (mine, theirs) in enumerate(zip(want, got, strict=True)) if mine != theirs]
        if wrong:
            row = wrong[0]
            raise SystemExit(
                f"{peer.name}: {len(wrong)} of {len(want)} differ, first {minutes[row].astype('datetime64[m]')}: "
                f"{got[row]} against {want[row]}; no figures on red."
            )
    return len(minutes)


def run_ours(
    minutes: Int64, sex: NDArray[np.int8], include: tuple[str, ...], seconds: float
) -> dict[str, float]:
    """Whole calls of `ROWS` births for so many seconds."""
    charts, cpu, wall = 0, time.process_time(), time.perf_counter()
    while (spent := time.perf_counter() - wall) < seconds:
        at = slice(charts % len(minutes), charts % len(minutes) + ROWS)
        charts_table({"local_minutes": minutes[at], "sex": sex[at]}, zone="Asia/Seoul", include=include)
        charts += ROWS
    return {"charts": charts, "cpu_s": time.process_time() - cpu, "wall_s": spent}


def measure(peers: list[Peer], rounds: int, seconds: float) -> dict[str, list[dict[str, float]]]:
    """What each contestant did in each round; the first round is not counted."""
    minutes, sex = births(16 * ROWS, seed=1)
    for peer in peers:
        peer.ask(births=fields(minutes[:20_000], sex[:20_000]))
    done: dict[str, list[dict[str, float]]] = {name: [] for name in (*OURS, *(peer.name for peer in peers))}
    for number in range(rounds + 1):
        for name, include in OURS.items():
            result = run_ours(minutes, sex, include, seconds)
            if number:
                done[name].append(result)
        for peer in peers:
            result = peer.ask(run=seconds)
            if number:
                done[peer.name].append(result)
    return done


def result_rows(
    done: dict[str, list[dict[str, float]]], versions: dict[str, str], compared: int, load: float
) -> list[dict[str, Any]]:
    """One row a contestant; `times` is our median over its own, per CPU-second and round by round."""
    rates = {
        name: {
            clock: np.array([each["charts"] / each[f"{clock}_s"] for each in results])
            for clock in ("cpu", "wall")
        }
        for name, results in done.items()
    }
    common = {
        "op": "charts with facts",
        "births": "random minutes 1900-2050, Asia/Seoul",
        "rounds": len(next(iter(done.values()))),
        "threads": 1,
        "parity_rows": compared,
        "device": cpu_name(),
        "load": round(load, 2),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": installed("numba"),
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    made: list[dict[str, Any]] = []
    for name, by_clock in rates.items():
        row: dict[str, Any] = {"name": name, "version": versions.get(name, __version__)}
        for clock, values in by_clock.items():
            p20, median, p80 = np.percentile(values, [20, 50, 80])
            row |= {
                f"charts_per_{clock}_s": round(median),
                f"charts_per_{clock}_s_p20": round(p20),
                f"charts_per_{clock}_s_p80": round(p80),
            }
        pillars_only = name in ("hypercube pillars", "bazi-chart cast_pillars", "sxtwl")
        ours = rates["hypercube pillars" if pillars_only else "hypercube"]["cpu"]
        row["facts"] = not pillars_only
        row["times"] = round(float(np.median(ours / by_clock["cpu"])), 1)
        made.append(row | common)
    return made


def main() -> int:
    """Check parity, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each contestant in each round")
    parser.add_argument("--parity-rows", type=int, default=300)
    parser.add_argument("--python", type=Path, default=PYTHON, help="the interpreter that has the peers")
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    if not options.python.exists():
        raise SystemExit(
            f"{options.python} is not there; the head of {Path(__file__).name} says how to make it."
        )
    warm_up()
    peers, missing = [], []
    for name in PEERS:
        try:
            peers.append(Peer(name, options.python))
        except ConnectionError:
            missing.append(name)
            print(f"{name}: not installed, left out")
    try:
        compared = parity(peers, options.parity_rows)
        print(f"parity: four pillars of {compared} births, 0 differences in {len(peers)} peers")
        load = os.getloadavg()[0]
        done = measure(peers, options.rounds, options.seconds)
    finally:
        for peer in peers:
            peer.close()
    made = result_rows(done, {peer.name: peer.version for peer in peers}, compared, load)
    made += [{"name": name, "missing": "could not be installed"} for name in missing]
    for row in made:
        if "missing" not in row:
            print(
                f"{row['name']:<26} {row['charts_per_cpu_s']:>12,} charts/CPU-s (p20 {row['charts_per_cpu_s_p20']:,}, "
                f"p80 {row['charts_per_cpu_s_p80']:,})  {row['charts_per_wall_s']:>12,} by the wall  "
                f"ours / it {row['times']:,}"
            )
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        with options.output.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
