"""The Korean corpus."""

from typing import Final

from hypercube.saju.reading.corpus.ko import (
    balance,
    day_pillar,
    luck,
    now,
    season,
    sinsal,
    temper,
    wealth,
    work,
)
from hypercube.saju.reading.corpus.table import Corpus, gathered

CORPUS: Final[Corpus] = gathered(temper, day_pillar, season, balance, work, wealth, sinsal, luck, now)
