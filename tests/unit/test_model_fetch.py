"""Fetching from a hub: resumed, skipped when silent, refused when wrong, safe between processes."""

import hashlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hypercube
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import Meter, Progress
from tests.unit.hub_server import (
    CONTENT,
    HALF,
    SILENCE_S,
    Handler,
    Hub,
    Server,
    cut_after,
    hold,
    manifest,
    partial,
    silent,
    stall_after,
    status,
    store,
    whole,
    wrong_range,
)


@pytest.fixture
def hub() -> Iterator[Hub]:
    handler = type("ScriptedHandler", (Handler,), {})
    server = Server(("127.0.0.1", 0), handler)
    handler.hub = Hub(f"http://127.0.0.1:{server.server_address[1]}", files={"org/good": CONTENT})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield handler.hub
    handler.hub.go.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_arrives_whole_and_once(hub: Hub, tmp_path: Path) -> None:
    models = store(hub, tmp_path)
    reports: list[Progress] = []
    path = models.fetch(manifest("org/good"), reports.append)
    assert path.read_bytes() == CONTENT
    assert not partial(tmp_path).exists()
    assert reports[0].bytes_done == 0
    assert all(report.bytes_total == len(CONTENT) for report in reports)
    assert "org/good" in reports[0].source
    assert models.has(manifest())
    models.verify(manifest())
    models.fetch(manifest("org/good"))
    assert len(hub.requests) == 1
    (stored,) = models.list()
    assert (stored.name, stored.complete, stored.paths) == ("tiny", True, (path,))


def test_a_cut_connection_is_resumed_at_the_byte_it_broke_at(hub: Hub, tmp_path: Path) -> None:
    hub.script["org/good"] = [cut_after(HALF), cut_after(1000)]
    assert store(hub, tmp_path).fetch(manifest("org/good")).read_bytes() == CONTENT
    assert [asked for _, asked in hub.requests] == [None, f"bytes={HALF}-", f"bytes={HALF + 1000}-"]


def test_a_connection_that_is_cut_twice_without_a_byte_is_given_up(hub: Hub, tmp_path: Path) -> None:
    hub.script["org/good"] = [cut_after(0), cut_after(0)]
    with pytest.raises(HyperCubeError, match="broke off at byte 0"):
        store(hub, tmp_path).fetch(manifest("org/good"))


@pytest.mark.parametrize("step", [silent, stall_after(HALF)])
def test_a_silent_source_is_skipped_with_one_line(
    hub: Hub, tmp_path: Path, step: Callable[[Handler, bytes], None]
) -> None:
    hub.files["org/mute"] = CONTENT
    hub.script["org/mute"] = [step]
    lines: list[str] = []
    began = time.monotonic()
    models = store(hub, tmp_path, silence_s=SILENCE_S)
    path = models.fetch(manifest("org/mute", "org/good"), on_line=lines.append)
    assert path.read_bytes() == CONTENT
    assert lines == [f"Skipped: the model hub (org/mute) was silent for {SILENCE_S:g} s."]
    assert SILENCE_S <= time.monotonic() - began < SILENCE_S + 10
    # What the silent source had sent is not fetched again.
    assert hub.requests[-1] == ("org/good", None if step is silent else f"bytes={HALF}-")


@pytest.mark.parametrize("code", [401, 403, 404, 500, 503])
def test_a_refusal_is_skipped_with_its_status(hub: Hub, tmp_path: Path, code: int) -> None:
    hub.files["org/no"] = CONTENT
    hub.script["org/no"] = [status(code)]
    lines: list[str] = []
    store(hub, tmp_path).fetch(manifest("org/no", "org/good"), on_line=lines.append)
    assert lines == [f"Skipped: the model hub (org/no) answered HTTP {code}."]


def test_wrong_bytes_are_refused_by_name_and_the_next_source_is_tried(hub: Hub, tmp_path: Path) -> None:
    flipped = CONTENT[:1000] + bytes([CONTENT[1000] ^ 1]) + CONTENT[1001:]
    hub.files["org/bad"] = flipped
    lines: list[str] = []
    path = store(hub, tmp_path).fetch(manifest("org/bad", "org/good"), on_line=lines.append)
    assert path.read_bytes() == CONTENT
    (line,) = lines
    assert "org/bad" in line
    assert "weights.gguf" in line
    assert hashlib.sha256(flipped).hexdigest() in line
    assert manifest().files[0].sha256 in line


def test_a_bad_beginning_left_by_another_source_does_not_condemn_a_good_one(hub: Hub, tmp_path: Path) -> None:
    partial(tmp_path).parent.mkdir(parents=True)
    partial(tmp_path).write_bytes(b"?" * HALF)
    lines: list[str] = []
    path = store(hub, tmp_path).fetch(manifest("org/good"), on_line=lines.append)
    assert path.read_bytes() == CONTENT
    assert [asked for _, asked in hub.requests] == [f"bytes={HALF}-", None]
    assert "starting over" in lines[0]


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_size_than_declared_is_refused_before_the_download(
    hub: Hub, tmp_path: Path, size: int
) -> None:
    hub.files["org/long"] = (CONTENT * 2)[:size]
    with pytest.raises(HyperCubeError, match=f"a file of {size} bytes, the manifest declares {len(CONTENT)}"):
        store(hub, tmp_path).fetch(manifest("org/long"))


def test_a_server_that_ignores_ranges_starts_the_file_over(hub: Hub, tmp_path: Path) -> None:
    hub.script["org/good"] = [cut_after(HALF), whole]
    assert store(hub, tmp_path).fetch(manifest("org/good")).read_bytes() == CONTENT


def test_a_server_that_answers_another_range_is_skipped(hub: Hub, tmp_path: Path) -> None:
    hub.script["org/good"] = [cut_after(HALF), wrong_range]
    with pytest.raises(HyperCubeError, match="answered the wrong range: 'bytes 5-"):
        store(hub, tmp_path).fetch(manifest("org/good"))


def test_a_leftover_longer_than_the_file_is_dropped(hub: Hub, tmp_path: Path) -> None:
    partial(tmp_path).parent.mkdir(parents=True)
    partial(tmp_path).write_bytes(CONTENT + b"more")
    assert store(hub, tmp_path).fetch(manifest("org/good")).read_bytes() == CONTENT


def test_when_every_source_fails_each_is_named(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(HyperCubeError) as caught:
        store(hub, tmp_path).fetch(manifest("org/one", "org/two"))
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert "org/one" in str(caught.value)
    assert "org/two" in str(caught.value)


def test_nobody_listening_is_one_line(tmp_path: Path) -> None:
    models = ModelStore(tmp_path, hub_url="http://127.0.0.1:9")
    with pytest.raises(HyperCubeError, match=r"the model hub \(org/good\) is unreachable"):
        models.fetch(manifest("org/good"))


def test_a_full_disk_is_noticed_before_the_first_byte(hub: Hub, tmp_path: Path) -> None:
    models = store(hub, tmp_path, disk_free=lambda _: 100_000)
    with pytest.raises(HyperCubeError) as caught:
        models.fetch(manifest("org/good"))
    error = caught.value
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert dict(error.details) == {"needed_bytes": len(CONTENT), "free_bytes": 100_000}
    assert str(tmp_path) in error.message
    assert "HYPERCUBE_MODEL_DIR" in str(error)
    assert hub.requests == []


def test_what_is_there_already_counts_against_the_disk_needed(hub: Hub, tmp_path: Path) -> None:
    partial(tmp_path).parent.mkdir(parents=True)
    partial(tmp_path).write_bytes(CONTENT[:HALF])
    store(hub, tmp_path, disk_free=lambda _: len(CONTENT) - HALF).fetch(manifest("org/good"))


def test_a_store_that_cannot_be_made_says_where(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(HyperCubeError) as caught:
        store(hub, tmp_path / "file" / "models").fetch(manifest("org/good"))
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert str(tmp_path / "file") in str(caught.value)


@pytest.mark.parametrize("step", [silent, stall_after(HALF)])
def test_a_cancelled_fetch_ends_at_once_and_keeps_what_it_has(
    hub: Hub, tmp_path: Path, step: Callable[[Handler, bytes], None]
) -> None:
    hub.script["org/good"] = [step]
    cancel = threading.Event()
    models = ModelStore(tmp_path, hub_url=hub.url, silence_s=60)
    outcome: list[HyperCubeError] = []

    def run() -> None:
        with pytest.raises(HyperCubeError) as caught:
            models.fetch(manifest("org/good"), cancel=cancel)
        outcome.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    assert hub.reached.wait(10)
    expected = 0 if step is silent else HALF
    wait_until(lambda: partial(tmp_path).exists() and partial(tmp_path).stat().st_size == expected)
    cancel.set()
    began = time.monotonic()
    thread.join(10)
    assert time.monotonic() - began < 3
    assert outcome[0].kind is ErrorKind.CANCELLED
    assert partial(tmp_path).read_bytes() == CONTENT[:expected]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.005)


FETCH = """
import sys
from pathlib import Path
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.sources import HubFile
from hypercube.model_registry.store import ModelStore
root, url, size, sha256 = sys.argv[1:]
file = ModelFile("weights.gguf", int(size), sha256, (HubFile("org/good", "weights.gguf"),))
manifest = ModelManifest("tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 10, 0, (file,))
print(ModelStore(Path(root), hub_url=url).fetch(manifest, on_line=lambda line: print(line, flush=True)), flush=True)
"""


def fetch_elsewhere(hub: Hub, root: Path) -> "subprocess.Popen[str]":
    """The same fetch in another process."""
    file = manifest().files[0]
    package_parent = str(Path(hypercube.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, str(root), hub.url, str(file.size), file.sha256],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": package_parent},
    )


def test_two_processes_download_once(hub: Hub, tmp_path: Path) -> None:
    hub.script["org/good"] = [hold]
    with fetch_elsewhere(hub, tmp_path) as first:
        assert hub.reached.wait(20)
        with fetch_elsewhere(hub, tmp_path) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "Another process is fetching weights.gguf; waiting for it.\n"
            hub.go.set()
            assert first.wait(20) == 0
            assert second.wait(20) == 0
            assert second.stdout.read().strip() == str(ModelStore(tmp_path).path_of(manifest().files[0]))
    assert len(hub.requests) == 1
    ModelStore(tmp_path).verify(manifest())


def test_a_killed_download_is_continued(hub: Hub, tmp_path: Path) -> None:
    hub.script["org/good"] = [stall_after(HALF)]
    with fetch_elsewhere(hub, tmp_path) as process:
        assert hub.reached.wait(20)
        wait_until(lambda: partial(tmp_path).stat().st_size == HALF)
        process.kill()
    models = store(hub, tmp_path)
    (stored,) = models.list()
    assert (stored.bytes_present, stored.complete) == (HALF, False)
    assert not models.has(manifest())
    assert models.fetch(manifest("org/good")).read_bytes() == CONTENT
    assert hub.requests[-1] == ("org/good", f"bytes={HALF}-")


def test_a_flipped_byte_is_refused_by_name_at_load(hub: Hub, tmp_path: Path) -> None:
    models = store(hub, tmp_path)
    path = models.fetch(manifest("org/good"))
    data = bytearray(path.read_bytes())
    data[123_456] ^= 1
    path.write_bytes(data)
    with pytest.raises(HyperCubeError) as caught:
        models.verify(manifest())
    error = caught.value
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    for part in ("weights.gguf", hashlib.sha256(data).hexdigest(), manifest().files[0].sha256):
        assert part in error.message
    assert "hypercube models pull tiny" in str(error)


def test_a_missing_file_is_refused_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(HyperCubeError, match="hypercube models pull tiny"):
        ModelStore(tmp_path).verify(manifest())


def test_a_cancelled_check_says_so(hub: Hub, tmp_path: Path) -> None:
    models = store(hub, tmp_path)
    models.fetch(manifest("org/good"))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(HyperCubeError) as caught:
        models.verify(manifest(), cancel)
    assert caught.value.kind is ErrorKind.CANCELLED


def test_removing_frees_the_file_unless_another_model_needs_it(hub: Hub, tmp_path: Path) -> None:
    models = store(hub, tmp_path)
    first = manifest("org/good")
    twin = ModelManifest("twin", "1.0.0", "", "MIT", "llama.cpp", "gguf", 10, 0, first.files)
    path = models.fetch(first)
    models.fetch(twin)
    assert models.remove("tiny") == 0
    assert path.exists()
    assert models.remove("twin") == len(CONTENT)
    assert not path.exists()
    assert models.list() == ()
    with pytest.raises(HyperCubeError) as caught:
        models.remove("twin")
    assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND


def test_removing_an_unfinished_model_frees_its_beginning(hub: Hub, tmp_path: Path) -> None:
    hub.script["org/good"] = [cut_after(HALF), status(500)]
    models = store(hub, tmp_path)
    with pytest.raises(HyperCubeError):
        models.fetch(manifest("org/good"))
    assert models.remove("tiny") == HALF


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    record = tmp_path / "models" / "tiny.json"
    record.parent.mkdir()
    record.write_text("{")
    with pytest.raises(HyperCubeError, match=re.escape(str(record))):
        ModelStore(tmp_path).list()


def test_the_cache_folder_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("the custom of other platforms")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ModelStore().root == tmp_path / "hypercube" / "models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert ModelStore().root == Path.home() / ".cache" / "hypercube" / "models"


def test_the_meter_reports_ten_times_a_second_with_the_recent_speed() -> None:
    now = [0.0]
    reports: list[Progress] = []
    meter = Meter(10_000, reports.append, lambda: now[0])
    meter.begin("somewhere")
    for tick in range(81):
        now[0] = tick * 0.0625
        meter.at(tick * 50)
    assert len(reports) == 41
    assert reports[-1].bytes_per_second == pytest.approx(800)
    assert reports[-1].fraction == 0.4
    now[0] = 60.0
    meter.at(4_000)
    assert reports[-1].bytes_per_second == 0.0
