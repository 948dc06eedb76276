"""What an OpenAI-compatible server says in its event stream, read strictly, chunk by chunk."""

import json
import re
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

_TRIED: Final = "another text"
_NOT_PLAIN: Final = re.compile(rb'[\x00-\x1f"\\]')
"""What a text in JSON cannot hold as it is."""
_MOST_FORMS: Final = 4
"""Tried in an answer: a server that writes every chunk otherwise is read as JSON."""
LEAST_LOGPROB: Final = -9999.0
"""What stands for a probability of 0: JSON has no infinity."""


class Answer:
    """What a server has said so far.

    Attributes:
        finish, usage: how the answer ended and what it took, once that is known.
        done: it was said that nothing follows.
        rest: text that came together with that, and with nothing behind it but how the answer ended.
        failure: what ends the stream instead, behind the events that were taken before it.
    """

    def __init__(self, joined: bool) -> None:
        """With `joined`, pieces of nothing but text that came together are one event."""
        self.finish: FinishReason | None = None
        self.usage: Usage | None = None
        self.done = False
        self.rest = ""
        self.failure: HyperCubeError | None = None
        self._joined = joined
        self._form: TextForm | None = None
        self._forms_left = _MOST_FORMS

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
                if self._form is not None and (text := self._form.text_of(data)) is not None:
                    held.append(text)
                    continue
                chunk = _parsed(data)
                if self._joined and (text := _text_alone(chunk)) is not None:
                    held.append(text)
                    if text and self._forms_left:
                        self._forms_left -= 1
                        self._form = TextForm.of(data, chunk, text)
                elif (event := self._event(chunk, data)) is not None:
                    if whole := "".join(held):
                        events.append(GenerationEvent(whole))
                    held.clear()
                    events.append(event)
        except HyperCubeError as error:
            self.failure = error
        if self.done and self._joined:
            self.rest = "".join(held)
        # What was no more than a sign of life says nothing beside another one.
        elif (whole := "".join(held)) or (held and not events and not self.done):
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
        if not (event.text or event.logprobs or event.tool_calls):
            return None
        return replace(event, finish_reason=None, usage=None)


class TextForm:
    """What the chunks of text of one answer repeat before and behind their text.

    Most differ in nothing else, and to see that takes a tenth of the time of reading them as JSON.
    """

    __slots__ = ("_after", "_before", "_edges")

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        self._edges = len(before), len(before) + len(after)

    @classmethod
    def of(cls, data: bytes, chunk: dict[str, Any], text: str) -> "TextForm | None":
        """The form of `data`, which was read as `chunk` with nothing but `text` in it; None where that is not plain.

        Whether a place in the bytes is the text is not guessed but tried: another text is put there and read.
        """
        said = text.encode("utf-8", "surrogatepass")
        if data.count(b'"%b"' % said) != 1:
            return None
        at = data.index(b'"%b"' % said) + 1
        form = cls(data[:at], data[at + len(said) :])
        try:
            tried = orjson.loads(b"%b%b%b" % (form._before, _TRIED.encode(), form._after))
        except orjson.JSONDecodeError:
            return None
        if not isinstance(tried, dict) or _text_alone(tried) != _TRIED:
            return None
        tried["choices"][0]["delta"]["content"] = text
        return form if tried == chunk else None

    def text_of(self, data: bytes) -> str | None:
        """The text of a chunk of this form, if it is written without escapes; None for every other one."""
        start, edges = self._edges
        if len(data) < edges or not (data.startswith(self._before) and data.endswith(self._after)):
            return None
        said = data[start : len(data) - edges + start]
        if _NOT_PLAIN.search(said) is not None:
            return None
        try:
            return said.decode()
        except UnicodeDecodeError:
            return None


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
    except (ValueError, RecursionError) as error:
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
    except (ValueError, KeyError, TypeError, RecursionError):
        return engine_failed(f"it answered HTTP {status}: {body[:200]!r}")
    if kind == "exceed_context_size_error":
        return context_exceeded(int(error["n_prompt_tokens"]), int(error["n_ctx"]))
    if 400 <= status < 500:
        return invalid(
            f"The model engine refused the request: {message}",
            fix="Change what the message names, then send again.",
        )
    return engine_failed(f"it answered HTTP {status}: {message}")
