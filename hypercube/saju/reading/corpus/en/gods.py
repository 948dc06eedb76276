"""One sentence a ten god, of one frame."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table, a

_GODS: Final = {
    "peer": "peer",
    "rival": "rob wealth",
    "eating_god": "eating god",
    "hurting_officer": "hurting officer",
    "indirect_wealth": "indirect wealth",
    "direct_wealth": "direct wealth",
    "indirect_officer": "seven killings",
    "direct_officer": "direct officer",
    "indirect_resource": "indirect resource",
    "direct_resource": "direct resource",
}
_STAR: Final = {key: f"{a(god)} star" for key, god in _GODS.items()}


def by_god(frame: str, *means: str) -> Table:
    """One sentence a ten god, in their order: `[star]` and `[means]` of the frame filled in."""
    return {
        key: (frame.replace("[star]", star).replace("[means]", each),)
        for (key, star), each in zip(_STAR.items(), means, strict=True)
    }
