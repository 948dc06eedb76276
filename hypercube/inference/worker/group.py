"""The end of a process group: whatever an engine's process started goes with it, and takes its shared memory along.

Python's multiprocessing leaves a process behind everyone else, the resource tracker, that unlinks the shared memory
of those that were killed. Killed along with them, it would leave that memory taken until the machine restarts.
"""

import asyncio
import contextlib
import os
import signal
from typing import Final

_TRACKER: Final = "multiprocessing.resource_tracker"
_TRACKER_S: Final = 1.0
"""For trackers to clean up; they were seen to take milliseconds."""
_LOOK_S: Final = 0.01


def kill_group(group: int) -> None:
    """SIGKILL every process of `group` but resource trackers, which end when nobody is left to track."""
    import psutil

    for pid in _members(group):
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if not any(_TRACKER in part for part in psutil.Process(pid).cmdline()):
                os.kill(pid, signal.SIGKILL)


async def end_group(group: int) -> None:
    """Kill `group`, give its trackers a moment, then kill them too."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TRACKER_S):
            # Again each time: a process that was starting another one when it was killed.
            while _members(group):
                kill_group(group)
                await asyncio.sleep(_LOOK_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _members(group: int) -> list[int]:
    """Processes of the group, those that only wait to be collected left out."""
    import psutil

    found = []
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found
