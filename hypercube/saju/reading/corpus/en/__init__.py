"""The English corpus."""

from typing import Final

from hypercube.saju.reading.corpus.en import balance, day_pillar, life, old, season, temper, time, work, young
from hypercube.saju.reading.corpus.table import Corpus, gathered

CORPUS: Final[Corpus] = gathered(temper, day_pillar, season, balance, work, life, time)
YOUNG: Final[Corpus] = gathered(young)
"""What is said otherwise of a child."""
OLD: Final[Corpus] = gathered(old)
"""What is said otherwise of somebody old."""
