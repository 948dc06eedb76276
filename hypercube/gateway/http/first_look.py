"""What the first bytes of a connection are, judged without reading them: whole, or so little that it may wait.

It decides when a connection is made of a socket (`doorstep`), and nothing else: what was asked, and whether it is well
formed, the connection judges when it reads the same bytes.
"""

import re
from typing import Final

import httptools

SMALL: Final = 1 << 10
"""Bytes of a head of which a connection is made, whole or not."""
SEEN: Final = 16 << 10
"""Bytes that are looked at, at most."""
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)


class _Unheard:
    """Whom a parser tells what nobody wants to know."""


def is_whole(seen: bytes) -> bool:
    """Whether a request begins with these bytes of which all that can be seen here is there."""
    end = seen.find(_END)
    if end < 0:
        return False
    head = seen[: end + 2]
    if _CHUNKED.search(head) is not None:
        return seen.endswith(_END)
    given = _LENGTH.search(head)
    return given is None or len(seen) == SEEN or len(seen) >= end + 4 + int(given[1])


def may_wait(seen: bytes) -> bool:
    """Whether these bytes are a small part of a head, in which nothing is wrong so far."""
    if len(seen) >= SMALL or _END in seen:
        return False
    try:
        httptools.HttpRequestParser(_Unheard()).feed_data(seen)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return False
    return True
