"""Calls that wait to be taken up: a line for each connection, and the lines take turns.

A line's first call takes its turn among the first calls of other lines, and of two calls that are taken up one is such
a first one: who has one call open at a time does not wait for those with hundreds. That alone helps nobody against a
crowd of connections with one call each, so connections that were answered before have lines apart from strangers'.
"""

from collections import deque
from collections.abc import Callable
from itertools import chain, islice
from typing import Final, Generic, TypeVar

Call = TypeVar("Call")
_COMPARED: Final = 64
"""Lines of which the longest is looked for."""


class Lines(Generic[Call]):
    """Calls that wait, by their connection."""

    __slots__ = ("_count", "_first", "_later", "_later_next")

    def __init__(self) -> None:
        self._first: dict[str, deque[Call]] = {}
        """Lines from which nothing was taken yet; the one whose turn is next is the first."""
        self._later: dict[str, deque[Call]] = {}
        """The others."""
        self._later_next = False
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, connection: str, call: Call) -> None:
        """The connection's last."""
        line = self._first.get(connection) or self._later.get(connection)
        if line is None:
            line = self._first[connection] = deque()
        line.append(call)
        self._count += 1

    def next(self) -> Call:
        """The first call of the connection whose turn it is."""
        lines = self._later if self._later and (self._later_next or not self._first) else self._first
        self._later_next = lines is self._first
        connection = next(iter(lines))
        line = lines.pop(connection)
        call = line.popleft()
        if line:
            self._later[connection] = line
        self._count -= 1
        return call

    def last(self) -> Call:
        """The latest call of the longest line, which is in none any more."""
        connection, line = self._longest()
        call = line.pop()
        if not line:
            (self._first if connection in self._first else self._later).pop(connection)
        self._count -= 1
        return call

    def crowd_out(self, connection: str, call: Call) -> Call:
        """Who has to go where there is no room for one more: the latest of the longest line, or `call` itself.

        Nobody's line is cut short for one that would be as long.
        """
        if not self._count:
            return call
        own = self._first.get(connection) or self._later.get(connection) or ()
        if len(own) + 1 >= len(self._longest()[1]):
            return call
        out = self.last()
        self.add(connection, call)
        return out

    def _longest(self) -> tuple[str, deque[Call]]:
        lines = islice(chain(self._later.items(), self._first.items()), _COMPARED)
        return max(lines, key=lambda item: len(item[1]))

    def clear(self) -> None:
        """Let all go."""
        self._first.clear()
        self._later.clear()
        self._count = 0


class SortedLines(Generic[Call]):
    """Lines of connections that are known, and lines of strangers, used like one set of lines.

    Of two calls that are taken up one is of a known connection, while there are any. Who has to go where there is no
    room is of the fuller side, so neither a crowd of strangers nor one greedy acquaintance shuts the others out.
    """

    __slots__ = ("_acquainted", "_is_known", "_known_next", "_strangers")

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        """`is_known` judges a connection, anew for each of its calls."""
        self._is_known = is_known
        self._acquainted: Lines[Call] = Lines()
        self._strangers: Lines[Call] = Lines()
        self._known_next = True

    def __len__(self) -> int:
        return len(self._acquainted) + len(self._strangers)

    def add(self, connection: str, call: Call) -> None:
        """The connection's last."""
        self._of(connection).add(connection, call)

    def next(self) -> Call:
        """The first call of the connection whose turn it is."""
        known = len(self._acquainted) > 0 and (self._known_next or not len(self._strangers))
        self._known_next = not known
        return (self._acquainted if known else self._strangers).next()

    def last(self) -> Call:
        """The latest call of the longest line of the fuller side, which is in none any more."""
        known = len(self._acquainted) > len(self._strangers)
        return (self._acquainted if known else self._strangers).last()

    def crowd_out(self, connection: str, call: Call) -> Call:
        """Who has to go where there is no room for one more, `call` perhaps."""
        own = self._of(connection)
        known = own is self._acquainted
        other = self._strangers if known else self._acquainted
        # Where both are as full, the one who is known is let in.
        if not len(other) or len(other) + known <= len(own):
            return own.crowd_out(connection, call)
        own.add(connection, call)
        return other.last()

    def _of(self, connection: str) -> Lines[Call]:
        return self._acquainted if self._is_known(connection) else self._strangers

    def clear(self) -> None:
        """Let all go."""
        self._acquainted.clear()
        self._strangers.clear()
