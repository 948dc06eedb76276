"""The written reading (해석): facts with ids -> sections of sentences, from a corpus written by hand.

read       a chart with facts -> sections; deterministic, every sentence cites fact ids
cited      the facts that some sections cite, in words
CORPUS_VERSION    rises with every change of the text
"""

from hypercube.saju.reading.book import CORPUS_VERSION
from hypercube.saju.reading.citing import cited
from hypercube.saju.reading.read import read

__all__ = ["CORPUS_VERSION", "cited", "read"]
