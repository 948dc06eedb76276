"""Encoders in the transformers engine: right vectors whatever shares their batch, faults that stay where they are.

The model is tiny and random. Beside each result stands a plain computation with the library, one text at a time.
"""

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import string
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.clock import monotonic
from hypercube.core.engine import Embeddings
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.encoding import Encoding
from hypercube.inference.engine import Embedded, EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.transformers.encoder import EncoderProgram
from hypercube.inference.transformers.encoder_engine import CROSS, EncoderEngine
from hypercube.inference.transformers.engine import PACKAGES
from hypercube.model_registry.catalogue import lookup
from tests.e2e.encoder_models import (
    CLOSE,
    MINILM,
    OPTIONS,
    cosine,
    embed,
    failure_of,
    furthest,
    load_and_unload,
    opened,
    plain,
    save,
)

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in PACKAGES),
    reason="needs the extra `transformers`",
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoder")
    save(folder)
    return folder


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    """The tiny model, to be changed."""
    return Path(shutil.copytree(tiny, tmp_path / "model"))


# -- vectors and scores


@pytest.mark.usefixtures("loop_threads")
@pytest.mark.parametrize("how", ["mean", "cls", "max"])
@pytest.mark.parametrize("scale", [False, True])
async def test_each_pooling_equals_a_plain_computation(copy: Path, how: str, scale: bool) -> None:
    mode = {
        "cls": "pooling_mode_cls_token",
        "mean": "pooling_mode_mean_tokens",
        "max": "pooling_mode_max_tokens",
    }
    (copy / "1_Pooling" / "config.json").write_text(
        json.dumps({name: key == how for key, name in mode.items()})
    )
    if scale:
        modules = json.loads((copy / "modules.json").read_text())
        modules.append({"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
        (copy / "modules.json").write_text(json.dumps(modules))
    program = await opened(copy)
    texts = ["a", "yang wood", "fire and earth, metal and water"]
    found = await program.embed(texts)
    assert furthest([each.vector for each in found], plain(copy, texts, how, scale)) < CLOSE
    # [CLS] and [SEP] count, padding does not.
    assert [each.tokens for each in found] == [len(text) + 2 for text in texts]


@pytest.mark.usefixtures("loop_threads")
async def test_a_vector_does_not_depend_on_its_neighbours(tiny: Path) -> None:
    program = await opened(tiny)
    alone = [(await program.embed([text]))[0].vector for text in string.ascii_lowercase]
    long = "x" * 60
    together = await program.embed([*string.ascii_lowercase, long])
    assert furthest([each.vector for each in together[:-1]], alone) < CLOSE


@pytest.mark.usefixtures("loop_threads")
async def test_mixed_precision_is_autocast_to_the_bit(tiny: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    program = await opened(tiny, precision="bf16")
    found = (await program.embed(["yang wood"]))[0].vector
    model = AutoModel.from_pretrained(tiny, dtype=torch.float32).eval()
    inputs = AutoTokenizer.from_pretrained(tiny)("yang wood", return_tensors="pt")
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        expected = model(**inputs).last_hidden_state[0].float().mean(0)
    assert found == array("f", expected.tolist())
    assert cosine(found, plain(tiny, ["yang wood"])[0]) > 0.999


@pytest.mark.usefixtures("loop_threads")
async def test_an_embedding_models_score_is_the_cosine(tiny: Path) -> None:
    program = await opened(tiny)
    pairs = [("wood", "tree"), ("wood", "wood"), ("fire", "a long text about water")]
    found = await program.score(pairs)
    for (query, document), each in zip(pairs, found, strict=True):
        one, other = plain(tiny, [query, document])
        assert each.score == pytest.approx(cosine(one, other), abs=CLOSE)
        assert each.tokens == len(query) + len(document) + 4


@pytest.mark.usefixtures("loop_threads")
async def test_a_cross_encoders_score_is_its_logit_through_a_sigmoid(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    save(tmp_path, labels=1)
    program = await opened(tmp_path)
    pairs = [("wood", "tree"), ("fire", "a long text about water"), ("metal", "m")]
    found = await program.score(pairs)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path, dtype=torch.float32).eval()
    for (query, document), each in zip(pairs, found, strict=True):
        with torch.no_grad():
            logit = model(**tokenizer(query, document, return_tensors="pt")).logits[0, 0]
        assert each.score == pytest.approx(torch.sigmoid(logit).item(), abs=CLOSE)
        assert each.tokens == len(query) + len(document) + 3
    assert (await failure_of(program.embed(["a"]))).kind is ErrorKind.INVALID_ARGUMENT
    assert (await failure_of(program.score([("q", "d" * 70)]))).param == "documents"


# -- through the batcher


class Recording(EncoderProgram):
    """Remembers the sizes of its batches; marks in a text bring faults."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.room = 1000

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        self.sizes.append(len(texts))
        return await super().embed(texts)

    def _forward(self, inputs: Any) -> Any:
        import torch

        marks = {self._opened.tokenizer.convert_tokens_to_ids(mark): mark for mark in "ⓃⓂⓇ"}
        rows = inputs["input_ids"].tolist()
        found = {marks[token] for row in rows for token in row if token in marks}
        if "Ⓡ" in found:
            raise IndexError("index out of range in self")
        if "Ⓜ" in found or len(rows) > self.room:
            torch.empty(10**15)
        output = super()._forward(inputs)
        hidden = output.last_hidden_state.clone()
        for number, row in enumerate(rows):
            if any(marks.get(token) == "Ⓝ" for token in row):
                hidden[number, 0, 3] = float("nan")
        output.last_hidden_state = hidden
        return output


@pytest.fixture
async def recording(tiny: Path, loop_threads: None) -> tuple[Recording, Encoding]:
    program = Recording()
    await opened(tiny, program)
    engine: Any = program
    return program, Encoding("tiny", lambda: engine, monotonic)


async def test_requests_of_one_text_share_batches_and_are_not_crossed(
    tiny: Path, recording: tuple[Recording, Encoding]
) -> None:
    program, encoding = recording
    texts = [f"nonce {number} {'y' * (number % 20)}" for number in range(128)]
    waiting = iter(texts)
    found: dict[str, Embeddings] = {}

    async def caller() -> None:
        for text in waiting:
            found[text] = await embed(encoding, text)

    await asyncio.gather(*(caller() for _ in range(64)))
    assert furthest([found[text].vectors[0] for text in texts], plain(tiny, texts)) < CLOSE
    assert [found[text].prompt_tokens for text in texts] == [len(text) + 2 for text in texts]
    assert sum(program.sizes) == 128
    assert len(program.sizes) <= 16
    assert encoding.in_flight == 0


async def test_one_bad_text_fails_alone(tiny: Path, recording: tuple[Recording, Encoding]) -> None:
    _, encoding = recording
    good = [f"good {number}" for number in range(12)]
    bad = {
        "y" * 63: ErrorKind.CONTEXT_LENGTH_EXCEEDED,
        "y" * 9000: ErrorKind.CONTEXT_LENGTH_EXCEEDED,
        "nan Ⓝ": ErrorKind.ENGINE_FAILED,
        "memory Ⓜ": ErrorKind.ENGINE_FAILED,
    }
    texts = [*good[:6], *bad, *good[6:]]
    answers = await asyncio.gather(*(embed(encoding, text) for text in texts), return_exceptions=True)
    by_text = dict(zip(texts, answers, strict=True))
    sound = [by_text[text].vectors[0] for text in good]  # type: ignore[union-attr]
    assert furthest(sound, plain(tiny, good)) < CLOSE
    said = {}
    for text, kind in bad.items():
        error = by_text[text]
        assert isinstance(error, HyperCubeError)
        assert error.kind is kind
        said[text] = error
    assert said["y" * 63].details == {"context_length": 64, "prompt_tokens": 65}
    assert said["y" * 63].param == "input"
    assert "9000 characters" in said["y" * 9000].message
    assert "1 of 1 results are not numbers" in said["nan Ⓝ"].message
    assert "out of memory" in said["memory Ⓜ"].message
    assert "GB" in said["memory Ⓜ"].message


async def test_a_batch_too_large_for_the_memory_is_halved_until_it_fits(
    recording: tuple[Recording, Encoding],
) -> None:
    program, encoding = recording
    program.room = 4
    found = await embed(encoding, *(f"text {number}" for number in range(16)))
    assert len(found.vectors) == 16
    assert sorted(set(program.sizes)) == [4, 8, 16]


async def test_a_model_that_keeps_failing_is_broken(recording: tuple[Recording, Encoding]) -> None:
    program, _ = recording
    broken = asyncio.ensure_future(program.broken())
    for text in ("Ⓝ", "Ⓡ", "sound", "Ⓡ", "Ⓝ"):
        await asyncio.gather(program.embed([text]), return_exceptions=True)
    assert not broken.done()
    error = await failure_of(program.embed(["Ⓡ"]))
    assert "IndexError: index out of range in self" in error.message
    assert (await asyncio.wait_for(broken, 5)).message == error.message


# -- folders that cannot be served


@pytest.mark.usefixtures("loop_threads")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("modules.json", None, "no modules.json, so nothing says how"),
        ("modules.json", "[]", "asks for nothing"),
        ("modules.json", "{", "cannot be read"),
        (
            "modules.json",
            '[{"type": "a.Transformer"}, {"type": "a.Pooling", "path": "1_Pooling"}, {"type": "a.Dense"}]',
            "Transformer, Pooling, Dense",
        ),
        ("1_Pooling/config.json", None, "no 1_Pooling/config.json"),
        ("1_Pooling/config.json", '{"pooling_mode_lasttoken": true}', "pooling_mode_lasttoken"),
        (
            "1_Pooling/config.json",
            '{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}',
            "pooling_mode_mean_tokens and pooling_mode_cls_token",
        ),
        ("config_sentence_transformers.json", '{"default_prompt_name": "query"}', "prompt 'query'"),
        ("config.json", None, "no readable config.json"),
        ("model.safetensors", None, "cannot run this model"),
    ],
)
async def test_a_folder_that_asks_for_the_unknown_is_refused(
    copy: Path, name: str, content: str | None, message: str
) -> None:
    (copy / name).unlink() if content is None else (copy / name).write_text(content)
    error = await failure_of(opened(copy))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert message in error.message
    assert error.fix


@pytest.mark.usefixtures("loop_threads")
async def test_a_classifier_of_many_classes_is_refused(tmp_path: Path) -> None:
    save(tmp_path, labels=3)
    assert "3 classes" in (await failure_of(opened(tmp_path))).message


@pytest.mark.usefixtures("loop_threads")
async def test_the_shortest_limit_holds(copy: Path) -> None:
    assert (await opened(copy, context_length=16))._opened.context_length == 16
    (copy / "sentence_bert_config.json").write_text('{"max_seq_length": 24, "do_lower_case": true}')
    program = await opened(copy)
    assert program._opened.context_length == 24
    upper, lower = await program.embed(["WOOD", "wood"])
    assert upper.vector == lower.vector


# -- in its own process


async def test_a_killed_engine_fails_its_work_and_says_so(tiny: Path) -> None:
    engine = EncoderEngine(OPTIONS)
    await engine.load(tiny, lambda _: None)
    try:
        assert engine.description == (
            "transformers on the CPU, float32, 1 thread, vectors of 32 numbers (mean), texts of 64 tokens"
        )
        assert engine.context_length == 64
        found = await engine.embed(["yang wood"])
        assert furthest([found[0].vector], plain(tiny, ["yang wood"])) < CLOSE
        assert (await failure_of(engine.embed(["x" * 99]))).kind is ErrorKind.CONTEXT_LENGTH_EXCEEDED
        assert engine.pid is not None
        # Stopped, so that the work is under way for certain when the end comes.
        os.kill(engine.pid, signal.SIGSTOP)
        owed = asyncio.ensure_future(failure_of(engine.embed(["fire", "earth"])))
        await asyncio.sleep(0)
        assert engine.in_flight == 1
        os.kill(engine.pid, signal.SIGKILL)
        assert (await asyncio.wait_for(owed, 5)).kind is ErrorKind.ENGINE_FAILED
        assert "SIGKILL" in (await asyncio.wait_for(engine.died(), 5)).message
        assert (await failure_of(engine.embed(["more"]))).kind is ErrorKind.ENGINE_FAILED
    finally:
        await engine.unload()


async def test_the_factory_takes_encoders_to_their_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from hypercube.inference.transformers import engine as engine_module

    manifest = lookup(MINILM)
    make = engine_factory(EngineOptions(device="cpu", precision="fp32"))
    engine = make(manifest)
    assert isinstance(engine, EncoderEngine)
    assert engine.capabilities == {Capability.EMBED, Capability.SCORE}
    assert engine.context_length == 256
    assert make(replace(manifest, capabilities=(Capability.SCORE,))).capabilities == CROSS
    for wrong in ({"device": "tpu"}, {"precision": "int8"}, {"precision": "fp16"}, {"tensor_parallel": 2}):
        options: dict[str, Any] = {"device": "cpu", **wrong}
        with pytest.raises(HyperCubeError) as caught:
            engine_factory(EngineOptions(**options))(manifest)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
        assert caught.value.fix
    monkeypatch.setattr(engine_module, "PACKAGES", ("torch", "no_such_package"))
    error = await failure_of(engine.load(Path("/nowhere"), lambda _: None))
    assert "heal7-hypercube[transformers]" in (error.fix or "")


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_fifty_loads_leave_nothing_behind(tiny: Path) -> None:
    held = await load_and_unload(tiny, 50)
    # The first rounds fill pools of the interpreter; from then on 8 MiB are the margin.
    assert held[-1] - held[4] < 8, held
