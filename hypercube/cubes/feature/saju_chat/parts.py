"""What the parts of the cube share: its settings, the other cubes, one conversation as it was understood."""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.reading import ReadingLanguage, ReadingSection
from hypercube.saju.birth_phrases import Language
from hypercube.saju.conversation import (
    Asked,
    People,
    language_of,
    of_that_day,
    of_two,
    once_more,
    people,
    planned,
    referred,
    told,
)
from hypercube.saju.conversation.beyond import CRISIS, EACH
from hypercube.saju.conversation.following import facts_of, of_whom_alone
from hypercube.saju.conversation.people import Told
from hypercube.saju.conversation.whom import nameless
from hypercube.saju.conversation.words import WHO_MORE

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
    reading = _Reading(turns, day, told(turns, day))
    asked, text = reading.asked()
    return Conversation(request, turns, language_of(turns), asked, people(reading.births, asked, text), day)


class _Reading:
    """What the last turn asks, by itself and as what it goes on with."""

    def __init__(self, turns: tuple[str, ...], day: dt.date, births: Told) -> None:
        self.births = births
        self._turns, self._day = turns, day
        self._known = (births.draft, *births.draft.others)

    def _plan(self, text: str) -> Asked:
        # A year in the turn that is somebody's year of birth is not asked about, and neither is somebody who is known.
        return planned(text, self._day, birth_years=self.births.birth_years, known=self._known)

    def _nameless(self, text: str) -> str:
        return nameless(text, self._known)

    def asked(self) -> tuple[Asked, str]:
        """It, and the turn that says of whom."""
        turns = self._turns
        text = turns[-1]
        at = referred(turns, self._nameless)
        asked = self._plan(text)
        if at is None:
            before = [self._plan(each) for each in turns[-2 : -2 - _LOOKED_BACK : -1]]
            asked = of_that_day(of_two(asked, before, text, self._day), before, text)
            return self._of_both(self._pending(asked), text), text
        before_it = self._plan(turns[at])
        if CRISIS in before_it.beyond:
            return before_it, text
        if not before_it.of_a_chart and _tells_a_birth(turns[: at + 1], self._day):
            before_it = self._pending_at(before_it, at) or Asked(sections=(ReadingSection.TEMPER,))
        if not before_it.of_a_chart:
            return asked, text
        going_on = once_more(before_it, (*turns[:-1], self._nameless(text)), at)
        return going_on, next((each for each in turns[:at:-1] if self._says_whom(each)), turns[at])

    def _says_whom(self, text: str) -> bool:
        bare = self._nameless(text)
        return bare != text or of_whom_alone(text, bare)

    def _pending(self, asked: Asked) -> Asked:
        """What was asked before the birth was whole, where the last turn makes it so and asks nothing else."""
        if asked.of_a_chart or asked.beyond or not people(self.births, Asked(), self._turns[-1]).changed:
            return asked
        return self._pending_at(asked, len(self._turns) - 1) or asked

    def _pending_at(self, asked: Asked, last: int) -> Asked | None:
        if asked.of_a_chart:
            return None
        for at in range(last - 1, max(-1, last - 1 - _LOOKED_BACK), -1):
            if _whole(self._turns[: at + 1], self._day):
                return None
            before = self._plan(self._turns[at])
            if before.of_a_chart and not before.together:
                return before
        return None

    def _of_both(self, asked: Asked, text: str) -> Asked:
        """Of two people that are known, what each has of what is asked: 둘 중에 누가 돈복이 더 많아?"""
        if not (WHO_MORE.search(text) and any(each.date.complete for each in self.births.draft.others)):
            return asked
        facts = facts_of(asked)
        return replace(asked, facts=facts, sections=(), each=True, beyond=(EACH,)) if facts else asked


def _whole(turns: tuple[str, ...], day: dt.date) -> bool:
    """Whether some turns give a whole birth, so that nothing they asked waits for one."""
    draft = told(turns, day).draft
    return any(each.complete for each in (draft, *draft.others))


def _tells_a_birth(turns: Sequence[str], day: dt.date) -> bool:
    """Whether the last of some turns does, which is answered with an introduction."""
    return people(told(turns, day), Asked(), turns[-1]).changed


async def understood_in_time(request: GenerationRequest, today: Callable[[], dt.date]) -> Conversation:
    """The same; a long conversation is read in a thread, so that nobody else waits for it."""
    if sum(len(each.content) for each in request.messages if each.role == "user") <= _AT_ONCE:
        return understood(request, today)
    return await asyncio.to_thread(understood, request, today)
