"""Reads what a GGUF file says about itself: its metadata, and where each tensor lies. Needs no package.

The layout is that of the GGUF specification, versions 2 and 3 (little-endian): magic, version, counts, key-value
pairs, tensor descriptions, padding to `general.alignment`, data.
"""

import math
import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_STRING: Final = 8
_ARRAY: Final = 9
_SCALARS: Final = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_MAX_DIMENSIONS: Final = 4


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """One tensor on disk.

    Attributes:
        name: as the file calls it.
        shape: outermost dimension first, as NumPy and PyTorch count (the file has it the other way round).
        type: number of the ggml type of its values.
        offset: bytes from the beginning of the file.
    """

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int

    @property
    def values(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A file's header.

    Attributes:
        metadata: keys to numbers, texts, truth values, or lists of them.
        lengths: of the lists, also of those that were left out of `metadata`.
        tensors: by name, in the file's order.
        size: bytes of the file.
    """

    metadata: Mapping[str, Any]
    lengths: Mapping[str, int]
    tensors: Mapping[str, GgufTensor]
    size: int

    @property
    def architecture(self) -> str:
        """`general.architecture`: the prefix of the keys that describe the model."""
        return str(self.metadata.get("general.architecture", ""))

    def of_model(self, key: str) -> Any:
        """`{architecture}.{key}`, or None."""
        return self.metadata.get(f"{self.architecture}.{key}")


def read_gguf(path: Path, *, lists: bool = True) -> GgufFile:
    """The header of `path`; without `lists`, long vocabularies are passed over (and only counted).

    Raises:
        HyperCubeError: FAILED_PRECONDITION when it is not a GGUF file that this version can read.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise _broken(path, "it does not begin with the letters GGUF")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(path, data, lists).file()
    except (struct.error, UnicodeDecodeError, OverflowError) as error:
        raise _broken(path, f"it is cut off or damaged ({error})") from error
    except OSError as error:
        raise _broken(path, str(error)) from error


def _broken(path: Path, why: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"{path.name} is not a GGUF file that can be read: {why}.",
        value=path.name,
        fix="Fetch or convert the model anew (GGUF version 2 or 3, little-endian).",
    )


class _Reader:
    def __init__(self, path: Path, data: mmap.mmap, lists: bool) -> None:
        self._path = path
        self._data = data
        self._lists = lists
        self._at = len(_MAGIC)
        self._lengths: dict[str, int] = {}

    def file(self) -> GgufFile:
        version = self._number("<I")
        if version not in _VERSIONS:
            raise _broken(self._path, f"its version is {version}")
        tensor_count, pair_count = self._number("<Q"), self._number("<Q")
        # Each takes some bytes: a count that cannot be true is refused before anybody loops over it.
        if tensor_count + pair_count > len(self._data) // 12:
            raise _broken(self._path, f"it declares {tensor_count} tensors and {pair_count} keys")
        metadata: dict[str, Any] = {}
        for _ in range(pair_count):
            key = self._text()
            value = self._value(key, self._number("<I"))
            if value is not None:
                metadata[key] = value
        described = [self._tensor() for _ in range(tensor_count)]
        alignment = int(metadata.get("general.alignment", 32))
        if alignment < 1:
            raise _broken(self._path, f"its alignment is {alignment}")
        start = -(-self._at // alignment) * alignment
        tensors = {t.name: GgufTensor(t.name, t.shape, t.type, start + t.offset) for t in described}
        if any(tensor.offset > len(self._data) for tensor in tensors.values()):
            raise _broken(self._path, "it ends before its tensors")
        return GgufFile(metadata, self._lengths, tensors, len(self._data))

    def _number(self, code: str) -> Any:
        (value,) = struct.unpack_from(code, self._data, self._at)
        self._at += struct.calcsize(code)
        return value

    def _bytes(self) -> bytes:
        length = self._number("<Q")
        end = self._at + length
        if end > len(self._data):
            raise _broken(self._path, f"a text of {length} bytes goes beyond its end")
        text = self._data[self._at : end]
        self._at = end
        return text

    def _text(self) -> str:
        return self._bytes().decode("utf-8")

    def _value(self, key: str, kind: int) -> Any:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._list(key)
        if kind not in _SCALARS:
            raise _broken(self._path, f"{key!r} has the unknown type {kind}")
        return self._number(_SCALARS[kind])

    def _list(self, key: str) -> list[Any] | None:
        kind, length = self._number("<I"), self._number("<Q")
        if length > len(self._data):
            raise _broken(self._path, f"{key!r} declares {length} entries")
        self._lengths[key] = length
        if kind == _STRING:
            if self._lists:
                return [self._text() for _ in range(length)]
            for _ in range(length):
                self._at += 8 + int(struct.unpack_from("<Q", self._data, self._at)[0])
            return None
        if kind not in _SCALARS:
            raise _broken(self._path, f"{key!r} is a list of the unknown type {kind}")
        code = f"<{length}{_SCALARS[kind][1]}"
        values = list(struct.unpack_from(code, self._data, self._at)) if self._lists else None
        self._at += struct.calcsize(code)
        return values

    def _tensor(self) -> GgufTensor:
        name, count = self._text(), self._number("<I")
        if count > _MAX_DIMENSIONS:
            raise _broken(self._path, f"the tensor {name!r} has {count} dimensions")
        shape = tuple(reversed([self._number("<Q") for _ in range(count)]))
        return GgufTensor(name, shape, self._number("<I"), self._number("<Q"))
