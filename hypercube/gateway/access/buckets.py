"""Token buckets: a quota of `amount` in `per_s` seconds as a bucket that holds `amount` and fills at an even pace.

Taking is one step, so of any number of callers at once exactly as many get through as there is room for. A
settlement may leave a bucket below nothing: who used more than was set aside waits until that is made good.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hypercube.core.clock import Clock, monotonic
from hypercube.core.principal import Rate
from hypercube.gateway.access.redis_link import RedisAwayError, RedisLink

_MOST: Final = 10_000
"""Buckets kept in the process before full ones, which say nothing, are dropped."""


@dataclass(frozen=True, slots=True)
class Level:
    """A bucket after a step: how much was taken (None: too little was there), and what is left."""

    taken: int | None
    left: float

    def remaining(self) -> int:
        """What can be taken now."""
        return max(0, int(self.left))

    def wait_s(self, rate: Rate, amount: int) -> float:
        """How long until `amount` is there."""
        return max(0.0, (amount - self.left) * rate.per_s / rate.amount)

    def full_in_s(self, rate: Rate) -> float:
        """How long until all of it is there."""
        return self.wait_s(rate, rate.amount)


class Buckets(Protocol):
    """Buckets by name; each starts full."""

    async def take(self, name: str, rate: Rate, amount: int, at_least: int | None = None) -> Level:
        """Take `amount`, or less if that is all there is and it is `at_least` that (default: `amount`), or nothing."""
        ...

    async def settle(self, name: str, rate: Rate, amount: int) -> None:
        """Take `amount` whatever is there; a negative one is put back."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class LocalBuckets:
    """Buckets in this process; one event loop drives them, so no step is interrupted."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float, Rate]] = {}

    async def take(self, name: str, rate: Rate, amount: int, at_least: int | None = None) -> Level:
        """As `Buckets`."""
        return self.step(name, rate, amount, amount if at_least is None else at_least)

    async def settle(self, name: str, rate: Rate, amount: int) -> None:
        """As `Buckets`."""
        self.step(name, rate, amount, None)

    async def close(self) -> None:
        """Nothing is held."""

    def step(self, name: str, rate: Rate, amount: int, at_least: int | None) -> Level:
        """One step, without waiting; `at_least` None takes `amount` whatever is there."""
        now = self._clock()
        found = self._buckets.get(name)
        if found is None:
            self._make_room(now)
            left = float(rate.amount)
        else:
            left = min(rate.amount, found[0] + max(0.0, now - found[1]) * rate.amount / rate.per_s)
        taken: int | None = amount
        if at_least is not None:
            taken = None if left < at_least else min(amount, int(left))
        if taken is not None:
            left = min(float(rate.amount), left - taken)
        self._buckets[name] = (left, now, rate)
        return Level(taken, left)

    def _make_room(self, now: float) -> None:
        if len(self._buckets) < _MOST:
            return
        self._buckets = {
            name: (left, at, rate)
            for name, (left, at, rate) in self._buckets.items()
            if left + (now - at) * rate.amount / rate.per_s < rate.amount
        }


# Redis runs a script as one step. Its own clock counts, since those of several servers differ.
_SCRIPT: Final = """
local capacity, per_s, amount, at_least = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local bucket = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = capacity
if bucket[1] and bucket[2] then
  left = math.min(capacity, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * capacity / per_s)
end
local taken = amount
if at_least then
  if left < at_least then taken = false else taken = math.min(amount, math.floor(left)) end
end
if taken then left = math.min(capacity, left - taken) end
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - left) * per_s / capacity * 1000) + 1000)
return {taken and string.format('%d', taken), string.format('%.6f', left)}
"""
_PREFIX: Final = "hypercube:quota:"


class RedisBuckets:
    """Buckets in Redis, shared by every server that uses it."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._script: Any = link.client.register_script(_SCRIPT)

    async def take(self, name: str, rate: Rate, amount: int, at_least: int | None = None) -> Level:
        """As `Buckets`; RedisAwayError when Redis does not answer."""
        return await self._step(name, rate, amount, amount if at_least is None else at_least)

    async def settle(self, name: str, rate: Rate, amount: int) -> None:
        """As `Buckets`; RedisAwayError when Redis does not answer."""
        await self._step(name, rate, amount, None)

    async def close(self) -> None:
        """The link is closed by who made it."""

    async def _step(self, name: str, rate: Rate, amount: int, at_least: int | None) -> Level:
        arguments = (rate.amount, rate.per_s, amount, "" if at_least is None else at_least)
        # After a restart Redis does not know the script; redis-py then loads it again.
        taken, left = await self._link.run(
            lambda redis: self._script(keys=[_PREFIX + name], args=arguments, client=redis)
        )
        return Level(None if taken is None else int(taken), float(left))


class FallbackBuckets:
    """Redis' buckets, and while it is away those of this process: each server then counts for itself alone."""

    def __init__(self, shared: RedisBuckets, local: LocalBuckets) -> None:
        self._shared = shared
        self._local = local

    async def take(self, name: str, rate: Rate, amount: int, at_least: int | None = None) -> Level:
        """As `Buckets`."""
        try:
            return await self._shared.take(name, rate, amount, at_least)
        except RedisAwayError:
            return await self._local.take(name, rate, amount, at_least)

    async def settle(self, name: str, rate: Rate, amount: int) -> None:
        """As `Buckets`."""
        try:
            await self._shared.settle(name, rate, amount)
        except RedisAwayError:
            await self._local.settle(name, rate, amount)

    async def close(self) -> None:
        """Close both."""
        await asyncio.gather(self._shared.close(), self._local.close())
