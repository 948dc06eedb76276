"""The work that every server does: 4 ms a batch and 0.02 ms an item of hashing, which releases the GIL."""

import hashlib
import os
import time
from collections.abc import Sequence
from typing import Final

FIXED_S: Final = 0.004
PER_ITEM_S: Final = 0.00002
RATE: Final = "BENCHMARK_ITERATIONS_PER_S"
"""Environment variable: one calibration, by the driver, for all servers."""
SIZES: Final = "BENCHMARK_SIZES"
"""Environment variable: a file that gets a line, the batch's size, for every batch."""


def calibrate() -> float:
    """Iterations of PBKDF2 a second on one quiet core: the best of fifteen samples."""
    rates = []
    for _ in range(15):
        began = time.perf_counter()
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", 4000)
        rates.append(4000 / (time.perf_counter() - began))
    return max(rates)


def work(nonces: Sequence[int]) -> list[int]:
    """Compute for one batch; every item comes back as its answer."""
    seconds = FIXED_S + PER_ITEM_S * len(nonces)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", max(1, int(float(os.environ[RATE]) * seconds)))
    with open(os.environ[SIZES], "a", encoding="ascii") as sizes:  # noqa: PTH123 - no import that a peer lacks
        sizes.write(f"{len(nonces)}\n")
    return list(nonces)
