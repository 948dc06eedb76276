"""Keys in Redis: one string a key, and a set of their ids."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.access.keys import ApiKey
from hypercube.gateway.access.redis_link import RedisLink
from hypercube.gateway.access.stores import Change

if TYPE_CHECKING:
    from redis.asyncio import Redis

_KEY: Final = "hypercube:key:"
_IDS: Final = "hypercube:keys"
_ATTEMPTS: Final = 16
"""How often a change starts again because another process changed the same key in between."""


class RedisKeys:
    """A `KeyStore` that several servers share."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    @property
    def where(self) -> str:
        """The server, without its password."""
        return self._link.where

    async def get(self, key_id: str) -> ApiKey | None:
        """As `KeyStore`."""

        async def command(redis: "Redis") -> bytes | str | None:
            return await redis.get(_KEY + key_id)

        return _read(await self._link.run(command))

    async def all(self) -> Sequence[ApiKey]:
        """As `KeyStore`."""

        async def command(redis: "Redis") -> list[bytes | str | None]:
            ids = sorted(_text(each) for each in await redis.smembers(_IDS))
            return list(await redis.mget([_KEY + each for each in ids])) if ids else []

        keys = [key for key in map(_read, await self._link.run(command)) if key is not None]
        return sorted(keys, key=lambda key: (key.created, key.id))

    async def add(self, key: ApiKey) -> None:
        """As `KeyStore`."""

        async def command(redis: "Redis") -> None:
            async with redis.pipeline(transaction=True) as pipe:
                pipe.set(_KEY + key.id, key.to_json(), nx=True)
                pipe.sadd(_IDS, key.id)
                await pipe.execute()

        await self._link.run(command)

    async def change(self, key_id: str, change: Change) -> ApiKey | None:
        """As `KeyStore`."""
        from redis.exceptions import WatchError

        async def command(redis: "Redis") -> ApiKey | None:
            async with redis.pipeline(transaction=True) as pipe:
                for _ in range(_ATTEMPTS):
                    await pipe.watch(_KEY + key_id)
                    key = _read(await pipe.get(_KEY + key_id))
                    if key is None:
                        return None
                    changed = change(key)
                    pipe.multi()  # type: ignore[no-untyped-call]
                    pipe.set(_KEY + key_id, changed.to_json())
                    try:
                        await pipe.execute()
                    except WatchError:
                        continue
                    return changed
            raise HyperCubeError(
                ErrorKind.UNAVAILABLE, f"The key {key_id} is being changed elsewhere.", fix="Try again."
            )

        return await self._link.run(command, again=False)

    async def close(self) -> None:
        """The link is closed by who made it."""


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _read(record: bytes | str | None) -> ApiKey | None:
    return None if record is None else ApiKey.from_json(_text(record))
