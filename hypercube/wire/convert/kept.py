"""What charts repeat, written once."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

R = TypeVar("R")
W = TypeVar("W")

_KEPT: Final = 4_096
"""Records of one kind; to look one up by its hash would cost more than a message."""


class Kept(Generic[R, W]):
    """What was written for a frozen record, by its identity; the record is held as long as that."""

    def __init__(self, write: Callable[[R], W], most: int = _KEPT) -> None:
        """Nothing is kept yet; what is, is at most `most` records, and begins anew when they are full."""
        self._write = write
        self._most = most
        self._kept: dict[int, tuple[R, W]] = {}

    def __call__(self, record: R) -> W:
        """What `write` made of it."""
        found = self._kept.get(id(record))
        if found is not None:
            return found[1]
        if len(self._kept) >= self._most:
            self._kept.clear()
        written = self._write(record)
        self._kept[id(record)] = record, written
        return written
