"""Text about a chart that a model writes: what it is asked, and what of its answer may leave.

outline        a section of the written reading as a model's material
Judge          judges a model's sentences one by one: contradictions, language, leaks, repetition, what has no basis
checked        the count of judged sentences
correcting     how a model is asked again
"""

from hypercube.saju.composing.again import Correct, correcting
from hypercube.saju.composing.judge import Judge, Judged, checked
from hypercube.saju.composing.outline import Outline, outline

__all__ = ["Correct", "Judge", "Judged", "Outline", "checked", "correcting", "outline"]
