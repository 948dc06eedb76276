"""Whether a packet is one whole request of the plainest kind, for a door that has no time to read it."""

import re
from typing import Final, NamedTuple

import httptools

from hypercube.gateway.http.door import ALWAYS_OPEN
from hypercube.gateway.http.responses import speaks_v2
from hypercube.gateway.recent_refusals import Kind

NEVER_REFUSED: Final = frozenset(path.encode() for path in ALWAYS_OPEN)
"""Who watches the server needs it most when it is overloaded."""
_REQUEST_ID: Final = re.compile(rb"\r\nx-request-id:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_MODEL: Final = re.compile(rb'"model"\s*:\s*"[^"]*"')
_CREDENTIAL: Final = re.compile(rb"\r\n(?:authorization|x-api-key):[^\r\n]*", re.IGNORECASE)
_HEADS: Final = 512
"""So many heads are remembered, each of at most so many bytes."""
_HEAD_BYTES: Final = 1024


Asker = tuple[bytes, bytes]
"""Method and path, credential."""


def asker_of(packet: bytes) -> Asker:
    """What a request's head has in common with those that wait in the same queue; `packet` begins with it."""
    credential = _CREDENTIAL.search(packet)
    return (
        packet[: packet.find(b"\r")].partition(b"?")[0],
        b"" if credential is None else credential[0],
    )


def kind_of(packet: bytes, asker: Asker | None = None) -> Kind:
    """What a request has in common with those that wait in the same queue; `packet` holds it whole."""
    model = _MODEL.search(packet)
    line, credential = asker_of(packet) if asker is None else asker
    return line, b"" if model is None else model[0], credential


class Seen(NamedTuple):
    """What a glance sees of a request."""

    asker: Asker
    request_id: bytes
    """As it was given; empty if it was not."""
    v2: bool
    """Whether it speaks the Open Inference Protocol."""


class Glance:
    """The parser that reads all requests, with no more callbacks than it takes to find the end of one.

    It is the same parser so that nobody can write a request that ends elsewhere for one of them. What it said of a
    head is remembered: a request with that very head, to the byte, is one with a body of that length again.
    """

    __slots__ = ("_begun", "_heads", "_parser", "_stays", "_url", "_whole")

    def __init__(self) -> None:
        self._heads: dict[bytes, tuple[int, Seen]] = {}
        """How long the body is to be, and what was seen."""
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._begun = self._whole = 0
        self._stays = False
        self._url = b""

    def at(self, data: bytes) -> Seen | None:
        """What is asked, if this is one request from its first byte to its last, after which the connection stays.

        None for anything else, for a HEAD, and for what asks how the server is.
        """
        end = data.find(b"\r\n\r\n") + 4
        head = data[:end]
        known = self._heads.get(head)
        if known is not None and len(data) - end == known[0]:
            return known[1]
        path = self._path_of_one_request(data)
        if path is None:
            return None
        given = _REQUEST_ID.search(head)
        v2 = speaks_v2(path.decode("latin-1"))
        seen = Seen(asker_of(head), b"" if given is None else given[1], v2)
        if 4 <= end <= _HEAD_BYTES and head[:1].isalpha() and _CHUNKED.search(head) is None:
            # What the parser read ends with this line break or before it, so these bytes and a length decide all.
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[head] = (len(data) - end, seen)
        return seen

    def _path_of_one_request(self, data: bytes) -> bytes | None:
        self._begun = self._whole = 0
        self._url = b""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            plain = False
        else:
            plain = self._begun == self._whole == 1 and self._stays
        if not plain:
            self._begin_anew()  # it stands in the middle of something
            return None
        path = self._url.partition(b"?")[0]
        return None if data.startswith(b"HEAD ") or path in NEVER_REFUSED else path

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begun += 1

    def on_url(self, url: bytes) -> None:
        """A piece of its address."""
        self._url += url

    def on_message_complete(self) -> None:
        """It has come to its end."""
        self._whole += 1
        self._stays = self._parser.get_http_version() == "1.1" and self._parser.should_keep_alive()
