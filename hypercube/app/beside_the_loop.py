"""Threads that work beside the event loop are nicer than it, where they share a core.

Large batches are read and put together in such threads, of which there are several. On one core the loop that had
something to do waited 13 to 23 ms for its turn among them. They take whatever it leaves.
"""

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from hypercube.app.loop_first import NICE

_THREADS: Final = min(32, (os.cpu_count() or 1) + 4)
"""As Python has it."""


def work_beside(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop's threads (`asyncio.to_thread`) make way for the thread that calls, on Linux."""
    if sys.platform == "linux":
        ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        nicer = min(19, ours + NICE)

        def make_way() -> None:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nicer)

        loop.set_default_executor(
            ThreadPoolExecutor(_THREADS, thread_name_prefix="beside", initializer=make_way)
        )
