"""Speaks to an OpenAI-compatible server and reads its event stream strictly.

Requests are always streamed, also when the caller wants one answer: such servers notice that a client has left
only while they stream to it.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, cast

from hypercube.core.engine import FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.inference.context import context_exceeded
from hypercube.inference.engine import engine_failed

if TYPE_CHECKING:
    import httpx

CHAT_PATH: Final = "/v1/chat/completions"
_SEEDS: Final = 2**32 - 1
"""Engines take 32 bits of seed, and the highest value of those means "choose one"."""


def chat_body(request: GenerationRequest) -> dict[str, Any]:
    """The JSON body for `request`; what the caller left open stays out, so the engine's own default holds."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
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
        "response_format": None if request.json_schema is None else _response_format(request.json_schema),
    }
    return body | {key: value for key, value in optional.items() if value is not None}


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
) -> AsyncGenerator[GenerationEvent, None]:
    """Post `body` and yield what the server streams; the last event has `finish_reason` and `usage`.

    `refused` says what an answer other than 200 means, in place of `refusal`.

    Raises:
        HyperCubeError: CONTEXT_LENGTH_EXCEEDED or INVALID_ARGUMENT when the server refuses the request;
            ENGINE_FAILED when it fails, or answers what is not an OpenAI event stream.
        httpx.TransportError: the connection broke or fell silent.
    """
    async with client.stream("POST", CHAT_PATH, json=dict(body), headers=headers) as response:
        if response.status_code != 200:
            said = await response.aread()
            raise refused(response, said) if refused else refusal(response.status_code, said)
        finish: FinishReason | None = None
        usage: Usage | None = None
        async with aclosing(_data_lines(response)) as lines:
            async for data in lines:
                if data == b"[DONE]":
                    if finish is None or usage is None:
                        raise engine_failed("its stream ended without a finish reason and token counts")
                    yield GenerationEvent(finish_reason=finish, usage=usage)
                    return
                chunk = _parsed(data)
                if "error" in chunk:
                    raise refusal(_code(chunk), data)
                try:
                    text, chunk_finish, chunk_usage = _read_chunk(chunk)
                except (KeyError, TypeError, ValueError, IndexError) as error:
                    raise engine_failed(f"its stream holds {data[:200]!r}, which is no chat chunk") from error
                finish, usage = chunk_finish or finish, chunk_usage or usage
                if text or (chunk_finish is None and chunk_usage is None):
                    yield GenerationEvent(text=text)
        raise engine_failed("its stream ended in the middle")


async def _data_lines(response: "httpx.Response") -> AsyncGenerator[bytes, None]:
    """The payloads of an event stream.

    Lines end at LF alone: a text iterator would also split at U+2028 and its like, which JSON leaves unescaped.
    """
    rest = b""
    async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_raw())) as chunks:
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for raw in lines:
                line = raw.removesuffix(b"\r")
                if line.startswith(b"data:"):
                    yield line[5:].removeprefix(b" ")
                elif line and not line.startswith((b":", b"event:", b"id:", b"retry:")):
                    raise engine_failed(f"its stream holds the line {line[:200]!r}")


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except ValueError as error:
        raise engine_failed(f"its stream holds {data[:200]!r}, which is not JSON") from error
    if not isinstance(chunk, dict):
        raise engine_failed(f"its stream holds {data[:200]!r}, which is not an object")
    return chunk


def _read_chunk(chunk: Mapping[str, Any]) -> tuple[str, FinishReason | None, Usage | None]:
    usage = None
    if chunk.get("usage"):
        counts = chunk["usage"]
        usage = Usage(int(counts["prompt_tokens"]), int(counts["completion_tokens"]))
    choices = chunk["choices"]
    if not choices:
        return "", None, usage
    choice = choices[0]
    reason = choice.get("finish_reason")
    text = choice["delta"].get("content") or ""
    if not isinstance(text, str):
        raise TypeError(f"content is {type(text).__name__}")
    return text, None if reason is None else FinishReason(reason), usage


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
