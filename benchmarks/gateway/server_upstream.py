"""A raw OpenAI-compatible server: plain ASGI on uvicorn that answers every chat with the same words at once.

python -m benchmarks.gateway.server_upstream PORT
"""

import json
import sys
from typing import Any, Final

import uvicorn

MODEL: Final = "fixed"
WORDS: Final = tuple(f"word{number} " for number in range(16))
"""The answer, one token each."""
_USAGE: Final = {"prompt_tokens": 8, "completion_tokens": len(WORDS), "total_tokens": 8 + len(WORDS)}
_JSON: Final = [(b"content-type", b"application/json")]
_EVENTS: Final = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]


def _bytes(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _event(choices: list[Any], usage: Any = None) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return b"data: " + _bytes(head | {"choices": choices, "usage": usage}) + b"\n\n"


def _delta(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    return _event([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}])


_MODELS: Final = _bytes(
    {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "benchmark"}]}
)
_WHOLE: Final = _bytes(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(WORDS), "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
)
_PIECES: Final = (
    _delta({"role": "assistant", "content": ""}),
    *(_delta({"content": word}) for word in WORDS),
    _delta({}, "stop"),
)
_LAST: Final = b"data: [DONE]\n\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    if scope["path"] == "/v1/models":
        await _whole(send, _MODELS)
        return
    asked = json.loads(body)
    if not asked.get("stream"):
        await _whole(send, _WHOLE)
        return
    await send({"type": "http.response.start", "status": 200, "headers": _EVENTS})
    for piece in _PIECES:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if (asked.get("stream_options") or {}).get("include_usage"):
        await send({"type": "http.response.body", "body": _event([], _USAGE), "more_body": True})
    await send({"type": "http.response.body", "body": _LAST})


async def _whole(send: Any, body: bytes) -> None:
    headers = [*_JSON, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=600,
    )
