"""A model hub of the tests' own, which fails by a script."""

import hashlib
import http.server
import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.sources import HubFile
from hypercube.model_registry.store import ModelStore

CONTENT = b"GGUF" + random.Random(7).randbytes(299_996)
HALF = 150_000
SILENCE_S = 1.0


@dataclass
class Hub:
    """A scripted hub: what the n-th request for a repository does; after the script it behaves."""

    url: str
    script: dict[str, list[Callable[["Handler", bytes], None]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_GET(self) -> None:
        repo = self.path.split("/resolve/")[0].strip("/")
        requested = self.headers.get("Range")
        self.hub.requests.append((repo, requested))
        steps = self.hub.script.get(repo)
        body = self.hub.files.get(repo)
        if body is None:
            self.send_error(404)
        elif steps:
            steps.pop(0)(self, body)
        else:
            self.send_part(body)

    def send_part(self, body: bytes, cut: int | None = None) -> None:
        """Answer the range asked for; `cut` closes the connection after so many bytes."""
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(match[1]) if match else 0
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:] if cut is None else body[start : start + cut])
        self.wfile.flush()
        if cut is not None:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def cut_after(count: int) -> Callable[[Handler, bytes], None]:
    return lambda handler, body: handler.send_part(body, cut=count)


def stall_after(count: int) -> Callable[[Handler, bytes], None]:
    def step(handler: Handler, body: bytes) -> None:
        handler.send_part(body, cut=count)
        handler.hub.reached.set()
        handler.hub.go.wait(20)

    return step


def silent(handler: Handler, body: bytes) -> None:
    handler.hub.reached.set()
    handler.hub.go.wait(20)
    handler.close_connection = True


def status(code: int) -> Callable[[Handler, bytes], None]:
    return lambda handler, body: handler.send_error(code)


def whole(handler: Handler, body: bytes) -> None:
    """Ignore the range, as some servers do."""
    del handler.headers["Range"]
    handler.send_part(body)


def wrong_range(handler: Handler, body: bytes) -> None:
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 5-{len(body) - 1}/{len(body)}")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def hold(handler: Handler, body: bytes) -> None:
    """Answer well, but only when told to."""
    handler.hub.reached.set()
    assert handler.hub.go.wait(20)
    handler.send_part(body)


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that leaves is part of the tests, and no news."""


def manifest(*repos: str, content: bytes = CONTENT) -> ModelManifest:
    sources = tuple(HubFile(repo, "weights.gguf") for repo in repos)
    file = ModelFile("weights.gguf", len(content), hashlib.sha256(content).hexdigest(), sources)
    return ModelManifest("tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 10, 0, (file,))


def store(hub: Hub, root: Path, **options: object) -> ModelStore:
    return ModelStore(root, hub_url=hub.url, **options)  # type: ignore[arg-type]


def partial(root: Path) -> Path:
    return root / "partials" / manifest().files[0].sha256
