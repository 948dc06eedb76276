"""Slips of the pen in the names of Korean places: 서을 for 서울, busna for Busan.

A Hangul syllable holds two or three letters, so that one wrong letter of a short name makes half of it another: what
is compared is letters (jamo). Names that are one letter away are found by what is left of both with a letter out.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

_SHORTEST: Final = 4
_LONGEST_JAMO: Final = 6
"""Two syllables: in a longer Hangul name most syllables are whole, and a comparison by them finds it."""


class Slips:
    """Looks a misspelt name up among some well-spelt ones."""

    def __init__(self, names: Iterable[Mapping[str, str]]) -> None:
        """Take the names in.

        Args:
            names: groups of key -> spelling; of names equally near one of an earlier group is meant.
        """
        self._known: dict[str, tuple[int, str]] = {}
        self._left: dict[str, list[str]] = defaultdict(list)
        for rank, group in enumerate(names):
            for key, spelling in group.items():
                letters = _letters(key)
                if len(letters) >= _SHORTEST and letters not in self._known:
                    self._known[letters] = rank, spelling
                    for each in _one_out(letters):
                        self._left[each].append(letters)

    def nearest(self, key: str) -> str | None:
        """The spelling one letter away (wrong, missing, too many, or two swapped); None where there is none."""
        letters = _letters(key)
        if len(letters) < _SHORTEST or (not key.isascii() and len(letters) > _LONGEST_JAMO):
            return None
        found = {
            each
            for left in _one_out(letters)
            for each in self._left.get(left, ())
            if _one_apart(letters, each)
        }
        # Of several as near: the larger place, then one that begins alike, then the shorter name.
        best = min(
            found,
            key=lambda each: (self._known[each][0], each[0] != letters[0], len(each), each),
            default=None,
        )
        return None if best is None else self._known[best][1]


def _letters(key: str) -> str:
    return unicodedata.normalize("NFD", key)


def _one_out(letters: str) -> Iterator[str]:
    """The name, and the name with each of its letters left out."""
    yield letters
    for at in range(len(letters)):
        yield letters[:at] + letters[at + 1 :]


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter put in, left out or replaced, or two neighbours swapped, makes one name the other."""
    at = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    a, b = one[at:], other[at:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
