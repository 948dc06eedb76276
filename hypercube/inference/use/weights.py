"""Reads the weights: one .npz of plain arrays, the embedding quantised to six bits in 17 blocks.

Block i (from 1) holds the rows of the ids that are i - 1 modulo 17, each as q * scale[i - 1] + lo[i - 1].
"""

import zipfile
from pathlib import Path
from typing import Any, Final

BLOCKS: Final = 17
BLOCK_ROWS: Final = 7530
WIDTH: Final = 512
"""Of a token's embedding, and of a vector."""
BRANCH: Final = 256
"""Width of a branch."""
ORDERS: Final = ((2, 0), (3, 1), (5, 2))
"""Of each branch: tokens in its window, and how many of them lie before the token in the middle."""
INNER: Final = 320
FEATURES: Final = WIDTH + BRANCH * len(ORDERS)


def _shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "scale": (BLOCKS,), "lo": (BLOCKS,), "eps": (), "ln_g": (FEATURES,), "ln_b": (FEATURES,),
        "cnn_W": (FEATURES, WIDTH), "cnn_b": (WIDTH,), "d0": (WIDTH, INNER), "d1": (INNER, INNER),
        "p1": (WIDTH, INNER), "d2": (INNER, WIDTH), "p3": (INNER, WIDTH), "d3": (WIDTH, WIDTH),
    }  # fmt: skip
    for block in range(1, BLOCKS + 1):
        shapes[f"q{block}"] = (BLOCK_ROWS, WIDTH)
    for order, _ in ORDERS:
        shapes[f"proj{order}"] = (WIDTH, BRANCH)
        for layer in ("w1", "w2"):
            shapes[f"{layer}_{order}"] = (order * BRANCH, BRANCH)
        for name in ("proj_b", "ln_g", "ln_b", "b1_", "b2_"):
            shapes[f"{name}{order}"] = (BRANCH,)
    return shapes


SHAPES: Final = _shapes()
"""Every array that the network needs, by the file's names."""


def read_weights(path: Path) -> dict[str, Any]:
    """The arrays of SHAPES: the blocks "q1" to "q17" as uint8, all others as float32.

    Raises:
        ValueError: an array is missing, of another shape or of another kind of number, or is made of Python objects.
        OSError: the file cannot be read.
    """
    import numpy as np

    found: dict[str, Any] = {}
    try:
        # Pickled arrays could run code; there are none in this file.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            for name, shape in SHAPES.items():
                if name not in archive.files:
                    raise ValueError(f"{path.name} has no array {name!r}")
                array = archive[name]
                kind = np.uint8 if name.startswith("q") else np.floating
                if array.shape != shape or not np.issubdtype(array.dtype, kind):
                    raise ValueError(
                        f"the array {name!r} of {path.name} is {array.dtype} {array.shape}, not {shape}"
                    )
                found[name] = array if name.startswith("q") else array.astype(np.float32, copy=False)
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from error
    return found
