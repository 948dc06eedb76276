"""How many gRPC calls are open, from their first header on: also those whose message never comes."""

from types import TracebackType
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError

MOST: Final = 10_000
RETRY_AFTER_S: Final = 1.0


class OpenCalls:
    """A count with a limit; `with calls:` is one call. One event loop drives it."""

    __slots__ = ("_most", "_open")

    def __init__(self, most: int = MOST) -> None:
        """At most `most` at a time."""
        self._most = most
        self._open = 0

    @property
    def open(self) -> int:
        """Calls under way."""
        return self._open

    def __enter__(self) -> None:
        """One call more.

        Raises:
            HyperCubeError: OVERLOADED at the limit.
        """
        if self._open >= self._most:
            raise HyperCubeError(
                ErrorKind.OVERLOADED,
                f"{self._open:,} calls are open; this server takes no more at a time.",
                fix=f"Try again in {RETRY_AFTER_S:g} s.",
                retry_after_s=RETRY_AFTER_S,
            )
        self._open += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It has ended."""
        self._open -= 1
