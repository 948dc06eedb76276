"""The language of a conversation: that of what its user wrote last."""

import re
from collections.abc import Iterable
from typing import Final

from hypercube.core.reading import ReadingLanguage

_HANGUL: Final = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣ]")
_WORD: Final = re.compile(r"[A-Za-z]{2,}")


def language_of(turns: Iterable[str]) -> ReadingLanguage:
    """The language of the last turn that is in one; Korean where none is.

    Args:
        turns: what the user wrote, oldest first.
    """
    for text in reversed(tuple(turns)):
        if _HANGUL.search(text):
            return ReadingLanguage.KO
        if _WORD.search(text):
            return ReadingLanguage.EN
    return ReadingLanguage.KO
