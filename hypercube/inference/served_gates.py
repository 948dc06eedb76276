"""The way in to a served model: who may use its loaded copy now, and who waits until there is one."""

import asyncio

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import COMING, EngineState
from hypercube.inference.admission import Admission
from hypercube.inference.engine import Engine
from hypercube.inference.incarnation import Incarnation
from hypercube.inference.loader import Loader
from hypercube.inference.served_status import ServedStatus, StatusListener
from hypercube.model_registry.manifest import ModelManifest


class ServedGates(ServedStatus):
    """A model with its gates, which are shut while nothing is loaded: whoever may wait waits in them.

    Attributes:
        current: the loaded copy; None while there is none.
        loader: loads copies, and shares memory out.
        admission: places of generations.
        entrance: the same for work that has batchers of its own and no slots (embeddings, scores, tokens).
    """

    def __init__(
        self,
        manifest: ModelManifest,
        loader: Loader,
        *,
        max_queued: int,
        clock: Clock,
        on_status: StatusListener,
    ) -> None:
        super().__init__(manifest, clock, on_status)
        self.current: Incarnation | None = None
        self.loader = loader
        self.admission = Admission(0, max_queued, clock, self._released)
        self.entrance = Admission(0, max_queued, clock, self._released)
        self._died: asyncio.Task[HyperCubeError] | None = None
        self._release = asyncio.Event()

    @property
    def in_use(self) -> int:
        """Requests under way, those in line for it not counted."""
        return self.admission.running + self.entrance.running

    def want(self) -> None:
        """Have it loaded, in the background, if it is not."""
        raise NotImplementedError

    async def enter(self, gate: Admission, call: Call) -> Incarnation:
        """A place at `gate`, which the caller gives back, and the copy to use; begins a load if that is needed.

        The call is told the version.

        Raises:
            HyperCubeError: UNAVAILABLE when it is not loaded and does not load by itself; as `Admission.acquire`.
        """
        if self.status.state is not EngineState.READY:
            if not (self.on_demand and self.status.state in COMING):
                raise self.unavailable()
            self.want()
        await gate.acquire(call)
        self.touch()
        if self._died is not None and self._died.done() and self.status.state is EngineState.READY:
            # The place is free because the engine died, and its life has not said so yet.
            gate.release()
            await self.next_status()
            raise self.unavailable()
        if self.current is None or self.status.state in {EngineState.FAILED, EngineState.STOPPED}:
            gate.release()
            raise self.unavailable()
        if call.only_version and self.current.manifest.version != call.only_version:
            # Another version took its place while this request, for that one alone, was in line.
            gate.release()
            raise HyperCubeError(
                ErrorKind.UNAVAILABLE,
                f"Version {call.only_version} of {self.manifest.name!r} was just replaced by "
                f"{self.current.manifest.version}.",
                fix="Ask for it again: it is loaded beside that one.",
                retry_after_s=1.0,
            )
        call.served_by = self.current.manifest.reference
        return self.current

    def working(self, engine: Engine) -> Engine:
        """`engine`, unless what it works with has failed or the server stops: then UNAVAILABLE."""
        if self.status.state in {EngineState.FAILED, EngineState.STOPPED} and (
            self.current is None or self.current.engine is engine
        ):
            raise self.unavailable()
        return engine

    def _shut(self, error: HyperCubeError | None = None) -> None:
        """Let nobody in; `error` sends away those who wait."""
        for gate in (self.admission, self.entrance):
            gate.shut(self.load_s)
            if error is not None:
                gate.fail_waiting(error)

    def _released(self) -> None:
        self._release.set()
        self._release = asyncio.Event()
        if self.in_use == 0:
            self.loader.residency.changed()
