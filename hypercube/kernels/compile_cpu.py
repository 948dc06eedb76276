"""Build a `.cu` source for this machine's CPU and load it: what the `native` backends share.

The library goes to a folder of the user's, once for each source, compiler, set of flags and processor (built
with -march=native, it may not run on another), and is written under another name first, so that two processes
may build at once. HYPERCUBE_KERNELS_CACHE moves the folder; CXX names the compiler.
"""

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError

FLAGS: Final = (
    "-x", "c++", "-std=c++17", "-O3", "-march=native", "-fopenmp-simd", "-fwrapv", "-fvisibility=hidden",
    "-shared", "-fPIC",
)  # fmt: skip
_COMPILERS: Final = ("g++", "clang++", "c++")
_SHIM: Final = Path(__file__).parent / "shim.h"
_BUILD_LIMIT_S: Final = 120


def load(op: str, source: Path) -> ctypes.CDLL:
    """The library of a `.cu` source, built if the cache folder does not hold it (about a second).

    Args:
        op: operation, for messages and file names.
        source: the `.cu` file; it may include shim.h.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when there is no compiler, it fails, or the folder is unusable.
    """
    library = _library_path(op, source)
    if not library.is_file():
        _build(op, source, library)
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise _refused(
            op, f"the library {library} cannot be loaded: {error}", "Delete that file to build it anew."
        ) from error


def built(op: str, source: Path) -> bool:
    """Whether `load` would find its library; never starts a compiler."""
    try:
        return _library_path(op, source).is_file()
    except HyperCubeError:
        return False


def compiler() -> str | None:
    """The C++ compiler's path: $CXX if set, else the first of g++, clang++, c++; None without one."""
    named = os.environ.get("CXX")
    candidates = (named,) if named else _COMPILERS
    return next((found for name in candidates if (found := shutil.which(name))), None)


def _library_path(op: str, source: Path) -> Path:
    found = compiler()
    if found is None:
        named = os.environ.get("CXX")
        raise _refused(
            op,
            f"CXX names {named!r}, which is not found"
            if named
            else f"none of {', '.join(_COMPILERS)} is found",
            "Install a C++ compiler (Debian: apt-get install g++), or use backend='numba'.",
        )
    compiled_with = Path(found).resolve()
    version = compiled_with.stat()
    key = hashlib.sha256()
    for part in (
        source.read_bytes(),
        _SHIM.read_bytes(),
        " ".join(FLAGS).encode(),
        f"{compiled_with} {version.st_size} {version.st_mtime_ns}".encode(),
        _processor().encode(),
    ):
        key.update(hashlib.sha256(part).digest())
    return _folder() / f"{op}-{key.hexdigest()[:20]}.so"


_chosen: list[Path] = []


def keep_in(folder: Path) -> None:
    """Keep what is compiled in `folder` from now on (a server's `kernels.cache` setting)."""
    _chosen[:] = [folder]


def _folder() -> Path:
    named = os.environ.get("HYPERCUBE_KERNELS_CACHE")
    if _chosen or named:
        return _chosen[0] if _chosen else Path(str(named))
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "hypercube" / "kernels"


def _build(op: str, source: Path, library: Path) -> None:
    found = compiler()
    assert found is not None
    folder = library.parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        owner = folder.stat()
        if hasattr(os, "getuid") and (owner.st_uid != os.getuid() or owner.st_mode & stat.S_IWOTH):
            raise _refused(
                op,
                f"the folder {folder} belongs to another user or is writable by all",
                "Set HYPERCUBE_KERNELS_CACHE to a folder of your own.",
            )
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch) / library.name
            # Warnings about code are for our tests; -w keeps a user's terminal clean.
            command = [found, *FLAGS, "-w", f"-I{_SHIM.parent}", str(source), "-o", str(made)]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_BUILD_LIMIT_S, check=False
            )
            if done.returncode != 0:
                raise _refused(
                    op,
                    f"{found} failed with status {done.returncode}: {done.stderr.strip()[-500:]}",
                    "Set CXX to another C++17 compiler, or use backend='numba'.",
                )
            made.replace(library)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(
            op,
            f"nothing can be built in {folder}: {error}",
            "Set HYPERCUBE_KERNELS_CACHE to a folder that can be written, or use backend='numba'.",
        ) from error


@functools.cache
def _processor() -> str:
    """What -march=native depends on: the architecture, and on Linux the processor's feature flags."""
    features = ""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in {"model name", "flags", "Features"}:
                features += value
            if not line.strip() and features:
                break
    except OSError:
        features = platform.processor()
    return f"{platform.system()} {platform.machine()} {features}"


def _refused(op: str, problem: str, fix: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"Backend 'native' of {op} cannot be built: {problem}.",
        param="backend",
        value="native",
        fix=fix,
    )
