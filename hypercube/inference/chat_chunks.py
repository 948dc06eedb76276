"""What an OpenAI-compatible server says in its event stream, read strictly, chunk by chunk."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from hypercube.core.engine import (
    FinishReason,
    GenerationEvent,
    TokenLogprob,
    ToolCallDelta,
    TopLogprob,
    Usage,
)
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.inference.context import context_exceeded
from hypercube.inference.engine import engine_failed

LEAST_LOGPROB: Final = -9999.0
"""What stands for a probability of 0: JSON has no infinity."""


class Answer:
    """What a server has said so far.

    Attributes:
        finish, usage: how the answer ended and what it took, once that is known.
        done: it was said that nothing follows.
        failure: what ends the stream instead, behind the events that were taken before it.
    """

    def __init__(self, joined: bool) -> None:
        """With `joined`, pieces of nothing but text that came together are one event."""
        self.finish: FinishReason | None = None
        self.usage: Usage | None = None
        self.done = False
        self.failure: HyperCubeError | None = None
        self._joined = joined

    def take(self, payloads: Sequence[bytes]) -> list[GenerationEvent]:
        """The events in what came together."""
        events: list[GenerationEvent] = []
        held: list[str] = []
        try:
            for data in payloads:
                if data == b"[DONE]":
                    if self.finish is None or self.usage is None:
                        raise engine_failed("its stream ended without a finish reason and token counts")
                    self.done = True
                    break
                chunk = _parsed(data)
                if self._joined and (text := _text_alone(chunk)) is not None:
                    held.append(text)
                elif (event := self._event(chunk, data)) is not None:
                    if whole := "".join(held):
                        events.append(GenerationEvent(whole))
                    held.clear()
                    events.append(event)
        except HyperCubeError as error:
            self.failure = error
        # What was no more than a sign of life says nothing beside another one.
        if (whole := "".join(held)) or (held and not events and not self.done):
            events.append(GenerationEvent(whole))
        return events

    def _event(self, chunk: dict[str, Any], data: bytes) -> GenerationEvent | None:
        """What a chunk brings; None for how the answer ended, which is told with the last event."""
        if "error" in chunk:
            raise refusal(_code(chunk), data)
        try:
            event = _read_chunk(chunk)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise engine_failed(f"its stream holds {data[:200]!r}, which is no chat chunk") from error
        self.finish, self.usage = event.finish_reason or self.finish, event.usage or self.usage
        if event.finish_reason is None and event.usage is None:
            return event
        piece = replace(event, finish_reason=None, usage=None)
        return None if piece.empty else piece


def _text_alone(chunk: dict[str, Any]) -> str | None:
    """The text of a chunk that brings nothing else; None for every other one, and for what is no chunk."""
    choices = chunk.get("choices")
    if "error" in chunk or chunk.get("usage") or not (isinstance(choices, list) and choices):
        return None
    choice = choices[0]
    if not isinstance(choice, dict) or choice.get("logprobs") or choice.get("finish_reason") is not None:
        return None
    delta = choice.get("delta")
    if not isinstance(delta, dict) or delta.get("tool_calls"):
        return None
    text = delta.get("content")
    return "" if text is None else text if isinstance(text, str) else None


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        chunk = _parsed_leniently(data)
    if not isinstance(chunk, dict):
        raise engine_failed(f"its stream holds {data[:200]!r}, which is not an object")
    return chunk


def _parsed_leniently(data: bytes) -> Any:
    """What orjson refuses and servers do send: NaN, and half of a surrogate pair at the edge of a token."""
    try:
        return json.loads(data.decode("utf-8", "surrogatepass"))  # of bytes it would guess the encoding
    except ValueError as error:
        raise engine_failed(f"its stream holds {data[:200]!r}, which is not JSON") from error


def _read_chunk(chunk: Mapping[str, Any]) -> GenerationEvent:
    usage = None
    if chunk.get("usage"):
        counts = chunk["usage"]
        usage = Usage(int(counts["prompt_tokens"]), int(counts["completion_tokens"]))
    choices = chunk["choices"]
    if not choices:
        return GenerationEvent(usage=usage)
    choice = choices[0]
    reason = choice.get("finish_reason")
    delta = choice["delta"] if "delta" in choice else {"content": choice["text"]}
    text = delta.get("content") or ""
    if not isinstance(text, str):
        raise TypeError(f"content is {type(text).__name__}")
    return GenerationEvent(
        text,
        None if reason is None else FinishReason(reason),
        usage,
        _read_logprobs(said) if (said := choice.get("logprobs")) else (),
        tuple(map(_read_call, calls)) if (calls := delta.get("tool_calls")) else (),
    )


def _read_call(said: Mapping[str, Any]) -> ToolCallDelta:
    function = said.get("function") or {}
    found = (said.get("id") or "", function.get("name") or "", function.get("arguments") or "")
    if not all(isinstance(each, str) for each in found):
        raise TypeError("a call of a tool holds what is no text")
    return ToolCallDelta(int(said["index"]), *found)


def _read_logprobs(said: Mapping[str, Any]) -> tuple[TokenLogprob, ...]:
    """Both forms that there are: a list of objects (chat), and parallel lists (OpenAI's completions)."""
    if "tokens" in said:
        tops = said.get("top_logprobs") or [{}] * len(said["tokens"])
        return tuple(
            TokenLogprob(
                token,
                _number(logprob),
                tuple(token.encode()),
                tuple(
                    TopLogprob(each, _number(value), tuple(each.encode()))
                    for each, value in (top or {}).items()
                ),
            )
            for token, logprob, top in zip(said["tokens"], said["token_logprobs"], tops, strict=True)
        )
    return tuple(
        TokenLogprob(
            each["token"],
            _number(each["logprob"]),
            _bytes(each),
            tuple(
                TopLogprob(top["token"], _number(top["logprob"]), _bytes(top))
                for top in each.get("top_logprobs") or ()
            ),
        )
        for each in said.get("content") or ()
    )


def _bytes(said: Mapping[str, Any]) -> tuple[int, ...]:
    found = said.get("bytes")
    return tuple(said["token"].encode()) if found is None else tuple(int(each) for each in found)


def _number(value: Any) -> float:
    """A log-probability; one of probability 0 may come as null, and OpenAI writes -9999 for it."""
    return LEAST_LOGPROB if value is None else max(LEAST_LOGPROB, float(value))


def _code(chunk: Mapping[str, Any]) -> int:
    code = chunk["error"].get("code") if isinstance(chunk["error"], dict) else None
    return code if isinstance(code, int) else 500


def refusal(status: int, body: bytes) -> HyperCubeError:
    """What an error answer of the engine's server means to the caller."""
    try:
        error = json.loads(body)["error"]
        message, kind = str(error["message"]), error.get("type")
    except (ValueError, KeyError, TypeError):
        return engine_failed(f"it answered HTTP {status}: {body[:200]!r}")
    if kind == "exceed_context_size_error":
        return context_exceeded(int(error["n_prompt_tokens"]), int(error["n_ctx"]))
    if 400 <= status < 500:
        return invalid(
            f"The model engine refused the request: {message}",
            fix="Change what the message names, then send again.",
        )
    return engine_failed(f"it answered HTTP {status}: {message}")
