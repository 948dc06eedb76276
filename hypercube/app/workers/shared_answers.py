"""The ledger of idempotency keys in the engine process, and the front-ends' way to it.

It is in that process because all front-ends have a link there. A front-end that dies takes no key with it: its lease
passes. An engine process that dies takes what the ledger knew: each front-end then remembers what it answered itself.
"""

from collections.abc import Mapping
from typing import Any, Final

from hypercube.app.workers.engine_door import Operation
from hypercube.app.workers.engine_link import EngineLink
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.gateway.idempotency.kept import MAX_BYTES
from hypercube.gateway.idempotency.ledger import LEASE_S, Claim, ClaimState, Ledger

_TIMEOUT_S: Final = 1.0
"""Limit of one step; the engine process does nothing that takes long."""
_CLAIM: Final = "answers.claim"
_RENEW: Final = "answers.renew"
_ANSWERED: Final = "answers.answered"
_FAILED: Final = "answers.failed"
_ABANDON: Final = "answers.abandon"


def ledger_operations(ledger: Ledger) -> Mapping[str, Operation]:
    """What the engine process offers its front-ends."""

    async def claim(name: str, asked: bytes, holder: str, awaited: str, _: Call) -> tuple[Any, ...]:
        # A frame holds types of the core alone.
        found = await ledger.claim(name, asked, holder, awaited)
        return found.state.value, found.holder, found.data, found.served_by

    async def renew(name: str, asked: bytes, holder: str, _: Call) -> None:
        await ledger.renew(name, asked, holder)

    async def answered(name: str, asked: bytes, holder: str, data: bytes, served_by: str, _: Call) -> None:
        await ledger.answered(name, asked, holder, data, served_by)

    async def failed(name: str, asked: bytes, holder: str, failure: bytes, _: Call) -> None:
        await ledger.failed(name, asked, holder, failure)

    async def abandon(name: str, holder: str, though_awaited: bool, _: Call) -> bool:
        return await ledger.abandon(name, holder, though_awaited=though_awaited)

    return {_CLAIM: claim, _RENEW: renew, _ANSWERED: answered, _FAILED: failed, _ABANDON: abandon}


class LinkedLedger:
    """A front-end's `Ledger`: the engine process's; while that is away every method raises HyperCubeError."""

    def __init__(self, link: EngineLink, *, lease_s: float = LEASE_S, clock: Clock = monotonic) -> None:
        """`lease_s` is that of the engine process's ledger; `clock` is the one of the link."""
        self.lease_s = lease_s
        self._link = link
        self._clock = clock

    async def claim(self, name: str, asked: bytes, holder: str, awaited: str) -> Claim:
        """As `Ledger`."""
        state, by, data, served_by = await self._ask(_CLAIM, name, asked, holder, awaited)
        return Claim(ClaimState(state), by, data, served_by)

    async def renew(self, name: str, asked: bytes, holder: str) -> None:
        """As `Ledger`."""
        await self._ask(_RENEW, name, asked, holder)

    async def answered(self, name: str, asked: bytes, holder: str, data: bytes, served_by: str) -> None:
        """As `Ledger`."""
        if len(data) >= MAX_BYTES:  # the ledger would not keep it, and no frame need hold it
            await self.abandon(name, holder, though_awaited=True)
        else:
            await self._ask(_ANSWERED, name, asked, holder, data, served_by)

    async def failed(self, name: str, asked: bytes, holder: str, failure: bytes) -> None:
        """As `Ledger`."""
        await self._ask(_FAILED, name, asked, holder, failure)

    async def abandon(self, name: str, holder: str, *, though_awaited: bool = False) -> bool:
        """As `Ledger`."""
        freed: bool = await self._ask(_ABANDON, name, holder, though_awaited)
        return freed

    async def _ask(self, operation: str, *arguments: Any) -> Any:
        call = Call(deadline=self._clock() + _TIMEOUT_S)
        return await self._link.ask(operation, *arguments, call=call)
