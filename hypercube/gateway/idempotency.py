"""Answers kept for their idempotency keys, so that a request which is sent again is not computed again.

A caller names a request with a key. The first request of a key is computed; the same request with the same key
joins it while it runs, and gets its answer, byte for byte, for a while after. A failure is told to all who wait for
it and not kept: nothing was answered, so the next attempt computes. Everything is in memory of one process, bounded.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.gateway.deadlines import within

IDEMPOTENCY_KEY: Final = "idempotency-key"
REPLAYED: Final = "idempotent-replayed"
"""HTTP header and gRPC metadata key: of a request its name; of an answer that it was computed for another request."""
KEPT_S: Final = 600.0
MAX_ANSWERS: Final = 10_000
MAX_BYTES: Final = 64 * 2**20
_BESIDE: Final = 1024
"""Bytes that an answer is taken to cost beside its own."""
_LONGEST: Final = 255
_KEY: Final = re.compile(f"[!-~]{{1,{_LONGEST}}}")
_HEADER: Final = IDEMPOTENCY_KEY.encode()
_FIRSTS_OWN: Final = frozenset({ErrorKind.DEADLINE_EXCEEDED, ErrorKind.CANCELLED})
"""Failures of the request that came first alone: whoever joined it has a deadline of its own."""

_Name = tuple[str, str, str]


@dataclass(slots=True)
class _Answer:
    """An answer under way, or kept.

    Attributes:
        asked: digest of the request.
        served_by: the version of the model that made it.
        data: the answer, once it is there.
        task: what makes it.
        waiting: requests that wait for it.
        expires_s: clock seconds.
    """

    asked: bytes
    served_by: str = ""
    data: bytes = b""
    task: "asyncio.Task[bytes] | None" = None
    waiting: int = 0
    expires_s: float = field(default=0.0)


class IdempotentAnswers:
    """The answers of one process; the oldest go first when they are too many, and all go with their time."""

    def __init__(
        self,
        *,
        kept_s: float = KEPT_S,
        max_answers: int = MAX_ANSWERS,
        max_bytes: int = MAX_BYTES,
        clock: Clock = monotonic,
    ) -> None:
        """With `kept_s` 0, only requests that run at the same time share an answer."""
        self._kept_s = kept_s
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._clock = clock
        self._running: dict[_Name, _Answer] = {}
        self._kept: OrderedDict[_Name, _Answer] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """How many answers are kept."""
        self._expire()
        return len(self._kept)

    async def once(
        self, route: str, request: bytes, call: Call, work: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """The answer of `work`, which runs only if nobody has asked the same under the call's key before.

        Keys are each caller's own, and each route's. Without a key it is `await work()`. `work` is cancelled
        when the last request that waits for it has left; `call.replayed` says whether another request began it.

        Args:
            route: a path or method.
            request: what is asked, as bytes that are the same when it is asked again.
            call: who asks; its deadline holds.
            work: makes the answer, for this call.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for a key that is none; FAILED_PRECONDITION for one that another
                request went by; what `work` raises.
        """
        key = call.idempotency_key
        if not key:
            return await work()
        _check(key)
        name, asked = (call.tenant, route, key), hashlib.sha256(request).digest()
        async with within(call, self._clock):
            while True:
                self._expire()
                found = self._kept.get(name) or self._running.get(name)
                if found is None:
                    return await self._wait(name, self._begin(name, asked, call, work))
                if found.asked != asked:
                    raise _another(key)
                try:
                    data = found.data if found.task is None else await self._wait(name, found)
                except HyperCubeError as error:
                    if error.kind in _FIRSTS_OWN:
                        continue
                    raise
                call.replayed, call.served_by = True, found.served_by
                return data

    def _begin(self, name: _Name, asked: bytes, call: Call, work: Callable[[], Awaitable[bytes]]) -> _Answer:
        answer = self._running[name] = _Answer(asked)

        async def make() -> bytes:
            try:
                data = await work()
            finally:
                self._ended(name, answer)
            answer.served_by = call.served_by
            self._keep(name, answer, data)
            return data

        answer.task = asyncio.get_running_loop().create_task(make(), name=f"{name[1]} {name[2]}")
        answer.task.add_done_callback(_retrieved)
        return answer

    async def _wait(self, name: _Name, answer: _Answer) -> bytes:
        task = answer.task
        assert task is not None  # of an answer that is kept nobody waits
        answer.waiting += 1
        try:
            await asyncio.wait((task,))  # unlike `await task`, whose cancellation would be the work's
        finally:
            answer.waiting -= 1
            if not answer.waiting and not task.done():
                self._ended(name, answer)  # whoever comes now begins anew
                task.cancel()
                await asyncio.wait((task,))  # a request is over when nothing works for it
        return task.result()

    def _ended(self, name: _Name, answer: _Answer) -> None:
        if self._running.get(name) is answer:
            del self._running[name]

    def _keep(self, name: _Name, answer: _Answer, data: bytes) -> None:
        size = len(data) + _BESIDE
        if size > self._max_bytes or self._kept_s <= 0:
            return
        while self._kept and (len(self._kept) >= self._max_answers or self._bytes + size > self._max_bytes):
            self._drop(next(iter(self._kept)))
        answer.data, answer.task = data, None
        answer.expires_s = self._clock() + self._kept_s
        self._kept[name] = answer
        self._bytes += size

    def _expire(self) -> None:
        now = self._clock()
        while self._kept:
            name, oldest = next(iter(self._kept.items()))
            if oldest.expires_s > now:
                return
            self._drop(name)

    def _drop(self, name: _Name) -> None:
        self._bytes -= len(self._kept.pop(name).data) + _BESIDE


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The key among headers, whose names are in lower case; empty where there is none.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a header whose value is no key.
    """
    for name, value in headers:
        if name == _HEADER:
            return _check(value.decode("latin-1"))
    return ""


def _check(key: str) -> str:
    if _KEY.fullmatch(key):
        return key
    raise invalid(
        "The idempotency key has characters that no key has."
        if 0 < len(key) <= _LONGEST
        else f"The idempotency key has {len(key):,} characters.",
        param=IDEMPOTENCY_KEY,
        value=key,
        fix=f"Write 1 to {_LONGEST} printable ASCII characters without spaces, for instance a UUID.",
    )


def _retrieved(task: "asyncio.Task[bytes]") -> None:
    """Whoever waits raises what went wrong; nobody may be left."""
    if not task.cancelled():
        task.exception()


def _another(key: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        "Another request went by this idempotency key.",
        param=IDEMPOTENCY_KEY,
        value=key,
        fix="Take a new key for a new request; repeat a key only with the very same request.",
    )
