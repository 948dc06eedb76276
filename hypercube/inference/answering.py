"""A request on its way through one served model: its place in line, its deadline, one more try after a death."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.engine import GenerationEvent, GenerationRequest, Tokenized, TokenizeRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState
from hypercube.core.waiting import Begun
from hypercube.inference.admission import deadline_exceeded, remaining_s
from hypercube.inference.engine import ShowsTokens, incapable
from hypercube.inference.incarnation import Incarnation
from hypercube.inference.signature_limits import within_limits

if TYPE_CHECKING:
    from hypercube.inference.served_life import ServedLife

RESTART_WAIT_S: Final = 60.0
"""How long a request whose engine died waits, at most, for the next one."""
_DEATH_NEWS_S: Final = 0.5
"""A request hears of an engine's death a moment before its supervisor; one that lives failed this request only."""


class Answering:
    """The work of one `ServedLife`."""

    def __init__(self, served: "ServedLife", clock: Clock) -> None:
        self._served = served
        self._clock = clock

    async def generate(
        self, request: GenerationRequest, call: Call, *, again: bool = True
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Stream an answer under the admission's rules and the call's deadline.

        With `again`, when the engine dies before anything of this answer went out, and is back in time, the request
        is given to it once more.
        """
        while True:
            tried, untouched = self._served.current, True
            try:
                async with aclosing(self._attempt(request, call)) as events:
                    async for event in events:
                        untouched = False
                        yield event
            except HyperCubeError as error:
                if error.kind is not ErrorKind.ENGINE_FAILED:
                    raise
                if error.retry_after_s is None:
                    error.retry_after_s = self._served.load_s
                if not (again and untouched and await self._replaced(tried, call)):
                    raise
                again = False
            else:
                return

    async def _attempt(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        admission = self._served.admission
        copy = await self._served.enter(admission, call)
        began = self._clock()
        finished = False
        try:
            with copy.used():
                request = await within_limits(copy.manifest, copy.engine, request)
                adapted = self._adapted(copy, request, call) if request.adapter else nullcontext(request)
                async with (
                    adapted as asked,
                    aclosing(copy.engine.generate(asked, call)) as events,
                ):
                    while (event := await self._next(copy, events, call, began)) is not None:
                        finished = event.finish_reason is not None
                        if not event.empty:
                            yield event
        finally:
            call.timing.compute_s = self._clock() - began
            self._served.touch()
            admission.release(call.timing.compute_s if finished else None)

    @asynccontextmanager
    async def _adapted(
        self, copy: Incarnation, request: GenerationRequest, call: Call
    ) -> AsyncIterator[GenerationRequest]:
        """The request with its adapter as the engine of `copy` calls it, loaded and kept within this block."""
        async with AsyncExitStack() as stack:
            began = self._clock()
            try:
                async with asyncio.timeout(remaining_s(call, began, "before its adapter was loaded")):
                    used = self._served.adapters.used(copy, request.adapter, call.sticky_key)
                    name = await stack.enter_async_context(used)
            except TimeoutError:
                raise deadline_exceeded("while its adapter was loaded", self._clock() - began) from None
            yield replace(request, adapter=name)

    async def _replaced(self, tried: Incarnation | None, call: Call) -> bool:
        """Wait until another engine is ready in the place of `tried`; False if it lives, or that takes too long."""
        served = self._served
        wait_s = RESTART_WAIT_S if call.deadline is None else call.deadline - self._clock()
        wait_s = min(wait_s, RESTART_WAIT_S)
        if wait_s <= served.load_s:
            return False
        try:
            async with asyncio.timeout(_DEATH_NEWS_S):
                while served.current is tried and served.status.state is EngineState.READY:
                    await served.next_status()
            async with asyncio.timeout(wait_s):
                return (await served.settled()).state is EngineState.READY
        except TimeoutError:
            return False

    async def _next(
        self, copy: Incarnation, events: AsyncIterator[GenerationEvent], call: Call, began: float
    ) -> GenerationEvent | None:
        now = self._clock()
        try:
            # A limit around each step, not around the loop: between two steps the caller's code runs.
            left_s = remaining_s(call, now, "while the answer was generated")
            step = Begun(anext(events, None))
            if step.done:
                event = step.result
            else:
                async with asyncio.timeout(left_s):
                    event = await step
        except TimeoutError:
            raise deadline_exceeded("while the answer was generated", self._clock() - began) from None
        copy.progress()
        return event

    @asynccontextmanager
    async def using(self, call: Call) -> AsyncIterator[Incarnation]:
        """The loaded copy to encode (or tokenize) on within this block; waits while a model on demand is loaded.

        Raises:
            HyperCubeError: UNAVAILABLE; OVERLOADED when too many wait for the load; DEADLINE_EXCEEDED.
        """
        entrance = self._served.entrance
        copy = await self._served.enter(entrance, call)
        try:
            with copy.used():
                yield copy
        finally:
            self._served.touch()
            entrance.release()

    async def tokenize(self, request: TokenizeRequest, call: Call) -> Tokenized:
        """Use the tokenizer; it waits for no slot, since it is quick and computes nothing of the model.

        Raises:
            HyperCubeError: INVALID_ARGUMENT where the engine cannot; as `using`.
        """
        async with self.using(call) as copy:
            if not isinstance(copy.engine, ShowsTokens):
                raise incapable(self._served.name, Capability.TOKENIZE)
            began = self._clock()
            try:
                async with asyncio.timeout(remaining_s(call, began, "before the text was tokenized")):
                    return await copy.engine.tokenize(request)
            except TimeoutError:
                raise deadline_exceeded("while the text was tokenized", self._clock() - began) from None

    async def probe(self, timeout_s: float) -> None:
        """Prove within `timeout_s` that tokens come: make one, or see one of the answers under way grow.

        Raises:
            HyperCubeError: UNAVAILABLE when not ready; DEADLINE_EXCEEDED when no token came; ENGINE_FAILED.
        """
        copy, admission = self._served.current, self._served.admission
        if copy is None or self._served.status.state is not EngineState.READY:
            raise self._served.unavailable()
        began = self._clock()
        try:
            async with asyncio.timeout(timeout_s):
                if admission.running >= admission.slots or admission.waiting:
                    # Full: the work under way is the probe, and a stranger in the queue would prove nothing.
                    if began - copy.beat_at > timeout_s:
                        await copy.next_beat()
                    return
                await admission.acquire(Call())
                try:
                    with copy.used():
                        await copy.one_token()
                finally:
                    admission.release()
        except TimeoutError:
            raise HyperCubeError(
                ErrorKind.DEADLINE_EXCEEDED,
                f"The model {self._served.name!r} made no token within {timeout_s:g} s.",
            ) from None
