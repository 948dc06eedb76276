"""How many CPU cores this process may really use."""

import math
import os
from pathlib import Path
from typing import Final

_CGROUP_ROOT: Final = Path("/sys/fs/cgroup")
_SELF: Final = Path("/proc/self/cgroup")


def available_cores(cgroup_root: Path = _CGROUP_ROOT, membership: Path = _SELF) -> int:
    """Cores in this process's affinity mask, cut by the CPU quota of its control groups; at least 1.

    A container with a quota of two cores on a 64-core host gets 2: more threads would only wait for each other.
    """
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    for quota in _quotas(cgroup_root, membership):
        cores = min(cores, quota)
    return max(1, math.ceil(cores))


def _quotas(root: Path, membership: Path) -> list[float]:
    """CPU limits, in cores, of this process's control group and of all groups above it."""
    try:
        lines = membership.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in {"", "cpu", "cpu,cpuacct", "cpuacct,cpu"}:
            continue
        base = root / controllers if controllers else root
        folder = base / path.lstrip("/")
        # In a container the path may be the host's: what does not exist has no quota to read.
        for group in (folder, *folder.parents):
            quota = _quota_v1(group) if controllers else _quota_v2(group)
            if quota is not None:
                found.append(quota)
            if group == base:
                break
    return found


def _quota_v2(group: Path) -> float | None:
    try:
        quota, period = (group / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(group: Path) -> float | None:
    try:
        quota = int((group / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((group / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
