"""All models of a server that follows its registry: references resolved a request, and the tick that keeps up."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from hypercube.core.clock import Clock
from hypercube.core.served_models import ServedModel
from hypercube.inference.routing import ModelRouting, Routing
from hypercube.inference.served import ServedEngine
from hypercube.inference.upkeep import Upkeep
from hypercube.inference.versions import ModelVersions, Pick
from hypercube.model_registry.manifest import ModelManifest

Make = Callable[[ModelManifest, str], ServedEngine]
_AT: Final = "@"


class LiveModels:
    """The versions of every served model; `homes` is kept up to date: name -> who answers the bare name."""

    def __init__(
        self,
        homes: dict[str, ServedEngine],
        routing: Routing | None,
        make: Make,
        clock: Clock,
        on_line: Callable[[str], None],
    ) -> None:
        """`make` puts a version beside its home, see `ModelVersions`; without `routing` every model is what it is."""
        self._homes = homes
        self._poll_s = 0.0 if routing is None else routing.poll_s
        known = frozenset() if routing is None else frozenset(routing.registry.names())
        self._versions: dict[str, ModelVersions] = {}
        self._upkeep: list[Upkeep] = []
        for name, home in homes.items():
            own = None if routing is None or name not in known else ModelRouting(name, routing)
            versions = self._versions[name] = ModelVersions(home, own, make, clock)
            if own is not None:
                self._upkeep.append(Upkeep(versions, own, clock, self._moved, on_line))
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow the registry."""
        if self._upkeep and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._follow(), name="follow the registry")

    async def close(self) -> None:
        """Follow no longer, and end what stands beside the homes."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(upkeep.close() for upkeep in self._upkeep))
        await asyncio.gather(
            *(served.close() for each in self._versions.values() for served in each.beside.values())
        )

    def all(self) -> Iterable[ServedEngine]:
        """Every version of every model."""
        for versions in self._versions.values():
            yield from versions.all()

    def pick(self, reference: str, key: str | None) -> Pick | None:
        """Who answers `name`, `name@version` or `name@alias`; None for a name that is not served.

        Raises:
            HyperCubeError: as `ModelVersions.pick`.
        """
        name, _, selector = reference.partition(_AT)
        versions = self._versions.get(name)
        return None if versions is None else versions.pick(selector, key)

    def describe(self, name: str) -> ServedModel:
        """The model with its versions."""
        versions = self._versions[name]
        shown = versions.home.describe(versions.describe(), "; ".join(versions.notes.values()))
        home = versions.home.manifest
        return replace(shown, known=versions.known.of(home), aliases=versions.known.aliases(home))

    def _moved(self, home: ServedEngine) -> None:
        self._homes[home.manifest.name] = home

    async def _follow(self) -> None:
        while True:
            for upkeep in self._upkeep:
                upkeep.tick()
            await asyncio.sleep(self._poll_s)
