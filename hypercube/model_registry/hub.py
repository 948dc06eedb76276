"""HTTPS as a source, a model hub above all: resumed, checked for change, given up as soon as it falls silent."""

import json
import queue
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from hypercube.model_registry.sources import HubFile
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


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file a partial one is the beginning of: its address and its strong ETag, kept beside it."""

    partial: Path

    @property
    def _path(self) -> Path:
        return self.partial.with_name(f"{self.partial.name}.origin")

    def read(self, url: str) -> str | None:
        """The ETag that the beginning had at `url`."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            etag = kept["etag"] if kept["address"] == _address(url) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return etag if isinstance(etag, str) else None

    def write(self, url: str, headers: Mapping[str, str]) -> None:
        """Note what the answer of `url` says that its bytes belong to."""
        etag = _strong(headers)
        if etag is None:
            self.forget()
        else:
            self._path.write_text(json.dumps({"address": _address(url), "etag": etag}), encoding="utf-8")

    def forget(self) -> None:
        """The partial file is finished, or gone."""
        self._path.unlink(missing_ok=True)

    def changed(self, headers: Mapping[str, str], before: str | None) -> bool:
        """Whether an answer belongs to another file than the beginning does."""
        etag = _strong(headers)
        return before is not None and etag is not None and etag != before


def _address(url: str) -> str:
    # The query of a presigned address changes with every signature, and is a secret.
    return url.split("?", 1)[0]


def _strong(headers: Mapping[str, str]) -> str | None:
    etag = headers.get("etag")
    return etag if etag and not etag.startswith("W/") else None


def fetch_from_hub(source: HubFile, transfer: Transfer, hub_url: str = DEFAULT_HUB) -> None:
    """`fetch_from_url` for a file of a hub repository."""
    path = f"{source.repo}/resolve/{quote(source.revision, safe='')}/{quote(source.filename)}"
    fetch_from_url(f"{hub_url.rstrip('/')}/{path}", source.title, transfer)


def fetch_from_url(url: str, title: str, transfer: Transfer) -> None:
    """Append the rest of the file to `transfer.partial`; what was left of a file that changed is dropped.

    Raises:
        SourceFailedError: unreachable, silent, another size than declared, or cut twice without a byte between.
        TransferCancelledError: the caller has gone.
    """
    empty_cuts = 0
    while transfer.partial.position < transfer.file.size:
        before = transfer.partial.position
        cut = _one_response(url, title, transfer)
        if cut is None:
            continue
        empty_cuts = empty_cuts + 1 if transfer.partial.position <= before else 0
        if empty_cuts >= _CUTS_WITHOUT_A_BYTE:
            raise SourceFailedError(f"{title} broke off at byte {transfer.partial.position}: {cut}")


def _one_response(url: str, title: str, transfer: Transfer) -> str | None:
    """Read one response to its end; the text says how it broke off, None that it did not."""
    partial, size = transfer.partial, transfer.file.size
    headers = {"Accept-Encoding": "identity"}
    origin = Origin(partial.path)
    before = origin.read(url)
    if partial.position:
        headers["Range"] = f"bytes={partial.position}-"
        if before is not None:
            # RFC 9110, 13.1.5: the rest if it is still the same file, else all of the new one.
            headers["If-Range"] = before
    # The socket's own timeout only ends an abandoned thread: `take` is the judge of silence.
    reader = _Reader(url, headers, 2 * transfer.silence_s + 1)
    reader.start()
    try:
        head = reader.take(transfer, title)
        if isinstance(head, _End):
            raise SourceFailedError(f"{title} is unreachable: {head.error}")
        if isinstance(head, _Head):
            if origin.changed(head.headers, before) and partial.position:
                transfer.say(
                    f"{transfer.file.name} at {title} has changed since the download began "
                    f"(ETag {before} is {head.headers['etag']} now): starting over."
                )
                origin.write(url, head.headers)
                if head.status == 206:
                    partial.cut(0, transfer.cancel)
                    return None
            _check_head(head, title, transfer)
            origin.write(url, head.headers)
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
