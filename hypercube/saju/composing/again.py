"""How a model is asked again for a sentence that may not leave."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.reading import ReadingLanguage
from hypercube.saju.composing.judge import CONTRADICTION, Judged

_SHOWN: Final = 200
"""Characters of the sentence that are repeated to the model."""
CORRECTIONS: Final = {
    ReadingLanguage.KO: (
        "“{sentence}” 이 문장은 쓸 수 없습니다({fault}). 이미 쓴 것은 되풀이하지 말고, 맞는 문장으로 이어 쓰세요."
    ),
    ReadingLanguage.EN: (
        "“{sentence}” cannot stay ({fault}). Do not repeat what is written; go on with a right sentence."
    ),
}
"""The turn that asks again, by language."""
_FAULTS: Final = {
    ReadingLanguage.KO: {CONTRADICTION: "사주와 다름", "": "바탕이 없거나 말투가 다름"},
    ReadingLanguage.EN: {CONTRADICTION: "at odds with the chart", "": "no basis, or another tone"},
}
_HAS: Final = {ReadingLanguage.KO: "{said} → {has}", ReadingLanguage.EN: "{said}: it is {has}"}

Correct = Callable[[GenerationRequest, str, Judged], GenerationRequest]
"""The request that asks again: the first one, what has left so far, and the sentence that may not."""


def correcting(language: ReadingLanguage, text: str = "") -> Correct:
    """Ask in a turn of its own, after what has left, with another seed.

    Args:
        language: of the turn.
        text: the turn, with `{sentence}` and `{fault}`; empty for the one of `CORRECTIONS`.
    """
    turn = text or CORRECTIONS[language]

    def correct(request: GenerationRequest, passed: str, wrong: Judged) -> GenerationRequest:
        told = turn.format(sentence=wrong.text[:_SHOWN], fault=_fault(language, wrong))
        said = (ChatMessage("assistant", passed),) if passed else ()
        messages = (*request.messages, *said, ChatMessage("user", told))
        if not passed:  # two turns of one speaker are refused by some chat templates
            last = request.messages[-1]
            messages = (*request.messages[:-1], replace(last, content=f"{last.content}\n\n{told}"))
        seed = request.sampling.seed
        sampling = replace(request.sampling, seed=None if seed is None else seed + 1)
        return replace(request, messages=messages, sampling=sampling)

    return correct


def _fault(language: ReadingLanguage, wrong: Judged) -> str:
    words = _FAULTS[language]
    shown = [
        _HAS[language].format(said=each.text, has=each.expected)
        for each in wrong.contradictions
        if any("\u3400" <= letter <= "\u9fff" for letter in each.expected)
    ]
    return ", ".join([words.get(wrong.fault, words[""]), *shown])
