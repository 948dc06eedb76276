"""What never enters the store: pickles, which run code when they are read, and paths that climb out of a folder."""

import json
import pickletools
import re
import struct
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, shown
from hypercube.model_registry.manifest import FILE_NAME

PICKLE_SUFFIXES: Final = (".bin", ".ckpt", ".dill", ".joblib", ".pickle", ".pkl", ".pt", ".pth")
_HEAD: Final = 1 << 16
"""Bytes in which a pickle shows itself."""
_NPY: Final = b"\x93NUMPY"
_OBJECTS: Final = re.compile(rb"'descr':\s*(\[.*)?'\|?O")
_RUNS: Final = {"GLOBAL", "STACK_GLOBAL", "REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"}
"""Opcodes that name or call something."""
_HEADER_LIMIT: Final = 100 << 20


def check_name(name: str, *, param: str = "name") -> None:
    """Refuse a file name that is no plain relative path, or that is a pickle's.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the file and the reason.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or re.match(r"[A-Za-z]:", name) or ".." in path.parts:
        raise invalid(
            f"The file name {shown(name)!r} climbs out of the model's folder.",
            param=param,
            value=name,
            fix="Write a path relative to the model's folder, without '..'.",
        )
    if not FILE_NAME.fullmatch(name):
        raise invalid(
            f"The file name {shown(name)!r} is not made of plain names joined by '/'.",
            param=param,
            value=name,
            fix="Use letters, digits, '.', '_' and '-', in at most four folders.",
        )
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise refused_pickle(name, f"{path.suffix} files are pickles", param=param)


def check_content(path: Path, name: str) -> None:
    """Refuse content that is a pickle whatever its name, and weights that are not in the format of their name.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (a pickle) or FAILED_PRECONDITION (damaged), naming the file and the reason.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".safetensors":
        _check_safetensors(path, name)
        return
    if suffix == ".gguf":
        if head[:4] != b"GGUF":
            raise _damaged(name, f"it begins with {head[:4]!r}, not with b'GGUF'")
        return
    if reason := _pickled(path, head):
        raise refused_pickle(name, reason)


def _pickled(path: Path, head: bytes) -> str | None:
    if head.startswith(_NPY) and _OBJECTS.search(head[:1024]):
        return "it is a NumPy array of Python objects"
    if head.startswith(b"PK") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if member.endswith(PICKLE_SUFFIXES):
                    return f"it is an archive with the pickle {shown(member)}"
        return None
    if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= _highest_protocol():
        return f"it begins like a pickle of protocol {head[1]}"
    # Protocols 0 and 1 have no magic: it is one if it reads as one, and names or calls something.
    runs = False
    try:
        for opcode, _, _ in pickletools.genops(head):
            runs = runs or opcode.name in _RUNS
            if opcode.name == "STOP":
                return "it reads as a pickle of protocol 0 or 1 that calls something" if runs else None
    except Exception:  # noqa: BLE001 - genops raises whatever the bytes make it raise: no pickle
        return None
    return None


def _highest_protocol() -> int:
    """The highest pickle protocol that this Python knows."""
    return max(opcode.proto for opcode in pickletools.opcodes)


def _check_safetensors(path: Path, name: str) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if len(start) < 8:
            raise _damaged(name, f"it has {size} bytes, too few for a header")
        (length,) = struct.unpack("<Q", start)
        if length > min(_HEADER_LIMIT, size - 8):
            raise _damaged(name, f"it declares a header of {length} bytes in a file of {size}")
        try:
            header = json.loads(file.read(length))
            ends = [tensor["data_offsets"][1] for key, tensor in header.items() if key != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise _damaged(name, f"its header cannot be read ({type(error).__name__})") from None
    if ends and 8 + length + max(ends) != size:
        raise _damaged(name, f"its header describes {8 + length + max(ends)} bytes, the file has {size}")


def refused_pickle(name: str, reason: str, *, param: str = "file") -> HyperCubeError:
    """INVALID_ARGUMENT: `name` is refused because it is a pickle."""
    return invalid(
        f"{shown(name)} is refused: {reason}, and reading a pickle runs whatever code it holds.",
        param=param,
        value=name,
        fix="Convert the weights to safetensors or GGUF; of a folder or hub, leave the file out with "
        f"--exclude {shown(name)}.",
    )


def _damaged(name: str, reason: str) -> HyperCubeError:
    suffix = PurePosixPath(name).suffix.lstrip(".")
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"{shown(name)} is not a whole {suffix} file: {reason}.",
        param="file",
        value=name,
        fix="Get the file again from where it came.",
    )
