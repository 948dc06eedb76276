"""A conversation about a chart: what is asked decides who answers, and every answer goes by the chart computed here."""

import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import ClassVar, Final

from hypercube.core.chart import BirthInput, Chart
from hypercube.core.cube import Call, Color, Cube, CubeMetadata, Dependency, Health, HealthStatus
from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    ToolCallDelta,
)
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.core.reading import Grounding
from hypercube.core.saju_model import SAJU_MODEL
from hypercube.cubes.feature.saju_chat import parts, tool
from hypercube.cubes.feature.saju_chat.answer import WrittenAnswer
from hypercube.cubes.feature.saju_chat.behind import model_behind, ordinary
from hypercube.cubes.feature.saju_chat.charts import charts_of
from hypercube.cubes.feature.saju_chat.ending import Ending
from hypercube.cubes.feature.saju_chat.parts import Conversation, Cubes, SajuChatOptions, understood_in_time
from hypercube.cubes.feature.saju_chat.refusals import refuse
from hypercube.saju.as_of import system_today
from hypercube.saju.birth_phrases import said_back
from hypercube.saju.conversation import birth_of
from hypercube.saju.conversation.beyond import BY_KEY, CRISIS
from hypercube.saju.conversation.compose import Written
from hypercube.saju.conversation.phrases import ABSENT, EXHAUSTED, NO_CHART, second
from hypercube.saju.conversation.planner import small_talk
from hypercube.saju.zones import DEFAULT_ZONE

_KNOWN: Final = GenerationRequest(
    (ChatMessage("user", "1990년 5월 3일 오전 7시 20분 서울 여자, 내 일간이 뭐야?"),), model=SAJU_MODEL
)


def _today() -> dt.date:
    return system_today(DEFAULT_ZONE)


class SajuChatCube(Cube):
    """`GenerationRequest` in, a stream of `GenerationEvent` out, as the chat cube."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="saju-chat",
        version="1.0.0",
        color=Color.BLUE,
        summary="Chat that reads births from a conversation and answers from their charts, every sentence checked",
        request_model=GenerationRequest,
        response_model=GenerationEvent,
        dependencies=(
            Dependency(parts.SAJU, ">=1.0,<2"),
            Dependency(parts.READING, ">=1.0,<2"),
            Dependency(parts.CHAT, ">=1.0,<2"),
            Dependency(parts.MODELS, ">=1.0,<2"),
        ),
        capabilities=("chat", "chat.saju", "stream"),
    )

    def __init__(
        self, cubes: Cubes, options: SajuChatOptions | None = None, *, today: Callable[[], dt.date] = _today
    ) -> None:
        """Put together.

        Args:
            cubes: where the cubes are that it depends on.
            options: how it answers.
            today: the day that counts as now.
        """
        super().__init__()
        self._cubes = cubes
        self._options = options or SajuChatOptions()
        self._today = today

    async def process(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        """The answer to the last user turn.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for what this model cannot do, naming the field.
        """
        refuse(request)
        talk = await understood_in_time(request, self._today)
        if _of_a_crisis(talk):
            return self._notes(talk, *_not_judged(talk))
        if tool.required(request) and (not talk.people.begun or talk.people.to_ask(talk.locale) is not None):
            raise invalid(
                f"A call of {tool.TOOL!r} is required, but the conversation does not give a whole birth.",
                param="tool_choice",
                fix=talk.people.to_ask("en") or "Give the birth first, or send auto.",
            )
        if tool.elsewhere(request) and await model_behind(self._cubes, self._options.model, call) is None:
            raise invalid(
                "A call of a function is required, and no model is served that could make it.",
                param="tool_choice",
                fix=f"Serve a model with tools beside {SAJU_MODEL!r}, require {tool.TOOL!r}, or send auto.",
            )
        return self._answer(talk, call)

    async def _answer(self, talk: Conversation, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        people = talk.people
        to_ask = people.to_ask(talk.locale)
        open_question = people.begun and to_ask is not None
        about_chart = (
            talk.asked.of_a_chart or people.changed or (open_question and small_talk(talk.turns[-1]))
        )
        forced = tool.elsewhere(talk.request) or tool.required(talk.request)
        if talk.asked.beyond and not about_chart and not forced:
            async for event in self._notes(talk, *_not_judged(talk)):
                yield event
            return
        # Whoever forces a function of their own gets that call: only a model can make it.
        if tool.elsewhere(talk.request) or not (about_chart or tool.required(talk.request)):
            chart = await self._known_chart(talk, call) if people.begun and to_ask is None else None
            async with aclosing(ordinary(self._cubes, talk, chart, self._options.model, call)) as events:
                async for event in events:
                    yield event
            return
        if to_ask is not None:
            async for event in self._notes(
                talk, *_not_judged(talk), said_back(people.draft, talk.locale), to_ask
            ):
                yield event
            return
        if talk.asked.exhausted:
            async for event in self._notes(talk, EXHAUSTED[talk.language]):
                yield event
            return
        if people.absent is not None:
            async for event in self._notes(talk, ABSENT[talk.language].format(who=people.absent)):
                yield event
            return
        if people.together and people.partner is None:
            async for event in self._notes(talk, second(people.draft.about, talk.language)):
                yield event
            return
        async with aclosing(self._of_charts(talk, call)) as events:
            async for event in events:
                yield event

    async def _of_charts(self, talk: Conversation, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        try:
            births = self._births(talk)
            made = tool.calls(talk.request, births)
            if made:
                for event in _called(talk, made):
                    yield event
                return
            charts = await charts_of(self._cubes, births, call)
        except HyperCubeError as error:
            if error.kind is not ErrorKind.INVALID_ARGUMENT:
                raise
            reason = NO_CHART[talk.language].format(reason=str(error))
            async for event in self._notes(talk, reason):
                yield event
            return
        answer = WrittenAnswer(self._cubes, talk, births, charts, self._options.model, call)
        ending = Ending(talk.request)
        async with aclosing(answer.texts()) as texts:
            async for text in texts:
                if leaving := ending.feed(text):
                    yield GenerationEvent(text=leaving)
                if ending.reason is not None:
                    break
        yield _last(ending, answer.grounding)

    def _births(self, talk: Conversation) -> tuple[BirthInput, ...]:
        day, people = talk.today.isoformat(), talk.people
        return tuple(birth_of(each, people.given_up, as_of=day) for each in people.everybody)

    async def _known_chart(self, talk: Conversation, call: Call) -> Chart | None:
        try:
            (chart,) = await charts_of(self._cubes, self._births(talk)[:1], call)
        except HyperCubeError as error:
            if error.kind is ErrorKind.INVALID_ARGUMENT:
                return None
            raise
        return chart

    async def _notes(self, talk: Conversation, *texts: str) -> AsyncGenerator[GenerationEvent, None]:
        written = Written()
        for each in texts:
            written.note(each)
        ending = Ending(talk.request)
        if leaving := ending.feed(written.text):
            yield GenerationEvent(text=leaving)
        yield _last(ending, None)

    async def on_health_check(self) -> HealthStatus:
        """A known conversation: the answer must name the day stem that everybody knows."""
        answer = await self.process(_KNOWN, Call("health"))
        text = "".join([event.text async for event in answer])
        if "무토(戊土)" in text:
            return HealthStatus(Health.HEALTHY)
        return HealthStatus(Health.UNHEALTHY, f"a known conversation was answered with {text[:200]!r}")


def _of_a_crisis(talk: Conversation) -> bool:
    """Whether nothing is answered but that: no birth is asked for, no chart told, and no call made."""
    return CRISIS in talk.asked.beyond


def _not_judged(talk: Conversation) -> tuple[str, ...]:
    return tuple(BY_KEY[each].said[talk.language] for each in talk.asked.beyond)


def _called(talk: Conversation, made: tuple[ToolCallDelta, ...]) -> list[GenerationEvent]:
    """The calls of the tool, each whole; cut where `max_tokens` says so."""
    ending = Ending(talk.request)
    found: list[GenerationEvent] = []
    for each in made:
        arguments = ending.feed(each.arguments) if talk.request.max_tokens is not None else each.arguments
        if talk.request.max_tokens is None:
            ending.feed(each.arguments)
        found.append(GenerationEvent(tool_calls=(ToolCallDelta(each.index, each.id, each.name, arguments),)))
        if ending.reason is not None:
            break
    reason = FinishReason.TOOL_CALLS if ending.reason is None else ending.reason
    return [*found, GenerationEvent(finish_reason=reason, usage=ending.usage)]


def _last(ending: Ending, grounding: Grounding | None) -> GenerationEvent:
    rest = ending.close()
    return GenerationEvent(text=rest, finish_reason=ending.reason, usage=ending.usage, grounding=grounding)
