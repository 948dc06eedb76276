"""Grounding for a text that arrives piece by piece: it holds back at most the sentence under way."""

from collections.abc import AsyncIterator

from hypercube.core.chart import Chart
from hypercube.core.reading import Checked
from hypercube.saju.grounding.check import Checker, SentenceCheck, cut
from hypercube.saju.grounding.sentences import first_end


class GroundedStream:
    """Feed it pieces as they come; it gives back whole sentences that contradict nothing.

    For a model that writes: whatever calls it decides what to do about a sentence that was cut (ask again, or
    leave it out); `cut_off` holds those not yet taken.
    """

    def __init__(self, chart: Chart) -> None:
        self._checker = Checker(chart)
        self._held = ""
        self._checks: list[SentenceCheck] = []
        self.cut_off: list[SentenceCheck] = []

    @property
    def held(self) -> str:
        """What has come and not yet left."""
        return self._held

    def feed(self, piece: str) -> str:
        """What may leave now: the sentences that this piece completed and that stand."""
        self._held += piece
        leaving = []
        while (end := first_end(self._held)) is not None:
            leaving.append(self._passed(self._held[:end]))
            self._held = self._held[end:]
        return "".join(leaving)

    def close(self) -> str:
        """The rest, checked as a last sentence."""
        rest, self._held = self._held, ""
        return self._passed(rest) if rest.strip() else rest

    def checked(self) -> Checked:
        """The count so far."""
        return cut(self._checks)[1]

    def _passed(self, sentence: str) -> str:
        check = self._checker.sentence(sentence)
        self._checks.append(check)
        if check.grounded:
            return sentence
        self.cut_off.append(check)
        return ""


async def grounded(pieces: AsyncIterator[str], stream: GroundedStream) -> AsyncIterator[str]:
    """The pieces of a writer as they may leave."""
    async for piece in pieces:
        passed = stream.feed(piece)
        if passed:
            yield passed
    rest = stream.close()
    if rest:
        yield rest
