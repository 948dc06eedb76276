"""A model store on a machine that fails: the process is killed at every step, or the disk is full."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.adding import Wish, add_folder
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore
from tests.unit.small_models import CONTENT, brought, manifest, publish


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return brought(tmp_path)


# -- a crash at every step

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.link", "os.symlink", "os.rmdir", "os.truncate"}


def killed_at(step: int, root: Path, work: Callable[[], object]) -> bool:
    """Run `work` in a forked child that is killed just before its `step`-th change below `root`; did it get there?"""
    child = os.fork()
    if child == 0:
        left, inside = step, str(root)

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            changes = event in _CHANGES or (
                event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
            )
            # A file that os.open makes says so in its flags.
            if event == "open" and not arguments[1] and isinstance(arguments[2], int):
                changes = bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
            if changes and any(inside in str(argument) for argument in arguments):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def every_step(root: Path, work: Callable[[], object], check: Callable[[], None]) -> int:
    """Kill `work` at step 1, 2, 3 … until it comes through; returns how many steps it has."""
    step = 1
    while killed_at(step, root, work):
        check()
        step += 1
        assert step < 200
    return step - 1


def test_a_crash_at_any_step_of_adding_leaves_the_old_version_and_no_half_of_the_new(
    tmp_path: Path, folder: Path
) -> None:
    root, number = tmp_path / "store", 0
    old = publish(ModelStore(root))

    def work() -> None:
        add_folder(ModelStore(root), folder, Wish("tiny", "2.0.0"))

    seen = set()

    def check() -> None:
        nonlocal number
        number += 1
        store = ModelStore(root)
        registry = ModelRegistry(store)
        newest = registry.resolve("tiny")
        seen.add(newest.version)
        # Whatever there is, is whole.
        assert store.verify(newest).bytes == newest.size
        assert store.verify(old).bytes == len(CONTENT)
        assert registry.resolve("tiny@1.0.0").digest == old.digest
        for path in (root / "blobs").iterdir():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
        # Nothing that was left behind outlives garbage collection, and the old version does.
        store.collect()
        assert not list(root.rglob("*.tmp"))
        assert not list((root / "work").iterdir())
        assert store.has(old)
        if newest.version == "2.0.0":
            store.remove("tiny", "2.0.0")

    steps = every_step(root, work, check)
    # Scratch, two copies, two renames, the manifest's draft and its rename, the tidying.
    assert steps >= 10
    assert number == steps
    assert seen == {"1.0.0", "2.0.0"}
    assert ModelRegistry(ModelStore(root)).resolve("tiny").version == "2.0.0"


def test_a_crash_at_any_step_of_a_fetch_is_made_good_by_the_next(tmp_path: Path) -> None:
    root, source = tmp_path / "store", tmp_path / "source.gguf"
    source.write_bytes(CONTENT)
    wanted = manifest("1.0.0", CONTENT, source)

    def work() -> None:
        ModelStore(root).fetch(wanted)

    def check() -> None:
        store = ModelStore(root)
        blob = store.path_of(wanted.files[0])
        assert not blob.exists() or blob.read_bytes() == CONTENT
        assert all(record.published <= store.has(record.manifest) for record in store.records())
        # What is being fetched is no garbage, even with nobody fetching it.
        partial = store.layout.partial(wanted.files[0])
        was_there = partial.exists()
        store.collect()
        assert partial.exists() == was_there

    assert every_step(root, work, check) >= 6
    store = ModelStore(root)
    assert store.fetch(wanted).read_bytes() == CONTENT
    assert store.verify(wanted).files == 1
    assert [(record.version, record.published) for record in store.records()] == [("1.0.0", True)]


def test_a_crash_at_any_step_of_a_removal_leaves_no_version_half_there(tmp_path: Path) -> None:
    root = tmp_path / "store"
    publish(ModelStore(root), "2.0.0", CONTENT + b"2")

    def work() -> None:
        ModelStore(root).remove("tiny", "1.0.0")

    def check() -> None:
        store = ModelStore(root)
        for record in store.records():
            store.verify(record.manifest)
        publish(store)
        store.folder_of(manifest())

    publish(ModelStore(root))
    ModelStore(root).folder_of(manifest())
    assert every_step(root, work, check) >= 3


def test_the_manifest_is_renamed_after_everything_else_is_synced(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[tuple[str, str]] = []
    fsync, rename = os.fsync, Path.replace

    def logged_fsync(descriptor: int) -> None:
        log.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        fsync(descriptor)

    def logged_rename(path: Path, target: Path) -> Path:
        log.append(("rename", str(target)))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", logged_fsync)
    monkeypatch.setattr(Path, "replace", logged_rename)
    root = tmp_path / "store"
    add_folder(ModelStore(root), folder, Wish("tiny"))
    kinds = [(kind, Path(path).parent.name if kind == "rename" else Path(path).name) for kind, path in log]
    names = [
        "model"
        if "models/" in path
        else "file"
        if {"work", "blobs"} & {*Path(path).parts[:-1]}
        else Path(path).name
        for _, path in log
    ]
    last = names.index("model")
    # Both files, their renames and their folder come before the manifest's draft; then its rename, then its folder.
    assert [kind for kind, _ in kinds[:last]] == ["sync", "sync", "rename", "rename", "sync"]
    assert kinds[last - 1] == ("sync", "blobs")
    assert [kind for kind, _ in kinds[last:]] == ["sync", "rename", "sync"]
    assert kinds[-1] == ("sync", "models")


# -- full disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_on_the_way_is_said_and_the_old_version_stays(
    small_disk: Path, tmp_path: Path
) -> None:
    # The free space is checked before, and somebody else takes it afterwards.
    store = ModelStore(small_disk / "store", disk_free=lambda _: 1 << 40)
    old = publish(store)
    big, source = b"GGUF" + bytes(1 << 20), tmp_path / "big.gguf"
    source.write_bytes(big)
    with pytest.raises(HyperCubeError, match=r"The model store .* is full") as caught:
        store.fetch(manifest("2.0.0", big, source))
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert "HYPERCUBE_MODEL_DIR" in str(caught.value)
    assert store.verify(old).bytes == len(CONTENT)
    assert ModelRegistry(store).resolve("tiny") == old
    # With the beginning removed there is room again.
    store.remove("tiny", "2.0.0")
    assert publish(store, "1.1.0", CONTENT + b"+").version == "1.1.0"


def test_a_disk_that_fills_up_while_a_folder_is_added_keeps_nothing_of_it(
    small_disk: Path, folder: Path
) -> None:
    header = b'{"w":{"dtype":"U8","shape":[1048576],"data_offsets":[0,1048576]}}'
    weights = len(header).to_bytes(8, "little") + header + bytes(1 << 20)
    (folder / "model.safetensors").write_bytes(weights)
    store = ModelStore(small_disk / "store", disk_free=lambda _: 1 << 40)
    with pytest.raises(HyperCubeError, match="is full"):
        add_folder(store, folder, Wish("tiny"))
    assert store.records() == []
    assert not list((store.root / "work").iterdir())


def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    """Where no file system can be mounted: the kernel itself refuses the write (RLIMIT_FSIZE, EFBIG)."""
    source = tmp_path / "source.gguf"
    source.write_bytes(CONTENT)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        code = 1
        try:
            ModelStore(tmp_path / "store").fetch(manifest("1.0.0", CONTENT, source))
        except HyperCubeError as error:
            code = 0 if "is full" in error.message else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store = ModelStore(tmp_path / "store")
    (begun,) = store.list()
    assert begun.bytes_present == 100_000
    # With the limit gone the rest comes.
    assert store.fetch(manifest("1.0.0", CONTENT, source)).read_bytes() == CONTENT
