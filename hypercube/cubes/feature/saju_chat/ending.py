"""How a written answer ends: at its end, at a stop sequence, or where `max_tokens` cuts it."""

from collections.abc import Sequence

from hypercube.core.engine import FinishReason, GenerationRequest, Usage
from hypercube.saju.conversation.budget import PER_TURN, pieces, tokens


class Ending:
    """Feed it the text; it gives back what may leave, and says when no more may.

    Tokens are counted by the rule of `saju.conversation.budget`, since no tokenizer has a say in written text.
    """

    def __init__(self, request: GenerationRequest) -> None:
        self._stops: Sequence[str] = request.sampling.stop
        self._limit = request.max_tokens
        self._held = ""
        self._prompt = sum(tokens(each.content) + PER_TURN for each in request.messages)
        self.made = 0
        self.reason: FinishReason | None = None

    @property
    def usage(self) -> Usage:
        """Tokens read and made so far."""
        return Usage(self._prompt, self.made)

    def feed(self, text: str) -> str:
        """What may leave of it; nothing once `reason` is set."""
        leaving = []
        for piece in pieces(text):
            if self.reason is not None:
                break
            if self._limit is not None and self.made >= self._limit:
                self.reason = FinishReason.LENGTH
                leaving.append(self._held)
                self._held = ""
                break
            self.made += 1
            self._held += piece
            leaving.append(self._passed())
        return "".join(leaving)

    def close(self) -> str:
        """The rest, when all was fed."""
        rest, self._held = self._held, ""
        self.reason = self.reason or FinishReason.STOP
        return rest

    def _passed(self) -> str:
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.reason = FinishReason.STOP
            shown, self._held = self._held[: min(found)], ""
            return shown
        kept = max((_begun(self._held, stop) for stop in self._stops), default=0)
        shown, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return shown


def _begun(text: str, stop: str) -> int:
    """How many of the last characters of a text could be the beginning of a stop sequence."""
    return next(
        (size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0
    )
