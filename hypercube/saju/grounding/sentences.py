"""Sentences of a text, whole or as it arrives."""

import re
from typing import Final

_END: Final = re.compile(r"(?:[.!?。！？…]+[\"'”’)\]]*(?=\s|$)|\n+)")
_ABBREVIATION: Final = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|Mr|Ms|Dr|No)\.|(?:^|\n)\s*\d+\.)$")
LONGEST: Final = 2_000
"""Characters after which a sentence is ended where it stands, so that a stream holds back no more."""


def sentences(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence, without the white space around it."""
    found, start = [], 0
    for end in _ends(text):
        found += _trimmed(text, start, end)
        start = end
    return found + _trimmed(text, start, len(text))


def first_end(text: str, *, whole: bool = False) -> int | None:
    """Where the first sentence of a growing text ends; None while it may go on.

    Args:
        text: what has come so far.
        whole: nothing follows.
    """
    for end in _ends(text):
        if end < len(text) or whole or text[end - 1] == "\n":
            return end
    return LONGEST if len(text) > LONGEST else None


def _ends(text: str) -> list[int]:
    return [match.end() for match in _END.finditer(text) if not _ABBREVIATION.search(text[: match.end()])]


def _trimmed(text: str, start: int, end: int) -> list[tuple[int, int]]:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    return [(left, right)] if left < right else []
