"""The GGUF header reader against files written by the reference package, and against every way to be broken."""

import struct
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.gguf_file import read_gguf
from hypercube.model_registry.shape import ModelShape, read_shape


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A small file with every kind of value."""
    path = tmp_path / "tiny.gguf"
    writer = GGUFWriter(path, "qwen2")
    writer.add_block_count(3)
    writer.add_embedding_length(8)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_uint8("t.u8", 200)
    writer.add_int8("t.i8", -3)
    writer.add_uint16("t.u16", 60_000)
    writer.add_int16("t.i16", -300)
    writer.add_int32("t.i32", -70_000)
    writer.add_uint64("t.u64", 2**40)
    writer.add_int64("t.i64", -(2**40))
    writer.add_float64("t.f64", 0.1)
    writer.add_bool("t.yes", True)
    writer.add_string("t.text", "사주")
    writer.add_array("t.texts", ["가", "나", ""])
    writer.add_array("t.numbers", [1, -2, 3])
    writer.add_tensor("token_embd.weight", np.arange(80, dtype=np.float32).reshape(10, 8))
    writer.add_tensor("blk.0.attn_norm.weight", np.full(8, 7, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_every_kind_of_value_is_read(path: Path) -> None:
    told = read_gguf(path).metadata
    assert {key: told[key] for key in told if key.startswith("t.")} == {
        "t.u8": 200, "t.i8": -3, "t.u16": 60_000, "t.i16": -300, "t.i32": -70_000, "t.u64": 2**40,
        "t.i64": -(2**40), "t.f64": 0.1, "t.yes": True, "t.text": "사주", "t.texts": ["가", "나", ""],
        "t.numbers": [1, -2, 3],
    }  # fmt: skip


def test_tensors_lie_where_the_header_says(path: Path) -> None:
    header = read_gguf(path)
    data = path.read_bytes()
    embedding = header.tensors["token_embd.weight"]
    assert embedding.shape == (10, 8)
    assert np.frombuffer(data, "<f4", 80, embedding.offset).tolist() == list(range(80))
    norm = header.tensors["blk.0.attn_norm.weight"]
    assert np.frombuffer(data, "<f4", 8, norm.offset).tolist() == [7.0] * 8
    assert header.size == len(data)


def test_lists_can_be_passed_over_but_are_counted(path: Path) -> None:
    header = read_gguf(path, lists=False)
    assert "t.texts" not in header.metadata
    assert header.lengths == {"t.texts": 3, "t.numbers": 3}
    assert header.metadata["t.text"] == "사주"


def test_the_shape_comes_from_the_header(path: Path) -> None:
    assert read_shape(path) == ModelShape(88, 8, 3, 4, 2, 2, 10)


def test_a_file_cut_anywhere_is_refused_by_name(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    cut = tmp_path / "cut.gguf"
    # The last tensor's bytes are the converter's to miss, not the header's.
    for length in range(read_gguf(path).tensors["blk.0.attn_norm.weight"].offset):
        cut.write_bytes(whole[:length])
        with pytest.raises(HyperCubeError, match=r"cut\.gguf is not a GGUF file") as caught:
            read_gguf(cut)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_a_flipped_byte_never_makes_another_error(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    bad = tmp_path / "bad.gguf"
    kinds = []
    for place in range(read_gguf(path).tensors["token_embd.weight"].offset):
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 0x80]) + whole[place + 1 :])
        try:
            read_gguf(bad)
        except HyperCubeError as error:
            kinds.append(error.kind)
    assert set(kinds) == {ErrorKind.FAILED_PRECONDITION}
    assert len(kinds) > 100


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "does not begin with the letters GGUF"),
        (b"PK\x03\x04 zip", "does not begin with the letters GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version is 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "version is 50331648"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0), "declares 1152921504606846976 tensors"),
    ],
)
def test_what_is_no_gguf_file_says_why(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(HyperCubeError, match=complaint):
        read_gguf(path)


def test_a_shape_that_is_not_told_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bare.gguf"
    writer = GGUFWriter(path, "qwen2")
    writer.add_tensor("token_embd.weight", np.zeros((2, 2), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(
        HyperCubeError, match=r"bare\.gguf does not describe its model.*qwen2\.embedding_length"
    ):
        read_shape(path)
