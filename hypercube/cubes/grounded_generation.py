"""A model's answer about a chart as sentences that may leave: judged, asked for again, cut, and counted.

    generation = GroundedGeneration(source, judge, attempts=2)
    async for sentence in generation.sentences(request, call):
        ...                                   # whole sentences; at most the one under way is held back
    generation.checked, generation.outcome    # what was counted; how it ended

`source` is whatever streams a model: `lambda request, call: cubes.process("chat", request, call)`. A sentence at odds
with the chart ends the generation under way; the model is told what is wrong and goes on from what has left. When
its attempts are spent, such sentences are cut and the rest goes on. Nothing that the model or its engine does is
raised, but that the caller may not ask it: `outcome` says how it ended, and whoever asked decides what to put in its
place. Closing the iterator, or cancelling its task, closes the model's stream.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeVar

from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.reading import Checked
from hypercube.saju.composing import Correct, Judge, Judged, correcting
from hypercube.saju.composing.judge import REPETITION
from hypercube.saju.grounding import first_end

Source = Callable[[GenerationRequest, Call], Awaitable[AsyncIterator[GenerationEvent]]]
T = TypeVar("T")
_MOST_FAULTS: Final = 6
"""Sentences in a row that may not leave, after which the model is not listened to any longer."""
_RAISED: Final = frozenset({ErrorKind.PERMISSION_DENIED, ErrorKind.UNAUTHENTICATED, ErrorKind.CANCELLED})
_NOTHING: Final = Usage(0, 0)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a generation ended.

    Attributes:
        finish_reason: the model's own, of its last answer; None where it did not come to an end.
        failure: why not: an error of the engine, DEADLINE_EXCEEDED, or None where its sentences were not worth more.
        usage: tokens of all attempts that ended.
        first_byte: whether the model said anything.
    """

    finish_reason: FinishReason | None = None
    failure: HyperCubeError | None = None
    usage: Usage = _NOTHING
    first_byte: bool = False


class GroundedGeneration:
    """One answer; see the module."""

    def __init__(
        self,
        source: Source,
        judge: Judge,
        *,
        correct: Correct | None = None,
        attempts: int = 2,
        until: float | None = None,
        clock: Clock = monotonic,
        spoken: bool = False,
    ) -> None:
        """Nothing is asked yet.

        Args:
            source: streams a model's answer.
            judge: of its sentences.
            correct: how to ask again; None tells the model in a turn of its own.
            attempts: how often the model is asked in all, at least once.
            until: `clock` seconds after which it is not waited for.
            clock: the one that `until` is of.
            spoken: give sentences as they stand, with the white space around them, not cleaned.
        """
        self._source = source
        self._judge = judge
        self._correct = correct or correcting(judge.language)
        self._left = attempts - 1
        self._attempts = attempts
        self._until = until
        self._clock = clock
        self._spoken = spoken
        self._faults = 0
        self.outcome = Outcome()

    @property
    def checked(self) -> Checked:
        """What was looked at so far."""
        return self._judge.checked(self._attempts - 1 - self._left)

    async def sentences(self, request: GenerationRequest, call: Call) -> AsyncGenerator[str, None]:
        """The sentences that may leave, as they come.

        Raises:
            HyperCubeError: PERMISSION_DENIED; everything else is told by `outcome`.
        """
        passed: list[str] = []
        asked: GenerationRequest | None = request
        while asked is not None:
            wrong: Judged | None = None
            pieces = _Sentences(self._source, self._until, self._clock)
            try:
                async with aclosing(pieces.of(asked, call)) as texts:
                    async for text in texts:
                        found = self._judge.sentence(text)
                        if found.passed:
                            self._faults = 0
                            passed.append(found.text)
                            yield text if self._spoken else found.text
                        elif self._gives_up(found):
                            break
                        elif found.worth_asking and self._left > 0:
                            wrong = found
                            break
            except HyperCubeError as error:
                if error.kind in _RAISED:
                    raise
                self._end(pieces, error)
                return
            except Exception as error:  # noqa: BLE001 - whatever the engine does, its reader gets an answer
                _log.exception("a model's stream broke")
                self._end(
                    pieces, HyperCubeError(ErrorKind.ENGINE_FAILED, f"{type(error).__name__} in the engine.")
                )
                return
            finally:
                await pieces.aclose()
            self._end(pieces, None)
            asked = None
            if wrong is not None:
                self._left -= 1
                asked = self._correct(request, " ".join(passed), wrong)

    def _gives_up(self, found: Judged) -> bool:
        # What was said before is said again by a model that was asked again, and by one that is stuck.
        self._faults += 1 if found.fault == REPETITION else 2
        return self._faults >= 2 * _MOST_FAULTS

    def _end(self, pieces: "_Sentences", failure: HyperCubeError | None) -> None:
        before, own = self.outcome, pieces.usage
        self.outcome = Outcome(
            pieces.finish_reason,
            failure,
            Usage(
                before.usage.prompt_tokens + own.prompt_tokens,
                before.usage.completion_tokens + own.completion_tokens,
            ),
            before.first_byte or pieces.first_byte,
        )


class _Sentences:
    """The sentences of one stream, and how it ended."""

    def __init__(self, source: Source, until: float | None, clock: Clock) -> None:
        self._source = source
        self._until = until
        self._clock = clock
        self._stream: AsyncIterator[GenerationEvent] | None = None
        self.finish_reason: FinishReason | None = None
        self.usage = Usage(0, 0)
        self.first_byte = False

    async def of(self, request: GenerationRequest, call: Call) -> AsyncGenerator[str, None]:
        """Each sentence, once something follows it; the last one at the end."""
        held = ""
        stream = self._stream = await self._in_time(self._source(request, call))
        while self.finish_reason is None:
            try:
                event = await self._in_time(anext(stream))
            except StopAsyncIteration:
                raise HyperCubeError(
                    ErrorKind.ENGINE_FAILED, "The model stopped in the middle of its answer."
                ) from None
            self.first_byte = self.first_byte or bool(event.text)
            self.finish_reason = event.finish_reason
            self.usage = event.usage or self.usage
            held += event.text
            while (end := first_end(held)) is not None:
                if held[:end].strip():
                    yield held[:end]
                held = held[end:]
        if held.strip():
            yield held

    async def _in_time(self, work: Awaitable[T]) -> T:
        if self._until is None:
            return await work
        try:
            async with asyncio.timeout(max(0.0, self._until - self._clock())):
                return await work
        except TimeoutError:
            raise HyperCubeError(
                ErrorKind.DEADLINE_EXCEEDED, "The model did not answer in its share of the time."
            ) from None

    async def aclose(self) -> None:
        """Close the model's stream, which cancels its work."""
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()
