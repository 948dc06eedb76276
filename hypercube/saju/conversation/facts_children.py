"""What tradition reads as children: a group of ten gods by sex, and the pillar of the hour."""

from collections.abc import Callable
from typing import Final

from hypercube.core.chart import Sex
from hypercube.core.reading import ReadingSentence
from hypercube.saju.conversation.known import Known

_STARS: Final = {Sex.FEMALE: ("output",), Sex.MALE: ("officers",), None: ("output", "officers")}
Say = Callable[[Known, str], list[ReadingSentence]]


def children(gods: Say, pillars: Say) -> Say:
    """The fact in the language of two others.

    Args:
        gods: what is said of a group of ten gods.
        pillars: what is said of one pillar.
    """

    def say(known: Known, _: str) -> list[ReadingSentence]:
        stars = _STARS[known.chart.options.sex]
        return [*(each for star in stars for each in gods(known, star)), *pillars(known, "hour")]

    return say
