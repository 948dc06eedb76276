"""Grounding: what a text says about a chart, and whether the chart bears it out.

Checker           check sentences or a text against one chart
checked           the count of some sentences' verdicts
cut               the sentences that contradict nothing, and the count
GroundedStream    the same for a text that arrives in pieces; holds back at most one sentence
first_end         where the first sentence of a growing text ends
claims            what a sentence claims, without a chart
"""

from hypercube.saju.grounding.check import CHECKER_VERSION, Checker, SentenceCheck, checked, cut
from hypercube.saju.grounding.claims import Claim, claims
from hypercube.saju.grounding.sentences import first_end, sentences
from hypercube.saju.grounding.stream import GroundedStream, grounded

__all__ = [
    "CHECKER_VERSION",
    "Checker",
    "Claim",
    "GroundedStream",
    "SentenceCheck",
    "checked",
    "claims",
    "cut",
    "first_end",
    "grounded",
    "sentences",
]
