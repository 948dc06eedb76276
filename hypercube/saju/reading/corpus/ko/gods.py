"""One sentence a ten god, of one frame."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table
from hypercube.saju.reading.josa import with_particle

_GODS: Final = {
    "peer": "비견",
    "rival": "겁재",
    "eating_god": "식신",
    "hurting_officer": "상관",
    "indirect_wealth": "편재",
    "direct_wealth": "정재",
    "indirect_officer": "편관",
    "direct_officer": "정관",
    "indirect_resource": "편인",
    "direct_resource": "정인",
}


def by_god(frame: str, *means: str) -> Table:
    """One sentence a ten god, in their order.

    Args:
        frame: with `[은]`, `[이]` or `[이라]` for the ten god and that particle, and `[means]`.
        means: what each of the ten is said to mean.
    """
    return {key: (_filled(frame, god, each),) for (key, god), each in zip(_GODS.items(), means, strict=True)}


def _filled(frame: str, god: str, means: str) -> str:
    for particle in ("은", "이", "이라"):
        frame = frame.replace(f"[{particle}]", with_particle(god, particle))
    return frame.replace("[means]", means)
