"""A tiny deterministic model: its answer is a pure function of the question, made by a rule, without weights.

Tests of behaviour use it in place of a real model; `--model fake` serves it to whoever wants to try the server.
Its tokens are runs of letters or digits, and single other characters, each with the white space before it.
"""

import asyncio
import hashlib
import re
from array import array
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from hypercube.core.cube import Call
from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Tokenized,
    TokenizeRequest,
    ToolCallDelta,
    Usage,
)
from hypercube.core.errors import HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.context import context_exceeded, text_too_long
from hypercube.inference.engine import Embedded, Scored, WithoutAdapters
from hypercube.inference.fake_rules import Vocabulary, calls, logprob, spoken

CONTEXT_LENGTH: Final = 4096
_TOKEN: Final = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")
_ECHOED: Final = 16
"""Tokens of the question that the answer repeats, so that a mixed-up answer shows."""

WIDTH: Final = 16
"""Numbers of a vector."""

_KOREAN: Final = (
    "천간", "지지", "오행", "음양", "목", "화", "토", "금", "수", "년주", "월주", "일주", "시주", "절기",
    "입춘", "하지", "동지", "균형", "흐름", "기운",
)  # fmt: skip
_ENGLISH: Final = (
    "stem", "branch", "wood", "fire", "earth", "metal", "water", "year", "month", "day", "hour", "season",
    "solstice", "balance", "pillar", "cycle", "yin", "yang", "element", "term",
)  # fmt: skip


def tokenize(text: str) -> list[str]:
    """The fake model's tokens; joined they are `text` again."""
    return _TOKEN.findall(text)


def prompt_tokens(messages: Sequence[ChatMessage]) -> int:
    """Tokens of a prompt: those of every message, and one a message for its role."""
    return sum(1 + len(tokenize(message.content)) for message in messages)


def answer(messages: Sequence[ChatMessage], seed: int | None) -> str:
    """The whole answer: the beginning of the last message, then 8 to 39 words drawn by a hash of everything."""
    question = messages[-1].content
    everything = repr(spoken(messages)) + repr(seed)
    digest = hashlib.sha512(everything.encode()).digest()
    korean = re.search(r"[가-힣]", question) is not None
    vocabulary = _KOREAN if korean else _ENGLISH
    words = [vocabulary[byte % len(vocabulary)] for byte in digest[1 : 9 + digest[0] % 32]]
    echo = "".join(tokenize(question)[:_ECHOED]).strip()
    opening = f"물으신 것은 “{echo}”입니다." if korean else f"You asked “{echo}”."
    return f"{opening} {' '.join(words)}."


def vector(text: str) -> "array[float]":
    """A vector of length 1; each token counts in the place that its hash names, so texts of equal words are near."""
    places = [hashlib.sha256(token.strip().lower().encode()).digest()[0] % WIDTH for token in tokenize(text)]
    counts = [places.count(place) for place in range(WIDTH)]
    length = sum(count * count for count in counts) ** 0.5 or 1.0
    return array("f", [count / length for count in counts])


@dataclass(slots=True)
class FakeEngine(WithoutAdapters):
    """Serves the fake model from this process.

    Attributes:
        context_length: tokens of prompt and answer together.
        slots: generations at once.
        token_delay_s: pause before each token.
        sleep: how to pause.
        active: generations under way; 0 when nothing leaks.
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.GENERATE,
            Capability.EMBED,
            Capability.SCORE,
            Capability.COMPLETE,
            Capability.LOGPROBS,
            Capability.TOOLS,
            Capability.TOOL_CHOICE,
            Capability.TOKENIZE,
        }
    )

    context_length: int = CONTEXT_LENGTH
    slots: int = 2
    token_delay_s: float = 0.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    active: int = field(default=0, init=False)
    vocabulary: Vocabulary = field(default_factory=Vocabulary, init=False)

    @property
    def description(self) -> str:
        """What runs where."""
        return "the fake model, in this process"

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        """There is nothing to load."""

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer token by token."""
        messages = self._subject(request)
        prompt = prompt_tokens(messages)
        room = self.context_length - prompt
        if room < 1:
            raise context_exceeded(prompt, self.context_length)
        limit = room if request.max_tokens is None else min(room, request.max_tokens)
        made = calls(request)
        self.active += 1
        try:
            if made:
                async for event in self._call(made, Usage(prompt, 0), limit):
                    yield event
                return
            text, tokens, finish = _cut(answer(messages, request.sampling.seed), request, limit)
            most = request.logprobs
            for at, piece in enumerate(tokenize(text)):
                await self.sleep(self.token_delay_s)
                rated = () if most is None else (logprob(piece, at, most),)
                yield GenerationEvent(text=piece, logprobs=rated)
            yield GenerationEvent(finish_reason=finish, usage=Usage(prompt, tokens))
        finally:
            self.active -= 1

    def _subject(self, request: GenerationRequest) -> tuple[ChatMessage, ...]:
        """The chat; a plain text is taken for one turn."""
        if request.prompt is None:
            return request.messages
        text = request.prompt
        return (ChatMessage("user", text if isinstance(text, str) else self.vocabulary.text(text, "prompt")),)

    async def tokenize(self, request: TokenizeRequest) -> Tokenized:
        """The tokens that are counted; a chat is its turns, with a token for each role."""
        if request.tokens is not None:
            text = self.vocabulary.text(request.tokens, "tokens")
            return Tokenized(request.tokens, (), text, self.context_length)
        if request.text is not None:
            pieces = tokenize(request.text)
        else:
            pieces = [
                piece for turn in request.messages for piece in (f"<{turn.role}>", *tokenize(turn.content))
            ]
        return Tokenized(self.vocabulary.ids(pieces), tuple(pieces), "".join(pieces), self.context_length)

    async def _call(
        self, made: Sequence[ToolCallDelta], usage: Usage, limit: int
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Stream calls: the name first, then the arguments token by token, until there were `limit` tokens."""
        count = 0
        for call in made:
            pieces = tokenize(call.arguments)[: limit - count]
            count += len(pieces)
            if not pieces:
                break
            yield GenerationEvent(tool_calls=(ToolCallDelta(call.index, call.id, call.name),))
            for piece in pieces:
                await self.sleep(self.token_delay_s)
                yield GenerationEvent(tool_calls=(ToolCallDelta(call.index, arguments=piece),))
        whole = sum(len(tokenize(call.arguments)) for call in made)
        finish = FinishReason.TOOL_CALLS if count == whole else FinishReason.LENGTH
        yield GenerationEvent(finish_reason=finish, usage=Usage(usage.prompt_tokens, count))

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """The vectors of `vector`."""
        return [Embedded(vector(text), self._count(text, "input")) for text in texts]

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """The cosines of the vectors."""
        return [
            Scored(
                sum(a * b for a, b in zip(vector(query), vector(document), strict=True)),
                self._count(query, "query") + self._count(document, "documents"),
            )
            for query, document in pairs
        ]

    def _count(self, text: str, param: str) -> int:
        count = len(tokenize(text))
        if count > self.context_length:
            raise text_too_long(param, self.context_length, tokens=count)
        return count

    async def died(self) -> HyperCubeError:
        """Never: there is nothing that could."""
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def unload(self) -> None:
        """There is nothing to give back."""


def _cut(text: str, request: GenerationRequest, limit: int) -> tuple[str, int, FinishReason]:
    """What is shown of `text`, how many tokens were made for it, and why it ends there.

    The token that completes a stop sequence was made, although it is not shown: it counts.
    """
    made, so_far = 0, ""
    for token in tokenize(text)[:limit]:
        made, so_far = made + 1, so_far + token
        found = [at for stop in request.sampling.stop if (at := so_far.find(stop)) >= 0]
        if found:
            return so_far[: min(found)], made, FinishReason.STOP
    return so_far, made, FinishReason.STOP if so_far == text else FinishReason.LENGTH
