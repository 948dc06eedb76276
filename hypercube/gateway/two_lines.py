"""Two lines at one door: who was answered before does not stand behind all who come for the first time."""

from collections import deque
from typing import Generic, TypeVar

Newcomer = TypeVar("Newcomer")


class TwoLines(Generic[Newcomer]):
    """Those who wait; those who are known do so in a line of their own."""

    __slots__ = ("_known", "_strangers")

    def __init__(self) -> None:
        self._strangers: deque[Newcomer] = deque()
        self._known: deque[Newcomer] = deque()

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def append(self, newcomer: Newcomer, *, known: bool = False) -> None:
        """The last of a line, of strangers or of those who are `known`."""
        (self._known if known else self._strangers).append(newcomer)

    def take(self, most: int) -> list[Newcomer]:
        """Whose turn it is: the first of each line, at most `most` of each, so that neither waits for the other."""
        return [
            line.popleft() for line in (self._known, self._strangers) for _ in range(min(most, len(line)))
        ]

    def pop(self) -> Newcomer:
        """Who has to go: the last of the longer line.

        Raises:
            IndexError: nobody waits.
        """
        return (self._known if len(self._known) > len(self._strangers) else self._strangers).pop()
