"""Frames between the processes of one server: an unsigned 32-bit length in network order, then a pickled tuple.

Both ends are the same code of the same user, so what goes over is simply the types of `hypercube.core`, whole. The
reader builds nothing else: no function, no class from elsewhere, whoever wrote the frame.
"""

import asyncio
import importlib
import io
import pickle
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_LENGTH: Final = struct.Struct("!I")
MAX_FRAME_BYTES: Final = 256 * 2**20
_CORE: Final = "hypercube.core."
_ALLOWED: Final = frozenset(
    {("array", "array"), ("array", "_array_reconstructor"), ("builtins", "dict"), ("builtins", "set")}
)


class WireError(Exception):
    """What came, or was to go, is no frame of this server."""


class _Writer(pickle.Pickler):
    dispatch_table: Mapping[type, Any] = {MappingProxyType: lambda view: (dict, (dict(view),))}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return getattr(importlib.import_module(module), name)
        found = getattr(importlib.import_module(module), name, None) if module.startswith(_CORE) else None
        # Classes that live there, not what their modules import.
        if isinstance(found, type) and found.__module__ == module:
            return found
        raise WireError(f"a frame names {module}.{name}")


def encode(message: tuple[Any, ...]) -> bytes:
    """A frame as bytes.

    Raises:
        WireError: something in it cannot be written, or it is too large.
    """
    buffer = io.BytesIO()
    buffer.write(_LENGTH.pack(0))
    try:
        _Writer(buffer, protocol=5).dump(message)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise WireError(f"cannot be written: {error}") from None
    size = buffer.tell() - _LENGTH.size
    if size > MAX_FRAME_BYTES:
        raise WireError(f"a frame of {size} bytes is over {MAX_FRAME_BYTES}")
    buffer.seek(0)
    buffer.write(_LENGTH.pack(size))
    return buffer.getvalue()


def decode(body: bytes) -> tuple[Any, ...]:
    """The message of a frame's body.

    Raises:
        WireError: it is none, or names what may not be built.
    """
    try:
        message = _Reader(io.BytesIO(body)).load()
    except WireError:
        raise
    except Exception as error:  # noqa: BLE001 - pickle raises what it likes on bytes that are none of its own
        raise WireError(f"{len(body)} bytes are no message: {type(error).__name__}") from None
    if not isinstance(message, tuple) or not message or not isinstance(message[0], str):
        raise WireError("a message is no tuple that begins with its name")
    return message


async def read_message(reader: asyncio.StreamReader) -> tuple[Any, ...] | None:
    """The next message; None at the end of the stream, however it ended.

    Raises:
        WireError: what came is no message.
    """
    try:
        (size,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if size > MAX_FRAME_BYTES:
            raise WireError(f"a frame of {size} bytes was announced")
        body = await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return decode(body)
