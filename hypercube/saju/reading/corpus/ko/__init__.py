"""The Korean corpus."""

from typing import Final

from hypercube.saju.reading.corpus.ko import (
    balance,
    day_pillar,
    luck,
    now,
    old,
    season,
    sinsal,
    temper,
    wealth,
    work,
    young,
)
from hypercube.saju.reading.corpus.table import Corpus, gathered

CORPUS: Final[Corpus] = gathered(temper, day_pillar, season, balance, work, wealth, sinsal, luck, now)
YOUNG: Final[Corpus] = gathered(young)
"""What is said otherwise of a child."""
OLD: Final[Corpus] = gathered(old)
"""What is said otherwise of somebody old."""
