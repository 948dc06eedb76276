"""Answers that a connection gives before any handler: too large, too slow, no room."""

import json
from http import HTTPStatus
from typing import Final

_CODES: Final = {
    400: "invalid_argument",
    408: "deadline_exceeded",
    429: "overloaded",
    431: "payload_too_large",
    503: "unavailable",
}


def answer_of(status: int, message: str, headers: bytes = b"") -> bytes:
    """The whole of an answer after which the connection closes."""
    body = error_body(status, message)
    return b"%bconnection: close\r\n%b\r\n%b" % (head_of(status, body), headers, body)


def head_took_too_long(header_s: float) -> str:
    """What is said with a 408 for a head."""
    return f"The head of the request took more than {header_s:g} s."


def head_of(status: int, body: bytes) -> bytes:
    """The head of an answer of ours, without its last line."""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
    )
    return head.encode("ascii")


def error_body(status: int, message: str) -> bytes:
    """What all errors of HTTP look like."""
    kind = (
        "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
    )
    return json.dumps(
        {"error": {"message": message, "type": kind, "param": None, "code": _CODES[status]}}
    ).encode()
