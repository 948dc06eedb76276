"""The public keys of an identity provider: a JWKS from a file or an address, kept, and looked at again in time.

A provider rotates by publishing the next key beside the current one, under another `kid`. A token with a `kid`
that is not known yet makes us look again, but not more often than every few seconds, whatever is sent.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid

if TYPE_CHECKING:
    from jwt import PyJWK

ALGORITHMS: Final[Mapping[tuple[object, object], str]] = {("OKP", "Ed25519"): "EdDSA", ("RSA", None): "RS256"}
"""The only algorithms, by the kind of key: a token's header never chooses."""
_MAX_BYTES: Final = 1 << 20
_MAX_KEYS: Final = 100
_MIN_RSA_BITS: Final = 2048
_FETCH_S: Final = 5.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_log = logging.getLogger(__name__)
Fetch = Callable[[], Awaitable[bytes]]


class KeySet:
    """Keys by `kid`."""

    def __init__(
        self,
        where: str,
        *,
        refresh_s: float = 300.0,
        unknown_s: float = 10.0,
        clock: Clock = monotonic,
        fetch: Fetch | None = None,
    ) -> None:
        """`where` is a path, a file:// or https:// address (http:// on loopback only).

        Args:
            where: see above.
            refresh_s: how old the set may become before it is read again.
            unknown_s: how often at most an unknown `kid` makes it be read again.
            clock: monotonic seconds.
            fetch: reads it; by default from `where`.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for another address.
        """
        self.where = where
        self._refresh_s = refresh_s
        self._unknown_s = unknown_s
        self._clock = clock
        self._fetch = fetch or _fetcher(where)
        self._keys: dict[str, PyJWK] = {}
        self._loaded_at: float | None = None
        self._tried_at: float | None = None
        self._reading = asyncio.Lock()
        self.generation = 0
        """Grows when the keys change; what was verified with an earlier set must be verified again."""

    async def get(self, kid: str) -> "PyJWK | None":
        """The key of that name.

        Raises:
            HyperCubeError: UNAVAILABLE when no set has ever been read.
        """
        if self._stale():
            await self._read()
        if kid not in self._keys and self._may_look():
            await self._read()
        if self._loaded_at is None:
            raise HyperCubeError(
                ErrorKind.UNAVAILABLE,
                "The keys of the identity provider cannot be read now.",
                fix="Send the request again in a moment; the server's log says more.",
                retry_after_s=self._unknown_s,
            )
        return self._keys.get(kid)

    async def refresh(self) -> int:
        """Read the set if it has become old; the generation."""
        if self._stale():
            await self._read()
        return self.generation

    def _stale(self) -> bool:
        now = self._clock()
        if self._loaded_at is not None and now - self._loaded_at < self._refresh_s:
            return False
        return self._may_look()

    def _may_look(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= self._unknown_s

    async def _read(self) -> None:
        seen = self._tried_at
        async with self._reading:
            if self._tried_at != seen:
                return  # another request has just read it
            self._tried_at = self._clock()
            try:
                keys = parse_keys(await self._fetch())
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the keys at hand stay good
                _log.warning("the JWKS at %s cannot be read: %s", self.where, error)
                return
            self._loaded_at = self._tried_at
            if _fingerprints(keys) != _fingerprints(self._keys):
                self.generation += 1
            self._keys = keys


def parse_keys(raw: bytes) -> "dict[str, PyJWK]":
    """The keys of a JWKS that verify with an algorithm of ours; others are left out.

    Raises:
        ValueError: it is no JWKS, or has no key for us.
    """
    from jwt import PyJWK

    data: Any = json.loads(raw)
    listed = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        raise ValueError(f"it must be an object with a list of at most {_MAX_KEYS} 'keys'")
    keys: dict[str, PyJWK] = {}
    for entry in listed:
        if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str):
            continue
        algorithm = ALGORITHMS.get((entry.get("kty"), entry.get("crv")))
        if algorithm is None or entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
            continue
        # A private key in a public set is a mishap of the provider's; we have no use for it.
        public = {name: entry[name] for name in ("kty", "crv", "x", "n", "e", "kid") if name in entry}
        key = PyJWK(public, algorithm)
        if algorithm == "RS256" and key.key.key_size < _MIN_RSA_BITS:
            raise ValueError(f"the RSA key {entry['kid']!r} has fewer than {_MIN_RSA_BITS} bits")
        keys[entry["kid"]] = key
    if not keys:
        raise ValueError("it has no Ed25519 or RSA key with a 'kid'")
    return keys


def _fingerprints(keys: "dict[str, PyJWK]") -> dict[str, str]:
    return {kid: json.dumps(key._jwk_data, sort_keys=True) for kid, key in keys.items()}  # noqa: SLF001 - no other way to the material


def _fetcher(where: str) -> Fetch:
    parts = urlsplit(where)
    if parts.scheme in ("http", "https"):
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise invalid(
                "Keys that come without TLS can be anybody's.",
                param="access.jwt_keys",
                value=where,
                fix="Use an https:// address, or a file.",
            )
        return lambda: _download(where)
    path = Path(parts.path if parts.scheme == "file" else where)

    async def read() -> bytes:
        return await asyncio.to_thread(path.read_bytes)

    return read


async def _download(url: str) -> bytes:
    import httpx

    async with (
        httpx.AsyncClient(timeout=_FETCH_S, follow_redirects=False) as client,
        asyncio.timeout(_FETCH_S),
        client.stream("GET", url, headers={"accept": "application/json"}) as answer,
    ):
        if answer.status_code != 200:
            raise ValueError(f"it answered with status {answer.status_code}")
        raw = bytearray()
        async for piece in answer.aiter_bytes():
            raw += piece
            if len(raw) > _MAX_BYTES:
                raise ValueError(f"it has more than {_MAX_BYTES:,} bytes")
    return bytes(raw)
