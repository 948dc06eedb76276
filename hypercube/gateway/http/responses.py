"""How answers leave: JSON, errors, and server-sent events."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import orjson
from pydantic_core import to_jsonable_python
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hypercube.core.errors import ErrorKind, Failure
from hypercube.core.waiting import Begun
from hypercube.gateway.errors import HTTP, error_object, failure_of, retry_after
from hypercube.gateway.streams import Foreseen, close

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
FAILURE: Final = "hypercube.failure"
"""Key of the ASGI scope: how the request failed."""
ANSWERED: Final = "hypercube.answered"
"""Key of the ASGI scope: all was said, so that the client may leave."""
DONE: Final = b"data: [DONE]\n\n"
_EVENT_HEADERS: Final = (
    (b"content-type", f"{EVENTS}; charset=utf-8".encode()),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
_FIRST_WRITE: Final = 2
_LARGEST_WRITE: Final = 32
"""Events in one write: at most so many of those that are there."""
_log = logging.getLogger(__name__)


def encode(value: Any) -> bytes:
    """JSON bytes of plain data, dataclasses and enums; NaN, which JSON lacks, becomes null."""
    try:
        return orjson.dumps(value, default=to_jsonable_python)
    except orjson.JSONEncodeError:
        # An integer of over 64 bits, which a caller may write in a schema and hear again.
        return json.dumps(
            to_jsonable_python(value, inf_nan_mode="null"), ensure_ascii=False, separators=(",", ":")
        ).encode()


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(encode(value), status, headers, JSON)


def error_response(failure: Failure, headers: Mapping[str, str] | None = None, *, path: str = "") -> Response:
    """A failure under the status of its kind: in OpenAI's shape, or on a path of the Open Inference Protocol in its."""
    wait = retry_after(failure)
    extra = {**(headers or {}), **({"retry-after": wait} if wait is not None else {})}
    if failure.kind is ErrorKind.UNAUTHENTICATED:
        extra["www-authenticate"] = 'Bearer realm="hypercube"'
    error = error_object(failure)
    body = {"error": error["message"] if speaks_v2(path) else error}
    return json_response(body, HTTP[failure.kind].code, extra)


def speaks_v2(path: str) -> bool:
    """Whether a path belongs to the Open Inference Protocol v2."""
    return path == "/v2" or path.startswith("/v2/")


def event(data: bytes) -> bytes:
    """One server-sent event; JSON never holds a raw line break, so one `data:` line is enough."""
    return b"data: " + data + b"\n\n"


class EventStream(Response):
    """Server-sent events from ready-made JSON pieces, ended by `[DONE]`, or by an error event if it fails.

    The stream is closed however this ends, also when the client leaves before its first byte.
    """

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        request_id: str,
        *,
        frame: Callable[[bytes], bytes] = event,
        last: bytes = DONE,
    ) -> None:
        """`frame` makes an event of a piece; `last` ends a stream that did not fail."""
        # Without the steps of `Response`, which come to the same headers every time.
        self.status_code = 200
        self.background = None
        self.body = b""
        self.raw_headers = list(_EVENT_HEADERS)
        self._pieces = pieces
        self._foreseen = pieces if isinstance(pieces, Foreseen) else None
        self._request_id = request_id
        self._frame = frame
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events as they come."""
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            try:
                last = b"".join((*await self._send_pieces(send), self._last))
            except Exception as error:  # noqa: BLE001 - a started stream has no status left: the error is its last event
                failure = failure_of(error, self._request_id)
                scope[FAILURE] = failure
                last = event(encode({"error": error_object(failure)}))
            await send({"type": "http.response.body", "body": last, "more_body": False})
            if FAILURE not in scope and self._complete():
                scope[ANSWERED] = True
                await self._run_out()
        finally:
            await close(self._pieces)

    def _complete(self) -> bool:
        """Whether the pieces say of themselves that the last one was given, before they end."""
        return self._foreseen is not None and self._foreseen.complete

    async def _run_out(self) -> None:
        """Let the work behind the pieces come to its end, for which the client does not wait."""
        try:
            async for _ in self._pieces:
                pass
        except Exception:  # noqa: BLE001 - the answer is whole, and was sent
            _log.warning("a stream failed behind its last piece (%s)", self._request_id, exc_info=True)

    async def _send_pieces(self, send: Send) -> list[bytes]:
        """Send what is there in one write, once the next piece has to be waited for; returns the last unsent ones.

        A write costs more than most pieces; a first piece waits for one other at most, later ones for more.
        """
        ready: list[bytes] = []
        most = _FIRST_WRITE
        while True:
            try:
                step = Begun(anext(self._pieces))
                if step.done:
                    piece = step.result
                else:
                    sent, ready = ready, []
                    piece = await (step.after(_write(send, sent)) if sent else step)
            except StopAsyncIteration:
                return ready
            except Exception:
                if ready:
                    await _write(send, ready)
                raise
            ready.append(self._frame(piece))
            if self._foreseen is not None:
                ready.extend(map(self._frame, self._foreseen.besides()))
                if self._foreseen.complete:
                    return ready
            if len(ready) >= most:
                await _write(send, ready)
                ready, most = [], min(2 * most, _LARGEST_WRITE)


async def _write(send: Send, pieces: list[bytes]) -> None:
    await send({"type": "http.response.body", "body": b"".join(pieces), "more_body": True})
