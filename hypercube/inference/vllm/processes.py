"""Whether vLLM's own processes (its engine core and its workers) are there and run; looked at in the child.

vLLM notices by itself that one of them ended, but not that one is stopped, and it says little about either.
"""

import psutil

from hypercube.inference.liveness import TICK_S

STOPPED_S = 3.0
"""A process that stays suspended this long (SIGSTOP, a debugger) is taken for dead; the limit of the parent is 5 s."""
_HELPER = "resource_tracker"
"""Python's own process for shared memory: no work is lost with it."""


class Processes:
    """The processes below this one, as they are when this is made."""

    def __init__(self) -> None:
        self._all = [
            process for process in psutil.Process().children(recursive=True) if not _is_helper(process)
        ]
        self._names = {process.pid: _name(process) for process in self._all}
        self._stopped = dict.fromkeys(self._names, 0)

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return list(self._names)

    def compiling(self) -> bool:
        """Whether a process that one of them has started since computes: torch has code compiled when it needs it."""
        below = psutil.Process().children(recursive=True)
        return any(process.pid not in self._names and _is_running(process) for process in below)

    def trouble(self) -> str | None:
        """What is wrong with one of them, as the end of "The model engine failed: ..."; ask every `TICK_S`."""
        for process in self._all:
            name = f"its process {self._names[process.pid]} ({process.pid})"
            try:
                status = process.status()
            except psutil.NoSuchProcess:
                return f"{name} ended"
            if status == psutil.STATUS_ZOMBIE:
                return f"{name} ended"
            stopped = status in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
            # Counted in looks, not seconds: this process may have been suspended along with them.
            self._stopped[process.pid] = self._stopped[process.pid] + 1 if stopped else 0
            if self._stopped[process.pid] * TICK_S >= STOPPED_S:
                return f"{name} is stopped"
        return None


def _is_helper(process: psutil.Process) -> bool:
    try:
        return any(_HELPER in part for part in process.cmdline())
    except psutil.Error:
        return True  # it is gone already


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() in {psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP})
    except psutil.Error:
        return False


def _name(process: psutil.Process) -> str:
    """Its title: vLLM writes what a process is in the place of its command line: "VLLM::EngineCore"."""
    words = " ".join(process.cmdline()).split()
    return words[0] if words and "::" in words[0] else process.name()
