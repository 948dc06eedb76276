"""Writes a safetensors file tensor by tensor, so that a model need not fit in memory.

Layout (safetensors format): the header's length as 8 little-endian bytes, the header as JSON padded with spaces to
a multiple of 8, then the tensors' bytes without gaps.
"""

import hashlib
import json
import math
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DTYPES: Final = {"float32": ("F32", 4), "bfloat16": ("BF16", 2), "float16": ("F16", 2)}
"""Name of a dtype -> its name in the file, bytes of a value."""


class SafetensorsWriter:
    """The tensors of `shapes`, all of one dtype, to be appended in that order."""

    def __init__(
        self, path: Path, shapes: Mapping[str, Sequence[int]], dtype: str, metadata: Mapping[str, str]
    ) -> None:
        code, width = DTYPES[dtype]
        header: dict[str, Any] = {"__metadata__": dict(metadata)}
        offset = 0
        for name, shape in shapes.items():
            end = offset + math.prod(shape) * width
            header[name] = {"dtype": code, "shape": list(shape), "data_offsets": [offset, end]}
            offset = end
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        self.size = 8 + len(text) + offset
        """Bytes of the whole file."""
        self.position = 0
        """Bytes written."""
        self._dtype = dtype
        self._digest = hashlib.sha256()
        self._file = path.open("wb")
        self._put(struct.pack("<Q", len(text)) + text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, values: "NDArray[np.float32]") -> None:
        """The next values, rounded to the nearest of the file's dtype (ties to even)."""
        self._put(as_bytes(values, self._dtype))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.position += len(data)

    def finish(self) -> str:
        """Have everything on the disk; returns the SHA-256.

        Raises:
            ValueError: fewer or more values came than were declared.
        """
        if self.position != self.size:
            raise ValueError(f"{self.position} bytes were written, {self.size} were declared")
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._digest.hexdigest()


def as_bytes(values: "NDArray[np.float32]", dtype: str) -> bytes:
    """float32 values in `dtype` (a key of DTYPES), little-endian, nearest with ties to even; NaN stays NaN."""
    import numpy as np

    if dtype == "float32":
        return values.astype("<f4", copy=False).tobytes()
    if dtype == "float16":
        with np.errstate(over="ignore"):
            return values.astype("<f2").tobytes()
    bits = np.ascontiguousarray(values, dtype="<f4").view(np.uint32)
    # Half of the last place kept, less one unless the kept part is odd: nearest, ties to even.
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(16)
    nan = (bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
    # Rounding could carry a NaN into infinity: a quiet one instead.
    return np.where(nan, np.uint32(0x7FC0), rounded).astype("<u2").tobytes()
