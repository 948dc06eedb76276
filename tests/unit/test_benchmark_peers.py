"""Peers beside the kernels: red on a difference, ratios within the rounds, a missing one named without a figure."""

from typing import Any

import numpy as np
import pytest

from benchmarks.pillars_peers import BEST, PeerRounds
from hypercube.kernels.pillars import pillars


class OneBirthACall:
    """Answers as a worker does: charts by the reference, `off` added to the hour pillar, at rates given ahead."""

    name, version = BEST, "1.2.0"

    def __init__(self, rates: list[float], off: int = 0) -> None:
        self._rates, self._off = iter(rates), off
        self._births: list[list[int]] = []

    def ask(self, **question: Any) -> dict[str, Any]:
        if "births" in question:
            self._births = question["births"]
            return {}
        if "pillars" in question:
            minutes = [
                np.datetime64(f"{y}-{m:02}-{d:02}T{h:02}:{n:02}", "s") for y, m, d, h, n, _ in self._births
            ]
            utc = np.array(minutes).astype(np.int64) - 32_400
            made = pillars(utc, 32_400, backend="reference")
            made[:, 3] = (made[:, 3] + self._off) % 60
            return {"pillars": made[: question["pillars"]].tolist()}
        return {"charts": next(self._rates), "cpu_s": 1.0, "wall_s": 2.0}


def rounds_of(*peers: Any) -> PeerRounds:
    return PeerRounds(list(peers), ["sxtwl"], 0.2)


def test_a_peer_that_differs_is_red() -> None:
    assert rounds_of(OneBirthACall([])).parity() == 300
    with pytest.raises(SystemExit, match="300 of 300 differ; no figures on red"):
        rounds_of(OneBirthACall([], off=1)).parity()


def test_the_ratio_is_the_median_over_the_rounds() -> None:
    rounds = rounds_of(OneBirthACall([100.0, 200.0, 400.0]))
    rounds.begin()
    for _ in range(3):
        rounds.run_round()  # 50, 100 and 200 charts a second
    assert rounds.times_best(1_000, [1.0, 1.0, 1.0]) == 10.0
    assert rounds.times_best(1_000, [0.5, 1.0, 0.01]) == 40.0
    missing, peer = rounds.rows()
    assert missing == {"backend": "sxtwl", "missing": "not installed"}
    assert peer["charts_per_s"] == 100
    assert peer["peer_version"] == "1.2.0"


def test_without_the_yardstick_there_is_no_ratio() -> None:
    rounds = rounds_of()
    rounds.begin()
    assert rounds.times_best(1_000, [1.0]) is None
