"""The English corpus."""

from typing import Final

from hypercube.saju.reading.corpus.en import balance, day_pillar, life, temper, time, work
from hypercube.saju.reading.corpus.table import Corpus, gathered

CORPUS: Final[Corpus] = gathered(temper, day_pillar, balance, work, life, time)
