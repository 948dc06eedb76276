"""From what a caller shows to who it is, and one request of its quota taken.

A credential that was found good is remembered for a moment under its SHA-256, so the usual request costs one hash
and one look-up. What is remembered ends with the key's or token's own end, and at the latest after `cache_s`
seconds: that is how long a revoked key may still work.
"""

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call, Standing
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Principal, Rate, ScopeKind
from hypercube.gateway.access.buckets import Buckets, Level, LocalBuckets
from hypercube.gateway.access.keys import PREFIX, digest_of, key_id_of, matching
from hypercube.gateway.access.redis_link import RedisAwayError
from hypercube.gateway.access.stores import KeyStore
from hypercube.gateway.access.tokens import TokenVerifier

WhenAway = Literal["open", "closed"]
REQUESTS: Final = "requests"
TOKENS: Final = "tokens"
_REMEMBERED: Final = 10_000
_STALE_S: Final = 300.0
"""While Redis is away and `when_away` is open, a key seen this long ago still counts."""

KEYLESS: Final = frozenset({"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"})
"""Paths that ask for no key: orchestrators look at them, and they tell only whether the parts work."""
METRICS: Final = "/metrics"
NOBODY: Final = Principal("(unknown)", frozenset())
"""A caller who has not been let in (yet)."""

_log = logging.getLogger(__name__)


class Credential(NamedTuple):
    """What a caller showed: a bearer token, an `x-api-key`, or neither."""

    bearer: str | None = None
    api_key: str | None = None


def credential_of(headers: Iterable[tuple[bytes, bytes]]) -> Credential:
    """The credential in HTTP headers or gRPC metadata, whose names are in lower case.

    Raises:
        HyperCubeError: UNAUTHENTICATED when there are two, or what stands there is no bearer token.
    """
    bearer = api_key = None
    for name, value in headers:
        if name == b"authorization":
            if bearer is not None:
                raise _refused("There are two 'authorization' headers.", "Send one.")
            scheme, _, rest = value.partition(b" ")
            if scheme.lower() != b"bearer" or not rest.strip():
                raise _refused(
                    "The 'authorization' header holds no bearer token.", "Send: Authorization: Bearer KEY."
                )
            bearer = rest.strip().decode("latin-1")
        elif name == b"x-api-key":
            if api_key is not None:
                raise _refused("There are two 'x-api-key' headers.", "Send one.")
            api_key = value.strip().decode("latin-1")
    if bearer is not None and api_key is not None and bearer != api_key:
        raise _refused("'authorization' and 'x-api-key' hold different credentials.", "Send one of the two.")
    return Credential(bearer, api_key)


@dataclass(slots=True)
class _Known:
    """A credential that was found good.

    Attributes:
        principal: whose.
        until: clock seconds; then it is looked up again.
        ends: clock seconds; then it is refused, whatever the store says.
        generation: of the provider's keys, for a token; -1 for a key.
    """

    principal: Principal
    until: float
    ends: float
    generation: int = -1


class Access:
    """Judges callers for every door."""

    def __init__(
        self,
        *,
        keys: KeyStore | None = None,
        tokens: TokenVerifier | None = None,
        buckets: Buckets | None = None,
        pepper: bytes = b"",
        requests: Rate | None = None,
        token_rate: Rate | None = None,
        when_away: WhenAway = "open",
        cache_s: float = 1.0,
        open_metrics: bool = False,
        clock: Clock = monotonic,
        wall: Callable[[], float] = time.time,
        close: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Put it together.

        Args:
            keys: where keys are; None takes none.
            tokens: who verifies tokens; None takes none.
            buckets: where quotas are counted; default: in this process.
            pepper: the key of the keys' hashes; empty hashes without one.
            requests: quota of requests of callers who have none of their own.
            token_rate: quota of tokens of those.
            when_away: while Redis is away: `open` counts in this process and lets known keys in, `closed` refuses.
            cache_s: how long a credential is remembered.
            open_metrics: whether /metrics asks for no key.
            clock: monotonic seconds.
            wall: POSIX seconds.
            close: gives back what the parts above stand on.
        """
        self.keys = keys
        self.tokens = tokens
        self.buckets: Buckets = buckets or LocalBuckets(clock)
        self.when_away: WhenAway = when_away
        self._pepper = pepper
        self._requests = requests
        self._token_rate = token_rate
        self._cache_s = cache_s
        self._clock = clock
        self._wall = wall
        self._close = close
        self.keyless = KEYLESS | {METRICS} if open_metrics else KEYLESS
        self._known: dict[bytes, _Known] = {}
        self._looking: dict[bytes, asyncio.Task[Principal]] = {}
        self._settling: set[asyncio.Task[None]] = set()

    # -- who

    async def admit(self, credential: Credential, route: str, call: Call) -> None:
        """Set `call.principal` and take one request of its quota; `route` is a path or a gRPC method.

        Raises:
            HyperCubeError: UNAUTHENTICATED, PERMISSION_DENIED for a scope, OVERLOADED with `retry_after_s` for a
                spent quota, UNAVAILABLE when nobody can be asked.
        """
        call.principal = NOBODY  # what a history says of a caller who is refused
        call.principal = principal = await self.identify(credential)
        call.tenant = call.tenant or principal.id
        if principal.scopes:
            principal.require_scope(ScopeKind.ROUTE, route)
        if principal.requests is not None:
            await self._count(principal, principal.requests, call)

    async def identify(self, credential: Credential) -> Principal:
        """Whose credential it is.

        Raises:
            HyperCubeError: UNAUTHENTICATED, or UNAVAILABLE when nobody can be asked.
        """
        text = credential.bearer if credential.bearer is not None else credential.api_key
        if text is None:
            raise _refused("This server asks for a key, and there is none.", self._how())
        try:
            mark = hashlib.sha256(text.encode("ascii")).digest()
        except UnicodeEncodeError:
            raise _refused("The key has characters that no key has.", self._how()) from None
        known = self._known.get(mark)
        if known is not None and self._clock() < known.until and known.generation == self._generation(known):
            return known.principal
        return await self._look_once(mark, text)

    def _generation(self, known: _Known) -> int:
        return -1 if known.generation < 0 or self.tokens is None else self.tokens.keys.generation

    async def _look_once(self, mark: bytes, text: str) -> Principal:
        """Look up, once for all who ask at the same time; one of them leaving does not end it for the others."""
        task = self._looking.get(mark)
        if task is None:
            task = self._looking[mark] = asyncio.ensure_future(self._look(mark, text))
            task.add_done_callback(lambda done: self._looked(mark, done))
        return await asyncio.shield(task)

    def _looked(self, mark: bytes, done: "asyncio.Task[Principal]") -> None:
        self._looking.pop(mark, None)
        if not done.cancelled():
            done.exception()  # whoever still waits raises it; nobody may be left

    async def _look(self, mark: bytes, text: str) -> Principal:
        if text.startswith(PREFIX):
            try:
                known = await self._by_key(text)
            except RedisAwayError as away:
                known = self._still(mark, away)
            except HyperCubeError:
                self._known.pop(mark, None)
                raise
        else:
            self._known.pop(mark, None)
            known = await self._by_token(text)
        self._known.pop(mark, None)
        if len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[mark] = known
        return known.principal

    def _still(self, mark: bytes, away: RedisAwayError) -> _Known:
        """What is known of a key while the store is away."""
        known, now = self._known.get(mark), self._clock()
        if self.when_away == "closed" or known is None or now >= min(known.ends, known.until + _STALE_S):
            raise away
        return known

    async def _by_key(self, text: str) -> _Known:
        if self.keys is None:
            raise _refused("This server takes no API keys.", self._how())
        key_id = key_id_of(text)
        if key_id is None:
            raise _refused(
                "This is no whole API key: its checksum is wrong.", "Copy the key again, all of it."
            )
        key = await self.keys.get(key_id)
        secret = None if key is None else matching(key, digest_of(text, self._pepper))
        if key is None or secret is None:
            raise _refused("This API key is not known here.", "Use a key that was made for this server.")
        now = self._wall()
        if key.revoked is not None:
            raise _refused(f"The API key {key.id} was revoked.", "Ask for another one.")
        if key.expires is not None and now >= key.expires:
            raise _refused(f"The API key {key.id} has expired.", "Ask for another one.")
        if secret.expires is not None and now >= secret.expires:
            raise _refused(
                f"The API key {key.id} was rotated, and this is its old secret.", "Use its new secret."
            )
        ends = [each - now for each in (key.expires, secret.expires) if each is not None]
        return self._remembered(key.principal(), min(ends, default=math.inf))

    async def _by_token(self, text: str) -> _Known:
        if self.tokens is None or text.count(".") != 2:
            raise _refused(
                "This is no API key of HyperCube" + (" and no token." if self.tokens else "."), self._how()
            )
        await self.tokens.keys.refresh()
        verified = await self.tokens.verify(text)
        known = self._remembered(verified.principal, verified.expires - self._wall())
        known.generation = self.tokens.keys.generation
        return known

    def _remembered(self, principal: Principal, left_s: float) -> _Known:
        principal = replace(
            principal,
            requests=principal.requests or self._requests,
            tokens=principal.tokens or self._token_rate,
        )
        now = self._clock()
        return _Known(principal, now + min(self._cache_s, left_s), now + left_s)

    def _how(self) -> str:
        ways = []
        if self.keys is not None:
            ways.append("a key (`hypercube keys create NAME` makes one)")
        if self.tokens is not None:
            ways.append(f"a token of {self.tokens.issuer}")
        return f"Send 'Authorization: Bearer …' with {' or '.join(ways)}."

    # -- how much

    async def _count(self, principal: Principal, rate: Rate, call: Call) -> None:
        level = await self.buckets.take(f"{principal.id}:{REQUESTS}", rate, 1)
        _stand(call, REQUESTS, rate, level)
        if level.taken is None:
            wait_s = level.wait_s(rate, 1)
            raise spent(principal, REQUESTS, rate, wait_s, "Send fewer requests")

    async def reserve(self, principal: Principal, rate: Rate, amount: int, at_least: int, call: Call) -> int:
        """Set tokens aside: `amount`, or what there is if that is `at_least` so much; how many.

        Raises:
            HyperCubeError: OVERLOADED with `retry_after_s`.
        """
        level = await self.buckets.take(f"{principal.id}:{TOKENS}", rate, amount, at_least)
        _stand(call, TOKENS, rate, level)
        if level.taken is None:
            wait_s = level.wait_s(rate, at_least)
            raise spent(principal, TOKENS, rate, wait_s, f"Ask for fewer than {at_least:,} tokens")
        return level.taken

    def settle(self, principal: Principal, rate: Rate, reserved: int, used: int) -> None:
        """Take what was used more than reserved, or put back what was used less; goes on by itself."""
        if used == reserved:
            return
        name = f"{principal.id}:{TOKENS}"
        if isinstance(self.buckets, LocalBuckets):
            self.buckets.step(name, rate, used - reserved, None)
            return
        task = asyncio.ensure_future(self._settle(name, rate, used - reserved))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, name: str, rate: Rate, amount: int) -> None:
        try:
            await self.buckets.settle(name, rate, amount)
        except RedisAwayError:
            # The bucket fills by itself, so what is not put back is lost for a while only.
            _log.warning("a settlement of %d tokens was lost: the store does not answer", amount)

    async def settled(self) -> None:
        """Wait until every settlement that was begun is done."""
        while self._settling:
            await asyncio.gather(*self._settling)

    async def close(self) -> None:
        """Finish what was begun, and give connections back."""
        await self.settled()
        await self.buckets.close()
        if self.keys is not None:
            await self.keys.close()
        if self._close is not None:
            await self._close()


def _stand(call: Call, quota: str, rate: Rate, level: Level) -> None:
    if call.quotas is None:
        call.quotas = {}
    call.quotas[quota] = Standing(rate.amount, level.remaining(), level.full_in_s(rate))


def spent(principal: Principal, quota: str, rate: Rate, wait_s: float, fewer: str) -> HyperCubeError:
    """The refusal of a caller whose quota is spent."""
    return HyperCubeError(
        ErrorKind.OVERLOADED,
        f"The quota of {principal.name!r} is spent: {rate.amount:,} {quota} in {rate.per_s:g} s.",
        fix=f"{fewer}, or send this one again in {max(1, math.ceil(wait_s))} s.",
        details={"quota": quota, "limit": rate.amount, "per_seconds": rate.per_s},
        retry_after_s=wait_s,
    )


def _refused(message: str, fix: str) -> HyperCubeError:
    return HyperCubeError(ErrorKind.UNAUTHENTICATED, message, fix=fix)
