"""What may go from a store, and what must not: planned first as a list, then deleted from that list."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hypercube.model_registry.catalogue import CATALOGUE
from hypercube.model_registry.disk import size_of
from hypercube.model_registry.layout import Layout
from hypercube.model_registry.leases import Lease, alive
from hypercube.model_registry.records import Record
from hypercube.model_registry.route_log import RouteLog
from hypercube.model_registry.versions import SemVer, is_semver


@dataclass(frozen=True, slots=True)
class Garbage:
    """One thing that nobody needs.

    Attributes:
        path: a file, or a folder with everything below.
        bytes: of disk that deleting it gives back; links to bytes that stay count nothing.
        reason: in words.
    """

    path: Path
    bytes: int
    reason: str


def users(
    records: Iterable[Record], routes: RouteLog, leases: Iterable[Lease], *, returnable: bool = False
) -> dict[str, list[str]]:
    """`name@version` -> why it is in use: its aliases, running processes, models that load it as an adapter.

    With `returnable`, also what a rollback would bring back.
    """
    uses: dict[str, list[str]] = {}
    for name in routes.names():
        state = routes.routes(name)
        for version, reasons in state.used().items():
            uses.setdefault(f"{name}@{version}", []).extend(reasons)
        for version, reasons in state.returnable().items() if returnable else ():
            uses.setdefault(f"{name}@{version}", []).extend(reasons)
    for lease in leases:
        where = f"process {lease.pid} on {lease.host}"
        uses.setdefault(lease.reference, []).append(f"{where} ({lease.purpose})")
    for record in records:
        for adapter in record.manifest.adapters:
            uses.setdefault(adapter, []).append(f"adapter of {record.manifest.reference}")
    return uses


def surplus(records: list[Record], uses: Mapping[str, list[str]], keep: int) -> list[Record]:
    """Versions that are neither in use nor among the newest `keep` of their model.

    A version made here goes when the version that it was made from goes, unless it is in use itself.
    """
    going: list[Record] = []
    for name in dict.fromkeys(record.name for record in records):
        own = [record for record in records if record.name == name]
        original = [record for record in own if record.provenance is None and record.published]
        original.sort(key=lambda record: _order(record.version), reverse=True)
        gone = {record.version for record in original[keep:] if record.manifest.reference not in uses}
        going += [record for record in original if record.version in gone]
        going += [
            record
            for record in own
            if record.provenance is not None
            and record.provenance.get("source_version") in gone
            and record.manifest.reference not in uses
        ]
    return going


def _order(version: str) -> tuple[object, ...]:
    return (1, *SemVer.parse(version).order) if is_semver(version) else (0, version)


def garbage(layout: Layout, records: list[Record], going: list[Record], leases: list[Lease]) -> list[Garbage]:
    """Everything below the root that no record (without those `going`), lease or running process needs."""
    leaving = {record.manifest.reference for record in going}
    staying = [record for record in records if record.manifest.reference not in leaving]
    active = [lease for lease in leases if not lease.stale]
    kept = {file.sha256 for record in staying for file in record.files}
    kept |= {sha256 for lease in active for sha256 in lease.files}
    kept |= {file.sha256 for manifest in CATALOGUE.values() for file in manifest.files}
    views = {layout.view(record.manifest).name for record in staying} | {lease.view for lease in active}
    found = [
        Garbage(record.path, size_of(record.path), f"{record.manifest.reference} is not used")
        for record in going
    ]
    # The links before what they link to: as long as they are there, the bytes are not free.
    found += [
        Garbage(path, 0, "links of a version that is gone")
        for path in sorted((layout.root / "views").glob("*"))
        if path.name not in views and not path.name.startswith(".draft-")
    ]
    found += [
        Garbage(path, size_of(path), "no version has this file")
        for path in sorted((layout.root / "blobs").glob("*"))
        if path.name not in kept
    ]
    wanted = {file.sha256 for record in staying for file in record.files}
    found += [
        Garbage(path, size_of(path), "the beginning of a file that no version has")
        for path in sorted((layout.root / "partials").glob("*"))
        if path.name.split(".")[0] not in wanted
    ]
    found += [
        Garbage(path, _tree_size(path), "scratch of a process that is gone") for path in layout.abandoned()
    ]
    found += [
        Garbage(path, size_of(path), "a draft of a process that is gone")
        for folder in ("models", "known", "leases", "measured")
        for path in sorted((layout.root / folder).glob("*.tmp"))
        if not _writing(path)
    ]
    found += [
        Garbage(lease.path, size_of(lease.path), f"process {lease.pid} is gone")
        for lease in leases
        if lease.stale
    ]
    return found


def delete(garbage: Iterable[Garbage]) -> int:
    """Delete it all; returns the bytes that are free now.

    Raises:
        OSError: the file system refuses.
    """
    freed = 0
    for item in garbage:
        if item.path.is_dir() and not item.path.is_symlink():
            shutil.rmtree(item.path, ignore_errors=True)
        else:
            item.path.unlink(missing_ok=True)
        freed += item.bytes
    return freed


def _writing(draft: Path) -> bool:
    pid = draft.name.rsplit(".", 2)[-2].split("-")[0]
    # Its pid alone: a draft lives for milliseconds, and one that an old id protects goes the next time.
    return pid.isdigit() and alive(int(pid), None)


def _tree_size(folder: Path) -> int:
    return sum(size_of(path) for path in folder.rglob("*") if path.is_file())
