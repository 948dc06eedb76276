"""The Triton kernel of features in Triton's interpreter against the reference. Run by test_features_triton.py,
which sets TRITON_INTERPRET before anything is imported."""

import os

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError
from hypercube.kernels.features import ROW_BYTES, features
from hypercube.kernels.features.triton import INTERPRETED, INTERPRETED_BLOCK

assert INTERPRETED, os.environ.get("TRITON_INTERPRET")


def random_charts(rows: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


def assert_equal(charts: NDArray[np.uint8]) -> None:
    """Into poisoned memory with two rows to spare, which must stay as they are."""
    guarded = torch.full((len(charts) + 2, ROW_BYTES), 0xAB, dtype=torch.uint8)
    out = guarded[: len(charts)]
    assert features(torch.from_numpy(charts), backend="triton", out=out) is out
    wrong = np.flatnonzero((out.numpy() != features(charts, backend="reference")).any(axis=1))
    assert not wrong.size, f"{wrong.size} of {len(charts)} differ, first for {charts[wrong[0]]}"
    assert (guarded[len(charts) :] == 0xAB).all()


@pytest.mark.parametrize("rows", [1, 2, 257, INTERPRETED_BLOCK - 1, INTERPRETED_BLOCK, INTERPRETED_BLOCK + 1])
def test_sizes(rows: int) -> None:
    assert_equal(random_charts(rows, seed=rows))


def test_no_rows() -> None:
    assert features(torch.empty((0, 4), dtype=torch.uint8), backend="triton").shape == (0, ROW_BYTES)


def test_every_pair_of_pillars_at_every_pair_of_positions() -> None:
    pairs = np.array([(a, b) for a in range(60) for b in range(60)], dtype=np.uint8)
    chunks = []
    for first in range(4):
        for second in range(first + 1, 4):
            charts = random_charts(len(pairs), seed=first * 4 + second)
            charts[:, (first, second)] = pairs
            chunks.append(charts)
    assert_equal(np.concatenate(chunks))


def test_a_million_random_charts() -> None:
    assert_equal(random_charts(1_000_003, seed=6))


@pytest.mark.parametrize(
    ("column", "value"), [(0, 60), (0, 255), (1, 255), (2, 61), (2, 128), (3, 60), (3, 254)]
)
def test_what_is_no_chart_names_its_place(column: int, value: int) -> None:
    charts = random_charts(300, seed=7)
    want = features(charts, backend="reference")
    want[123] = 255
    charts[123, column] = value
    with pytest.raises(HyperCubeError) as caught:
        features(torch.from_numpy(charts), backend="triton")
    assert caught.value.param == f"charts[123][{column}]"
    assert caught.value.value == value
    unchecked = features(torch.from_numpy(charts), backend="triton", check=False)
    assert (unchecked.numpy() == want).all()


ROOM = torch.zeros(64 * 64 + 64, dtype=torch.uint8)
REFUSED = {
    "charts begins at an address that is not a multiple of 4": (ROOM[1:257].view(64, 4), {}),
    "out begins at an address that is not a multiple of 16": (
        torch.zeros((64, 4), dtype=torch.uint8),
        {"out": ROOM[8 : 8 + 64 * 64].view(64, 64)},
    ),
    "out shares memory with charts": (ROOM[:256].view(64, 4), {"out": ROOM[: 64 * 64].view(64, 64)}),
    r"out has shape \[63, 64\], expected \[64, 64\]": (
        ROOM[:256].view(64, 4),
        {"out": ROOM[: 63 * 64].view(63, 64)},
    ),
    r"charts has shape \[32, 8\], expected \[N, 4\]": (ROOM[:256].view(32, 8), {}),
    "charts has dtype torch.int8, expected uint8": (ROOM[:256].view(torch.int8).view(64, 4), {}),
    "charts is not contiguous": (ROOM[:256].view(4, 64).T, {}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_a_kernel_cannot_read_is_refused(message: str) -> None:
    charts, options = REFUSED[message]
    with pytest.raises(HyperCubeError, match=message) as caught:
        features(charts, backend="triton", **options)
    assert caught.value.param == message.split()[0]
    assert caught.value.fix
