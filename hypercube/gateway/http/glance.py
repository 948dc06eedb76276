"""Whether a packet is one whole request of the plainest kind, for a door that has no time to read it."""

from typing import Final

import httptools

from hypercube.gateway.http.door import ALWAYS_OPEN

NEVER_REFUSED: Final = frozenset(path.encode() for path in ALWAYS_OPEN)
"""Who watches the server needs it most when it is overloaded."""


class Glance:
    """The parser that reads all requests, with no more callbacks than it takes to find the end of one.

    It is the same parser so that nobody can write a request that ends elsewhere for one of them.
    """

    __slots__ = ("_begun", "_parser", "_stays", "_url", "_whole")

    def __init__(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._begun = self._whole = 0
        self._stays = False
        self._url = b""

    def path_of_one_request(self, data: bytes) -> bytes | None:
        """The path, if this is one request from its first byte to its last, after which the connection stays.

        None for anything else, for a HEAD, and for what asks how the server is.
        """
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
