"""From tokens to text that can be shown: no half character, nothing past a stop sequence."""

from collections.abc import Callable, Sequence
from typing import Final

from hypercube.core.engine import TokenLogprob

Decode = Callable[[Sequence[int]], str]
"""Token ids to text, special tokens left out; incomplete UTF-8 shows as U+FFFD."""

_REPLACEMENT: Final = "\ufffd"
_LONGEST_HELD: Final = 8
"""Tokens that may wait for the rest of a character: one has at most four bytes, so more are no character."""


class Detokenizer:
    """Turns a growing list of tokens into text, piece by piece; the pieces joined are the text of the list.

    The text of a token depends on its neighbours (spaces, characters spread over tokens), so a few tokens before
    the new ones are decoded with them, and the difference is what is new.
    """

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._prefix = 0
        self._read = 0

    def feed(self, token: int) -> str:
        """The text that `token` completes; empty while a character is incomplete."""
        self._tokens.append(token)
        new = self._new()
        held = len(self._tokens) - self._read
        if not new or (new.endswith(_REPLACEMENT) and held < _LONGEST_HELD):
            return ""
        self._prefix, self._read = self._read, len(self._tokens)
        return new

    def flush(self) -> str:
        """What is left at the end, a broken character as U+FFFD."""
        new = self._new()
        self._prefix = self._read = len(self._tokens)
        return new

    def _new(self) -> str:
        before = self._decode(self._tokens[self._prefix : self._read])
        return self._decode(self._tokens[self._prefix :])[len(before) :]


class StopFinder:
    """Passes text on until one of `stops` appears in it; never shows a part of one that then completes."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.found = False

    @property
    def held(self) -> str:
        """Text that came and may yet be a part of a stop."""
        return self._held

    def feed(self, text: str) -> str:
        """What of the text so far can be shown now; after `found` is set, the rest is the last of it."""
        if self.found:
            return ""
        text = self._held + text
        cuts = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if cuts:
            self.found, self._held = True, ""
            return text[: min(cuts)]
        keep = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back, when no more text comes."""
        held, self._held = self._held, ""
        return held


class RatedTokens:
    """Holds the log-probabilities of tokens until their text is shown; what a stop sequence hides goes with it."""

    def __init__(self) -> None:
        self._held: list[TokenLogprob] = []

    def add(self, token: TokenLogprob) -> None:
        """A token was made."""
        self._held.append(token)

    def shown(self) -> tuple[TokenLogprob, ...]:
        """Everything held, for a text that shows it all."""
        found, self._held = tuple(self._held), []
        return found

    def cut(self, text: str) -> tuple[TokenLogprob, ...]:
        """Those of the tokens held that `text`, the last of the answer, was made of."""
        found: list[TokenLogprob] = []
        size = 0
        for token in self.shown():
            if size >= len(text.encode()):
                break
            found.append(token)
            size += len(token.bytes)
        return tuple(found)


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of `text` that `stop` begins with."""
    for size in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0
