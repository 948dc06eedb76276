"""Where keys are kept: the contract, and the file that is used unless Redis is set."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.access.keys import ApiKey

Change = Callable[[ApiKey], ApiKey]
_BUSY_S: Final = 5.0


class KeyStore(Protocol):
    """Keys by id. Every method raises `HyperCubeError` UNAVAILABLE when the store cannot be reached."""

    @property
    def where(self) -> str:
        """For people; without a password."""
        ...

    async def get(self, key_id: str) -> ApiKey | None:
        """One key."""
        ...

    async def all(self) -> Sequence[ApiKey]:
        """Every key, the oldest first."""
        ...

    async def add(self, key: ApiKey) -> None:
        """Put a new key in."""
        ...

    async def change(self, key_id: str, change: Change) -> ApiKey | None:
        """Put `change(key)` in the key's place, as one step for every process; None for an unknown id."""
        ...

    async def close(self) -> None:
        """Give connections back."""
        ...


class SqliteKeys:
    """Keys in one SQLite file that only its owner can read; several processes may use it at once."""

    def __init__(self, path: Path) -> None:
        """Nothing is made before the first key is added."""
        self._path = path

    @property
    def where(self) -> str:
        """The file."""
        return str(self._path)

    async def get(self, key_id: str) -> ApiKey | None:
        """As `KeyStore`."""
        return await asyncio.to_thread(self._get, key_id)

    async def all(self) -> Sequence[ApiKey]:
        """As `KeyStore`."""
        return await asyncio.to_thread(self._all)

    async def add(self, key: ApiKey) -> None:
        """As `KeyStore`."""
        await asyncio.to_thread(self._add, key)

    async def change(self, key_id: str, change: Change) -> ApiKey | None:
        """As `KeyStore`."""
        return await asyncio.to_thread(self._change, key_id, change)

    async def close(self) -> None:
        """Nothing stays open between calls."""

    def _get(self, key_id: str) -> ApiKey | None:
        if not self._path.exists():
            return None
        with self._open() as database:
            row = database.execute("SELECT record FROM keys WHERE id = ?", (key_id,)).fetchone()
        return None if row is None else ApiKey.from_json(row[0])

    def _all(self) -> list[ApiKey]:
        if not self._path.exists():
            return []
        with self._open() as database:
            rows = database.execute("SELECT record FROM keys ORDER BY created, id").fetchall()
        return [ApiKey.from_json(row[0]) for row in rows]

    def _add(self, key: ApiKey) -> None:
        with self._open() as database:
            database.execute("INSERT INTO keys VALUES (?, ?, ?)", (key.id, key.created, key.to_json()))

    def _change(self, key_id: str, change: Change) -> ApiKey | None:
        if not self._path.exists():
            return None
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            row = database.execute("SELECT record FROM keys WHERE id = ?", (key_id,)).fetchone()
            if row is None:
                return None
            changed = change(ApiKey.from_json(row[0]))
            database.execute("UPDATE keys SET record = ? WHERE id = ?", (changed.to_json(), key_id))
        return changed

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are kept if the block ends well."""
        try:
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            database = sqlite3.connect(self._path, timeout=_BUSY_S)
            try:
                with database:
                    database.execute(
                        "CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, created REAL, record TEXT)"
                    )
                    yield database
            finally:
                database.close()
        except (OSError, sqlite3.Error) as error:
            raise HyperCubeError(
                ErrorKind.UNAVAILABLE,
                f"The keys in {self._path} cannot be read: {error}.",
                fix="Let the server's user read and write the file, or name another one (access.keys_file).",
                retry_after_s=1.0,
            ) from error
