"""Threads follow the cores a container really has."""

import os
from pathlib import Path

import pytest

from hypercube.inference.cores import available_cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def cores(root: Path, membership: str) -> int:
    file = root / "membership"
    file.write_text(membership)
    return available_cores(root, file)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_control_groups_the_affinity_decides(tmp_path: Path) -> None:
    assert available_cores(tmp_path, tmp_path / "none") == 8


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1)],
)
def test_a_quota_cuts(tmp_path: Path, limit: str, expected: int) -> None:
    write(tmp_path / "box" / "cpu.max", limit)
    assert cores(tmp_path, "0::/box\n") == expected


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    write(tmp_path / "a" / "cpu.max", "300000 100000")
    write(tmp_path / "a" / "b" / "cpu.max", "600000 100000")
    assert cores(tmp_path, "0::/a/b/c\n") == 3


def test_a_container_sees_its_limit_at_the_root(tmp_path: Path) -> None:
    write(tmp_path / "cpu.max", "400000 100000")
    assert cores(tmp_path, "0::/host/path/unseen\n") == 4


def test_the_first_version_of_control_groups(tmp_path: Path) -> None:
    write(tmp_path / "cpu,cpuacct" / "box" / "cpu.cfs_quota_us", "250000")
    write(tmp_path / "cpu,cpuacct" / "box" / "cpu.cfs_period_us", "100000")
    assert cores(tmp_path, "5:memory:/box\n4:cpu,cpuacct:/box\n0::/\n") == 3
    write(tmp_path / "cpu,cpuacct" / "box" / "cpu.cfs_quota_us", "-1")
    assert cores(tmp_path, "4:cpu,cpuacct:/box\n") == 8
