"""Fixtures that several unit tests share."""

import asyncio
from collections.abc import Callable

import pytest


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written to the disk takes no virtual time."""

    async def at_once(work: Callable[[], object]) -> object:
        return work()

    monkeypatch.setattr(asyncio, "to_thread", at_once)
