"""System shared memory of same-host clients: tensors go in and out without passing through a connection.

A region is a range of a POSIX shared-memory object of the user that runs the server. Whoever can write there can
also end the server, so the object is trusted to keep its size while it is registered; what it holds is not
trusted. The pages are allocated when a region is registered, for a write to a full disk of memory could only end
the process.
"""

import asyncio
import contextlib
import mmap
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest, shown

FOLDER: Final = Path("/dev/shm")  # noqa: S108 - the place of POSIX shared memory
MAX_REGIONS: Final = 256
MAX_BYTES: Final = 16 << 30
"""Of all regions together."""
_MAX_NAME: Final = 256


@dataclass(frozen=True, slots=True)
class Region:
    """A registered range of bytes."""

    name: str
    key: str
    offset: int
    byte_size: int


@dataclass(frozen=True, slots=True)
class RegionSlice:
    """A part of a region, as a request names it."""

    region: str
    offset: int
    byte_size: int


@dataclass(frozen=True, slots=True)
class _Mapped:
    region: Region
    memory: memoryview
    descriptor: "_Descriptor"


class _Descriptor:
    """An open file that closes with its last user."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        os.close(self.number)


class SharedRegions:
    """The regions that clients have registered, for every transport."""

    def __init__(self, *, allowed: bool = True, folder: Path = FOLDER) -> None:
        """`allowed` is False where clients of other machines get in: they must not write to this one's memory."""
        self._allowed = allowed
        self._folder = folder
        self._regions: dict[str, _Mapped] = {}

    async def register(self, region: Region) -> None:
        """Map a region.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for a range or a key that is none; FAILED_PRECONDITION for a name that
                is taken, memory of another user, or a server that allows none; NOT_FOUND without such an object.
        """
        self._check(region)
        mapped = await asyncio.to_thread(self._map, region)
        self._check(region)  # another may have come meanwhile
        self._regions[region.name] = mapped

    def status(self, name: str = "") -> list[Region]:
        """One region, or all for an empty name.

        Raises:
            HyperCubeError: NOT_FOUND.
        """
        if name:
            return [self._find(name).region]
        return [each.region for each in self._regions.values()]

    def unregister(self, name: str = "") -> None:
        """Forget a region, or all for an empty name; one that is not registered is forgotten already.

        Requests that use it keep its memory until they end.
        """
        if name:
            self._regions.pop(name, None)
        else:
            self._regions.clear()

    def view(self, part: RegionSlice) -> memoryview:
        """The memory of a part, writable.

        Raises:
            HyperCubeError: NOT_FOUND; INVALID_ARGUMENT for a part that is not inside its region.
        """
        found = self._find(part.region)
        end = part.offset + part.byte_size
        if part.offset < 0 or part.byte_size < 0 or end > found.region.byte_size:
            raise invalid(
                f"Bytes {shown(part.offset)} to {shown(end)} are not inside the region {part.region!r} of "
                f"{found.region.byte_size:,} bytes.",
                param="shared_memory_offset",
                value=part.offset,
                fix="Give an offset from the beginning of the region, and a size that ends inside it.",
            )
        # A page behind the end of an object that was cut off since would end the process.
        if _size(found.descriptor.number, found.region) < found.region.offset + found.region.byte_size:
            raise _unusable(found.region, "the object has become smaller since it was registered")
        return found.memory[part.offset : end]

    def _map(self, region: Region) -> _Mapped:
        descriptor = _Descriptor(self._open(region))
        size = _size(descriptor.number, region)
        if region.offset + region.byte_size > size:
            raise invalid(
                f"The region {region.name!r} ends at byte {region.offset + region.byte_size:,}, and "
                f"{region.key!r} has {size:,}.",
                param="byte_size",
                value=region.byte_size,
                fix="Register a range that lies inside the shared-memory object.",
            )
        try:
            os.posix_fallocate(descriptor.number, region.offset, region.byte_size)
        except OSError as error:
            raise _unusable(region, f"its memory cannot be had: {error.strerror}") from error
        # A map begins at a page.
        begin = region.offset - region.offset % mmap.ALLOCATIONGRANULARITY
        length = region.offset + region.byte_size - begin
        mapped = mmap.mmap(descriptor.number, length, offset=begin)
        memory = memoryview(mapped)[region.offset - begin :]
        return _Mapped(region, memory, descriptor)

    def _find(self, name: str) -> _Mapped:
        found = self._regions.get(name)
        if found is None:
            like = nearest(name, self._regions)
            raise HyperCubeError(
                ErrorKind.NOT_FOUND,
                f"No shared-memory region {shown(name)!r} is registered.",
                param="shared_memory_region",
                value=name,
                fix=f"Did you mean {like!r}?" if like else "Register it first.",
            )
        return found

    def _check(self, region: Region) -> None:
        if not self._allowed or not self._folder.is_dir():
            why = "this system has none" if self._allowed else "clients of other machines get in here"
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"Shared memory cannot be registered with this server: {why}.",
                fix="Send the tensors in the request.",
            )
        if not 1 <= len(region.name) <= _MAX_NAME:
            raise invalid(
                f"A region cannot be named {shown(region.name)!r}.",
                param="name",
                value=region.name,
                fix=f"Give it a name of 1 to {_MAX_NAME} characters.",
            )
        if region.name in self._regions:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"A shared-memory region {region.name!r} is registered already.",
                param="name",
                value=region.name,
                fix="Unregister it first, or take another name.",
            )
        if region.offset < 0 or region.byte_size < 1 or region.offset + region.byte_size >= 2**62:
            raise invalid(
                f"{shown(region.byte_size)} bytes from byte {shown(region.offset)} are no range of memory.",
                param="byte_size",
                value=region.byte_size,
                fix="Give an offset of 0 or more and a size of 1 or more.",
            )
        taken = sum(each.region.byte_size for each in self._regions.values())
        if len(self._regions) >= MAX_REGIONS or taken + region.byte_size > MAX_BYTES:
            raise HyperCubeError(
                ErrorKind.OVERLOADED,
                f"{len(self._regions)} regions of {taken:,} bytes are registered; at most {MAX_REGIONS} of "
                f"{MAX_BYTES:,} fit.",
                param="byte_size",
                value=region.byte_size,
                fix="Unregister regions that are not used any more.",
                retry_after_s=1.0,
            )

    def _open(self, region: Region) -> int:
        name = region.key.removeprefix("/")
        # Semaphores lie in the same folder and are no tensors.
        if not name or "/" in name or "\0" in name or name in (".", "..") or name.startswith("sem."):
            raise invalid(
                f"{shown(region.key)!r} is no key of a shared-memory object.",
                param="key",
                value=region.key,
                fix="Give the name as for shm_open: one slash at most, at the beginning.",
            )
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            number = os.open(self._folder / name, flags)
        except FileNotFoundError:
            raise HyperCubeError(
                ErrorKind.NOT_FOUND,
                f"There is no shared-memory object {region.key!r} on this machine.",
                param="key",
                value=region.key,
                fix="Create it first, on the machine and in the container of the server.",
            ) from None
        except (OSError, ValueError) as error:
            raise _unusable(region, getattr(error, "strerror", None) or str(error)) from None
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, number)
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                raise _unusable(region, "it is not an object of the user that runs the server")
            stack.pop_all()
        return number


def _size(descriptor: int, region: Region) -> int:
    try:
        return os.fstat(descriptor).st_size
    except OSError as error:
        raise _unusable(region, error.strerror or str(error)) from error


def _unusable(region: Region, why: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"The shared-memory object {shown(region.key)!r} cannot be used: {why}.",
        param="key",
        value=region.key,
        fix="Create it as the user that runs the server, with its full size, and leave it so while it is registered.",
    )


def no_cuda(kind: ErrorKind = ErrorKind.INVALID_ARGUMENT) -> HyperCubeError:
    """The error for CUDA shared memory, which is not offered; `kind` is the transport's word for that."""
    return HyperCubeError(
        kind,
        "CUDA shared memory cannot be registered with this server.",
        fix="Use system shared memory (SystemSharedMemoryRegister), or send the tensors in the request.",
    )
