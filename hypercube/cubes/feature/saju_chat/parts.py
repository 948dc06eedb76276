"""What the parts of the cube share: its settings, the other cubes, one conversation as it was understood."""

import asyncio
import datetime as dt
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.reading import ReadingLanguage, ReadingSection
from hypercube.saju.birth_phrases import Language
from hypercube.saju.conversation import (
    Asked,
    People,
    language_of,
    of_two,
    once_more,
    people,
    planned,
    referred,
    told,
)
from hypercube.saju.conversation.beyond import CRISIS

SAJU: Final = "saju"
READING: Final = "reading"
CHAT: Final = "chat"
MODELS: Final = "models"
_LOOKED_BACK: Final = 4
"""Turns in which the two people are looked for of whom a year alone is asked."""
_AT_ONCE: Final = 600
"""Characters of user turns that are read on the event loop."""


class Cubes(Protocol):
    """What this cube needs of the registry: another cube's answer."""

    async def process(self, name: str, request: Any, call: Any) -> Any:
        """Call a cube by name."""
        ...


@dataclass(frozen=True, slots=True)
class SajuChatOptions:
    """How it answers.

    Attributes:
        model: the served model that puts readings into its own words, from the written sentences, and that answers
            ordinary questions; empty: readings stay as written, ordinary questions go to the server's default.
    """

    model: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request as it was understood.

    Attributes:
        request: as it came.
        turns: what the user wrote, oldest first; the last one is being answered.
        language: to answer in.
        asked: what the last turn asks.
        people: of whom.
        today: the day that counts as now.
    """

    request: GenerationRequest
    turns: tuple[str, ...]
    language: ReadingLanguage
    asked: Asked
    people: People
    today: dt.date

    @property
    def locale(self) -> Language:
        """The language as the birth phrases name it."""
        return "ko" if self.language is ReadingLanguage.KO else "en"

    @property
    def last(self) -> ChatMessage:
        """The turn that came last, whoever's."""
        return self.request.messages[-1]


def understood(request: GenerationRequest, today: Callable[[], dt.date]) -> Conversation:
    """Read a request; its user turns alone say of whom it speaks."""
    turns = tuple(each.content for each in request.messages if each.role == "user") or ("",)
    day = today()
    births = told(turns, day)
    # A year in the turn that is somebody's year of birth is not asked about, and neither is somebody who is known.
    plan = functools.partial(
        planned, today=day, birth_years=births.birth_years, known=(births.draft, *births.draft.others)
    )
    asked, text = plan(turns[-1]), turns[-1]
    at = referred(turns)
    if at is not None:
        before = plan(turns[at])
        if not (before.of_a_chart or CRISIS in before.beyond) and _tells_a_birth(turns[: at + 1], day):
            before = Asked(sections=(ReadingSection.TEMPER,))
        if CRISIS in before.beyond:
            asked = before
        elif before.of_a_chart:
            asked, text = once_more(before, turns, at), turns[at]
    else:
        asked = of_two(asked, [plan(each) for each in turns[-2 : -2 - _LOOKED_BACK : -1]], text, day)
    return Conversation(request, turns, language_of(turns), asked, people(births, asked, text), day)


def _tells_a_birth(turns: Sequence[str], day: dt.date) -> bool:
    """Whether the last of some turns does, which is answered with an introduction."""
    return people(told(turns, day), Asked(), turns[-1]).changed


async def understood_in_time(request: GenerationRequest, today: Callable[[], dt.date]) -> Conversation:
    """The same; a long conversation is read in a thread, so that nobody else waits for it."""
    if sum(len(each.content) for each in request.messages if each.role == "user") <= _AT_ONCE:
        return understood(request, today)
    return await asyncio.to_thread(understood, request, today)
