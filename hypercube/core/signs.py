"""The letters of a chart: heavenly stems, earthly branches and the sixty pairs of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sign:
    """A heavenly stem (천간, index 0..9) or an earthly branch (지지, index 0..11)."""

    index: int
    hanja: str
    hangul: str
    element: str
    """wood, fire, earth, metal or water."""
    polarity: str
    """yang or yin."""


@dataclass(frozen=True, slots=True)
class Pillar:
    """One of the sixty stem-branch pairs: index 0 = 甲子 (갑자) … 59 = 癸亥 (계해)."""

    index: int
    hanja: str
    hangul: str
    stem: Sign
    branch: Sign
