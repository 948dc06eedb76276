"""The frames between an engine's process and its parent, for both sides.

A frame is the length of its header, the length of its payload (two unsigned 32-bit integers in network order), the
header (a JSON object with "op", and "id" where it belongs to a request) and the payload (bytes; float32 in the
machine's own order, since both ends are on one machine).

    to the child     load        settings              first frame, once
                     generate    id, request, priority (lower goes first)
                     embed       id, texts
                     score       id, pairs
                     load_adapter    id, name, folder
                     unload_adapter  id, name
                     tokenize    id, request
                     cancel      id                    no answer follows any more
    to the parent    say         text                  a sentence while loading
                     loaded      facts
                     alive       steps                 heartbeat: steps of the engine so far
                     event       id, text, finish, usage, logprobs, calls
                     tokens      id, tokenized
                     vectors     id, tokens + payload  float32, texts x width
                     scores      id, tokens + payload  float32, pairs
                     done        id                    an adapter is loaded or gone
                     error       id, failure           this request failed, the engine goes on
                     fatal       failure               the engine is broken, the process ends

The end of the stream tells the child to end, and the parent that the child has.
"""

import asyncio
import json
import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Sampling,
    Tokenized,
    TokenizeRequest,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolChoice,
    TopLogprob,
    Usage,
)
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError
from hypercube.inference.engine import Embedded, Scored

_LENGTHS: Final = struct.Struct("!II")
MAX_HEADER_BYTES: Final = 64 * 2**20
MAX_PAYLOAD_BYTES: Final = 2**30


class FrameError(Exception):
    """What came is no frame: the other side is not what it should be, or native code wrote into the stream."""


class Frame(NamedTuple):
    """One message: its header and its bytes."""

    header: Mapping[str, Any]
    payload: bytes = b""

    @property
    def op(self) -> str:
        """What the frame is about."""
        return str(self.header["op"])


def encode(header: Mapping[str, Any], payload: bytes | memoryview = b"") -> bytes:
    """A frame as bytes.

    Raises:
        FrameError: the header or the payload is over its limit.
    """
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > MAX_HEADER_BYTES or len(payload) > MAX_PAYLOAD_BYTES:
        raise FrameError(
            f"a frame of {len(text)} + {len(payload)} bytes is over {MAX_HEADER_BYTES} + {MAX_PAYLOAD_BYTES}"
        )
    return b"".join((_LENGTHS.pack(len(text), len(payload)), text, payload))


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame; None at a clean end of the stream.

    Raises:
        FrameError: the stream ends inside a frame, or holds none.
    """
    try:
        head = await reader.readexactly(_LENGTHS.size)
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise FrameError(f"the stream ends after {len(end.partial)} bytes of a frame") from None
        return None
    length, size = _LENGTHS.unpack(head)
    if length > MAX_HEADER_BYTES or size > MAX_PAYLOAD_BYTES:
        raise FrameError(f"a frame of {length} + {size} bytes was announced")
    try:
        text = await reader.readexactly(length)
        payload = await reader.readexactly(size) if size else b""
    except asyncio.IncompleteReadError:
        raise FrameError("the stream ends inside a frame") from None
    try:
        header = json.loads(text)
    except ValueError:
        raise FrameError(f"a header is not JSON: {text[:80]!r}") from None
    if not isinstance(header, dict) or not isinstance(header.get("op"), str):
        raise FrameError(f"a header has no op: {text[:80]!r}")
    return Frame(header, payload)


# -- what frames carry


def request_header(request: GenerationRequest) -> dict[str, Any]:
    """A request as JSON types."""
    return asdict(request)


def request_of(header: Mapping[str, Any]) -> GenerationRequest:
    """The request that `request_header` wrote."""
    sampling = dict(header["sampling"])
    sampling["stop"] = tuple(sampling["stop"])
    sampling["logit_bias"] = tuple((token, bias) for token, bias in sampling["logit_bias"])
    prompt = header["prompt"]
    return GenerationRequest(
        **{
            **header,
            "messages": _messages_of(header["messages"]),
            "sampling": Sampling(**sampling),
            "prompt": tuple(prompt) if isinstance(prompt, list) else prompt,
            "tools": tuple(Tool(**tool) for tool in header["tools"]),
            "tool_choice": ToolChoice(header["tool_choice"]),
        }
    )


def _messages_of(messages: Sequence[Mapping[str, Any]]) -> tuple[ChatMessage, ...]:
    return tuple(
        ChatMessage(**{**each, "tool_calls": tuple(ToolCall(**call) for call in each["tool_calls"])})
        for each in messages
    )


def event_header(number: int, event: GenerationEvent) -> dict[str, Any]:
    """An event of request `number`; what is not set stays out."""
    header: dict[str, Any] = {"op": "event", "id": number, "text": event.text}
    if event.finish_reason is not None:
        header["finish"] = event.finish_reason.value
    if event.usage is not None:
        header["usage"] = [event.usage.prompt_tokens, event.usage.completion_tokens]
    if event.logprobs:
        header["logprobs"] = [asdict(each) for each in event.logprobs]
    if event.tool_calls:
        header["calls"] = [asdict(each) for each in event.tool_calls]
    return header


def event_of(header: Mapping[str, Any]) -> GenerationEvent:
    """The event that `event_header` wrote."""
    finish, usage = header.get("finish"), header.get("usage")
    return GenerationEvent(
        text=header["text"],
        finish_reason=None if finish is None else FinishReason(finish),
        usage=None if usage is None else Usage(*usage),
        logprobs=tuple(_logprob_of(each) for each in header.get("logprobs", ())),
        tool_calls=tuple(ToolCallDelta(**each) for each in header.get("calls", ())),
    )


def _logprob_of(header: Mapping[str, Any]) -> TokenLogprob:
    top = tuple(TopLogprob(each["token"], each["logprob"], tuple(each["bytes"])) for each in header["top"])
    return TokenLogprob(header["token"], header["logprob"], tuple(header["bytes"]), top)


def tokenize_of(header: Mapping[str, Any]) -> TokenizeRequest:
    """The request whose fields `asdict` wrote."""
    tokens = header["tokens"]
    return TokenizeRequest(
        **{
            **header,
            "messages": _messages_of(header["messages"]),
            "tokens": None if tokens is None else tuple(tokens),
        }
    )


def tokenized_of(header: Mapping[str, Any]) -> Tokenized:
    """The answer whose fields `asdict` wrote."""
    return Tokenized(
        tuple(header["tokens"]), tuple(header["pieces"]), header["text"], header["context_length"]
    )


def failure_header(error: HyperCubeError) -> dict[str, Any]:
    """An error as JSON types."""
    failure = asdict(error.failure())
    failure["kind"] = error.kind.value
    return failure


def error_of(header: Mapping[str, Any]) -> HyperCubeError:
    """The error that `failure_header` wrote."""
    return HyperCubeError.of(Failure(**{**header, "kind": ErrorKind(header["kind"])}))


def vectors_frame(number: int, found: Sequence[Embedded]) -> bytes:
    """The frame of embeddings: one vector a text, all of one width."""
    joined = array("f")
    for each in found:
        joined.extend(each.vector)
    header = {"op": "vectors", "id": number, "tokens": [each.tokens for each in found]}
    return encode(header, joined.tobytes())


def vectors_of(frame: Frame) -> list[Embedded]:
    """The embeddings that `vectors_frame` wrote.

    Raises:
        FrameError: the payload does not divide into one vector a text.
    """
    tokens, numbers = frame.header["tokens"], _floats(frame)
    if not tokens:
        return []
    width, rest = divmod(len(numbers), len(tokens))
    if rest or not width:
        raise FrameError(f"{len(numbers)} numbers are no {len(tokens)} vectors")
    return [Embedded(numbers[i * width : (i + 1) * width], count) for i, count in enumerate(tokens)]


def scores_frame(number: int, found: Sequence[Scored]) -> bytes:
    """The frame of scores: one number a pair."""
    header = {"op": "scores", "id": number, "tokens": [each.tokens for each in found]}
    return encode(header, array("f", [each.score for each in found]).tobytes())


def scores_of(frame: Frame) -> list[Scored]:
    """The scores that `scores_frame` wrote.

    Raises:
        FrameError: there is not one number a pair.
    """
    tokens, numbers = frame.header["tokens"], _floats(frame)
    if len(numbers) != len(tokens):
        raise FrameError(f"{len(numbers)} scores came for {len(tokens)} pairs")
    return [Scored(score, count) for score, count in zip(numbers, tokens, strict=True)]


def _floats(frame: Frame) -> "array[float]":
    numbers = array("f")
    if len(frame.payload) % numbers.itemsize:
        raise FrameError(f"{len(frame.payload)} bytes are no float32 numbers")
    numbers.frombytes(frame.payload)
    return numbers
