"""What single tokens are: their text and their bytes; runs in the child."""

import re
from typing import Any, Final

from hypercube.core.engine import TokenLogprob, TopLogprob

_BYTE: Final = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE: Final = "\u2581"
_LEAST: Final = -9999.0
"""What stands for a probability of 0: JSON has no infinity."""


def _letters() -> dict[str, int]:
    """How byte-level vocabularies write bytes: a printable one as its Latin-1 letter, the others from U+0100 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {chr(byte): byte for byte in plain}
    others = (byte for byte in range(256) if byte not in plain)
    return letters | {chr(256 + at): byte for at, byte in enumerate(others)}


_LETTERS: Final = _letters()


class TokenTexts:
    """The tokens of one tokenizer, one by one: part of a character has bytes of its own, but no text."""

    def __init__(self, tokenizer: Any) -> None:
        """`tokenizer` as transformers loads it."""
        self._tokenizer = tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._byte_level = "ByteLevel" in repr(getattr(backend, "decoder", None))

    def bytes_of(self, token: int) -> bytes:
        """The bytes that a token adds to a text."""
        written: str | None = self._tokenizer.convert_ids_to_tokens(token)
        if written is None:
            return b""  # a place that the model has and the vocabulary does not use
        added = token in self._tokenizer.added_tokens_decoder
        if self._byte_level and not added and all(letter in _LETTERS for letter in written):
            return bytes(_LETTERS[letter] for letter in written)
        if (byte := _BYTE.fullmatch(written)) is not None:
            return bytes([int(byte[1], 16)])
        return written.encode() if added else written.replace(_SPACE, " ").encode()

    def text_of(self, token: int) -> str:
        """The text of a token, U+FFFD for a part of a character."""
        return self.bytes_of(token).decode(errors="replace")

    def rated(self, token: int, logprob: float, top: list[tuple[int, float]]) -> TokenLogprob:
        """A token with its log-probability, and the likeliest of its place, in the words of the contract."""
        return TokenLogprob(
            self.text_of(token),
            max(_LEAST, logprob),
            tuple(self.bytes_of(token)),
            tuple(
                TopLogprob(self.text_of(each), max(_LEAST, value), tuple(self.bytes_of(each)))
                for each, value in top
            ),
        )
