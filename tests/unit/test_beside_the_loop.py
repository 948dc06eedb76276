"""Threads beside the event loop leave it its share of a core."""

import asyncio
import os
import sys
import threading

import pytest

from hypercube.app.beside_the_loop import work_beside
from hypercube.app.loop_first import NICE


def nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux only")
async def test_what_works_in_threads_is_nicer_than_the_loop() -> None:
    ours = nice()
    work_beside(asyncio.get_running_loop())
    met = threading.Barrier(3)

    def work() -> int:
        met.wait(60)  # so that it is three threads
        return nice()

    found = await asyncio.gather(*(asyncio.to_thread(work) for _ in range(3)))
    assert found == [min(19, ours + NICE)] * 3
    assert nice() == ours
