"""Speaks to an OpenAI-compatible server and reads its event stream strictly.

Requests are always streamed, also when the caller wants one answer: such servers notice that a client has left
only while they stream to it.
"""

import asyncio
import json
import logging
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import orjson

from hypercube.core.engine import (
    ChatMessage,
    GenerationEvent,
    GenerationRequest,
    ToolChoice,
)
from hypercube.core.errors import HyperCubeError
from hypercube.core.waiting import Begun
from hypercube.inference.chat_chunks import Answer, refusal
from hypercube.inference.engine import engine_failed
from hypercube.inference.first_bytes import LONGEST_LINE, LONGEST_REFUSAL, first_bytes
from hypercube.inference.tool_calls import described

if TYPE_CHECKING:
    import httpx

CHAT_PATH: Final = "/v1/chat/completions"
TEXT_PATH: Final = "/v1/completions"
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


class Incoming(Protocol):
    """An answer of a server whose head came."""

    @property
    def status_code(self) -> int:
        """As HTTP has it."""
        ...

    def piece(self) -> Awaitable[bytes]:
        """All of the body that came by now; waits for some of it, and is empty at the end."""
        ...

    def response(self) -> "httpx.Response":
        """The whole as httpx's answer."""
        ...

    async def aclose(self) -> None:
        """Give the connection back; closed if the answer was not read to its end."""
        ...


Post = Callable[[str, bytes, Mapping[str, str] | None], Awaitable[Incoming]]
"""Posts JSON to a path with headers besides; raises httpx.TransportError."""


async def stream_chat(
    client: "httpx.AsyncClient",
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    refused: "Callable[[httpx.Response, bytes], HyperCubeError] | None" = None,
    post: Post | None = None,
    joined: bool = False,
) -> AsyncGenerator[GenerationEvent, None]:
    """Post `body` and yield what the server streams; the last event has `finish_reason` and `usage`.

    `refused` says what an answer other than 200 means, in place of `refusal`. `post` posts in place of the client,
    which looks for cookies and redirects besides. With `joined`, pieces of nothing but text that came
    together, in one read, are one event, and those that came with the end are part of the last.

    Raises:
        HyperCubeError: CONTEXT_LENGTH_EXCEEDED or INVALID_ARGUMENT when the server refuses the request;
            ENGINE_FAILED when it fails, or answers what is not an OpenAI event stream.
        httpx.TransportError: the connection broke or fell silent.
    """
    path = TEXT_PATH if "prompt" in body else CHAT_PATH
    if post is None:
        incoming: Incoming = await _posted(client, path, _content(body), headers)
    else:
        incoming = await post(path, _content(body), headers)
    try:
        if incoming.status_code != 200:
            response = incoming.response()
            said = await first_bytes(response, LONGEST_REFUSAL)
            raise refused(response, said) if refused else refusal(response.status_code, said)
        answer, lines = Answer(joined), _Lines()
        while chunk := await incoming.piece():
            payloads = lines.take(chunk)
            if payloads:
                for event in answer.take(payloads):
                    yield event
                if answer.failure is not None:
                    raise answer.failure
                if answer.done:
                    yield GenerationEvent(answer.rest, answer.finish, answer.usage)
                    await _read_out(incoming)
                    return
            if lines.wrong is not None:
                raise engine_failed(f"its stream holds the line {lines.wrong[:200]!r}")
        raise engine_failed("its stream ended in the middle")
    finally:
        await incoming.aclose()


def _content(body: Mapping[str, Any]) -> bytes:
    """`body` as JSON. What orjson refuses (half of a surrogate pair, an integer of over 64 bits) others write."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


_templates: "Final[weakref.WeakKeyDictionary[httpx.AsyncClient, dict[str, httpx.Request]]]" = (
    weakref.WeakKeyDictionary()
)


async def _posted(
    client: "httpx.AsyncClient", path: str, content: bytes, headers: Mapping[str, str] | None
) -> "_OfClient":
    """Post with a client.

    A request is like those before it: joining the address and the client's headers anew costs 0.1 ms a chat.
    """
    import httpx

    known = _templates.setdefault(client, {})
    template = known.get(path)
    if template is None:
        template = known[path] = client.build_request("POST", path, json={})
        del template.headers["content-length"]
    own = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    own.append((b"Content-Length", b"%d" % len(content)))
    request = httpx.Request(
        "POST",
        template.url,
        headers=[*template.headers.raw, *own],
        stream=httpx.ByteStream(content),  # as content it would have every header looked for again
        extensions=template.extensions,
    )
    return _OfClient(await client.send(request, stream=True))


class _OfClient:
    """`Incoming` of httpx."""

    def __init__(self, response: "httpx.Response") -> None:
        self.status_code = response.status_code
        self._response = response
        self._pieces: AsyncIterator[bytes] | None = None

    async def piece(self) -> bytes:
        if self._pieces is None:
            self._pieces = self._response.aiter_raw()
        async for piece in self._pieces:
            if piece:
                return piece
        return b""

    def response(self) -> "httpx.Response":
        return self._response

    async def aclose(self) -> None:
        if self._pieces is not None:
            await cast("AsyncGenerator[bytes, None]", self._pieces).aclose()
        await self._response.aclose()


async def _read_out(incoming: Incoming) -> None:
    """Read the end of an answer that said all: only then is its connection used again."""
    try:
        end = Begun(_read_all(incoming))
        if not end.done:
            async with asyncio.timeout(_LINGER_S):
                await end
    except Exception:  # noqa: BLE001 - the answer is whole; a connection that does not end in time is closed
        _log.debug("an answer did not end after [DONE]", exc_info=True)


async def _read_all(incoming: Incoming) -> None:
    while await incoming.piece():
        pass


class _Lines:
    """The payloads of an event stream.

    Lines end at LF alone: a text iterator would also split at U+2028 and its like, which JSON leaves unescaped.

    Attributes:
        wrong: the line behind the payloads taken last that is none of an event stream.
    """

    __slots__ = ("_rest", "wrong")

    def __init__(self) -> None:
        self._rest = b""
        self.wrong: bytes | None = None

    def take(self, chunk: bytes) -> list[bytes]:
        """Those that end in `chunk`."""
        said = self._rest + chunk
        *lines, self._rest = said.split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self.wrong = self._rest
        if b"\r" in said:
            lines = [line.removesuffix(b"\r") for line in lines]
        payloads: list[bytes] = []
        for line in lines:
            if not line:
                continue
            if line.startswith(b"data:"):
                payloads.append(line[6:] if line.startswith(b" ", 5) else line[5:])
            elif not line.startswith((b":", b"event:", b"id:", b"retry:")):
                self.wrong = line
                break
        return payloads
