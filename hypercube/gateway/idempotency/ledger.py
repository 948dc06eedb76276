"""What processes that share their answers write down, and a ledger in one process's memory.

Whoever is to compute an answer takes a lease on its name and renews it; a process that died renews nothing, and
whoever comes after its lease takes the name over. Others ask again and again until the answer is there.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from hypercube.core.clock import Clock, monotonic
from hypercube.gateway.idempotency.kept import KEPT_S, MAX_ANSWERS, MAX_BYTES, KeptAnswer, KeptAnswers

LEASE_S: Final = 5.0
"""How long after its last sign of life a process's unfinished work is still taken to run."""
AWAITED_S: Final = 1.0
"""How long after its last question somebody is taken to wait; questions come several times as often."""
TOLD_S: Final = 5.0
"""How long an outcome that is not kept stays there for those who wait for it."""


class ClaimState(StrEnum):
    """What became of a claim."""

    MINE = "mine"
    """The claimant is to compute the answer."""
    RUNNING = "running"
    """`Claim.holder` computes it."""
    ANSWERED = "answered"
    """`Claim.data` is it."""
    FAILED = "failed"
    """The work of the one who was awaited failed; `Claim.data` says how."""
    ANOTHER = "another"
    """Another request went by this name."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim; see `ClaimState`."""

    state: ClaimState
    holder: str = ""
    data: bytes = b""
    served_by: str = ""


class Ledger(Protocol):
    """Who computes what, and what came of it, by names that are the same in every process.

    Each step is one for all processes. A holder is a word that nobody else has. Every method raises HyperCubeError
    when the ledger cannot be reached, and may then have been done or not; doing a step twice is doing it once.
    """

    lease_s: float
    """How long a lease holds."""

    async def claim(self, name: str, asked: bytes, holder: str, awaited: str) -> Claim:
        """Take the name, or hear what there is of it.

        Args:
            name: of the answer.
            asked: digest of the request.
            holder: who claims.
            awaited: the holder for whom it waits, as an earlier claim said; empty where none did. Outcomes that are
                not kept are told only to those who wait for them.
        """
        ...

    async def renew(self, name: str, asked: bytes, holder: str) -> None:
        """Go on holding the name; taken again where it was lost and nobody has it."""
        ...

    async def answered(self, name: str, asked: bytes, holder: str, data: bytes, served_by: str) -> None:
        """Write the answer down, unless somebody else has the name by now."""
        ...

    async def failed(self, name: str, asked: bytes, holder: str, failure: bytes) -> None:
        """Tell those who wait, and free the name."""
        ...

    async def abandon(self, name: str, holder: str, *, though_awaited: bool = False) -> bool:
        """Free the name unless somebody waits for it; whether the holder need not go on."""
        ...


@dataclass(slots=True)
class _Entry:
    """Work under way, or its outcome while that is told.

    Attributes:
        until: clock seconds; then it is as if it were not there.
        awaited_until: clock seconds until which somebody is taken to wait.
        outcome: None while it runs.
    """

    asked: bytes
    holder: str
    until: float
    awaited_until: float = 0.0
    outcome: Claim | None = None


class LocalLedger:
    """A `Ledger` in the memory of one process that others ask; bounded as the answers of one process are."""

    def __init__(
        self,
        *,
        kept_s: float = KEPT_S,
        max_answers: int = MAX_ANSWERS,
        max_bytes: int = MAX_BYTES,
        lease_s: float = LEASE_S,
        clock: Clock = monotonic,
    ) -> None:
        """With `kept_s` 0, only requests that run at the same time share an answer."""
        self.lease_s = lease_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: KeptAnswers[str] = KeptAnswers(kept_s, max_answers, max_bytes, clock)
        self._entries: dict[str, _Entry] = {}
        self._sweep_at = 0

    def __len__(self) -> int:
        """How many answers are kept."""
        return len(self._kept)

    async def claim(self, name: str, asked: bytes, holder: str, awaited: str) -> Claim:
        """As `Ledger`."""
        kept = self._kept.get(name)
        if kept is not None:
            if kept.asked != asked:
                return Claim(ClaimState.ANOTHER)
            return Claim(ClaimState.ANSWERED, "", kept.data, kept.served_by)
        now, entry = self._clock(), self._live(name)
        if entry is not None and entry.outcome is not None and entry.holder == awaited:
            return entry.outcome
        if entry is None or entry.outcome is not None or entry.holder == holder:
            self._put(name, _Entry(asked, holder, now + self.lease_s))
            return Claim(ClaimState.MINE)
        if entry.asked != asked:
            return Claim(ClaimState.ANOTHER)
        entry.awaited_until = now + AWAITED_S
        return Claim(ClaimState.RUNNING, entry.holder)

    async def renew(self, name: str, asked: bytes, holder: str) -> None:
        """As `Ledger`."""
        entry = self._live(name)
        if entry is None and self._kept.get(name) is None:
            self._put(name, _Entry(asked, holder, self._clock() + self.lease_s))
        elif entry is not None and entry.holder == holder and entry.outcome is None:
            entry.until = self._clock() + self.lease_s

    async def answered(self, name: str, asked: bytes, holder: str, data: bytes, served_by: str) -> None:
        """As `Ledger`."""
        if not self._may_end(name, holder):
            return
        if self._kept.put(name, KeptAnswer(asked, data, served_by)):
            self._entries.pop(name, None)
        elif len(data) < self._max_bytes:
            self._tell(name, asked, holder, Claim(ClaimState.ANSWERED, "", data, served_by))
        else:
            self._entries.pop(name, None)

    async def failed(self, name: str, asked: bytes, holder: str, failure: bytes) -> None:
        """As `Ledger`."""
        if self._may_end(name, holder):
            self._tell(name, asked, holder, Claim(ClaimState.FAILED, "", failure))

    async def abandon(self, name: str, holder: str, *, though_awaited: bool = False) -> bool:
        """As `Ledger`."""
        entry = self._live(name)
        if entry is None or entry.holder != holder or entry.outcome is not None:
            return True
        if entry.awaited_until > self._clock() and not though_awaited:
            return False
        del self._entries[name]
        return True

    def _live(self, name: str) -> _Entry | None:
        entry = self._entries.get(name)
        return None if entry is None or entry.until <= self._clock() else entry

    def _may_end(self, name: str, holder: str) -> bool:
        """Whether an outcome of this holder's counts: the name is its own, or nobody's."""
        entry = self._live(name)
        return self._kept.get(name) is None if entry is None else entry.holder == holder

    def _tell(self, name: str, asked: bytes, holder: str, outcome: Claim) -> None:
        self._put(name, _Entry(asked, holder, self._clock() + TOLD_S, outcome=outcome))

    def _put(self, name: str, entry: _Entry) -> None:
        """Put an entry in; every so often those go whose time is over."""
        self._entries[name] = entry
        if len(self._entries) > self._sweep_at:
            now = self._clock()
            self._entries = {name: each for name, each in self._entries.items() if each.until > now}
            self._sweep_at = 2 * len(self._entries)
