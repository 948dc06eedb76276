"""Letters to indices and the cycle of the elements: what every table here is written in.

Tables are typed as the books print them, in hanja, and turned into indices once.
"""

from typing import Final

from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

STEM: Final = {sign.hanja: sign.index for sign in STEMS}
BRANCH: Final = {sign.hanja: sign.index for sign in BRANCHES}
PILLAR: Final = {pillar.hanja: pillar.index for pillar in PILLARS}
POSITIONS: Final = ("year", "month", "day", "hour")
ELEMENTS: Final = ("wood", "fire", "earth", "metal", "water")
"""In the order of generation (상생): each feeds the next and controls the one after it."""

STEM_ELEMENT: Final = tuple(ELEMENTS.index(sign.element) for sign in STEMS)
BRANCH_ELEMENT: Final = tuple(ELEMENTS.index(sign.element) for sign in BRANCHES)

NONE: Final = 255
"""In every array of codes: there is none, or the hour is not known."""
UNKNOWN: Final = 60
"""The row that stands for an unknown hour in tables by sexagenary index, which have 61."""
ROWS: Final = 61


def stems(text: str) -> tuple[int, ...]:
    """The stems among the letters of `text`."""
    return tuple(STEM[letter] for letter in text if letter in STEM)


def branches(text: str) -> tuple[int, ...]:
    """The branches among the letters of `text`."""
    return tuple(BRANCH[letter] for letter in text if letter in BRANCH)


def by_stem(table: str) -> tuple[str, ...]:
    """Ten entries "甲…": what follows the letter, in the order of the stems."""
    return _entries(table, tuple(STEM))


def by_branch(table: str) -> tuple[str, ...]:
    """Twelve entries "子…": what follows the letter, in the order of the branches."""
    return _entries(table, tuple(BRANCH))


def _entries(table: str, letters: tuple[str, ...]) -> tuple[str, ...]:
    entries = {entry[0]: entry[1:] for entry in table.split()}
    if len(entries) != len(table.split()) or not entries.keys() <= set(letters):
        raise ValueError(f"not a table by {''.join(letters)}: {table}")
    return tuple(entries.get(letter, "") for letter in letters)
