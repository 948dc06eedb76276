"""llama.cpp as the judge of converted models: the tokens of its tokenizer, and its greedy continuations."""

import json
import subprocess
import sys
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

from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.convert import convert, converted
from hypercube.model_registry.gguf_file import read_gguf
from hypercube.model_registry.gguf_tokenizer import tokenizer_files
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.shape import read_shape
from hypercube.model_registry.store import ModelStore
from tests.parity.gguf_models import GEMMA_NAMES, TOKENS, logits, maker

SAMPLES = (
    "Hello, world!", "사주팔자는 태어난 연월일시로 본다.", "  앞에 공백 두 개", "줄\n\n바꿈\n\t탭",
    "갑자(甲子)년 1984년 2월 4일 23:50", "def f(x):\n    return x ** 2  # 제곱", "a  b   c    d",
    "😀 이모지와 ﷺ 희귀문자 𠮷", "I'm you'll we've 12345 67", "<table><td>x</td></table>", "ㅋㅋㅋ ㅠㅠ ㄱㄴㄷ",
    "", "  ", " ", "\n", "오늘의 운세: \"대길\" — 조심하세요…", "https://example.com/a?b=c&d=%20", "１２３ ＡＢＣ ｶﾅ",
    "안녕하세요 " * 20,
)  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., tuple[ModelStore, ModelManifest]]:
    """Write a tiny model as GGUF and put it into a store."""
    return maker(tmp_path)


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
