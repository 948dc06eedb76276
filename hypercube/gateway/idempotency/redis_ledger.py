"""The ledger in Redis (or Valkey): a hash a name, and for what is kept an index by the time at which it goes.

Each step is one script, by Redis' own clock, since those of several servers differ.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from hypercube.gateway.access.redis_link import RedisLink
from hypercube.gateway.idempotency.kept import BESIDE, KEPT_S, MAX_ANSWERS, MAX_BYTES
from hypercube.gateway.idempotency.ledger import AWAITED_S, LEASE_S, TOLD_S, Claim, ClaimState

_PREFIX: Final = "hypercube:answer:"
_INDEX: Final = "hypercube:answers"
_BYTES: Final = "hypercube:answers:bytes"

_NOW: Final = """
local time = redis.call('TIME')
local micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
local now = math.floor(micros / 1000)
"""
_TAKE: Final = """
local function take(asked, holder, lease)
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'state', 'running', 'asked', asked, 'holder', holder)
  redis.call('PEXPIRE', KEYS[1], lease)
end
"""

# asked, holder, awaited, lease in ms, how long it is awaited in ms
_CLAIM: Final = (
    _NOW
    + _TAKE
    + """
local found = redis.call('HMGET', KEYS[1], 'state', 'asked', 'holder')
local state, asked, holder = found[1], found[2], found[3]
local told = state == 'told' or state == 'failed'
if told and holder == ARGV[3] then
  local outcome = redis.call('HMGET', KEYS[1], 'data', 'served_by')
  return {state == 'told' and 'answered' or 'failed', '', outcome[1], outcome[2] or ''}
end
if not state or told or (state == 'running' and holder == ARGV[2]) then
  take(ARGV[1], ARGV[2], ARGV[4])
  return {'mine', '', '', ''}
end
if asked ~= ARGV[1] then return {'another', '', '', ''} end
if state == 'kept' then
  local outcome = redis.call('HMGET', KEYS[1], 'data', 'served_by')
  return {'answered', '', outcome[1], outcome[2]}
end
redis.call('HSET', KEYS[1], 'awaited', string.format('%.0f', now + ARGV[5]))
return {'running', holder, '', ''}
"""
)

# asked, holder, lease in ms
_RENEW: Final = (
    _TAKE
    + """
local found = redis.call('HMGET', KEYS[1], 'state', 'holder')
if not found[1] then take(ARGV[1], ARGV[2], ARGV[3])
elseif found[1] == 'running' and found[2] == ARGV[2] then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
"""
)

# asked, holder, state, data, served_by, time to live in ms
_OUTCOME: Final = """
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'asked', ARGV[1], 'holder', ARGV[2])
redis.call('HSET', KEYS[1], 'data', ARGV[4], 'served_by', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
"""
_TELL: Final = _OUTCOME + "return 1"

# The same, and: the size, the most answers, the most bytes. A member of the index is its size, a colon and its key; its
# score is in us, so that the oldest is the oldest also of those that were kept in one ms.
_KEEP: Final = (
    _NOW
    + _OUTCOME
    + """
local size, member = tonumber(ARGV[7]), ARGV[7] .. ':' .. KEYS[1]
local function drop(other)
  redis.call('ZREM', KEYS[2], other)
  local bytes, key = string.match(other, '^(%d+):(.*)$')
  redis.call('DECRBY', KEYS[3], bytes)
  return key
end
for _, other in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', micros))) do drop(other) end
if redis.call('ZSCORE', KEYS[2], member) then drop(member) end
local function full()
  return redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[8])
    or tonumber(redis.call('GET', KEYS[3]) or 0) + size > tonumber(ARGV[9])
end
while full() do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not oldest then
    redis.call('SET', KEYS[3], 0)
    break
  end
  local key = drop(oldest)
  if key ~= KEYS[1] then redis.call('DEL', key) end
end
redis.call('ZADD', KEYS[2], string.format('%.0f', micros + ARGV[6] * 1000), member)
redis.call('INCRBY', KEYS[3], size)
for at = 2, 3 do
  if redis.call('PTTL', KEYS[at]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[at], ARGV[6]) end
end
return 1
"""
)

# holder, whether it is freed though somebody waits
_ABANDON: Final = (
    _NOW
    + """
local found = redis.call('HMGET', KEYS[1], 'state', 'holder', 'awaited')
if found[1] ~= 'running' or found[2] ~= ARGV[1] then return 1 end
if ARGV[2] == '0' and found[3] and tonumber(found[3]) > now then return 0 end
redis.call('DEL', KEYS[1])
return 1
"""
)


class RedisLedger:
    """A `Ledger` that several servers share; while Redis is away every method raises RedisAwayError."""

    def __init__(
        self,
        link: RedisLink,
        *,
        kept_s: float = KEPT_S,
        max_answers: int = MAX_ANSWERS,
        max_bytes: int = MAX_BYTES,
        lease_s: float = LEASE_S,
    ) -> None:
        """With `kept_s` 0, only requests that run at the same time share an answer; the bounds are of all servers."""
        self.lease_s = lease_s
        self._link = link
        self._kept_s = kept_s
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        register: Any = link.client.register_script
        self._claim, self._renew, self._tell, self._keep, self._abandon = map(
            register, (_CLAIM, _RENEW, _TELL, _KEEP, _ABANDON)
        )

    async def claim(self, name: str, asked: bytes, holder: str, awaited: str) -> Claim:
        """As `Ledger`."""
        arguments = (asked, holder, awaited, _ms(self.lease_s), _ms(AWAITED_S))
        state, by, data, served_by = await self._run(self._claim, [_key(name)], arguments)
        return Claim(ClaimState(_text(state)), _text(by), _raw(data), _text(served_by))

    async def renew(self, name: str, asked: bytes, holder: str) -> None:
        """As `Ledger`."""
        await self._run(self._renew, [_key(name)], (asked, holder, _ms(self.lease_s)))

    async def answered(self, name: str, asked: bytes, holder: str, data: bytes, served_by: str) -> None:
        """As `Ledger`."""
        key, size = _key(name), len(data) + BESIDE
        if size > self._max_bytes:
            await self.abandon(name, holder, though_awaited=True)
        elif self._kept_s <= 0:
            await self._run(self._tell, [key], (asked, holder, "told", data, served_by, _ms(TOLD_S)))
        else:
            outcome = (asked, holder, "kept", data, served_by, _ms(self._kept_s))
            bounds = (size, self._max_answers, self._max_bytes)
            await self._run(self._keep, [key, _INDEX, _BYTES], (*outcome, *bounds))

    async def failed(self, name: str, asked: bytes, holder: str, failure: bytes) -> None:
        """As `Ledger`."""
        await self._run(self._tell, [_key(name)], (asked, holder, "failed", failure, "", _ms(TOLD_S)))

    async def abandon(self, name: str, holder: str, *, though_awaited: bool = False) -> bool:
        """As `Ledger`."""
        return bool(await self._run(self._abandon, [_key(name)], (holder, int(though_awaited))))

    async def _run(self, script: Any, keys: Sequence[str], arguments: Sequence[object]) -> Any:
        # After a restart Redis does not know the script; redis-py then loads it again.
        return await self._link.run(lambda redis: script(keys=keys, args=arguments, client=redis))


def _key(name: str) -> str:
    """Of any length and any letters the same few; who asked what cannot be read off it."""
    return _PREFIX + hashlib.sha256(name.encode()).hexdigest()


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _raw(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
