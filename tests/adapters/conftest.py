"""A tiny model of random weights, LoRA adapters for it, and what it answers when an adapter is merged into it."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hypercube.inference.transformers.engine import PACKAGES
from tests.random_causal import save_random_causal

CONTEXT = 256
TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}<|start|>assistant\n"
)
TOKENS = 8
# One beginning of more than two pages of the cache, so that prefixes are shared wherever they may be.
SHARED = "the day master is yang wood, born in spring, and water feeds it; now tell of " * 2
MARGIN = 1e-4
"""Answers are compared where the likeliest token is ahead by this much; sums in another order differ by 1e-6."""
VARIANTS: tuple[dict[str, Any], ...] = (
    {"rank": 4, "targets": ("self_attn.q_proj", "self_attn.v_proj"), "config": {}},
    {"rank": 8, "targets": ("mlp.down_proj", "self_attn.o_proj"), "config": {"use_rslora": True}},
    {
        "rank": 2,
        "targets": ("self_attn.q_proj", "mlp.up_proj"),
        "config": {"alpha_pattern": {"up_proj": 7}},
    },
    {"rank": 4, "targets": ("self_attn.k_proj", "mlp.gate_proj"), "config": {}},
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the engine's packages there is nothing to run."""
    if any(importlib.util.find_spec(name) is None for name in PACKAGES):
        for item in items:
            if item.path.parent == Path(__file__).parent and "transformers" in item.path.name:
                item.add_marker(pytest.mark.skip(reason="needs the extra `transformers`"))


def write_model(folder: Path) -> Path:
    """Two layers of random weights, and a byte-level tokenizer."""
    save_random_causal(folder, TEMPLATE, ["the day master is yang wood"], context=CONTEXT)
    return folder


def write_adapter(folder: Path, seed: int, variant: Mapping[str, Any], width: int = 64) -> Path:
    """An adapter as PEFT lays it out, strong enough to change what is said."""
    import torch
    from safetensors.torch import save_file

    sizes = {"q_proj": (width, width), "k_proj": (width, width // 2), "v_proj": (width, width // 2)}
    sizes |= {"o_proj": (width, width), "up_proj": (width, 2 * width), "gate_proj": (width, 2 * width)}
    sizes |= {"down_proj": (2 * width, width)}
    folder.mkdir(parents=True, exist_ok=True)
    rank = variant["rank"]
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 3 * rank,
        "target_modules": [target.rpartition(".")[2] for target in variant["targets"]],
        "bias": "none",
        "lora_dropout": 0.0,
        **variant["config"],
    }
    folder.joinpath("adapter_config.json").write_text(json.dumps(config))
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for layer in range(2):
        for target in variant["targets"]:
            inputs, outputs = sizes[target.rpartition(".")[2]]
            prefix = f"base_model.model.model.layers.{layer}.{target}"
            weights[f"{prefix}.lora_A.weight"] = 0.1 * torch.randn(rank, inputs, generator=generator)
            weights[f"{prefix}.lora_B.weight"] = 0.1 * torch.randn(outputs, rank, generator=generator)
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


@dataclass(frozen=True)
class Merged:
    """What the library's own model says, greedily, with an adapter's product added to its weights by hand."""

    tokenizer: Any
    models: Mapping[str, Any]

    def answer(self, which: str, text: str, tokens: int) -> tuple[str, float]:
        """The answer, and the least lead that its tokens had over the next likely ones."""
        import torch

        prompt = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True, return_tensors="pt"
        )["input_ids"]
        seen, lead = prompt, float("inf")
        with torch.no_grad():
            for _ in range(tokens):
                likeliest = self.models[which](seen).logits[0, -1].topk(2)
                first, second = likeliest.values.tolist()
                lead = min(lead, first - second)
                seen = torch.cat((seen, likeliest.indices[:1].view(1, 1)), dim=1)
        return self.tokenizer.decode(seen[0, prompt.shape[1] :], skip_special_tokens=True), lead


def merge(model: Path, adapter: Path | None) -> Any:
    """The model in this process, with the adapter's products in its weights."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    whole = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    if adapter is None:
        return whole
    config = json.loads(adapter.joinpath("adapter_config.json").read_text())
    tensors = load_file(adapter / "adapter_model.safetensors")
    modules = dict(whole.named_modules())
    for key, down in tensors.items():
        if ".lora_A." not in key:
            continue
        path = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        up = tensors[key.replace("lora_A", "lora_B")]
        alpha = config.get("alpha_pattern", {}).get(path.rpartition(".")[2], config["lora_alpha"])
        scale = alpha / (config["r"] ** 0.5 if config.get("use_rslora") else config["r"])
        with torch.no_grad():
            modules[path].weight += scale * up @ down
    return whole


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model's folder."""
    return write_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four adapters by number."""
    root = tmp_path_factory.mktemp("adapters")
    return {str(at): write_adapter(root / str(at), at, variant) for at, variant in enumerate(VARIANTS)}


@pytest.fixture(scope="session")
def merged(model: Path, adapters: dict[str, Path]) -> Merged:
    """The references; the base under the empty name."""
    import torch
    from transformers import AutoTokenizer

    torch.set_num_threads(1)
    models = {"": merge(model, None), **{name: merge(model, folder) for name, folder in adapters.items()}}
    return Merged(AutoTokenizer.from_pretrained(model), models)


@pytest.fixture(scope="session")
def texts(merged: Any) -> list[str]:
    """Questions whose answers no rounding can change, with any adapter."""
    found = []
    for number in range(40):
        text = f"{SHARED}{number}"
        if all(merged.answer(which, text, TOKENS)[1] > MARGIN for which in merged.models):
            found.append(text)
        if len(found) == 4:
            return found
    raise AssertionError("too few questions with clear answers")


@pytest.fixture(scope="session")
def expected(merged: Any, texts: list[str]) -> dict[tuple[str, str], str]:
    answers = {
        (which, text): merged.answer(which, text, TOKENS)[0] for which in merged.models for text in texts
    }
    for text in texts:
        assert len({answers[which, text] for which in merged.models}) == len(merged.models), (
            "every adapter must be heard"
        )
    return answers


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """`write_adapter`, for tests that need a wrong one."""
    return write_adapter
