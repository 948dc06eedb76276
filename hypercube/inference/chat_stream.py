"""Speaks to an OpenAI-compatible server and reads its event stream strictly.

Requests are always streamed, also when the caller wants one answer: such servers notice that a client has left
only while they stream to it.
"""

import asyncio
import json
import logging
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

import orjson

from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    TokenLogprob,
    ToolCallDelta,
    ToolChoice,
    TopLogprob,
    Usage,
)
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.waiting import Begun
from hypercube.inference.context import context_exceeded
from hypercube.inference.engine import engine_failed
from hypercube.inference.tool_calls import described

if TYPE_CHECKING:
    import httpx

CHAT_PATH: Final = "/v1/chat/completions"
TEXT_PATH: Final = "/v1/completions"
LEAST_LOGPROB: Final = -9999.0
"""What stands for a probability of 0: JSON has no infinity."""
_LINGER_S: Final = 0.05
_log = logging.getLogger(__name__)
_SEEDS: Final = 2**32 - 1
"""Engines take 32 bits of seed, and the highest value of those means "choose one"."""


def chat_body(request: GenerationRequest) -> dict[str, Any]:
    """The JSON body for `request`; what the caller left open stays out, so the engine's own default holds."""
    sampling = request.sampling
    body: dict[str, Any] = {
        **_subject(request),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    optional = {
        "max_tokens": request.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": None if sampling.seed is None else sampling.seed % _SEEDS,
        "stop": list(sampling.stop) or None,
        "logit_bias": {str(token): bias for token, bias in sampling.logit_bias} or None,
        "response_format": None if request.json_schema is None else _response_format(request.json_schema),
    }
    return body | {key: value for key, value in optional.items() if value is not None}


def trimmed(event: GenerationEvent, most: int | None) -> GenerationEvent:
    """An event with no more than `most` of the likeliest tokens in each place."""
    if not event.logprobs or most is None:
        return event
    return replace(event, logprobs=tuple(replace(each, top=each.top[:most]) for each in event.logprobs))


def _subject(request: GenerationRequest) -> dict[str, Any]:
    """What is to be continued, with what, and what is to be told of it."""
    if request.prompt is not None:
        prompt = request.prompt if isinstance(request.prompt, str) else list(request.prompt)
        # Servers take 0 for "none", so the drawn token alone comes with one more, which is dropped again.
        return {"prompt": prompt} | (
            {} if request.logprobs is None else {"logprobs": max(1, request.logprobs)}
        )
    body: dict[str, Any] = {"messages": [_message(turn) for turn in request.messages]}
    if request.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": max(1, request.logprobs)}
    if request.tools and request.tool_choice is not ToolChoice.NONE:
        # Not every server knows how a tool is named in tool_choice; to require the only one is the same.
        offered = [tool for tool in request.tools if request.tool_name in ("", tool.name)]
        body |= {
            "tools": described(offered),
            "tool_choice": request.tool_choice.value,
            "parallel_tool_calls": request.parallel_tool_calls and not request.tool_name,
        }
    return body


def _message(turn: ChatMessage) -> dict[str, Any]:
    said: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.tool_calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.tool_calls
        ]
    if turn.tool_call_id:
        said["tool_call_id"] = turn.tool_call_id
    return said


def _response_format(schema: str) -> dict[str, Any]:
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": json.loads(schema)},
    }


async def stream_chat(
    client: "httpx.AsyncClient",
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    refused: "Callable[[httpx.Response, bytes], HyperCubeError] | None" = None,
    send: "Callable[[httpx.Request], Awaitable[httpx.Response]] | None" = None,
    joined: bool = False,
) -> AsyncGenerator[GenerationEvent, None]:
    """Post `body` and yield what the server streams; the last event has `finish_reason` and `usage`.

    `refused` says what an answer other than 200 means, in place of `refusal`. `send` sends a request in place of
    the client, which looks for cookies and redirects besides. With `joined`, pieces of nothing but text that came
    together, in one read, are one event.

    Raises:
        HyperCubeError: CONTEXT_LENGTH_EXCEEDED or INVALID_ARGUMENT when the server refuses the request;
            ENGINE_FAILED when it fails, or answers what is not an OpenAI event stream.
        httpx.TransportError: the connection broke or fell silent.
    """
    path = TEXT_PATH if "prompt" in body else CHAT_PATH
    request = _request(client, path, body, headers)
    sent = client.send(request, stream=True) if send is None else send(request)
    async with aclosing(await sent) as response:
        if response.status_code != 200:
            said = await response.aread()
            raise refused(response, said) if refused else refusal(response.status_code, said)
        answer = _Answer(joined)
        async with aclosing(_reads(response)) as reads:
            async for payloads in reads:
                for event in answer.take(payloads):
                    yield event
                if answer.failure is not None:
                    raise answer.failure
                if answer.done:
                    yield GenerationEvent(finish_reason=answer.finish, usage=answer.usage)
                    await _read_out(reads)
                    return
        raise engine_failed("its stream ended in the middle")


class _Answer:
    """What a server has said so far.

    Attributes:
        finish, usage: how the answer ended and what it took, once that is known.
        done: it was said that nothing follows.
        failure: what ends the stream instead, behind the events that were taken before it.
    """

    def __init__(self, joined: bool) -> None:
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


_templates: "Final[weakref.WeakKeyDictionary[httpx.AsyncClient, dict[str, httpx.Request]]]" = (
    weakref.WeakKeyDictionary()
)


def _request(
    client: "httpx.AsyncClient", path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None
) -> "httpx.Request":
    """A request like those before it: joining the address and the client's headers anew costs 0.1 ms a chat."""
    import httpx

    known = _templates.setdefault(client, {})
    template = known.get(path)
    if template is None:
        template = known[path] = client.build_request("POST", path, json={})
        del template.headers["content-length"]
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    own = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    own.append((b"Content-Length", b"%d" % len(content)))
    return httpx.Request(
        "POST",
        template.url,
        headers=[*template.headers.raw, *own],
        stream=httpx.ByteStream(content),  # as content it would have every header looked for again
        extensions=template.extensions,
    )


async def _read_out(reads: AsyncGenerator[list[bytes], None]) -> None:
    """Read the end of an answer that said all: only then is its connection used again."""
    try:
        end = Begun(_read_all(reads))
        if not end.done:
            async with asyncio.timeout(_LINGER_S):
                await end
    except Exception:  # noqa: BLE001 - the answer is whole; a connection that does not end in time is closed
        _log.debug("an answer did not end after [DONE]", exc_info=True)


async def _read_all(reads: AsyncGenerator[list[bytes], None]) -> None:
    async for _ in reads:
        pass


async def _reads(response: "httpx.Response") -> AsyncGenerator[list[bytes], None]:
    """The payloads of an event stream: those that came together.

    Lines end at LF alone: a text iterator would also split at U+2028 and its like, which JSON leaves unescaped.
    """
    rest = b""
    async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_raw())) as chunks:
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            payloads: list[bytes] = []
            for raw in lines:
                line = raw.removesuffix(b"\r")
                if line.startswith(b"data:"):
                    payloads.append(line[5:].removeprefix(b" "))
                elif line and not line.startswith((b":", b"event:", b"id:", b"retry:")):
                    if payloads:
                        yield payloads
                    raise engine_failed(f"its stream holds the line {line[:200]!r}")
            if payloads:
                yield payloads


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
