"""Compatibility (궁합) in words: two charts -> sentences with fact ids, from a corpus written by hand.

explain    the sentences about two people; deterministic, each cites `first.…`, `second.…` or `pair.…`
cited      the facts that some sentences cite, in words
CORPUS_VERSION    rises with every change of the text
"""

from hypercube.saju.compatibility.citing import cited
from hypercube.saju.compatibility.explain import CORPUS_VERSION, SCORE_SCHOOL, explain

__all__ = ["CORPUS_VERSION", "SCORE_SCHOOL", "cited", "explain"]
