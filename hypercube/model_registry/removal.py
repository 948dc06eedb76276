"""Takes models out of a store, and nothing that is in use."""

import shutil
import threading
from dataclasses import dataclass

from hypercube.core.clock import monotonic
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry import collection
from hypercube.model_registry.catalogue import not_found
from hypercube.model_registry.collection import Garbage
from hypercube.model_registry.disk import size_of
from hypercube.model_registry.fetching import Fetcher
from hypercube.model_registry.hub import Origin
from hypercube.model_registry.layout import Layout
from hypercube.model_registry.leases import LeaseFolder
from hypercube.model_registry.manifest import ModelFile
from hypercube.model_registry.records import Record, RecordFolder
from hypercube.model_registry.route_log import RouteLog
from hypercube.model_registry.transfer import Meter, silent


@dataclass(frozen=True, slots=True)
class Remover:
    """Removes from one store; see `ModelStore.remove` and `ModelStore.collect`."""

    layout: Layout
    records: RecordFolder
    leases: LeaseFolder
    fetcher: Fetcher

    def remove(self, name: str, version: str | None) -> int:
        """As `ModelStore.remove`; an OSError stays one."""
        with self.layout.changing():
            records = self.records.all()
            going = [
                record for record in records if record.name == name and version in (None, record.version)
            ]
            if not going:
                raise self._not_here(name, version, records)
            leaving = {record.manifest.reference for record in going}
            staying = [record for record in records if record.manifest.reference not in leaving]
            self._check_unused(going, staying)
            kept = {file.sha256 for record in staying for file in record.files}
            # The links first: as long as they are there, the bytes are not free.
            for record in going:
                shutil.rmtree(self.layout.view(record.manifest), ignore_errors=True)
                self.records.delete(record)
            gone = {file.sha256: file for record in going for file in record.files if file.sha256 not in kept}
        # Whoever is fetching one of them holds its lock for long, and takes the store's on the way.
        return sum(self._remove_file(file) for file in gone.values())

    def _not_here(self, name: str, version: str | None, records: list[Record]) -> HyperCubeError:
        if version is None:
            known, wanted = tuple(dict.fromkeys(record.name for record in records)), name
        else:
            known, wanted = tuple(record.manifest.reference for record in records), f"{name}@{version}"
        return not_found(wanted, known, where=f"in the store {self.layout.root}")

    def _check_unused(self, going: list[Record], staying: list[Record]) -> None:
        uses = collection.users(staying, self._routes(), self.leases.active())
        for record in going:
            if reasons := uses.get(record.manifest.reference):
                raise HyperCubeError(
                    ErrorKind.FAILED_PRECONDITION,
                    f"{record.manifest.reference} is in use: {'; '.join(reasons)}.",
                    param="model",
                    value=record.manifest.reference,
                    fix="Move or drop its aliases (hypercube models alias), and stop what runs it.",
                    details={"users": reasons},
                )

    def _remove_file(self, file: ModelFile) -> int:
        partial, freed = self.layout.partial(file), 0
        with (
            self.fetcher.locked(file, Meter(file.size, None), silent, threading.Event()),
            self.layout.changing(),
        ):
            # Somebody may have asked for it again since: a fetch announces its version before it begins.
            if any(file.sha256 == other.sha256 for record in self.records.all() for other in record.files):
                return 0
            for path in (self.layout.blob(file), partial):
                freed += size_of(path)
                path.unlink(missing_ok=True)
            Origin(partial).forget()
            shutil.rmtree(self.layout.root / "work" / file.sha256, ignore_errors=True)
        return freed

    def collect(self, *, keep: int | None, dry_run: bool) -> tuple[Garbage, ...]:
        """As `ModelStore.collect`; an OSError stays one."""
        with self.layout.changing():
            records, leases = self.records.all(), self.leases.all()
            going: list[Record] = []
            if keep is not None:
                active = [lease for lease in leases if not lease.stale]
                uses = collection.users(records, self._routes(), active, returnable=True)
                going = collection.surplus(records, uses, keep)
            found = tuple(collection.garbage(self.layout, records, going, leases))
            if not dry_run:
                collection.delete(found)
            return found

    def _routes(self) -> RouteLog:
        # A fresh one each time: what was read a moment ago is too old to delete by.
        return RouteLog(self.layout.root / "routes", clock=monotonic)
