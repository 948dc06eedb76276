"""What users bring: pickles are refused under any name, weights are what they say, folders hold nothing else."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.adding import Wish, add_folder, add_gguf
from hypercube.model_registry.refusal import check_content, check_name
from hypercube.model_registry.store import ModelStore

# -- pickles


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this code ran",))


def torch_archive(data: bytes) -> bytes:
    """The layout of `torch.save`: a ZIP archive with the pickle `*/data.pkl`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", b"\0" * 16)
    return buffer.getvalue()


def object_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Payload()], dtype=object), allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        *(pickle.dumps(Payload(), protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
        *(pickle.dumps({"w": [1.0]}, protocol) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)),
        torch_archive(pickle.dumps(Payload())),
        object_array(),
    ],
)
@pytest.mark.parametrize("name", ["vocab.txt", "weights", "config.json"])
def test_a_pickle_is_refused_under_any_name(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(HyperCubeError, match=f"{name} is refused") as caught:
        check_content(path, name)
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".PT"])
def test_a_name_of_a_pickle_is_refused(suffix: str) -> None:
    with pytest.raises(HyperCubeError, match=f"model{suffix} is refused"):
        check_name(f"model{suffix}")


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[1, 2]", b'{"a": "\xea\xb0\x80"}', b"#version: 0.2\nc a\nt h\n.", b"(hello)\n.", b"l\n.", b"N.",
     b"]\n", "가나다\n".encode(), b"\x80", b"\x80\xff", bytes(range(256)), b"PK\x03\x04 not an archive"],
)  # fmt: skip
def test_other_content_is_not_taken_for_a_pickle(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes(data)
    check_content(path, "vocab.txt")


def safetensors(length: int = 16, declared: int | None = None) -> bytes:
    header = json.dumps({"w": {"dtype": "U8", "shape": [length], "data_offsets": [0, length]}}).encode()
    return (declared or len(header)).to_bytes(8, "little") + header + bytes(length)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("m.safetensors", safetensors()[:-1], "describes"),
        ("m.safetensors", safetensors() + b"x", "describes"),
        ("m.safetensors", safetensors(declared=1 << 40), "declares a header of"),
        ("m.safetensors", b"abc", "too few"),
        ("m.safetensors", pickle.dumps({"w": [1.0] * 50}), "declares a header of"),
        ("m.safetensors", (8).to_bytes(8, "little") + b"not json", "cannot be read"),
        ("m.gguf", b"GGML" + bytes(20), "begins with b'GGML'"),
        ("m.gguf", b"", "begins with b''"),
    ],
)
def test_weights_that_are_not_what_their_name_says_are_refused(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(HyperCubeError) as caught:
        check_content(path, name)
    assert words in caught.value.message
    assert name in caught.value.message


# -- folders that users bring


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(safetensors())
    (folder / "config.json").write_text('{"architectures": ["XForCausalLM"], "max_position_embeddings": 64}')
    return folder


def symlink_out(folder: Path) -> None:
    (folder / "vocab.txt").symlink_to("/etc/hostname")


def folder_link_out(folder: Path) -> None:
    (folder / "sub").symlink_to("/etc")


def pickle_beside(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes(b"x")


def pickle_disguised(folder: Path) -> None:
    (folder / "vocab.txt").write_bytes(pickle.dumps(Payload()))


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (symlink_out, "vocab.txt is a link that leads out of"),
        (folder_link_out, "sub is a link that leads out of"),
        (pickle_beside, "optimizer.pt is refused"),
        (pickle_disguised, "vocab.txt is refused: it begins like a pickle"),
        (no_weights, "holds no model that can be served: config.json"),
        (broken_config, "config.json cannot be read"),
        (fifo, "pipe.txt in"),
    ],
)
def test_a_folder_that_cannot_be_brought_says_which_file_and_why(
    tmp_path: Path, folder: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(folder)
    store = ModelStore(tmp_path / "store")
    with pytest.raises(HyperCubeError) as caught:
        add_folder(store, folder, Wish("tiny"))
    assert words in caught.value.message
    assert store.records() == []


def test_what_is_excluded_is_not_looked_at(tmp_path: Path, folder: Path) -> None:
    pickle_beside(folder)
    symlink_out(folder)
    (folder / ".git").mkdir()
    (folder / ".git" / "x.pkl").write_bytes(b"x")
    store = ModelStore(tmp_path / "store")
    manifest = add_folder(store, folder, Wish("tiny", exclude=("*.pt", "vocab.txt")))
    assert sorted(file.name for file in manifest.files) == ["config.json", "model.safetensors"]
    assert (manifest.context_length, manifest.engines) == (64, ("transformers", "vllm"))
    assert (
        store.folder_of(manifest).joinpath("config.json").read_bytes()
        == (folder / "config.json").read_bytes()
    )
    # What the user does to his own file afterwards does not reach the store.
    (folder / "config.json").write_text("changed")
    assert store.verify(manifest).files == 2


def test_an_adapter_says_of_which_model(tmp_path: Path, folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"r": 8, "base_model_name_or_path": "org/big"}')
    store = ModelStore(tmp_path / "store")
    with pytest.raises(HyperCubeError, match=r"say of which model \(its files say: org/big\)"):
        add_folder(store, folder, Wish("tone"))
    manifest = add_folder(store, folder, Wish("tone", base="big"))
    assert (manifest.format, manifest.base, manifest.description) == (
        "lora",
        "big",
        "LoRA of rank 8 for org/big",
    )


def test_a_gguf_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + b"\xff" * 30)
    with pytest.raises(HyperCubeError, match=r"x\.gguf"):
        add_gguf(ModelStore(tmp_path / "store"), path, Wish("x"))
