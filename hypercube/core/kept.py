"""What charts repeat, written once."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

R = TypeVar("R")
W = TypeVar("W")


class Repeated(Generic[R, W]):
    """A record that many answers hold, told apart by identity, with a place for what a door wrote of it.

    To find what was written beside the record costs an answer less than to look it up: where other work has emptied
    the caches in between, each look-up is several waits for memory.
    """

    __slots__ = ("record", "written")

    def __init__(self, record: R) -> None:
        self.record = record
        self.written: W | None = None


_KEPT: Final = 4_096
"""Records of one kind; to look one up by its hash would cost more than a message."""


class Kept(Generic[R, W]):
    """What was written for a frozen record, by its identity; the record is held as long as that."""

    def __init__(self, write: Callable[[R], W]) -> None:
        self._write = write
        self._kept: dict[int, tuple[R, W]] = {}

    def __call__(self, record: R) -> W:
        """What `write` made of it."""
        found = self._kept.get(id(record))
        if found is not None:
            return found[1]
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        written = self._write(record)
        self._kept[id(record)] = record, written
        return written
