"""What a process does with a request that has an idempotency key.

In one process requests meet in its memory. Where several share their answers, whoever comes first to a process asks
the ledger for all who come to this process after it: it computes, or waits for the process that does. Everything is
bounded.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Final, Literal

from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError
from hypercube.gateway.deadlines import within
from hypercube.gateway.idempotency.kept import KEPT_S, MAX_ANSWERS, MAX_BYTES, KeptAnswer, KeptAnswers
from hypercube.gateway.idempotency.keys import another, checked
from hypercube.gateway.idempotency.ledger import AWAITED_S, ClaimState, Ledger

FIRST_POLL_S: Final = 0.02
POLL_S: Final = AWAITED_S / 4
"""Between two questions for an answer that another process computes: at first, and at most."""
_FIRSTS_OWN: Final = frozenset({ErrorKind.DEADLINE_EXCEEDED, ErrorKind.CANCELLED})
"""Failures of the request that came first alone: whoever joined it has a deadline of its own."""

WhenAway = Literal["open", "closed"]
Work = Callable[[], Awaitable[bytes]]
_Name = tuple[str, str, str]


@dataclass(slots=True)
class _Running:
    """An answer under way.

    Attributes:
        asked: digest of the request.
        task: what makes it.
        served_by: the version of the model that made it.
        elsewhere: whether another process made it.
        waiting: requests that wait for it.
        holder: by which the ledger knows this process; empty without one.
    """

    asked: bytes
    task: "asyncio.Task[bytes] | None" = None
    served_by: str = ""
    elsewhere: bool = False
    waiting: int = 0
    holder: str = ""


class IdempotentAnswers:
    """The answers of one process, and through a ledger those of all who share it."""

    def __init__(
        self,
        *,
        kept_s: float = KEPT_S,
        max_answers: int = MAX_ANSWERS,
        max_bytes: int = MAX_BYTES,
        ledger: Ledger | None = None,
        when_away: WhenAway = "open",
        clock: Clock = monotonic,
    ) -> None:
        """Put it together.

        Args:
            kept_s: how long an answer is kept; with 0 only requests that run at the same time share one.
            max_answers: kept in this process.
            max_bytes: kept in this process.
            ledger: shared with other processes; None shares with nobody.
            when_away: while the ledger is away: `open` goes on as if there were none, `closed` refuses new work.
            clock: monotonic seconds.
        """
        self._clock = clock
        self._ledger = ledger
        self._when_away = when_away
        self._running: dict[_Name, _Running] = {}
        self._kept: KeptAnswers[_Name] = KeptAnswers(kept_s, max_answers, max_bytes, clock)
        self._left: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many answers are kept here."""
        return len(self._kept)

    async def once(self, route: str, request: bytes, call: Call, work: Work) -> bytes:
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
                request went by; UNAVAILABLE where the ledger is away and that refuses; what `work` raises.
        """
        key = call.idempotency_key
        if key is None:
            return await work()
        name, asked = (call.tenant, route, checked(key)), hashlib.sha256(request).digest()
        async with within(call, self._clock):
            while True:
                if (kept := self._kept.get(name)) is not None:
                    if kept.asked != asked:
                        raise another(key)
                    call.replayed, call.served_by = True, kept.served_by
                    return kept.data
                found = self._running.get(name)
                first = found is None
                if found is None:
                    found = self._begin(name, asked, call, work)
                elif found.asked != asked:
                    raise another(key)
                try:
                    data = await self._wait(name, found)
                except HyperCubeError as error:
                    if error.kind in _FIRSTS_OWN and not first:
                        continue
                    raise
                if not first or found.elsewhere:
                    call.replayed, call.served_by = True, found.served_by
                return data

    async def close(self) -> None:
        """Let go of what nobody here waits for any more."""
        for task in tuple(self._left):
            task.cancel()
        await asyncio.gather(*self._left, return_exceptions=True)

    # -- in this process

    def _begin(self, name: _Name, asked: bytes, call: Call, work: Work) -> _Running:
        running = self._running[name] = _Running(asked)

        async def make() -> bytes:
            try:
                if self._ledger is None:
                    data = await work()
                else:
                    data = await self._shared(self._ledger, name, running, call, work)
            finally:
                self._ended(name, running)
            if not running.elsewhere:
                running.served_by = call.served_by
                self._kept.put(name, KeptAnswer(asked, data, call.served_by))
            return data

        running.task = asyncio.get_running_loop().create_task(make(), name=f"{name[1]} {name[2]}")
        running.task.add_done_callback(_retrieved)
        return running

    async def _wait(self, name: _Name, running: _Running) -> bytes:
        task = running.task
        assert task is not None  # `_begin` made it
        running.waiting += 1
        try:
            await asyncio.wait((task,))  # unlike `await task`, whose cancellation would be the work's
        finally:
            running.waiting -= 1
            if not running.waiting and not task.done():
                self._ended(name, running)  # whoever comes now begins anew
                # In a task, since this one may be cancelled once more.
                leaving = asyncio.get_running_loop().create_task(self._leave(name, running, task))
                self._left.add(leaving)
                leaving.add_done_callback(self._left.discard)
                await asyncio.wait((leaving,))
        return task.result()

    async def _leave(self, name: _Name, running: _Running, task: "asyncio.Task[bytes]") -> None:
        """End the work, unless somebody waits for it elsewhere; then it ends when nobody does."""
        if await self._alone(name, running):
            task.cancel()
            await asyncio.wait((task,))  # a request is over when nothing works for it
            return
        outliving = asyncio.get_running_loop().create_task(self._outlive(name, running, task))
        self._left.add(outliving)
        outliving.add_done_callback(self._left.discard)

    async def _outlive(self, name: _Name, running: _Running, task: "asyncio.Task[bytes]") -> None:
        try:
            while not task.done():
                await asyncio.wait((task,), timeout=AWAITED_S)
                if not task.done() and await self._alone(name, running):
                    break
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _alone(self, name: _Name, running: _Running) -> bool:
        """Whether nobody waits elsewhere; then the ledger has forgotten the work."""
        if self._ledger is None or not running.holder:
            return True
        try:
            return await self._ledger.abandon(_shared_name(name), running.holder)
        except HyperCubeError:
            return True

    def _ended(self, name: _Name, running: _Running) -> None:
        if self._running.get(name) is running:
            del self._running[name]

    # -- with the others

    async def _shared(self, ledger: Ledger, name: _Name, running: _Running, call: Call, work: Work) -> bytes:
        """Compute the answer, or wait for the process that does."""
        shared, awaited, pause = _shared_name(name), "", FIRST_POLL_S
        holder = running.holder = secrets.token_hex(16)
        while True:
            try:
                claim = await ledger.claim(shared, running.asked, holder, awaited)
            except HyperCubeError:
                if self._when_away == "closed":
                    raise
                # The ledger hears of it if it comes back meanwhile.
                return await self._hold(ledger, shared, running, call, work)
            match claim.state:
                case ClaimState.MINE:
                    return await self._hold(ledger, shared, running, call, work)
                case ClaimState.ANSWERED:
                    running.elsewhere, running.served_by = True, claim.served_by
                    return claim.data
                case ClaimState.FAILED:
                    raise HyperCubeError.of(_read_failure(claim.data))
                case ClaimState.ANOTHER:
                    raise another(name[2])
                case ClaimState.RUNNING:
                    if claim.holder != awaited:
                        awaited, pause = claim.holder, FIRST_POLL_S
                    await asyncio.sleep(pause)
                    pause = min(POLL_S, 1.5 * pause)

    async def _hold(self, ledger: Ledger, shared: str, running: _Running, call: Call, work: Work) -> bytes:
        """Compute, renewing the lease meanwhile, and write down what came of it."""
        holder = running.holder
        renewing = asyncio.get_running_loop().create_task(_renew(ledger, shared, running.asked, holder))
        try:
            try:
                data = await work()
            except HyperCubeError as error:
                if error.kind in _FIRSTS_OWN:
                    await _tried(ledger.abandon(shared, holder, though_awaited=True))
                else:
                    await _tried(ledger.failed(shared, running.asked, holder, _written(error.failure())))
                raise
            except Exception:
                # A defect has no words for others; whoever waits tries for itself.
                await _tried(ledger.abandon(shared, holder, though_awaited=True))
                raise
            # Before anybody has it: who asks again after that finds it.
            await _tried(ledger.answered(shared, running.asked, holder, data, call.served_by))
        finally:
            renewing.cancel()
        return data


async def _renew(ledger: Ledger, shared: str, asked: bytes, holder: str) -> None:
    while True:
        await asyncio.sleep(ledger.lease_s / 4)
        await _tried(ledger.renew(shared, asked, holder))


async def _tried(step: Awaitable[object]) -> None:
    """A step without which the work goes on; a ledger that is away forgets the lease by itself."""
    try:
        await step
    except HyperCubeError:
        return


def _shared_name(name: _Name) -> str:
    return json.dumps(name)


def _written(failure: Failure) -> bytes:
    return json.dumps(asdict(failure), default=str).encode()


def _read_failure(data: bytes) -> Failure:
    found = json.loads(data)
    return Failure(**{**found, "kind": ErrorKind(found["kind"])})


def _retrieved(task: "asyncio.Task[bytes]") -> None:
    """Whoever waits raises what went wrong; nobody may be left."""
    if not task.cancelled():
        task.exception()
