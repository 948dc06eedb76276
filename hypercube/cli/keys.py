"""What `hypercube keys` does: the same store as the server's, opened for one command."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from hypercube.app.access import open_keys, open_link, pepper_of
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest
from hypercube.core.principal import Role
from hypercube.gateway.access.keys import PREFIX, ApiKey, made, rate_of, rotated, seconds_of
from hypercube.gateway.access.stores import KeyStore
from hypercube.settings import AccessSettings, load_settings

T = TypeVar("T")
Run = Callable[[KeyStore], Awaitable[T]]


class Keys:
    """The keys of the settings' store."""

    def __init__(self, config: Path | None) -> None:
        self._access: AccessSettings = load_settings(file=config).access
        self._pepper = pepper_of(self._access)

    def _with_store(self, run: "Run[T]") -> T:
        async def opened() -> T:
            link = open_link(self._access)
            store = open_keys(self._access, link)
            try:
                return await run(store)
            finally:
                await store.close()
                if link is not None:
                    await link.close()

        return asyncio.run(opened())

    def create(
        self,
        name: str,
        *,
        roles: list[str],
        scopes: list[str],
        expires: str | None,
        requests: str | None,
        tokens: str | None,
    ) -> dict[str, Any]:
        """A new key; `key` is shown this once."""
        now = time.time()
        key, text = made(
            name,
            now=now,
            pepper=self._pepper,
            roles=roles or [Role.USER],
            scopes=scopes,
            lifetime_s=None if expires is None else seconds_of(expires, "expires"),
            requests=None if requests is None else rate_of(requests, "requests"),
            tokens=None if tokens is None else rate_of(tokens, "tokens"),
        )
        self._with_store(lambda store: store.add(key))
        return {**key.plain(now), "key": text}

    def list(self) -> list[dict[str, Any]]:
        """Every key, the oldest first."""
        now = time.time()
        return [key.plain(now) for key in self._with_store(lambda store: store.all())]

    def show(self, key_id: str) -> dict[str, Any]:
        """One key; NOT_FOUND with the nearest id."""

        async def run(store: KeyStore) -> ApiKey:
            return await self._found(store, await store.get(key_id), key_id)

        return self._with_store(run).plain(time.time())

    def rotate(self, key_id: str, overlap: str) -> dict[str, Any]:
        """A new secret; the one before it is good for `overlap` more. `key` is shown this once."""
        now, overlap_s = time.time(), seconds_of(overlap, "overlap")
        texts: list[str] = []

        def change(key: ApiKey) -> ApiKey:
            changed, text = rotated(key, now=now, overlap_s=overlap_s, pepper=self._pepper)
            texts.append(text)
            return changed

        return {**self._changed(key_id, change).plain(now), "key": texts[-1]}

    def revoke(self, key_id: str) -> dict[str, Any]:
        """The key is refused from now on; servers notice within `access.cache_s` seconds."""
        from dataclasses import replace

        now = time.time()
        return self._changed(
            key_id, lambda key: key if key.revoked is not None else replace(key, revoked=now)
        ).plain(now)

    def _changed(self, key_id: str, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        async def run(store: KeyStore) -> ApiKey:
            return await self._found(store, await store.change(key_id, change), key_id)

        return self._with_store(run)

    async def _found(self, store: KeyStore, key: ApiKey | None, key_id: str) -> ApiKey:
        if key is not None:
            return key
        shown = "(not shown)" if key_id.startswith(PREFIX) else key_id  # somebody pasted the key itself
        like = nearest(key_id, [each.id for each in await store.all()])
        raise HyperCubeError(
            ErrorKind.NOT_FOUND,
            f"There is no key {shown!r} in {store.where}.",
            param="id",
            value=shown,
            fix=(f"Did you mean {like!r}? " if like else "")
            + "Write the id that `hypercube keys list` shows, not the key itself.",
        )
