"""The versions of one model in a running server: which one a request gets, and who answers if that one cannot.

The *home* answers the model's bare name. Others stand beside it while a split, an alias or a request by version wants
them; each is a `ServedEngine` of its own, loaded on demand, with its own queue, under the common memory budget.
`upkeep` follows the registry: it makes another version the home, loads canaries, judges them, lets versions go.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState, ServedVersion
from hypercube.inference.canary import Window, p95
from hypercube.inference.known_versions import KnownVersions
from hypercube.inference.routing import ModelRouting, base_of
from hypercube.inference.served import ServedEngine
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.routes import Routes
from hypercube.model_registry.versions import is_semver

MOST_BESIDE: Final = 4
"""Versions of one model beside its home; asking for versions by number must not fill the memory."""


class WithdrawnError(Exception):
    """A canary was withdrawn while a request waited for it."""


@dataclass(slots=True)
class Canary:
    """A version that a split sends requests to, or the one that it is compared with.

    Attributes:
        target: the alias or version in the split.
        version: which version that was.
        window: what it did lately.
        why: the reason with figures, once requests were taken away from it; empty before.
        recorded: once withdrawn, how many moves of the model's routes there were with this one; 0 = not recorded yet.
        warmed: whether it was loaded for this split already; after that, requests load it.
    """

    target: str
    version: str
    window: Window
    why: str = ""
    recorded: int = 0
    warmed: bool = False
    _waits: set[asyncio.Timeout] = field(default_factory=set)

    @property
    def withdrawn(self) -> bool:
        """Whether requests were taken away from it."""
        return bool(self.why)

    def withdraw(self, why: str) -> None:
        """Send it no more requests, and give up those that wait for it."""
        self.why = why
        for scope in self._waits:
            scope.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def waited_for(self) -> AsyncIterator[None]:
        """What is awaited in this block is given up, with WithdrawnError, when requests are taken away from it."""
        scope = asyncio.timeout(0 if self.withdrawn else None)
        try:
            async with scope:
                self._waits.add(scope)
                yield
        except TimeoutError:
            if scope.expired():
                raise WithdrawnError from None
            raise
        finally:
            self._waits.discard(scope)


@dataclass(frozen=True, slots=True)
class Pick:
    """Who answers a request.

    Attributes:
        served: the version.
        spare: who answers if that one fails before its first byte, or is withdrawn while the request waits.
        canary: keeps account of it, where a split is in force.
        spare_canary: the same for `spare`.
        only: the version that `served` must still be when it answers; empty = any.
    """

    served: ServedEngine
    spare: ServedEngine | None = None
    canary: Canary | None = None
    spare_canary: Canary | None = None
    only: str = ""

    def instead(self) -> "Pick":
        """The spare, which has none itself."""
        return Pick(self.spare or self.served, None, self.spare_canary)


class ModelVersions:
    """The home of one model, the versions beside it, and the account of its split.

    Attributes:
        home: answers the bare name.
        beside: the others by version.
        canaries: the account of each target of the split in force, the compared one among them.
        routing: where references lead; None for a model that the registry does not know.
        leaving: versions that lost their part of the split or the bare name, and go when nobody uses them.
        fallback: the home before this one, which answers for it until it was loaded once; None after that.
        notes: by topic, why something is not as the registry says.
        known: what can be asked for by version or alias.
    """

    def __init__(
        self,
        home: ServedEngine,
        routing: ModelRouting | None,
        make: Callable[[ModelManifest, str], ServedEngine],
        clock: Clock,
    ) -> None:
        """`make` puts a version beside the home: a lazy engine that is shown as the reference given."""
        self.home = home
        self.beside: dict[str, ServedEngine] = {}
        self.canaries: dict[str, Canary] = {}
        self.routing = routing
        self.leaving: set[str] = set()
        self.fallback: ServedEngine | None = None
        self.notes: dict[str, str] = {}
        self.known = KnownVersions(routing)
        self._make = make
        self._clock = clock
        self._standing: dict[str, str] = {}

    @property
    def name(self) -> str:
        """Of the model."""
        return self.home.manifest.name

    def all(self) -> Iterator[ServedEngine]:
        """Every version that is served, the home first."""
        yield self.home
        yield from self.beside.values()

    # -- a request

    def pick(self, selector: str, key: str | None) -> Pick:
        """Who answers `name@selector`, or the bare name; the same version of a split for the same `key`.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND for a version or alias that there is not; as `ModelRouting.to`; OVERLOADED
                when too many versions are in use.
        """
        if selector:
            return self._asked_for(selector)
        if self.routing is None:
            return Pick(self.home)
        try:
            split = self.routing.split(self.routing.routes())
            if not split:
                return Pick(self.home, self.fallback)
            target = self.routing.chosen(key)
        except (HyperCubeError, OSError):
            # A store that cannot be read takes nobody's answer away; `upkeep` says what is wrong.
            return Pick(self.home, self.fallback)
        home = self.home.manifest.version
        base = self.canary(base_of(split), home)
        if target.name == base.target or target.manifest.version == home:
            return Pick(self.home, self.fallback, base)
        canary = self.canary(target.name, target.manifest.version)
        served = self.beside.get(canary.version)
        if served is None or canary.withdrawn:
            return Pick(self.home, self.fallback, base)
        if served.status.state is not EngineState.READY:
            if canary.warmed and served.status.state is EngineState.IDLE:
                served.want()
            return Pick(self.home, self.fallback, base)
        return Pick(served, self.home, canary, base)

    def canary(self, target: str, version: str) -> Canary:
        """The account of a target of the split; a new one when it leads to another version now."""
        found = self.canaries.get(target)
        if found is None or found.version != version:
            found = self.canaries[target] = Canary(target, version, Window(self._clock))
        return found

    def _asked_for(self, selector: str) -> Pick:
        """Of a version or an alias by name; it is loaded if need be, and the request waits."""
        if self.routing is None:
            if selector == self.home.manifest.version:
                return Pick(self.home)
            raise self._unknown(selector)
        own = self.home.manifest
        if selector == own.version or (
            own.derivation is not None and selector == own.derivation.source.version
        ):
            return Pick(self.home, only=own.version)
        target = self.routing.to(selector)
        version = target.manifest.version
        if version == own.version:
            self._standing[selector] = version
            if is_semver(selector):
                return Pick(self.home, only=version)
            return Pick(self.home, self.fallback)
        if not is_semver(selector) and self._follows(version):
            # The home is on its way to that version.
            return Pick(self.home)
        served = self.put_beside(target.manifest)
        if is_semver(selector):
            return Pick(served)
        # An alias that was moved: what answered it until now does so until the new version is ready.
        before = self._standing.get(selector)
        old = self.beside.get(before or "") if before != own.version else self.home
        if old is None or old is served or served.status.state is EngineState.READY:
            self._standing[selector] = version
            return Pick(served)
        if old.status.state is not EngineState.READY:
            return Pick(served, old)
        if served.status.state is EngineState.IDLE:
            served.want()
        return Pick(old)

    def _follows(self, version: str) -> bool:
        """Whether the home is to become `version`."""
        if self.routing is None:
            return False
        try:
            base = self.routing.base(self.routing.routes())
        except (HyperCubeError, OSError):
            return False
        return base is not None and base.manifest.version == version

    def put_beside(self, manifest: ModelManifest) -> ServedEngine:
        """A version beside the home, loaded by the first request for it.

        Raises:
            HyperCubeError: OVERLOADED when there are `MOST_BESIDE` in use; as the factory of engines.
        """
        served = self.beside.get(manifest.version)
        self.leaving.discard(manifest.version)
        if served is None:
            self._check_room(manifest)
            served = self.beside[manifest.version] = self._make(manifest, manifest.reference)
            served.start()
        return served

    def _check_room(self, manifest: ModelManifest) -> None:
        wanted = [served for version, served in self.beside.items() if version not in self.leaving]
        if len(wanted) < MOST_BESIDE:
            return
        split = {canary.version for canary in self.canaries.values()}
        idle = [each for each in wanted if each.in_flight == 0 and each.manifest.version not in split]
        if not idle:
            raise HyperCubeError(
                ErrorKind.OVERLOADED,
                f"{len(wanted)} other versions of {self.name!r} are in use: {manifest.version} has to wait.",
                param="model",
                value=manifest.reference,
                fix=f"Ask for {self.name!r}, or for one of: {', '.join(self.beside)}.",
                retry_after_s=15.0,
            )
        self.leaving.add(min(idle, key=lambda served: served.last_used).manifest.version)

    def _unknown(self, selector: str) -> HyperCubeError:
        return HyperCubeError(
            ErrorKind.MODEL_NOT_FOUND,
            f"The model {self.name!r} has no version or alias {selector[:120]!r}.",
            param="model",
            value=f"{self.name}@{selector}",
            fix=f"Known: {self.home.manifest.version}.",
            details={"choices": [self.home.manifest.version]},
        )

    # -- what is shown

    def describe(self) -> tuple[ServedVersion, ...]:
        """Each version as its users see it, the home first."""
        routes, split, window_s = Routes(), {}, 60.0
        if self.routing is not None:
            try:
                routes = self.routing.routes()
                split = dict(self.routing.split(routes))
                window_s = self.routing.bounds(routes).window_s
            except (HyperCubeError, OSError):
                pass  # shown without; `upkeep` says what is wrong
        return tuple(self._version(served, routes, split, window_s) for served in self.all())

    def _version(
        self, served: ServedEngine, routes: Routes, split: Mapping[str, float], window_s: float
    ) -> ServedVersion:
        manifest = served.manifest
        known = {manifest.version}
        if manifest.derivation is not None:
            known.add(manifest.derivation.source.version)
        total = sum(split.values())
        accounts = [each for each in self.canaries.values() if split and each.version == manifest.version]
        canary = accounts[0] if accounts else None
        seen = canary.window.seen(window_s) if canary is not None else None
        shares = sum(weight for target, weight in split.items() if routes.version_of(target) in known)
        return ServedVersion(
            version=manifest.version,
            status=served.status,
            aliases=tuple(alias for alias, version in routes.aliases.items() if version in known),
            share=(shares / total if total else float(served is self.home)),
            in_flight=served.in_flight,
            measured_bytes=served.measured_bytes,
            requests=seen.requests if seen is not None else 0,
            failed=seen.failed if seen is not None else 0,
            first_p95_s=p95(seen.firsts) if seen is not None else None,
            total_p95_s=p95(seen.totals) if seen is not None else None,
            withdrawn=canary.why if canary is not None else "",
        )
