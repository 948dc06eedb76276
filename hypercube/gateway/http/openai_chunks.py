"""Answers in OpenAI's words: whole ones, and streams of chunks."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from hypercube.core.engine import GenerationEvent, TokenLogprob, ToolCall, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.reading import Grounding
from hypercube.gateway.handlers.choices import Choice, ChoiceEvent, ChoicesStream, total
from hypercube.gateway.http.openai_bodies import (
    AssistantMessage,
    GroundingBody,
    LogprobBody,
    LogprobsBody,
    ToolCallBody,
    UsageBody,
)
from hypercube.gateway.http.responses import encode
from hypercube.gateway.streams import Foreseen, close

_NO_REASON: Final = "The model stopped in the middle of its answer."


def usage_body(usage: Usage) -> UsageBody:
    """Token counts."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def reason_of(choice: Choice) -> str:
    """Why a whole answer ended."""
    if choice.finish_reason is None:  # the handler has seen to it
        raise HyperCubeError(ErrorKind.ENGINE_FAILED, _NO_REASON, fix="Send the request again.")
    return choice.finish_reason.value


def message_body(choice: Choice) -> AssistantMessage:
    """A whole answer as the model's turn."""
    content = choice.text if choice.text or not choice.tool_calls else None
    message: AssistantMessage = {"role": "assistant", "content": content, "refusal": None}
    if choice.tool_calls:
        message["tool_calls"] = [call_body(call) for call in choice.tool_calls]
    return message


def call_body(call: ToolCall) -> ToolCallBody:
    """A call of a tool."""
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def grounding_body(grounding: Grounding) -> GroundingBody:
    """What an answer about a chart rests on."""
    return {
        "written_by": grounding.written_by,
        "facts": list(grounding.facts),
        "checked": grounding.checked,
    }


def logprobs_body(tokens: Sequence[TokenLogprob]) -> LogprobsBody:
    """The log-probabilities of a chat's answer, or of a piece of it."""
    return {"content": logprob_bodies(tokens), "refusal": None}


def logprob_bodies(tokens: Iterable[TokenLogprob]) -> list[LogprobBody]:
    """The log-probabilities of single tokens."""
    return [
        {
            "token": each.token,
            "logprob": each.logprob,
            "bytes": list(each.bytes),
            "top_logprobs": [
                {"token": top.token, "logprob": top.logprob, "bytes": list(top.bytes)} for top in each.top
            ],
        }
        for each in tokens
    ]


class Chunks(Foreseen[bytes]):
    """The chunks of an answer; how a choice looks, a subclass says.

    The chunk of usage comes last and only when asked for; every chunk before it then has a null in its place.
    """

    kind = ""

    def __init__(self, answer: ChoicesStream, *, count: int, n: int, with_usage: bool) -> None:
        """`count` choices, `n` of them to each prompt."""
        self._answer = answer
        self._with_usage = with_usage
        self._usages: list[Usage | None] = [None] * count
        self._n = n
        self._ready: list[bytes] = []
        self._said_all = False
        same = {"id": answer.id, "object": self.kind, "created": answer.created, "model": answer.model}
        self._before = encode(same)[:-1] + b',"choices":'
        """Of every chunk; written once."""
        self._after = b',"usage":null}' if with_usage else b"}"

    async def __anext__(self) -> bytes:
        while not self._ready:
            piece = await anext(self._answer.events)
            self._ready.extend(self._encode([choice]) for choice in self.choices_of(piece))
            self._count(piece)
        return self._ready.pop(0)

    @property
    def complete(self) -> bool:
        """Whether how every choice ended was said."""
        return self._said_all and not self._ready

    def besides(self) -> list[bytes]:
        """The other chunks of the same piece."""
        ready, self._ready = self._ready, []
        return ready

    async def aclose(self) -> None:
        """Close the answer; the models stop."""
        await close(self._answer.events)

    def choices_of(self, piece: ChoiceEvent) -> list[dict[str, Any]]:
        """What a piece of an answer becomes: one choice a chunk."""
        raise NotImplementedError

    def _count(self, piece: ChoiceEvent) -> None:
        if piece.event.usage is None:
            return
        self._usages[piece.index] = piece.event.usage
        known = [usage for usage in self._usages if usage is not None]
        if len(known) < len(self._usages):
            return
        self._said_all = True
        if self._with_usage:
            self._ready.append(self._encode([], usage_body(total(known, self._n))))

    def _encode(self, choices: list[dict[str, Any]], usage: UsageBody | None = None) -> bytes:
        after = self._after if usage is None else b',"usage":' + encode(usage) + b"}"
        return self._before + encode(choices) + after


class ChatChunks(Chunks):
    """A chat's chunks: the role, each piece of text or of a call, the finish reason."""

    kind = "chat.completion.chunk"

    def __init__(self, answer: ChoicesStream, *, n: int, with_usage: bool) -> None:
        super().__init__(answer, count=n, n=n, with_usage=with_usage)
        self._begun: set[int] = set()

    def choices_of(self, piece: ChoiceEvent) -> list[dict[str, Any]]:
        """The role before the first piece; what says nothing makes no chunk."""
        index, event = piece.index, piece.event
        choices: list[dict[str, Any]] = []
        if index not in self._begun:
            self._begun.add(index)
            content = None if event.tool_calls and not event.text else ""
            choices.append(_choice(index, {"role": "assistant", "content": content}))
        if event.text or event.logprobs:
            choices.append(_choice(index, {"content": event.text}, event))
        if event.tool_calls:
            choices.append(_choice(index, {"tool_calls": _call_deltas(event)}))
        if event.finish_reason is not None:
            last = _choice(index, {}, reason=event.finish_reason.value)
            if event.grounding is not None:
                last["x_hypercube"] = grounding_body(event.grounding)
            choices.append(last)
        return choices


def _choice(
    index: int, delta: dict[str, Any], event: GenerationEvent | None = None, reason: str | None = None
) -> dict[str, Any]:
    logprobs = None if event is None or not event.logprobs else logprobs_body(event.logprobs)
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}


def _call_deltas(event: GenerationEvent) -> list[dict[str, Any]]:
    """The first piece of a call has its id, its type and its name; the others have arguments alone."""
    return [
        {
            "index": piece.index,
            "id": piece.id,
            "type": "function",
            "function": {"name": piece.name, "arguments": piece.arguments},
        }
        if piece.id or piece.name
        else {"index": piece.index, "function": {"arguments": piece.arguments}}
        for piece in event.tool_calls
    ]
