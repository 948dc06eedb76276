"""Which versions of which models there are: the catalogue and the store's manifests, read again when they change."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hypercube.core.clock import Clock
from hypercube.core.errors import HyperCubeError
from hypercube.model_registry.catalogue import CATALOGUE, not_found
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.versions import SemVer, is_semver

_SETTLED_NS: Final = 100_000_000
"""A folder that changed less than this ago may change again within the same tick of its clock."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model.

    Attributes:
        manifest: what it is.
        here: its files are in the store.
        made_here: converted on this machine.
    """

    manifest: ModelManifest
    here: bool
    made_here: bool

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts the version that a bare name means last."""
        text = self.manifest.version
        # A version that was converted for another engine is asked for by its own name, never meant by a bare one.
        return (not self.made_here, self.here, SemVer.parse(text).order if is_semver(text) else ())


class ModelIndex:
    """The versions by name, as of at most `poll_s` ago."""

    def __init__(self, store: ModelStore, clock: Clock, poll_s: float) -> None:
        self._store = store
        self._clock = clock
        self._poll_s = poll_s
        self._looked_at = float("-inf")
        self._signature: tuple[int, ...] | None = None
        self._versions: Mapping[str, list[Version]] = {}
        self._unreadable: dict[str, HyperCubeError] = {}

    def names(self) -> tuple[str, ...]:
        """Every model."""
        return tuple(sorted(self._read()))

    def forget(self) -> None:
        """Look at the disk before the next answer."""
        self._looked_at, self._signature = float("-inf"), None

    def of(self, name: str) -> list[Version]:
        """Every version of `name`, the one that a bare name means first.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND with the nearest and all names; FAILED_PRECONDITION when all that is known
                of it is a record that cannot be read.
        """
        found = self._read()
        if name not in found:
            if name in self._unreadable:
                raise HyperCubeError.of(self._unreadable[name].failure())
            raise not_found(name, tuple(sorted(found)), where="in the catalogue or the store")
        return found[name]

    def _read(self) -> Mapping[str, list[Version]]:
        at = self._clock()
        if at - self._looked_at >= self._poll_s:
            signature = self._folders()
            if signature is None or signature != self._signature:
                self._versions = self._load()
                self._signature = signature
            self._looked_at = at
        return self._versions

    def _folders(self) -> tuple[int, ...] | None:
        """What changes whenever a manifest comes or goes; None when it cannot be told yet."""
        times = []
        for folder in ("models", "known"):
            try:
                times.append((self._store.root / folder).stat().st_mtime_ns)
            except FileNotFoundError:
                times.append(0)
        return None if time.time_ns() - max(times) < _SETTLED_NS else tuple(times)

    def _load(self) -> dict[str, list[Version]]:
        versions: dict[str, dict[str, Version]] = {}
        # One model's damaged record, or a later release's in a shared store, is no reason to serve nothing else.
        self._unreadable.clear()
        for record in self._store.records(self._unreadable.__setitem__):
            here = record.published and self._store.has(record.manifest)
            version = Version(record.manifest, here, record.provenance is not None)
            versions.setdefault(record.name, {})[record.version] = version
        for manifest in CATALOGUE.values():
            # The catalogue says more than a record of an earlier release, and knows every source.
            own = versions.setdefault(manifest.name, {})
            kept = own.get(manifest.version)
            if kept is None or kept.manifest.digest == manifest.digest:
                own[manifest.version] = Version(manifest, self._store.has(manifest), made_here=False)
        return {
            name: sorted(own.values(), key=lambda version: version.order, reverse=True)
            for name, own in versions.items()
        }
