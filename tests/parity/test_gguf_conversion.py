"""GGUF -> safetensors: the converted model is the one that llama.cpp runs, tensor by tensor and token by token.

Tiny models with random weights are written as GGUF the way llama.cpp's own converter lays them out; the real ones
(marked) are those of the catalogue.
"""

import dataclasses
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file

from hypercube.cli import models as models_command
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.fake import FakeEngine
from hypercube.model_registry import convert as convert_module
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.convert import CONVERTER, convert, converted, for_engine
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.safetensors_file import as_bytes
from hypercube.model_registry.shape import read_shape
from hypercube.model_registry.store import ModelStore
from tests.parity.gguf_models import TOKENS, logits, maker, stored, tiny


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., tuple[ModelStore, ModelManifest]]:
    """Write a tiny model as GGUF and put it into a store."""
    return maker(tmp_path)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "gemma3"])
def test_a_converted_model_computes_the_same(architecture: str, tied: bool, made: Any) -> None:
    store, manifest = made(architecture, tied=tied)
    folder = store.folder_of(convert(store, converted(manifest, "float32")))
    model, original = transformers.AutoModelForCausalLM.from_pretrained(folder), tiny(architecture, tied=tied)
    assert model.config.tie_word_embeddings is tied
    assert type(model) is type(original)
    torch.testing.assert_close(logits(model, TOKENS), logits(original, TOKENS), rtol=1e-5, atol=1e-4)
    expected = original.state_dict()
    weights = load_file(folder / "model.safetensors")
    assert set(weights) == {name for name in expected if not (tied and name == "lm_head.weight")}
    for name, values in weights.items():
        # Gemma's norms go through +1 and -1.
        torch.testing.assert_close(
            values, expected[name], rtol=0, atol=1e-6 if architecture == "gemma3" else 0
        )
    assert read_shape(folder) == read_shape(store.path_of(manifest.files[0]))


@pytest.mark.parametrize("kind", ["Q8_0", "Q5_0", "Q4_0", "F16", "BF16"])
def test_quantised_tensors_have_the_values_that_ggml_decodes(kind: str, made: Any) -> None:
    store, manifest = made("qwen2", kind=kind)
    folder = store.folder_of(convert(store, converted(manifest, "float32")))
    reader = gguf.GGUFReader(store.path_of(manifest.files[0]))
    source = {tensor.name: tensor for tensor in reader.tensors}
    weights = load_file(folder / "model.safetensors")
    down = source["blk.3.ffn_down.weight"]
    decoded = gguf.quants.dequantize(down.data, down.tensor_type)
    assert np.array_equal(weights["model.layers.3.mlp.down_proj.weight"].numpy(), decoded)
    assert decoded.std() > 0.1


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_rounding_is_that_of_torch(dtype: str) -> None:
    generator = np.random.default_rng(5)
    bits = generator.integers(0, 2**32, 200_000, dtype=np.uint64).astype(np.uint32)
    edges = np.array(
        [0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x3F808000, 0x3F818000, 0, 0x80000000, 1], dtype=np.uint32
    )
    values = np.concatenate([bits, edges]).view(np.float32)
    ours = torch.frombuffer(bytearray(as_bytes(values, dtype)), dtype=getattr(torch, dtype))
    theirs = torch.from_numpy(values).to(getattr(torch, dtype))
    assert torch.equal(torch.isnan(ours), torch.isnan(theirs))
    number = ~torch.isnan(theirs)
    assert torch.equal(ours[number].view(torch.int16), theirs[number].view(torch.int16))


def test_a_version_is_made_once_with_its_provenance(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store, manifest = made("qwen2")
    wanted = converted(manifest)
    assert store.made(wanted) is None
    version = convert(store, wanted)
    assert (version.engine, version.format, version.name) == ("transformers", "safetensors", "tiny")
    assert version.version == f"1.0.0+{CONVERTER}.bfloat16"
    store.verify(version)
    monkeypatch.setattr(convert_module, "read_gguf", None)
    assert ModelStore(store.root).made(wanted) == version == convert(store, wanted)
    record = json.loads((store.root / "models" / f"tiny@{version.version}.json").read_text(encoding="utf-8"))
    assert record["provenance"] == {
        "source": "tiny",
        "source_version": "1.0.0",
        "source_sha256": manifest.files[0].sha256,
        "dtype": "bfloat16",
        "converter": CONVERTER,
    }
    assert {model.version: model.made_here for model in store.list()} == {version.version: True}
    assert not list((store.root / "work").iterdir())


def test_other_source_bytes_or_another_dtype_are_another_version(made: Any) -> None:
    store, manifest = made("qwen2")
    convert(store, converted(manifest))
    assert store.made(converted(manifest, "float32")) is None
    other = dataclasses.replace(manifest.files[0], sha256="0" * 64)
    assert store.made(converted(dataclasses.replace(manifest, files=(other,)))) is None


def test_many_at_once_make_one_version(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store, manifest = made("qwen2")
    begun: list[int] = []
    read = convert_module.read_gguf
    monkeypatch.setattr(convert_module, "read_gguf", lambda path: (begun.append(1), read(path))[1])
    versions: list[ModelManifest] = []
    threads = [
        threading.Thread(target=lambda: versions.append(convert(ModelStore(store.root), converted(manifest))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(versions) == 4
    assert len({version.files for version in versions}) == len(begun) == 1


def test_removing_a_model_removes_what_was_made_of_it(made: Any) -> None:
    store, manifest = made("qwen2")
    folder = store.folder_of(convert(store, converted(manifest)))
    assert store.remove("tiny") > 0
    assert not folder.exists()
    assert store.list() == ()
    # Only the source, which was put there by hand, is left.
    assert [path.name for path in (store.root / "blobs").iterdir()] == [manifest.files[0].sha256]


def test_a_cancelled_or_broken_conversion_leaves_nothing(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store, manifest = made("qwen2")
    cancel = threading.Event()
    steps: list[int] = []

    def stop_halfway(_: Any) -> None:
        steps.append(1)
        cancel.set()

    with pytest.raises(HyperCubeError) as caught:
        convert(store, converted(manifest), stop_halfway, cancel)
    assert caught.value.kind is ErrorKind.CANCELLED
    assert steps
    monkeypatch.setattr(store, "publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        convert(store, converted(manifest))
    assert not list((store.root / "work").iterdir())
    assert ModelStore(store.root).made(converted(manifest)) is None
    monkeypatch.undo()
    store.verify(convert(store, converted(manifest)))


def test_a_damaged_source_is_refused_before_it_is_read(made: Any) -> None:
    store, manifest = made("qwen2")
    path = store.path_of(manifest.files[0])
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)
    with pytest.raises(HyperCubeError, match=r"tiny\.gguf of 'tiny' is damaged"):
        convert(store, converted(manifest))


def test_a_full_disk_is_noticed_before_anything_is_written(made: Any) -> None:
    store, manifest = made("qwen2")
    full = ModelStore(store.root, disk_free=lambda _: 1000)
    with pytest.raises(HyperCubeError, match=r"The converted tiny needs 0\.00 GB more") as caught:
        convert(full, converted(manifest))
    assert caught.value.details["free_bytes"] == 1000
    assert caught.value.details["needed_bytes"] == 2 * read_shape(store.path_of(manifest.files[0])).parameters


def test_a_missing_package_names_the_extra(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store, manifest = made("qwen2")
    monkeypatch.setattr(
        convert_module.importlib.util, "find_spec", lambda name: None if name == "gguf" else name
    )
    with pytest.raises(HyperCubeError) as caught:
        convert(store, converted(manifest))
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert 'pip install "heal7-hypercube[transformers]"' in str(caught.value)


def test_what_cannot_be_converted_says_what_to_do() -> None:
    qwen, encoder = lookup("qwen2.5-coder-1.5b-instruct"), lookup("all-minilm-l6-v2")
    with pytest.raises(HyperCubeError, match=r"Did you mean 'bfloat16'\?"):
        converted(qwen, "bfloat17")
    with pytest.raises(HyperCubeError, match="nothing to convert"):
        converted(encoder)
    with pytest.raises(HyperCubeError, match=r"to one of: llama\.cpp, transformers, vllm"):
        for_engine(qwen, "abacus")
    with pytest.raises(HyperCubeError, match=r"'llama\.cpp' does not run 'all-minilm-l6-v2'"):
        for_engine(encoder, "llama.cpp")
    assert for_engine(qwen, "auto") is for_engine(qwen, "llama.cpp") is qwen
    assert for_engine(qwen, "vllm").engine == "vllm"
    assert for_engine(encoder, "vllm").files == encoder.files


def change(path: Path, architecture: str, **more: Any) -> None:
    """A GGUF file with one tensor, and what `more` adds."""
    writer = gguf.GGUFWriter(path, architecture)
    for add, value in more.items():
        getattr(writer, add)(*value)
    writer.add_tensor("token_embd.weight", np.zeros((4, 32), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize(
    ("architecture", "more", "complaint"),
    [
        ("mamba", {}, r"'mamba' cannot be converted\. Convertible: gemma3, llama, qwen2, qwen3"),
        ("qwen2", {}, r"says nothing about qwen2\."),
        ("llama", {"add_rope_scaling_type": (gguf.RopeScalingType.YARN,)}, "Rotary scaling 'yarn'"),
        (
            "qwen2",
            {
                "add_tensor": ("blk.0.ffn_gate_exps.weight", np.zeros((2, 2), dtype=np.float32)),
                "add_head_count": (4,),
                "add_embedding_length": (32,),
                "add_block_count": (1,),
                "add_feed_forward_length": (8,),
                "add_context_length": (8,),
                "add_layer_norm_rms_eps": (1e-6,),
            },
            r"'blk\.0\.ffn_gate_exps\.weight' of a qwen2 model is not known",
        ),
    ],
)
def test_a_model_that_would_come_out_wrong_is_refused(
    architecture: str, more: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.gguf"
    change(path, architecture, **more)
    store, manifest = stored(path, tmp_path / "store")
    with pytest.raises(HyperCubeError, match=complaint) as caught:
        convert(store, converted(manifest))
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


# -- as it is served


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class FolderReader(FakeEngine):
    """Answers by a rule, but opens the model it is given first."""

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        assert path is not None
        self.opened = (
            transformers.AutoConfig.from_pretrained(path).model_type,
            names_in(path),
        )
        await super().load(path, on_status)


async def test_a_served_version_is_converted_once_and_given_as_a_folder(made: Any) -> None:
    store, manifest = made("qwen2")
    seen: list[str] = []
    for _ in range(2):
        engine = FolderReader(context_length=128, slots=1)
        cluster = Hypercluster(
            [converted(manifest)],
            ModelStore(store.root),
            make=lambda _, engine=engine: engine,
            on_status=lambda _, status: seen.append(status.reason),
        )
        cluster.start()
        try:
            assert (await cluster.settled()).state is EngineState.READY
        finally:
            await cluster.close()
        assert engine.opened == (
            "qwen2",
            ["chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
             "tokenizer_config.json"],
        )  # fmt: skip
    assert seen.count("converting for transformers") == 1


async def test_a_version_that_cannot_be_made_says_why_in_the_status(tmp_path: Path) -> None:
    path = tmp_path / "other.gguf"
    change(path, "mamba")
    store, manifest = stored(path, tmp_path / "store")
    cluster = Hypercluster([converted(manifest)], store, make=lambda _: FakeEngine())
    cluster.start()
    try:
        status = await cluster.settled()
    finally:
        await cluster.close()
    assert status.state is EngineState.FAILED
    assert "'mamba' cannot be converted. Convertible: gemma3, llama, qwen2, qwen3" in status.reason


def test_the_command_answers_with_the_folder_and_the_list_shows_the_version(
    made: Any, tmp_path: Path
) -> None:
    store, manifest = made("llama")
    store.announce(manifest)
    config = tmp_path / "hypercube.toml"
    config.write_text(f"[model]\ndir = {json.dumps(str(store.root))}\n", encoding="utf-8")
    answer = models_command.converted_model(models_command.open_registry(config), "tiny", "float16")
    version = store.made(converted(manifest, "float16"))
    assert version is not None
    assert answer["folder"] == str(store.folder_of(version))
    original, row = models_command.listed(models_command.open_registry(config), "tiny")
    assert (original["version"], original["engine"]) == ("1.0.0", "llama.cpp")
    assert (row["version"], row["engine"], row["here"]) == (
        f"1.0.0+{CONVERTER}.float16",
        "transformers",
        "yes",
    )
