"""Hot reload: another version of a served model takes the place of the one that works, without losing a request.

Where the memory budget has room for both, the new version is fetched, loaded and makes its first token while the old
one serves; then new requests go to the new one in one step, the old one finishes what it has begun, and leaves. Where
it has not, the old one finishes first and leaves, requests wait, and the new one is loaded in its place. Either way a
version that does not come up changes nothing: the old one serves (again).
"""

from dataclasses import dataclass

from hypercube.core.clock import Clock
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.served_models import EngineState
from hypercube.inference.engine import Engine
from hypercube.inference.incarnation import Incarnation
from hypercube.inference.preparation import Preparation
from hypercube.inference.served_life import ServedLife
from hypercube.model_registry.manifest import ModelManifest


@dataclass(frozen=True, slots=True)
class Replacement:
    """How a version took another one's place.

    Attributes:
        before: the version that served.
        after: the version that serves now.
        beside: whether both were loaded at the switch; otherwise requests waited for `away_s`.
        away_s: seconds without a loaded version.
        took_s: seconds from the command to the switch.
    """

    before: str
    after: str
    beside: bool
    away_s: float
    took_s: float


class Replacing:
    """One exchange; its model stands by meanwhile (nothing else loads or evicts it)."""

    def __init__(self, served: ServedLife, clock: Clock) -> None:
        self._served = served
        self._clock = clock
        self._aside = True

    async def replace(self, manifest: ModelManifest) -> Replacement:
        """Serve `manifest` in place of the present version.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for another model's manifest; what the load of the new version raised,
                saying which version serves now.
        """
        served = self._served
        if manifest.name != served.name:
            raise invalid(
                f"A version of {manifest.name!r} cannot replace {served.name!r}.",
                param="model",
                value=manifest.name,
                fix=f"Give a manifest of {served.name!r}.",
            )
        async with served.operation:
            await served.stand_by()
            before, began = served.manifest, self._clock()
            try:
                engine = served.make(manifest)
                preparation = await served.loader.fetch(manifest, self._say)
                need = await served.loader.needed(preparation.manifest)
                beside = served.current is None or served.loader.residency.fits_beside(served, need)
                away_s = 0.0 if beside else await self._swap(preparation, engine, before)
                if beside:
                    await self._switch(await self._load(preparation, engine))
            except HyperCubeError as error:
                raise _kept(error, before, manifest) from error
            finally:
                served.stand_by_ended()
            self._tell(f"version {manifest.version} serves, in place of {before.version}")
            return Replacement(before.version, manifest.version, beside, away_s, self._clock() - began)

    async def _load(self, preparation: Preparation, engine: Engine) -> Incarnation:
        served = self._served
        return await served.loader.load(
            served, preparation, engine, self._say, served.working, furnish=served.adapters.furnish
        )

    async def _swap(self, preparation: Preparation, engine: Engine, before: ModelManifest) -> float:
        """The old one leaves first; seconds without either."""
        served, version = self._served, preparation.manifest.version
        self._tell(
            f"the memory budget does not hold {before.version} and {version} together: one after the other"
        )
        await served.make_way(f"being replaced by version {version}, which needs its memory")
        gone = self._clock()
        self._aside = False
        try:
            await self._switch(await self._load(preparation, engine))
        except HyperCubeError as error:
            # The old version is tried once here, so that whoever waits goes on waiting; if that fails too, its
            # life goes on as after any failed load.
            try:
                back = await served.loader.fetch(before, self._say)
                await self._switch(await self._load(back, served.make(before)))
            except HyperCubeError as second:
                error.message += f" It could not be loaded again at once: {second.message}"
            raise
        return self._clock() - gone

    async def _switch(self, copy: Incarnation) -> None:
        """New requests go to `copy`, unless the server was stopped meanwhile."""
        if self._served.status.state is EngineState.STOPPED:
            await self._served.loader.end(copy)
            raise self._served.unavailable()
        self._served.install(copy)

    def _say(
        self, state: EngineState, reason: str, *, progress: float | None = None, left_s: float = 0.0
    ) -> None:
        if not self._aside:
            self._served.say(state, reason, progress=progress, left_s=left_s)

    def _tell(self, sentence: str) -> None:
        self._served.loader.on_line(f"{self._served.name}: {sentence}.")


def _kept(error: HyperCubeError, before: ModelManifest, wanted: ModelManifest) -> HyperCubeError:
    failure = HyperCubeError.of(error.failure())
    failure.message = (
        f"Version {wanted.version} of {before.name!r} does not come up, and version {before.version} stays: "
        f"{failure.message}"
    )
    return failure
