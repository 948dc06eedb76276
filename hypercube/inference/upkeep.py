"""What keeps the versions of one model as the registry says: seen by a tick that never waits, done in the background.

- Another version becomes the home: it is fetched, loaded and makes its first token beside the old one, then requests
  go to it in one step. Where the memory budget does not hold both, `replacement` lets the old one finish first. One
  that does not come up changes nothing.
- A target of a split is loaded once, as soon as its model is; until it is ready, and whenever it is not, the home
  answers for it. After that, requests load it.
- A target that leaves its bounds is withdrawn: at once here, and in the registry for everybody.
- What lost its part goes as soon as nobody uses it; what was asked for by version goes after `LINGER_S` without a
  request.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState
from hypercube.inference.canary import judge
from hypercube.inference.replacement import Replacing
from hypercube.inference.routing import ModelRouting, Target, base_of
from hypercube.inference.served import ServedEngine
from hypercube.inference.versions import Canary, ModelVersions
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.routes import Routes

LINGER_S: Final = 300.0
AGAIN_S: Final = 15.0
"""Pause before a version that could not be had (its files, room for it) is tried again; doubled each time."""
AGAIN_MAX_S: Final = 300.0
_PASSING: Final = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.OVERLOADED})


class Upkeep:
    """Keeps one `ModelVersions`; `on_home` hears of a new home, `on_line` of what is notable."""

    def __init__(
        self,
        versions: ModelVersions,
        routing: ModelRouting,
        clock: Clock,
        on_home: Callable[[ServedEngine], None],
        on_line: Callable[[str], None],
    ) -> None:
        self._versions = versions
        self._routing = routing
        self._clock = clock
        self._on_home = on_home
        self._on_line = on_line
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._given_up: tuple[tuple[str, int], float] | None = None
        self._failures = 0

    async def close(self) -> None:
        """Stop what is under way."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def tick(self) -> None:
        """Look at the routes and the accounts, and begin what follows."""
        try:
            routes = self._routing.routes()
            self._note("routes")
        except (HyperCubeError, OSError) as error:
            self._note("routes", f"its routes cannot be read: {error}")
            return
        try:
            self._home(self._routing.base(routes), routes.moves)
        except (HyperCubeError, OSError) as error:
            self._note("home", f"what answers its name cannot be changed: {error}")
        self._split(routes)
        self._go()

    # -- the home

    def _home(self, base: Target | None, moves: int) -> None:
        self._try_home(moves)
        home = self._versions.home
        if base is None or base.manifest.version == home.manifest.version:
            self._given_up, self._failures = None, 0
            self._note("home")
            return
        wanted = base.manifest.version
        if self._given_up is not None and self._given_up[0] != (wanted, moves):
            self._given_up, self._failures = None, 0
        beside = self._versions.beside.get(wanted)
        if beside is not None and beside.status.state is EngineState.READY:
            self._switch(beside)
        elif self._given_up is not None and self._clock() < self._given_up[1]:
            return
        elif home.status.state is EngineState.IDLE:
            # Nothing of it is loaded, and nothing is to be because of this.
            before = self._versions.fallback or home
            self._switch(self._versions.put_beside(base.manifest))
            self._versions.fallback = before if before is not self._versions.home else None
        elif home.status.state in {EngineState.READY, EngineState.FAILED}:
            self._begin("home", lambda: self._become(base, moves))

    def _try_home(self, moves: int) -> None:
        """A home that was made that before it was loaded: it stays when it comes up, else the one before is back."""
        versions, home, before = self._versions, self._versions.home, self._versions.fallback
        if before is None:
            return
        if home.status.state is EngineState.READY:
            versions.fallback = None
            versions.leaving.add(before.manifest.version)
        elif home.gone_for_good:
            versions.fallback = None
            why = home.status.reason
            self._switch(before)
            self._given_up = ((home.manifest.version, moves), float("inf"))
            self._note("home", _kept(home.manifest.version, before.manifest.version, why))

    async def _become(self, base: Target, moves: int) -> None:
        """Have the version of `base` loaded, and make it the home."""
        versions, home = self._versions, self._versions.home
        before, wanted = home.manifest.version, base.manifest
        try:
            loader = home.loader
            manifest = (await loader.fetch(wanted, _say_nothing)).manifest
            need = await loader.needed(manifest)
            if home.current is None or loader.residency.fits_beside(home, need):
                await self._load(manifest)
            else:
                done = await Replacing(home, self._clock).replace(manifest)
                self._on_line(
                    f"{versions.name}: {base.name} leads to {done.after} now; there was neither version for "
                    f"{done.away_s:.1f} s."
                )
        except HyperCubeError as error:
            pause = float("inf")
            if error.kind in _PASSING:
                pause = min(AGAIN_MAX_S, AGAIN_S * 2**self._failures)
                self._failures += 1
            self._given_up = ((wanted.version, moves), self._clock() + pause)
            self._note("home", _kept(wanted.version, before, error.message))

    async def _load(self, manifest: ModelManifest) -> None:
        """Beside the home; the next tick finds it ready and makes it the home."""
        served = self._versions.put_beside(manifest)
        served.want()
        while served.status.state in {EngineState.IDLE, EngineState.PENDING}:
            await served.next_status()
        if (await served.settled()).state is EngineState.READY:
            self._switch(served)
            return
        error = served.unavailable()
        if served.gone_for_good:
            error.kind = ErrorKind.ENGINE_FAILED
        raise error

    def _switch(self, served: ServedEngine) -> None:
        """`served` answers the bare name from now on; the old home finishes what it has begun."""
        versions, old = self._versions, self._versions.home
        if served is old or served.status.state is EngineState.STOPPED:
            return
        before, after = old.manifest, served.manifest
        del versions.beside[after.version]
        served.lazy, served.on_demand, served.pinned = old.lazy, old.on_demand, old.pinned
        old.lazy = old.on_demand = True
        old.pinned = False
        served.shown_as, old.shown_as = "", before.reference
        versions.home = served
        versions.beside[before.version] = old
        versions.leaving.discard(after.version)
        versions.leaving.add(before.version)
        self._given_up, self._failures = None, 0
        self._on_home(served)
        served.tell()
        self._on_line(f"{versions.name}: version {after.version} answers, in place of {before.version}.")

    # -- the split

    def _split(self, routes: Routes) -> None:
        versions, split = self._versions, self._routing.split(routes)
        for canary in list(versions.canaries.values()):
            gone = canary.target not in split
            if gone or (canary.recorded and routes.moves >= canary.recorded):
                del versions.canaries[canary.target]
                if gone and canary.version in versions.beside:
                    versions.leaving.add(canary.version)
        if not split:
            return
        base = versions.canary(base_of(split), versions.home.manifest.version)
        bounds = self._routing.bounds(routes)
        usual = base.window.seen(bounds.window_s)
        for target in split:
            if target == base.target:
                continue
            try:
                manifest = self._routing.to(target).manifest
            except (HyperCubeError, OSError) as error:
                self._note(target, f"the split's {target} cannot be served: {error}")
                continue
            if manifest.version == versions.home.manifest.version:
                continue
            canary = versions.canary(target, manifest.version)
            if canary.withdrawn:
                self._record(canary)
                continue
            self._warm(canary, manifest)
            if (why := judge(canary.window.seen(bounds.window_s), usual, bounds)) is not None:
                self._withdraw(canary, why)

    def _warm(self, canary: Canary, manifest: ModelManifest) -> None:
        """Load it once, as soon as the home is loaded."""
        if not canary.warmed and self._versions.home.current is not None:
            self._begin(f"warm {canary.version}", lambda: self._warm_up(canary, manifest))

    async def _warm_up(self, canary: Canary, manifest: ModelManifest) -> None:
        home = self._versions.home
        canary.warmed = True
        try:
            manifest = (await home.loader.fetch(manifest, _say_nothing)).manifest
            if not home.loader.residency.fits_beside(home, await home.loader.needed(manifest)):
                canary.warmed = False
                self._note(
                    canary.target,
                    f"the memory budget does not hold {home.manifest.version} and {canary.version} together, "
                    f"and {home.manifest.version} answers for both",
                )
                await asyncio.sleep(AGAIN_S)
                return
            self._versions.put_beside(manifest).want()
            self._note(canary.target)
        except HyperCubeError as error:
            self._note(canary.target, f"the split's {canary.target} cannot be loaded: {error.message}")
            await asyncio.sleep(AGAIN_S)
            canary.warmed = False

    def _withdraw(self, canary: Canary, why: str) -> None:
        """Send it no more requests, and bring back those that wait for it; then tell everybody."""
        canary.withdraw(why)
        self._versions.leaving.add(canary.version)
        self._on_line(f"{self._versions.name}: {canary.target} ({canary.version}) is withdrawn: {why}.")
        self._record(canary)

    def _record(self, canary: Canary) -> None:
        """In the registry; again with every tick until it is there."""
        if not canary.recorded:
            self._begin(f"record {canary.target}", lambda: self._recorded(canary))

    async def _recorded(self, canary: Canary) -> None:
        registry, name = self._routing.registry, self._versions.name

        def write() -> int:
            registry.withdraw(name, canary.target, canary.version, canary.why)
            return len(registry.history(name))

        try:
            canary.recorded = await asyncio.to_thread(write)
            self._note(canary.target)
        except (HyperCubeError, OSError) as error:
            self._note(
                canary.target, f"{canary.target} is withdrawn here, but that could not be recorded: {error}"
            )

    # -- what goes

    def _go(self) -> None:
        versions = self._versions
        split = {each.version for each in versions.canaries.values() if not each.withdrawn}
        for version, served in list(versions.beside.items()):
            unused = served.in_flight == 0 and self._clock() - served.last_used > LINGER_S
            kept = version in split or served.pinned or served is versions.fallback
            if kept or not (version in versions.leaving or unused):
                continue
            if served.evictable and not (served.admission.waiting or served.entrance.waiting):
                self._begin(f"leave {version}", partial(served.evict, "nobody is sent to it any more"))
            elif unused and served.current is None and served.status.state is not EngineState.LOADING:
                del versions.beside[version]
                versions.leaving.discard(version)
                self._begin(f"close {version}", served.close)

    # -- background

    def _begin(self, what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it in the background, unless it is being done."""
        if what not in self._tasks:
            task = self._tasks[what] = asyncio.create_task(work(), name=f"{self._versions.name}: {what}")
            task.add_done_callback(lambda done: self._done(what, done))

    def _done(self, what: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(what, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._note(what, f"{what} failed: {type(error).__name__}: {error}")

    def _note(self, topic: str, note: str = "") -> None:
        """Show it, and tell it once; an empty one takes back what was noted."""
        notes, note = self._versions.notes, note.rstrip(".")
        if not note:
            notes.pop(topic, None)
        elif note != notes.get(topic):
            notes[topic] = note
            self._on_line(f"{self._versions.name}: {notes[topic]}.")


def _kept(wanted: str, before: str, why: str) -> str:
    return f"its name leads to {wanted}, which does not come up, and {before} answers: {why}"


def _say_nothing(
    state: EngineState, reason: str, *, progress: float | None = None, left_s: float = 0.0
) -> None:
    """The version that serves keeps its status."""
