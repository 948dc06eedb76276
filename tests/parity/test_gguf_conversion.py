"""GGUF -> safetensors: the converted model is the one that llama.cpp runs, tensor by tensor and token by token.

Tiny models with random weights are written as GGUF the way llama.cpp's own converter lays them out; the real ones
(marked) are those of the catalogue.
"""

import dataclasses
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import tokenizers
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
from hypercube.model_registry.gguf_file import read_gguf
from hypercube.model_registry.gguf_tokenizer import tokenizer_files
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.safetensors_file import as_bytes
from hypercube.model_registry.shape import read_shape
from hypercube.model_registry.store import ModelStore

SAMPLES = (
    "Hello, world!", "사주팔자는 태어난 연월일시로 본다.", "  앞에 공백 두 개", "줄\n\n바꿈\n\t탭",
    "갑자(甲子)년 1984년 2월 4일 23:50", "def f(x):\n    return x ** 2  # 제곱", "a  b   c    d",
    "😀 이모지와 ﷺ 희귀문자 𠮷", "I'm you'll we've 12345 67", "<table><td>x</td></table>", "ㅋㅋㅋ ㅠㅠ ㄱㄴㄷ",
    "", "  ", " ", "\n", "오늘의 운세: \"대길\" — 조심하세요…", "https://example.com/a?b=c&d=%20", "１２３ ＡＢＣ ｶﾅ",
    "안녕하세요 " * 20,
)  # fmt: skip
HIDDEN, HEADS, KV_HEADS, LAYERS, INNER = 64, 4, 2, 7, 96
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
GEMMA_NAMES = NAMES | {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def vocabulary() -> tuple[list[str], list[float], list[int]]:
    """A SentencePiece vocabulary: special tokens, all bytes, and some pieces with falling scores."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<|im_end|>", "  "]
    pieces = [
        "▁",
        "사",
        "주",
        "사주",
        "▁사주",
        "a",
        "b",
        "ab",
        "▁a",
        "▁ab",
        "c",
        "d",
        "cd",
        "abcd",
        "\n",
        "팔",
        "자",
    ]
    tokens = special + [f"<0x{n:02X}>" for n in range(256)] + pieces
    kinds = [3, 3, 3, 2, 3, 4] + [6] * 256 + [1] * len(pieces)
    scores = [-1000.0] * len(special) + [0.0] * 256 + [-float(n) for n in range(len(pieces))]
    return tokens, scores, kinds


def tiny(architecture: str, *, tied: bool = True) -> Any:
    """A Hugging Face model of that architecture with random weights, in float32."""
    torch.manual_seed(11)
    common = {
        "vocab_size": len(vocabulary()[0]), "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 128, "tie_word_embeddings": tied, "rms_norm_eps": 1e-6, "initializer_range": 0.3,
        "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0,
    }  # fmt: skip
    config = {
        "llama": lambda: transformers.LlamaConfig(**common, rope_theta=10_000.0),
        "qwen2": lambda: transformers.Qwen2Config(**common, rope_theta=1e6),
        "qwen3": lambda: transformers.Qwen3Config(**common, head_dim=32, rope_theta=1e6),
        "gemma3": lambda: transformers.Gemma3TextConfig(
            **common, head_dim=32, query_pre_attn_scalar=32, sliding_window=8, rope_theta=1e6
        ),
    }[architecture]()
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("norm.weight", ".bias")):
                weight.add_(0.2 * torch.randn(weight.shape))
    return model


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """As llama.cpp's converter writes LLaMA's query and key rows: the halves of a head interleaved."""
    return (
        weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
        .swapaxes(1, 2)
        .reshape(weight.shape)
    )


def write_gguf(model: Any, architecture: str, path: Path, kind: str = "F32") -> None:
    """`model` as a GGUF file; matrices in the ggml type `kind`."""
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0 if architecture == "llama" else 1e6)
    if architecture in {"qwen3", "gemma3"}:
        writer.add_key_length(32)
        writer.add_value_length(32)
    if architecture == "gemma3":
        writer.add_sliding_window(8)
    if architecture == "llama":
        writer.add_rope_dimension_count(HIDDEN // HEADS)
    tokens, scores, kinds = vocabulary()
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template("{{ messages[0].content }}")
    names = GEMMA_NAMES if architecture == "gemma3" else NAMES
    for name, tensor in model.state_dict().items():
        values = tensor.numpy()
        if name == "lm_head.weight":
            if config.tie_word_embeddings:
                continue
            target = "output.weight"
        elif name in {"model.embed_tokens.weight", "model.norm.weight"}:
            target = {"embed_tokens": "token_embd", "norm": "output_norm"}[name.split(".")[1]] + ".weight"
        else:
            _, _, layer, *part, end = name.split(".")
            target = f"blk.{layer}.{names['.'.join(part)]}.{end}"
        if architecture == "gemma3" and name.endswith("norm.weight"):
            values = values + 1
        if architecture == "llama" and ".q_proj." in name:
            values = permuted(values, HEADS)
        if architecture == "llama" and ".k_proj." in name:
            values = permuted(values, KV_HEADS)
        if values.ndim == 2 and kind != "F32":
            quantised = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(target, gguf.quants.quantize(values, quantised), raw_dtype=quantised)
        else:
            writer.add_tensor(target, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def stored(path: Path, root: Path) -> tuple[ModelStore, ModelManifest]:
    """A store that holds the GGUF file, and its manifest."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    store = ModelStore(root)
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    (root / "blobs" / digest).write_bytes(data)
    file = ModelFile("tiny.gguf", len(data), digest)
    return store, ModelManifest("tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 128, 0, (file,))


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., tuple[ModelStore, ModelManifest]]:
    """Write a tiny model as GGUF and put it into a store."""

    def make(
        architecture: str = "llama", *, kind: str = "F32", tied: bool = True
    ) -> tuple[ModelStore, ModelManifest]:
        path = tmp_path / f"{architecture}.gguf"
        write_gguf(tiny(architecture, tied=tied), architecture, path, kind)
        return stored(path, tmp_path / "store")

    return make


def logits(model: Any, tokens: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0]


TOKENS = [2, 263, 270, 265, 266, 30, 77, 262, 271, 275, 272, 5, 268, 269, 264, 262]


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


# -- llama.cpp as the judge

_JUDGE = """
import json, os, sys, urllib.request
import xllamacpp
order = json.load(sys.stdin)
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel = order["model"], 128, 1
params.verbosity, params.warmup, params.fit_params = -1, False, False
params.cpuparams.n_threads = 2
params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
server = xllamacpp.Server(params)
def ask(path, body):
    request = urllib.request.Request(
        server.listening_address + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=100) as answer:
        return json.load(answer)
special = {"add_special": True, "parse_special": True}
answer = {"tokens": [ask("/tokenize", {"content": text, **special})["tokens"] for text in order["texts"]]}
answer["greedy"] = [
    ask("/completion", {"prompt": p, "n_predict": order["length"], "temperature": 0, "top_k": 1,
                        "return_tokens": True, "ignore_eos": True, "cache_prompt": False})["tokens"]
    for p in order["prompts"]
]
print("ANSWER" + json.dumps(answer), flush=True)
os._exit(0)
"""


def judged(
    model: Path, texts: tuple[str, ...] = (), prompts: tuple[list[int], ...] = (), length: int = 24
) -> Any:
    """llama.cpp's tokens of `texts`, and its greedy continuations of `prompts`."""
    order = json.dumps({"model": str(model), "texts": texts, "prompts": prompts, "length": length})
    done = subprocess.run(
        [sys.executable, "-c", _JUDGE], input=order, capture_output=True, text=True, timeout=170, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWER")]
    assert lines, done.stderr[-2000:]
    return json.loads(lines[-1].removeprefix("ANSWER"))


def greedy(model: Any, prompt: list[int], length: int = 24) -> list[int]:
    tokens = torch.tensor([prompt])
    with torch.no_grad():
        made_tokens = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=length, min_new_tokens=length,
            do_sample=False, pad_token_id=0,
        )  # fmt: skip
    return [int(token) for token in made_tokens[0, len(prompt) :]]


@pytest.fixture(scope="module")
def needs_llama() -> Iterator[None]:
    pytest.importorskip("xllamacpp")
    return


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "gemma3"])
def test_llama_cpp_continues_like_the_converted_model(
    architecture: str, made: Any, needs_llama: None
) -> None:
    store, manifest = made(architecture)
    folder = store.folder_of(convert(store, converted(manifest, "float32")))
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    # The file itself: for Qwen transformers builds a byte-level tokenizer whatever the file says.
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = ("사주 ab abcd", "a  b", "", "팔자\n\n", "cab  사주팔자", "é")
    prompts = ([2, 263, 270, 265], TOKENS)
    verdict = judged(store.path_of(manifest.files[0]), texts, prompts)
    assert [tokenizer.encode(text).ids for text in texts] == verdict["tokens"]
    for prompt, theirs in zip(prompts, verdict["greedy"], strict=True):
        # Fed with llama.cpp's own choices, ours must be within rounding of the best at every step: the ends, which
        # it was told to ignore, left out.
        rows = logits(model, prompt + theirs)[len(prompt) - 1 : -1]
        rows[:, [1, 4]] = -torch.inf
        short = rows.max(dim=-1).values - rows[torch.arange(len(theirs)), torch.tensor(theirs)]
        assert len(theirs) == 24
        assert short.max() < 0.02 * rows[rows.isfinite()].std(), short


REAL = ("gemma-3-270m", "qwen2.5-coder-1.5b-instruct")


@pytest.mark.slow
@pytest.mark.real_model
@pytest.mark.parametrize("name", REAL)
def test_a_real_tokenizer_reads_like_llama_cpp(name: str, needs_llama: None, tmp_path: Path) -> None:
    store, manifest = ModelStore(), lookup(name)
    path = store.fetch(manifest)
    for file, data in tokenizer_files(read_gguf(path)).items():
        (tmp_path / file).write_bytes(data)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ours = [tokenizer(text)["input_ids"] for text in SAMPLES]
    assert ours == judged(path, SAMPLES)["tokens"]
    assert [tokenizer.decode(tokens, skip_special_tokens=True) for tokens in ours] == list(SAMPLES)


@pytest.mark.slow
@pytest.mark.real_model
def test_the_catalogue_says_the_shapes_that_its_files_have() -> None:
    store = ModelStore()
    for name in (*REAL, "all-minilm-l6-v2"):
        manifest = lookup(name)
        path = store.fetch(manifest)
        assert read_shape(path if manifest.format == "gguf" else store.folder_of(manifest)) == manifest.shape


@pytest.mark.slow
@pytest.mark.real_model
def test_real_gemma_continues_like_llama_cpp(needs_llama: None, tmp_path: Path) -> None:
    store, manifest = ModelStore(), lookup("gemma-3-270m")
    path = store.fetch(manifest)
    link = tmp_path / "store"
    (link / "blobs").mkdir(parents=True)
    (link / "blobs" / manifest.files[0].sha256).symlink_to(path)
    store = ModelStore(link)
    folder = store.folder_of(convert(store, converted(manifest, "float32")))
    reader = gguf.GGUFReader(path)
    weights = load_file(folder / "model.safetensors")
    for tensor in reader.tensors:
        if tensor.name.startswith("blk.17.") and not tensor.name.endswith("norm.weight"):
            part = {value: key for key, value in GEMMA_NAMES.items()}[tensor.name.split(".")[2]]
            ours = weights[f"model.layers.17.{part}.weight"].numpy()
            assert np.array_equal(ours, gguf.quants.dequantize(tensor.data, tensor.tensor_type)), tensor.name
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = ("def fibonacci(n):", "One two three four five six")
    prompts = tuple(tokenizer(text)["input_ids"] for text in texts)
    for prompt, theirs in zip(prompts, judged(path, (), prompts, 16)["greedy"], strict=True):
        assert greedy(model, prompt, 16) == theirs
