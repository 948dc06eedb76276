"""One connection pool to Redis (or Valkey), and what is done while it is away.

A server that does not answer is left alone for a moment: without that every request would wait for its timeout.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, HyperCubeError

if TYPE_CHECKING:
    from redis.asyncio import Redis

T = TypeVar("T")
TIMEOUT_S: Final = 1.0
"""Limit of one command, and of a connection's set-up."""
_ALONE_S: Final = 1.0
_CONNECTIONS: Final = 16
"""A command takes a tenth of a millisecond, so few connections carry many of them; the others wait their turn."""


class RedisAwayError(HyperCubeError):
    """Redis does not answer; callers choose between refusing and going on without it."""

    def __init__(self, where: str) -> None:
        super().__init__(
            ErrorKind.UNAVAILABLE,
            "The server's store of keys and quotas does not answer.",
            fix="Send the request again in a moment.",
            retry_after_s=_ALONE_S,
        )
        self.where = where

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.where,))


class RedisLink:
    """Runs commands, and gives up quickly."""

    def __init__(self, url: str, clock: Clock = monotonic, *, timeout_s: float = TIMEOUT_S) -> None:
        """`url` as redis://user:password@host:port/database; rediss:// and unix:// work, too.

        Raises:
            HyperCubeError: FAILED_PRECONDITION without the package; INVALID_ARGUMENT for another kind of URL.
        """
        try:
            from redis.asyncio import BlockingConnectionPool, Redis
        except ModuleNotFoundError as error:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                "Redis is set, but the package 'redis' is not installed.",
                fix="pip install 'heal7-hypercube[redis]'",
            ) from error
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        url = "redis" + url.removeprefix("valkey") if url.startswith("valkey") else url
        parts = urlsplit(url)
        self.where = (
            f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
        )
        self._clock = clock
        self._alone_until = 0.0
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=5 * timeout_s,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                retry=Retry(NoBackoff(), 0),
                health_check_interval=0,
            )
        except ValueError:  # its words repeat the address, with the password
            raise HyperCubeError(
                ErrorKind.INVALID_ARGUMENT,
                f"The address of Redis, {self.where}, is no Redis URL.",
                param="access.redis_url",
                fix="Write redis://host:6379/0, rediss://… for TLS, or unix:///path.",
            ) from None
        self.client: Redis = Redis.from_pool(pool)

    async def run(self, command: "Callable[[Redis], Awaitable[T]]", *, again: bool = True) -> T:
        """The answer of one command; `again`: it may be sent twice.

        Raises:
            RedisAwayError: it did not answer, or just now did not answer another command.
        """
        from redis.exceptions import ConnectionError as Lost
        from redis.exceptions import RedisError
        from redis.exceptions import TimeoutError as Late

        if self._clock() < self._alone_until:
            raise RedisAwayError(self.where)
        try:
            try:
                return await command(self.client)
            except Lost:
                if not again:
                    raise
                # After a restart every connection that was left idle is a dead one.
                await self.client.connection_pool.disconnect(inuse_connections=False)
                return await command(self.client)
        except (RedisError, OSError, TimeoutError) as error:
            # A server that is loading, read-only or out of memory is as good as away.
            if isinstance(error, (Lost, Late, OSError, TimeoutError)):
                self._alone_until = self._clock() + _ALONE_S
            raise RedisAwayError(self.where) from error

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose(close_connection_pool=True)
