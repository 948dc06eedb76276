"""Who has been answered before: in a crowd of strangers these do not stand behind all of them."""

from typing import Final

KEPT: Final = 4_096


class Acquainted:
    """Connections on which a call was answered, by what the transport names them: the `kept` that were so last.

    One that is forgotten is a stranger until its next answer.
    """

    __slots__ = ("_kept", "_names")

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._names: dict[str, None] = {}

    def add(self, name: str) -> None:
        """A call on this connection was answered."""
        names = self._names
        names.pop(name, None)
        names[name] = None
        if len(names) > self._kept:
            del names[next(iter(names))]

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._names)
