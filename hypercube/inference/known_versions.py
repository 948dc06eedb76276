"""Which versions of a model requests can ask for by name, and what the signature of each takes and gives."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from hypercube.core.errors import HyperCubeError
from hypercube.core.served_models import KnownVersion
from hypercube.core.tensors import Datatype, TensorSpec
from hypercube.inference.routing import ModelRouting
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.routes import LATEST
from hypercube.model_registry.signature import Tensor


class KnownVersions:
    """Those of one model; worked out anew when the versions that are here change, or its home does."""

    def __init__(self, routing: ModelRouting | None) -> None:
        """`routing` is None for a model that the registry does not know."""
        self._routing = routing
        self._of: tuple[ModelManifest, tuple[ModelManifest, ...]] | None = None
        self._known: tuple[KnownVersion, ...] = ()

    def of(self, home: ModelManifest) -> tuple[KnownVersion, ...]:
        """Them, the one that `name@latest` means first; `home` answers the bare name."""
        here: tuple[ModelManifest, ...] = ()
        if self._routing is not None:
            with suppress(HyperCubeError, OSError):  # what runs can still be asked for
                here = self._routing.registry.here(home.name)
        if self._of is None or self._of[0] is not home or self._of[1] != here:
            self._known = tuple(self._list(home, here))
            self._of = home, here
        return self._known

    def aliases(self, home: ModelManifest) -> Mapping[str, str]:
        """Alias -> the version that it leads to, of those that are known; `latest` among them."""
        known = self.of(home)
        if self._routing is None:
            return {}
        try:
            leads = dict(self._routing.routes().aliases)
            newest = self._routing.registry.versions(home.name)[0].version
        except (HyperCubeError, OSError):
            return {}
        versions = {each.version for each in known}
        return {alias: version for alias, version in {**leads, LATEST: newest}.items() if version in versions}

    def _list(self, home: ModelManifest, here: Sequence[ModelManifest]) -> list[KnownVersion]:
        source = home.derivation.source.version if home.derivation is not None else home.version
        found: list[KnownVersion] = []
        for manifest in here:
            if manifest.version in (home.version, source):
                found.append(_known(manifest, home.version))
                continue
            assert self._routing is not None  # nothing is here without it
            try:
                found.append(_known(manifest, self._routing.to(manifest.version).manifest.version))
            except (HyperCubeError, OSError):
                continue  # not for this server's engine or memory
        if all(each.version != home.version for each in found):
            found.append(_known(home, home.version))
        return found


def _known(manifest: ModelManifest, answers: str) -> KnownVersion:
    signature = manifest.signature
    if signature is None:
        return KnownVersion(manifest.version, answers)
    return KnownVersion(manifest.version, answers, _specs(signature.inputs), _specs(signature.outputs))


def _specs(tensors: Sequence[Tensor]) -> tuple[TensorSpec, ...]:
    """As the protocol's users see them; a signature with a type that the protocol does not have tells them nothing."""
    if any(tensor.dtype not in set(Datatype) for tensor in tensors):
        return ()
    return tuple(TensorSpec(each.name, Datatype(each.dtype), each.shape, each.optional) for each in tensors)
