"""Responses kept for a while, so that they can be read again, cancelled, and gone on from; in memory, bounded."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.engine import ChatMessage
from hypercube.core.errors import ErrorKind, HyperCubeError

KEPT_S: Final = 3600.0
MAX_RESPONSES: Final = 1000
MAX_BYTES: Final = 64 * 2**20
_BESIDE: Final = 1024
"""Bytes that an entry is taken to cost beside its text."""


@dataclass(slots=True)
class StoredResponse:
    """One response.

    Attributes:
        body: as the API shows it; replaced when it changes.
        turns: the conversation up to it, its own answer included, without instructions.
        tenant: who may see it.
        task: what is making it in the background, while something is.
        expires_s: clock seconds.
    """

    body: dict[str, Any]
    turns: Sequence[ChatMessage]
    tenant: str
    task: "asyncio.Task[None] | None" = None
    expires_s: float = 0.0
    size: int = field(default=0)


class ResponseStore:
    """The responses of one process; the oldest go first when there are too many, and all go with their time."""

    def __init__(
        self,
        *,
        kept_s: float = KEPT_S,
        max_responses: int = MAX_RESPONSES,
        max_bytes: int = MAX_BYTES,
        clock: Clock = monotonic,
    ) -> None:
        self._kept_s = kept_s
        self._max_responses = max_responses
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[str, StoredResponse] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        self._expire()
        return len(self._kept)

    def put(self, name: str, response: StoredResponse) -> None:
        """Keep a response, or the newer state of one; it is kept `kept_s` from now.

        Raises:
            HyperCubeError: OVERLOADED when the store is full of responses that are still being made.
        """
        self._expire()
        self._drop(name)
        text = sum(
            len(turn.content) + sum(len(call.arguments) for call in turn.tool_calls)
            for turn in response.turns
        )
        response.size = 4 * text + _BESIDE
        response.expires_s = self._clock() + self._kept_s
        while self._kept and (
            len(self._kept) >= self._max_responses or self._bytes + response.size > self._max_bytes
        ):
            oldest = next((each for each, kept in self._kept.items() if kept.task is None), None)
            if oldest is None:
                raise HyperCubeError(
                    ErrorKind.OVERLOADED,
                    f"{len(self._kept)} responses are being made in the background.",
                    fix="Send it again later, or without background.",
                    retry_after_s=1.0,
                )
            self._drop(oldest)
        self._kept[name] = response
        self._bytes += response.size

    def find(self, name: str, tenant: str) -> StoredResponse | None:
        """The response of that name, if this tenant has one."""
        self._expire()
        found = self._kept.get(name)
        return found if found is not None and found.tenant == tenant else None

    def delete(self, name: str) -> None:
        """Forget a response; what is still making it is stopped."""
        task = self._kept[name].task if name in self._kept else None
        if task is not None:
            task.cancel()
        self._drop(name)

    def _expire(self) -> None:
        now = self._clock()
        # Puts renew the time and the place alike, so the first is the next to go; one in the making stays.
        for name in [
            each for each, kept in self._kept.items() if kept.expires_s <= now and kept.task is None
        ]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        gone = self._kept.pop(name, None)
        if gone is not None:
            self._bytes -= gone.size
