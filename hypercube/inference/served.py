"""One served model through its life: fetched, checked, loaded, probed, watched, restarted."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Final

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.engine import (
    Capability,
    ChatMessage,
    EngineState,
    EngineStatus,
    GenerationEvent,
    GenerationRequest,
    Sampling,
    ServedModel,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.admission import Admission, deadline_exceeded, remaining_s
from hypercube.inference.engine import CanBeAway, Engine
from hypercube.inference.factory import EngineFactory
from hypercube.inference.restart import RestartBudget
from hypercube.model_registry.convert import convert
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import Progress

StatusListener = Callable[[str, EngineStatus], None]
LineListener = Callable[[str], None]

FETCH_AGAIN_S: Final = 15.0
"""Pause before a download that no source could deliver is tried again; doubled each time."""
FETCH_AGAIN_MAX_S: Final = 300.0
LOAD_GUESS_S: Final = 5.0
"""How long a load takes before one was seen."""
RESTART_WAIT_S: Final = 60.0
"""How long a request whose engine died waits, at most, for the next one."""
_DEATH_NEWS_S: Final = 0.5
"""A request hears of an engine's death a moment before its supervisor; one that lives failed this request only."""
_PROBE_AFTER_LOAD_S: Final = 60.0
_PROBE: Final = GenerationRequest(
    (ChatMessage("user", "1"),), max_tokens=1, sampling=Sampling(temperature=0.0)
)


class ServedEngine:
    """A model and the engine that runs it now; the cluster holds one of these a model."""

    def __init__(
        self,
        manifest: ModelManifest,
        store: ModelStore,
        make: EngineFactory,
        *,
        max_queued: int,
        clock: Clock,
        on_status: StatusListener,
        on_line: LineListener,
    ) -> None:
        self.manifest = manifest
        self.status = EngineStatus(EngineState.PENDING, "not started yet")
        self.engine: Engine = make(manifest)
        self.admission = Admission(self.engine.slots, max_queued, clock)
        self._store = store
        self._make = make
        self._clock = clock
        self._on_status = on_status
        self._on_line = on_line
        self._budget = RestartBudget(clock=clock)
        self._cancel = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._beat = asyncio.Event()
        self._beat_at = float("-inf")
        self._failed_fetches = 0
        self._retry_after_s: float | None = LOAD_GUESS_S
        self._load_s = LOAD_GUESS_S

    # -- what others see

    @property
    def name(self) -> str:
        """As users write it."""
        return self.manifest.name

    def running(self) -> Engine:
        """The engine, if it is ready to work; else UNAVAILABLE."""
        if self.status.state is not EngineState.READY:
            raise self.unavailable()
        return self.engine

    def describe(self) -> ServedModel:
        """This model as its users see it."""
        manifest = self.manifest
        return ServedModel(
            name=manifest.name,
            engine=manifest.engine,
            context_length=self.engine.context_length,
            licence=manifest.licence,
            created=manifest.created,
            status=self.status,
            capabilities=tuple(sorted(self.engine.capabilities)),
        )

    def unavailable(self) -> HyperCubeError:
        """UNAVAILABLE with the sentence of the status."""
        retry = self._retry_after_s
        return HyperCubeError(
            ErrorKind.UNAVAILABLE,
            f"The model {self.manifest.name!r} is not ready: {self.status.reason}.",
            fix=f"Try again in {retry:.0f} s."
            if retry is not None
            else "It needs the operator: see /readyz.",
            details={"state": self.status.state.value},
            retry_after_s=retry,
        )

    async def settled(self) -> EngineStatus:
        """Wait until the model is ready, has failed for good, or is stopped."""
        while True:
            state = self.status.state
            if state in {EngineState.READY, EngineState.STOPPED}:
                return self.status
            if state is EngineState.FAILED and self._retry_after_s is None:
                return self.status
            await self._changed.wait()

    def _set(
        self,
        state: EngineState,
        reason: str,
        *,
        progress: float | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        status = EngineStatus(state, reason, progress)
        self._retry_after_s = retry_after_s
        if status == self.status:
            return
        self.status = status
        self._changed.set()
        self._changed = asyncio.Event()
        self._on_status(self.manifest.name, status)

    # -- life

    def start(self) -> None:
        """Begin to fetch and load, in the background."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._live(), name=f"serve {self.manifest.name}"
            )

    async def _live(self) -> None:
        path: Path | None = None
        while True:
            try:
                path = await self._prepare()
                began = self._clock()
                await self._bring_up(path)
                self._budget.succeeded()
                self._load_s = max(1.0, self._clock() - began)
                failure = await self.engine.died()
            except HyperCubeError as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - a defect here must show in the status, not in silence
                failure = HyperCubeError(ErrorKind.INTERNAL, f"{type(error).__name__}: {error}")
            pause_s = await self._go_down(failure)
            if pause_s is None:
                return
            await asyncio.sleep(pause_s)
            self.engine = self._make(self.manifest)

    async def _go_down(self, failure: HyperCubeError) -> float | None:
        """Tell everybody, give everything back; seconds until the next start, or None for never."""
        # An engine that broke and a network that failed are worth another try; a damaged file or a missing package
        # stays what it is.
        broke = failure.kind is ErrorKind.ENGINE_FAILED
        again = broke and self._budget.spend()
        pause_s: float | None = 0.0 if again else None
        reason = failure.message.rstrip(".")
        if again:
            reason += (
                f"; restart {self._budget.spent} of {self._budget.limit} in {self._budget.window_s:.0f} s"
            )
        elif failure.kind is ErrorKind.UNAVAILABLE:
            pause_s = min(FETCH_AGAIN_MAX_S, FETCH_AGAIN_S * 2**self._failed_fetches)
            self._failed_fetches += 1
            reason += f"; trying again in {pause_s:.0f} s"
        elif broke:
            reason += f"; given up after {self._budget.limit} restarts, the server has to be restarted"
        elif failure.fix:
            reason += f". {failure.fix.rstrip('.')}"
        retry_after_s = None if pause_s is None else pause_s + self._load_s
        self._set(EngineState.FAILED, reason, retry_after_s=retry_after_s)
        self.admission.fail_waiting(self.unavailable())
        await self.engine.unload()
        return pause_s

    async def _prepare(self) -> Path | None:
        """Where the model lies, its bytes checked just now: a file (GGUF), or a folder; None without files."""
        if self.manifest.derivation is not None:
            await self._make_version(self.manifest.derivation.source)
        if not self.manifest.files:
            return None
        if not self._store.has(self.manifest):
            await self._download(self.manifest)
        self._set(EngineState.LOADING, "checking the model file", retry_after_s=self._load_s)
        await self._in_thread(lambda: self._store.verify(self.manifest, self._cancel))
        if self.manifest.format == "gguf":
            return self._store.path_of(self.manifest.files[0])
        return self._store.folder_of(self.manifest)

    async def _make_version(self, source: ModelManifest) -> None:
        """Fetch what this version is made from, and make it, unless it is here already."""
        made = self._store.made(self.manifest)
        if made is None:
            if not self._store.has(source):
                await self._download(source)
            self._set(EngineState.LOADING, f"converting for {self.manifest.engine}", retry_after_s=60.0)
            await self._in_thread(lambda: convert(self._store, self.manifest, cancel=self._cancel))
            made = self._store.made(self.manifest)
        if made is not None:
            self.manifest = made

    async def _download(self, manifest: ModelManifest) -> None:
        loop = asyncio.get_running_loop()
        self._set(EngineState.DOWNLOADING, "starting the download", progress=0.0, retry_after_s=LOAD_GUESS_S)

        def on_progress(progress: Progress) -> None:
            loop.call_soon_threadsafe(self._show_download, progress)

        def on_line(line: str) -> None:
            loop.call_soon_threadsafe(self._on_line, line)

        await self._in_thread(lambda: self._store.fetch(manifest, on_progress, on_line, self._cancel))

    def _show_download(self, progress: Progress) -> None:
        if self.status.state is not EngineState.DOWNLOADING:
            return  # a last report that was overtaken
        rate = progress.bytes_per_second
        reason = (
            f"downloading {progress.fraction:.0%} of {progress.bytes_total / 1e9:.2f} GB"
            f" at {rate / 1e6:.0f} MB/s from {progress.source}"
        )
        left = (progress.bytes_total - progress.bytes_done) / rate if rate > 0 else 60.0
        self._set(
            EngineState.DOWNLOADING,
            reason,
            progress=round(progress.fraction, 4),
            retry_after_s=min(600.0, max(1.0, left + self._load_s)),
        )

    async def _in_thread(self, work: Callable[[], object]) -> None:
        """Run blocking store work in a thread that ends, when this task is cancelled, within a moment."""
        job = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            await asyncio.shield(job)
        except asyncio.CancelledError:
            self._cancel.set()
            # Partial files are closed, pip is gone and the lock is free before anybody hears of the end.
            await asyncio.gather(job, return_exceptions=True)
            raise

    async def _bring_up(self, path: Path | None) -> None:
        def say(sentence: str) -> None:
            self._set(EngineState.LOADING, sentence, retry_after_s=self._load_s)

        say("loading")
        await self.engine.load(path, say)
        say("making a first token")
        try:
            async with asyncio.timeout(_PROBE_AFTER_LOAD_S):
                await self._one_token()
        except TimeoutError:
            raise HyperCubeError(
                ErrorKind.ENGINE_FAILED,
                f"The engine made no token within {_PROBE_AFTER_LOAD_S:.0f} s of loading.",
            ) from None
        self._set(EngineState.READY, self.engine.description)
        if isinstance(self.engine, CanBeAway):
            self.engine.watch(self._away)

    def _away(self, reason: str | None) -> None:
        """What the engine speaks to went away for `reason`, or (None) is back."""
        if self.status.state not in {EngineState.READY, EngineState.FAILED}:
            return  # being stopped, or loaded anew
        if reason is None:
            self._set(EngineState.READY, self.engine.description)
            return
        retry_after_s = self.engine.retry_after_s if isinstance(self.engine, CanBeAway) else None
        self._set(EngineState.FAILED, reason.rstrip("."), retry_after_s=retry_after_s)

    async def _one_token(self) -> None:
        """Work for real: a token, or the vector or the score of a word where the model generates nothing."""
        if Capability.GENERATE not in self.engine.capabilities:
            if Capability.EMBED in self.engine.capabilities:
                await self.engine.embed(("1",))
            else:
                await self.engine.score((("1", "1"),))
            self._progress()
            return
        async with aclosing(self.engine.generate(_PROBE, Call())) as events:
            async for event in events:
                self._progress()
                if event.finish_reason is not None:
                    return
        raise HyperCubeError(ErrorKind.ENGINE_FAILED, "The engine ended an answer without saying why.")

    def _progress(self) -> None:
        self._beat_at = self._clock()
        self._beat.set()
        self._beat = asyncio.Event()

    async def close(self) -> None:
        """Stop whatever is going on and end the engine."""
        self._cancel.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._set(EngineState.STOPPED, "the server is shutting down")
        self.admission.fail_waiting(self.unavailable())
        await self.engine.unload()

    # -- work

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream an answer under the admission's rules and the call's deadline.

        When the engine dies before anything of this answer went out, and is back in time, the request is given
        to it once more.
        """
        again = True
        while True:
            engine, untouched = self.engine, True
            try:
                async with aclosing(self._attempt(request, call)) as events:
                    async for event in events:
                        untouched = False
                        yield event
            except HyperCubeError as error:
                if error.kind is not ErrorKind.ENGINE_FAILED:
                    raise
                if error.retry_after_s is None:
                    error.retry_after_s = self._load_s
                if not (again and untouched and await self._replaced(engine, call)):
                    raise
                again = False
            else:
                return

    async def _attempt(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        if self.status.state is not EngineState.READY:
            raise self.unavailable()
        await self.admission.acquire(call)
        began = self._clock()
        finished = False
        try:
            if self.status.state is not EngineState.READY:
                raise self.unavailable()
            async with aclosing(self.engine.generate(request, call)) as events:
                while (event := await self._next(events, call, began)) is not None:
                    finished = event.finish_reason is not None
                    if event.text or finished:
                        yield event
        finally:
            call.timing.compute_s = self._clock() - began
            self.admission.release(call.timing.compute_s if finished else None)

    async def _replaced(self, engine: Engine, call: Call) -> bool:
        """Wait until another engine is ready in the place of `engine`; False if it lives, or that takes too long."""
        wait_s = RESTART_WAIT_S if call.deadline is None else call.deadline - self._clock()
        wait_s = min(wait_s, RESTART_WAIT_S)
        if wait_s <= self._load_s:
            return False
        try:
            async with asyncio.timeout(_DEATH_NEWS_S):
                while self.engine is engine and self.status.state is EngineState.READY:
                    await self._changed.wait()
            async with asyncio.timeout(wait_s):
                return (await self.settled()).state is EngineState.READY
        except TimeoutError:
            return False

    async def _next(
        self, events: AsyncIterator[GenerationEvent], call: Call, began: float
    ) -> GenerationEvent | None:
        now = self._clock()
        try:
            # A limit around each step, not around the loop: between two steps the caller's code runs.
            async with asyncio.timeout(remaining_s(call, now, "while the answer was generated")):
                event = await anext(events, None)
        except TimeoutError:
            raise deadline_exceeded("while the answer was generated", self._clock() - began) from None
        self._progress()
        return event

    async def probe(self, timeout_s: float) -> None:
        """Prove within `timeout_s` that tokens come: make one, or see one of the answers under way grow.

        Raises:
            HyperCubeError: UNAVAILABLE when not ready; DEADLINE_EXCEEDED when no token came; ENGINE_FAILED.
        """
        if self.status.state is not EngineState.READY:
            raise self.unavailable()
        began = self._clock()
        try:
            async with asyncio.timeout(timeout_s):
                if self.admission.running >= self.admission.slots or self.admission.waiting:
                    # Full: the work under way is the probe, and a stranger in the queue would prove nothing.
                    if began - self._beat_at > timeout_s:
                        await self._beat.wait()
                    return
                await self.admission.acquire(Call())
                try:
                    await self._one_token()
                finally:
                    self.admission.release()
        except TimeoutError:
            raise HyperCubeError(
                ErrorKind.DEADLINE_EXCEEDED,
                f"The model {self.manifest.name!r} made no token within {timeout_s:g} s.",
            ) from None
