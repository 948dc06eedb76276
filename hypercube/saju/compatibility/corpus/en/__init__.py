"""The English sentences about two people."""

from typing import Final

from hypercube.saju.compatibility.corpus.en import places, stems, whole
from hypercube.saju.reading.corpus.table import Corpus, gathered

CORPUS: Final[Corpus] = gathered(stems, places, whole)
