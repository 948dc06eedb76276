"""Ordinary questions: the model behind answers, and never against a chart that is known."""

import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.cube import Call
from hypercube.core.engine import FinishReason, GenerationEvent, GenerationRequest, ToolCallDelta, ToolChoice
from hypercube.core.reading import Grounding, ReadingLanguage
from hypercube.core.saju_model import SAJU_MODEL
from hypercube.core.served_models import Capability, ModelsRequest, ModelsResponse, ServedModel
from hypercube.cubes.feature.saju_chat import tool
from hypercube.cubes.feature.saju_chat.ending import Ending
from hypercube.cubes.feature.saju_chat.parts import CHAT, MODELS, Conversation, Cubes
from hypercube.cubes.grounded_generation import GroundedGeneration
from hypercube.saju.composing.judge import CONTRADICTION, LEAK, Judge
from hypercube.saju.conversation import Known, fitted, room_of
from hypercube.saju.conversation.compose import ground_facts
from hypercube.saju.conversation.phrases import LEFT_OUT, NO_MODEL, SYSTEM
from hypercube.saju.grounding import SentenceCheck

_ATTEMPTS: Final = 2
_HANGUL: Final = re.compile("[가-힣]")
_KOREAN_WINDOW: Final = 12
_WINDOW: Final = 20
"""Letters in a row that a sentence may not share with the instructions."""


class ConversationJudge(Judge):
    """Of an answer to an ordinary question: code, lists and other languages may leave, a contradiction may not.

    What a reading could not say (a promise, a word about itself) is no fault here; the instructions stay inside.
    """

    def __init__(self, chart: Chart, language: ReadingLanguage, instructions: str) -> None:
        super().__init__(chart, language)
        self._inside = _windows(instructions)

    def _fault(self, text: str, check: SentenceCheck) -> str:
        if not check.grounded:
            return CONTRADICTION
        return LEAK if _windows(text) & self._inside else ""


def _windows(text: str) -> frozenset[str]:
    letters = "".join(each for each in unicodedata.normalize("NFKC", text).casefold() if each.isalnum())
    size = _KOREAN_WINDOW if _HANGUL.search(letters) else _WINDOW
    return frozenset(letters[at : at + size] for at in range(len(letters) - size + 1))


async def model_behind(cubes: Cubes, name: str, call: Call) -> ServedModel | None:
    """The model that answers ordinary questions: the one of that name, else the first that generates text."""
    answer: ModelsResponse = await cubes.process(MODELS, ModelsRequest(), call)
    able = [
        each for each in answer.models if Capability.GENERATE in each.capabilities and each.name != SAJU_MODEL
    ]
    named = [each for each in able if each.name == name.partition("@")[0].partition(":")[0]]
    return next(iter(named or able), None)


async def ordinary(
    cubes: Cubes, talk: Conversation, chart: Chart | None, model: str, call: Call
) -> AsyncGenerator[GenerationEvent, None]:
    """The answer of the model behind.

    Raises:
        HyperCubeError: as the chat cube.
    """
    behind = await model_behind(cubes, model, call)
    if behind is None:
        ending = Ending(talk.request)
        text = ending.feed(NO_MODEL[talk.language]) + ending.close()
        yield GenerationEvent(text=text)
        yield GenerationEvent(finish_reason=ending.reason, usage=ending.usage)
        return
    turns, tools = tool.without(talk.request)
    choice = talk.request.tool_choice if tools else ToolChoice.AUTO
    asked = replace(talk.request, messages=turns, tools=tools, tool_choice=choice, model=model or behind.name)
    if chart is None:
        async with aclosing(await cubes.process(CHAT, asked, call)) as events:
            async for event in events:
                yield event
        return
    async for event in _grounded(cubes, talk, asked, chart, behind.context_length, call):
        yield event


async def _grounded(
    cubes: Cubes,
    talk: Conversation,
    asked: GenerationRequest,
    chart: Chart,
    context_length: int,
    call: Call,
) -> AsyncGenerator[GenerationEvent, None]:
    instructions = SYSTEM[talk.language]
    system = f"{instructions}\n\n{ground_facts(Known(chart), talk.language)}"
    asked = replace(asked, messages=fitted(system, asked.messages, room_of(context_length, asked.max_tokens)))
    source = _Source(cubes)
    judge = ConversationJudge(chart, talk.language, instructions)
    generation = GroundedGeneration(
        source,
        judge,
        # What a second attempt adds would count for more than was allowed.
        attempts=_ATTEMPTS if asked.max_tokens is None and not asked.tools else 1,
        spoken=True,
    )
    said = False
    async with aclosing(generation.sentences(asked, call)) as sentences:
        async for text in sentences:
            said = said or bool(text.strip())
            yield GenerationEvent(text=text)
    outcome = generation.outcome
    if outcome.failure is not None:
        raise outcome.failure
    if source.calls:
        yield GenerationEvent(tool_calls=tuple(source.calls))
    elif not said and outcome.finish_reason is not FinishReason.LENGTH:
        yield GenerationEvent(text=LEFT_OUT[talk.language])
    yield GenerationEvent(
        finish_reason=outcome.finish_reason or FinishReason.STOP,
        usage=outcome.usage,
        grounding=Grounding(asked.model, (), generation.checked),
    )


class _Source:
    """The chat cube; keeps the calls of the caller's own tools, which are no sentences."""

    def __init__(self, cubes: Cubes) -> None:
        self._cubes = cubes
        self.calls: list[ToolCallDelta] = []

    async def __call__(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        return self._events(await self._cubes.process(CHAT, request, call))

    async def _events(self, events: AsyncIterator[GenerationEvent]) -> AsyncIterator[GenerationEvent]:
        async with aclosing(events) as pieces:  # type: ignore[type-var]
            async for event in pieces:
                self.calls += event.tool_calls
                yield event
