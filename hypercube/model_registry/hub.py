"""A model hub as a source: HTTPS with resume, given up as soon as it falls silent."""

import queue
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from hypercube.model_registry.manifest import HubFile
from hypercube.model_registry.transfer import SourceFailedError, Transfer

DEFAULT_HUB: Final = "https://huggingface.co"
_CUTS_WITHOUT_A_BYTE: Final = 2
"""A connection that is cut is resumed as long as each one brings something."""
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _End:
    """The reader is done; `error` says why if it was not the end of the body."""

    error: str = ""
    cut: bool = False
    """The connection broke after it was made: worth resuming."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one response in a daemon thread.

    Name resolution and TLS know no timeout of ours, and a blocked `recv` knows no cancellation: with the socket
    in a thread of its own, silence and Ctrl-C are both noticed at once, whatever the socket is doing.
    """

    url: str
    headers: Mapping[str, str]
    timeout_s: float
    items: "queue.Queue[_Head | _End | bytes]" = field(default_factory=lambda: queue.Queue(maxsize=64))
    stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._run, name="hub-reader", daemon=True).start()

    def _run(self) -> None:
        import httpx

        head = False
        try:
            with (
                httpx.Client(follow_redirects=True, timeout=self.timeout_s) as client,
                client.stream("GET", self.url, headers=dict(self.headers)) as response,
            ):
                head = True
                self._put(_Head(response.status_code, response.headers))
                for chunk in response.iter_raw():
                    if not self._put(chunk):
                        return
            self._put(_End())
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            self._put(_End(error=str(error) or type(error).__name__, cut=head))

    def _put(self, item: "_Head | _End | bytes") -> bool:
        while not self.stop.is_set():
            try:
                self.items.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def take(self, transfer: Transfer, title: str) -> "_Head | _End | bytes":
        """The next piece; raises SourceFailedError after `silence_s` without one, TransferCancelledError on cancel."""
        until = time.monotonic() + transfer.silence_s
        while True:
            transfer.check()
            try:
                return self.items.get(timeout=0.05)
            except queue.Empty:
                if time.monotonic() >= until:
                    raise SourceFailedError(f"{title} was silent for {transfer.silence_s:g} s") from None


def fetch_from_hub(source: HubFile, transfer: Transfer, hub_url: str = DEFAULT_HUB) -> None:
    """Append the rest of the file to `transfer.partial`.

    Raises:
        SourceFailedError: unreachable, silent, another size than declared, or cut twice without a byte between.
        TransferCancelledError: the caller has gone.
    """
    path = f"{source.repo}/resolve/{quote(source.revision, safe='')}/{quote(source.filename)}"
    url = f"{hub_url.rstrip('/')}/{path}"
    empty_cuts = 0
    while transfer.partial.position < transfer.file.size:
        before = transfer.partial.position
        cut = _one_response(url, source.title, transfer)
        if cut is None:
            continue
        empty_cuts = empty_cuts + 1 if transfer.partial.position <= before else 0
        if empty_cuts >= _CUTS_WITHOUT_A_BYTE:
            raise SourceFailedError(f"{source.title} broke off at byte {transfer.partial.position}: {cut}")


def _one_response(url: str, title: str, transfer: Transfer) -> str | None:
    """Read one response to its end; the text says how it broke off, None that it did not."""
    partial, size = transfer.partial, transfer.file.size
    headers = {"Accept-Encoding": "identity"}
    if partial.position:
        headers["Range"] = f"bytes={partial.position}-"
    # The socket's own timeout only ends an abandoned thread: `take` is the judge of silence.
    reader = _Reader(url, headers, 2 * transfer.silence_s + 1)
    reader.start()
    try:
        head = reader.take(transfer, title)
        if isinstance(head, _End):
            raise SourceFailedError(f"{title} is unreachable: {head.error}")
        if isinstance(head, _Head):
            _check_head(head, title, transfer)
        while True:
            item = reader.take(transfer, title)
            if isinstance(item, _End):
                if partial.position < size:
                    return item.error or "the body ended early"
                return None
            if isinstance(item, bytes):
                if partial.position + len(item) > size:
                    raise SourceFailedError(f"{title} sent more than the declared {size} bytes")
                partial.write(item)
                transfer.meter.at(partial.position)
                if partial.position == size:
                    return None
    finally:
        reader.stop.set()


def _check_head(head: _Head, title: str, transfer: Transfer) -> None:
    partial, size = transfer.partial, transfer.file.size
    headers: Mapping[str, Any] = head.headers
    if head.status == 206:
        match = _CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
        if match is None or int(match[1]) != partial.position:
            raise SourceFailedError(f"{title} answered the wrong range: {headers.get('content-range')!r}")
        if match[2] not in {"*", str(size)}:
            raise SourceFailedError(f"{title} has a file of {match[2]} bytes, the manifest declares {size}")
        return
    if head.status != 200:
        raise SourceFailedError(f"{title} answered HTTP {head.status}")
    length = headers.get("content-length")
    if length is not None and length != str(size):
        raise SourceFailedError(f"{title} has a file of {length} bytes, the manifest declares {size}")
    # The whole file, although a range was asked for: begin again.
    partial.cut(0, transfer.cancel)
