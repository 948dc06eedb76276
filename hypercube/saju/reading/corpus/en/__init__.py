"""The English corpus."""

from typing import Final

from hypercube.saju.reading.corpus.en import balance, day_pillar, life, season, temper, time, work
from hypercube.saju.reading.corpus.table import Corpus, gathered

CORPUS: Final[Corpus] = gathered(temper, day_pillar, season, balance, work, life, time)
