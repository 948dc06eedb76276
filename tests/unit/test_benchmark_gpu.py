"""What of the GPU benchmark can be checked without a GPU: the figures it refuses, and what it says."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu import rate_row, without_device

ROOT = Path(__file__).parents[2]


def test_a_row_carries_rates_and_the_share_of_the_copy_of_its_round() -> None:
    row = rate_row("triton", [0.010, 0.011, 0.012], 10**9, [0.008, 0.0099, 0.0096], peak=3_350.0)
    assert row["charts_per_s"] == round(10**9 / 0.011)
    assert row["gb_per_s"] == round(16 / 0.011, 1)
    assert row["copy_share"] == 0.8
    assert row["refused"] is None


def test_a_rate_above_the_peak_is_refused_as_a_cache_effect() -> None:
    row = rate_row("triton", [0.005] * 3, 10**9, [0.004] * 3, peak=3_350.0)  # 3,200 GB/s
    assert row["charts_per_s"] is row["gb_per_s"] is row["copy_share"] is None
    assert "cache" in row["refused"]
    assert rate_row("triton", [0.005] * 3, 10**9, [0.004] * 3, peak=None)["gb_per_s"] == 3_200.0


@pytest.mark.skipif(without_device() is None, reason="there is a CUDA device")
def test_without_a_device_it_says_so_in_one_line(tmp_path: Path) -> None:
    written = tmp_path / "rows.jsonl"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--output", str(written)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("No GPU figures: torch ")
    assert done.stdout.count("\n") == 1
    assert not written.exists()
