"""Where a reference leads in a running server: the registry's answer, as versions that engines here can run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.routes import PRODUCTION, Routes

Fit = Callable[[ModelManifest], ModelManifest]


@dataclass(frozen=True, slots=True)
class Routing:
    """What a cluster needs to follow the registry.

    Attributes:
        registry: of the store that the cluster loads from.
        fit: the version of a model that runs under this server's settings (converted for its engine, say).
        bounds: of splits that come without.
        means: name -> reference that the settings give for it; a bare name means that one.
        poll_s: how often the routes are looked at when no request does.
    """

    registry: ModelRegistry
    fit: Fit = lambda manifest: manifest
    bounds: CanaryBounds = field(default_factory=CanaryBounds)
    means: Mapping[str, str] = field(default_factory=dict)
    poll_s: float = 0.25


@dataclass(frozen=True, slots=True)
class Target:
    """Where a reference leads.

    Attributes:
        name: the alias or version that was taken.
        manifest: of the version, fitted.
    """

    name: str
    manifest: ModelManifest


def base_of(split: Mapping[str, float]) -> str:
    """The target that the others are compared with: production, or the one that most requests go to."""
    return PRODUCTION if PRODUCTION in split else max(split, key=lambda target: split[target])


class ModelRouting:
    """The routes of one model."""

    def __init__(self, name: str, routing: Routing) -> None:
        self.name = name
        self._routing = routing
        self._reference = routing.means.get(name, name)
        self._fitted: dict[str, tuple[ModelManifest, ModelManifest]] = {}

    @property
    def registry(self) -> ModelRegistry:
        """Where the routes are."""
        return self._routing.registry

    def routes(self) -> Routes:
        """Aliases and split now."""
        return self.registry.routes(self.name)

    def bounds(self, routes: Routes) -> CanaryBounds:
        """Of the targets of its split."""
        return routes.bounds or self._routing.bounds

    def split(self, routes: Routes) -> Mapping[str, float]:
        """Weights of what requests for the bare name are shared out among; empty where they are not."""
        # Settings that name a version or an alias have decided for everybody.
        shares = {} if "@" in self._reference else {t: w for t, w in routes.split.items() if w > 0}
        return shares if len(shares) > 1 else {}

    def to(self, selector: str) -> Target:
        """Where `name@selector` leads.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND; FAILED_PRECONDITION when it cannot be run here, or its files would have
                to be fetched first.
        """
        found = self.registry.resolve(f"{self.name}@{selector}")
        if not self.registry.store.has(found):
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{found.reference} is not here, and no request makes a server download it.",
                param="model",
                value=f"{self.name}@{selector}",
                fix=f"Fetch it first: hypercube models pull {found.reference}",
            )
        return Target(selector, self._fit(found))

    def base(self, routes: Routes) -> Target | None:
        """What answers the bare name where no split says otherwise: what canaries are compared with, and give way to.

        None when that is not here: nothing is fetched while serving.

        Raises:
            HyperCubeError: as `to`.
        """
        split = self.split(routes)
        if not split:
            found = self.registry.route(self._reference if "@" in self._reference else self.name, "")
            return (
                Target(found.target, self._fit(found.manifest))
                if self.registry.store.has(found.manifest)
                else None
            )
        return self.to(base_of(split))

    def chosen(self, key: str | None) -> Target:
        """What the split gives to `key`. Raises as `to`."""
        found = self.registry.route(self.name, key)
        return Target(found.target, self._fit(found.manifest))

    def _fit(self, manifest: ModelManifest) -> ModelManifest:
        kept = self._fitted.get(manifest.version)
        if kept is None or kept[0] != manifest:
            kept = self._fitted[manifest.version] = (manifest, self._routing.fit(manifest))
        return kept[1]
