"""Saju libraries that chart one birth a call, run within the rounds of `python -m benchmarks.pillars --peers`.

`saju_peers` says how to install them. Each runs in a process of its own for a moment of every round, so that a
noisy neighbour hits them and the kernels alike. They are asked for the four pillars only, by the call that each
offers for it; births are random minutes of 1900-2050. Parity comes first, on births where the conventions agree.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.saju_peers import Peer, alike, births, fields
from hypercube.kernels.pillars import pillars

PEERS: Final = ("bazi-chart cast_pillars", "sxtwl", "lunar-python pillars", "korean-saju pillars")
BEST: Final = "bazi-chart cast_pillars"
"""The yardstick: the peer that places the 절 to the second."""
PARITY_ROWS: Final = 300
KEPT_BIRTHS: Final = 20_000
_SEOUL_S: Final = 32_400


class PeerRounds:
    """The peers' turns; `run_round` is called once a round."""

    def __init__(self, peers: list[Peer], missing: list[str], seconds: float) -> None:
        self.missing = missing
        self._peers = peers
        self._seconds = seconds
        self._rates: dict[str, list[float]] = {}

    def parity(self) -> int:
        """Four pillars of every peer against ours; ends the run on a difference."""
        minutes, sex = alike(PARITY_ROWS)
        want = pillars(minutes * 60 - _SEOUL_S, _SEOUL_S).tolist()
        for peer in self._peers:
            peer.ask(births=fields(minutes, sex))
            got = peer.ask(pillars=len(minutes))["pillars"]
            if wrong := sum(mine != theirs for mine, theirs in zip(want, got, strict=True)):
                raise SystemExit(f"{peer.name}: {wrong} of {len(want)} differ; no figures on red.")
        return len(minutes)

    def begin(self) -> None:
        """Hand over the births and forget the rates of earlier rounds."""
        minutes, sex = births(KEPT_BIRTHS, seed=1)
        self._rates = {peer.name: [] for peer in self._peers}
        for peer in self._peers:
            peer.ask(births=fields(minutes, sex))

    def run_round(self) -> None:
        """One turn of every peer."""
        for peer in self._peers:
            done = peer.ask(run=self._seconds)
            self._rates[peer.name].append(done["charts"] / done["wall_s"])

    def times_best(self, rows: int, seconds: list[float]) -> float | None:
        """How many times the charts/s of `BEST` a contestant reaches, the median over the rounds."""
        if BEST not in self._rates:
            return None
        ours = rows / np.array(seconds)
        return round(float(np.median(ours / np.array(self._rates[BEST]))), 1)

    def rows(self) -> list[dict[str, Any]]:
        """One row a peer; a missing one is named and carries no figure."""
        made: list[dict[str, Any]] = [{"backend": name, "missing": "not installed"} for name in self.missing]
        for peer in self._peers:
            p20, median, p80 = np.percentile(self._rates[peer.name], [20, 50, 80])
            made.append(
                {
                    "backend": peer.name,
                    "peer_version": peer.version,
                    "threads": 1,
                    "rounds": len(self._rates[peer.name]),
                    "charts_per_s": round(median),
                    "charts_per_s_p20": round(p20),
                    "charts_per_s_p80": round(p80),
                    "peer_parity_rows": PARITY_ROWS,
                }
            )
        return made


@contextmanager
def peers_in(python: Path, seconds: float) -> Iterator[PeerRounds]:
    """The peers that the interpreter `python` has, each started and ended here."""
    if not python.exists():
        raise SystemExit(f"{python} is not there; the head of benchmarks/saju_peers.py says how to make it.")
    with ExitStack() as stack:
        peers, missing = [], []
        for name in PEERS:
            try:
                peers.append(peer := Peer(name, python))
            except ConnectionError:
                missing.append(name)
            else:
                stack.callback(peer.close)
        yield PeerRounds(peers, missing, seconds)
