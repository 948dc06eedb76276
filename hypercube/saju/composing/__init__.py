"""Text about a chart that a model writes: what it is asked, and what of its answer may leave.

outline        a section of the written reading as a model's material
Judge          judges a model's sentences one by one: contradictions, language, leaks, repetition, what has no basis
checked        the count of judged sentences
correcting     how a model is asked again
prompt         a template by its id; `PROMOTED` is the one in use
as_sentence    a model's sentence with the facts that it rests on
completing     what the corpus adds to a model's section
"""

from hypercube.saju.composing.again import Correct, correcting
from hypercube.saju.composing.completing import UNFIT, as_sentence, completing
from hypercube.saju.composing.judge import Judge, Judged, checked
from hypercube.saju.composing.outline import Outline, outline
from hypercube.saju.composing.prompts import MOST_ASKED, PROMOTED, Prompt, prompt

__all__ = [
    "MOST_ASKED",
    "PROMOTED",
    "UNFIT",
    "Correct",
    "Judge",
    "Judged",
    "Outline",
    "Prompt",
    "as_sentence",
    "checked",
    "completing",
    "correcting",
    "outline",
    "prompt",
]
