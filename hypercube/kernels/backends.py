"""Which implementation of an operation runs: a registry of records, an explicit choice, and an automatic one.

A backend is a module with three functions:

    <op>(...)              the operation, named as the op; the op's package says its arguments
    is_warm() -> bool      whether a call starts at once (compiled, tables on the device)
    warm_up() -> None      make it so

An explicit choice is kept or refused, never replaced: what is missing is named, with the extra that brings
it. `auto` takes the backends of the device that holds the arrays, in the order they were registered, each from
its `auto_rows` on, and does not let a call of fewer than `cold_rows` rows wait for a compiler. Modules are
imported on first use.
"""

import functools
import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest

AUTO: Final = "auto"
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Backend:
    """One implementation of one operation; validated when made."""

    op: str
    name: str
    module: str
    """Import path of the module."""
    device: Device = "cpu"
    imports: tuple[str, ...] = ()
    """Top-level packages it needs beside NumPy."""
    extra: str | None = None
    """The extra of heal7-hypercube that installs `imports`."""
    auto_rows: int | None = 0
    """`auto` may take it from so many rows on; None = only by name."""
    cold_rows: int | None = 0
    """The same while it is not warm: a call that large repays the wait; None = none does, `warm_up` must."""

    def __post_init__(self) -> None:
        for field, text in (("op", self.op), ("name", self.name), ("module", self.module)):
            if not all(part.isidentifier() for part in text.split(".")):
                raise ValueError(f"Backend {field} is {text!r}, expected an identifier")
        if self.name == AUTO:
            raise ValueError("no backend can be called 'auto'")
        if bool(self.imports) != bool(self.extra):
            raise ValueError(f"backend {self.name!r}: `imports` and `extra` go together")
        if min(self.auto_rows or 0, self.cold_rows or 0) < 0:
            raise ValueError(f"backend {self.name!r}: row counts cannot be negative")

    def missing(self) -> str | None:
        """The first package of `imports` that is not installed, or None."""
        return next((name for name in self.imports if not _installed(name)), None)

    def load(self) -> Any:
        """The module; FAILED_PRECONDITION, naming the extra, when a package it needs is missing."""
        if self.module in _loaded:
            return _loaded[self.module]
        absent = self.missing()
        if absent is not None:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"Backend {self.name!r} of {self.op} needs the package {absent!r}, which is not installed.",
                param="backend",
                value=self.name,
                fix=f'Run: pip install "heal7-hypercube[{self.extra}]"',
                details={"extra": self.extra, "missing": absent},
            )
        return _loaded.setdefault(self.module, _import(self.module))


class Choice(NamedTuple):
    """What would run, and why."""

    name: str
    reason: str


_registry: dict[str, dict[str, Backend]] = {}
_import = importlib.import_module
_loaded: dict[str, Any] = {}
"""Modules by import path, once a backend has been loaded: a call asks no more than this."""


def register(backend: Backend) -> None:
    """Add a backend; the same name twice for one op is a defect of the caller."""
    names = _registry.setdefault(backend.op, {})
    if backend.name in names:
        raise ValueError(f"backend {backend.name!r} of {backend.op} is registered already")
    names[backend.name] = backend


def backends(op: str) -> tuple[Backend, ...]:
    """The backends of an op, in `auto`'s order of preference."""
    return tuple(_names(op).values())


def get(op: str, name: str) -> Backend:
    """The backend of that name; INVALID_ARGUMENT, listing the known ones, when there is none."""
    names = _names(op)
    if name not in names:
        known = [AUTO, *names]
        close = nearest(str(name), known)
        raise invalid(
            f"Unknown backend {name!r} for {op}.",
            param="backend",
            value=name,
            fix=f"{f'Did you mean {close!r}? ' if close else ''}Use one of: {', '.join(known)}.",
            choices=known,
        )
    return names[name]


def select(op: str, rows: int, backend: str = AUTO, device: Device = "cpu") -> Backend:
    """The backend that runs `rows` rows held by `device`; `explain` says why."""
    if backend != AUTO:
        return get(op, backend)
    refusals = []
    for candidate in _names(op).values():
        refusal = _refusal(candidate, rows, device)
        if refusal is None:
            return candidate
        refusals.append(f"{candidate.name}: {refusal}")
    raise HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"No backend of {op} can run on {device} here ({'; '.join(refusals)}).",
        param="backend",
        value=backend,
        fix="Install what is missing, or pass NumPy arrays.",
    )


def explain(op: str, rows: int, backend: str = AUTO, device: Device = "cpu") -> Choice:
    """The same choice as `select`, with the reason in a sentence."""
    chosen = select(op, rows, backend, device)
    if backend != AUTO:
        return Choice(chosen.name, "asked for by name")
    passed_over = []
    for candidate in _names(op).values():
        if candidate is chosen:
            break
        if candidate.device == device:
            passed_over.append(f"{candidate.name}: {_refusal(candidate, rows, device)}")
    return Choice(chosen.name, "; ".join(passed_over) or f"the fastest for {rows:,} rows")


def warm_up(op: str, backend: str = AUTO) -> tuple[str, ...]:
    """Compile ahead: the named backend, or every CPU one that is installed and that `auto` may take.

    Returns their names, without those that `auto` found to lack something (a compiler, say).
    """
    if backend != AUTO:
        get(op, backend).load().warm_up()
        return (backend,)
    warmed = []
    for each in _names(op).values():
        if each.device == "cpu" and each.auto_rows is not None and each.missing() is None:
            try:
                each.load().warm_up()
            except HyperCubeError as error:
                if error.kind is not ErrorKind.FAILED_PRECONDITION:
                    raise
            else:
                warmed.append(each.name)
    return tuple(warmed)


def _refusal(backend: Backend, rows: int, device: Device) -> str | None:
    """Why `auto` passes this backend over, or None."""
    if backend.device != device:
        return f"runs on {backend.device}"
    if backend.auto_rows is None:
        return f"runs on {backend.device}, only by name"
    if rows < backend.auto_rows:
        return f"pays from {backend.auto_rows:,} rows on"
    if backend.module not in _loaded and (absent := backend.missing()) is not None:
        return f"{absent} is not installed (heal7-hypercube[{backend.extra}])"
    if (backend.cold_rows is None or rows < backend.cold_rows) and not backend.load().is_warm():
        return f"not compiled yet, which {rows:,} rows do not repay; warm_up({backend.name!r}) does it ahead"
    return None


def _names(op: str) -> dict[str, Backend]:
    if op not in _registry:
        raise invalid(
            f"Unknown operation {op!r}.", param="op", value=op, fix=f"Use one of: {', '.join(_registry)}."
        )
    return _registry[op]


@functools.cache
def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
