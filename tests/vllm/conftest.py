"""A tiny random model for vLLM's tests, and adapters for it; no download."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

CONTEXT = 8192
HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD = 128, 2, 4, 2, 32
TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}<|start|>assistant\n"
)
OBSERVED = '''
"""vLLM's program, which also tells how many requests its engine has not finished."""
from array import array
from hypercube.inference.engine import Embedded
from hypercube.inference.vllm.program import VllmProgram

class Observed(VllmProgram):
    async def embed(self, texts):
        return [Embedded(array("f", [self._engine.get_num_unfinished_requests()]), 0) for _ in texts]
'''


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of random weights, and a byte-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("vllm") / "tiny"
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|end|>", "<|start|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator(["the day master is yang wood", "갑목 일간은 큰 나무다"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    whole = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=HIDDEN,
            intermediate_size=2 * HIDDEN,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=KV_HEADS,
            max_position_embeddings=CONTEXT,
            eos_token_id=0,
        )
    )
    # Bytes that are no characters alone never come out likeliest, nor does the end: answers are readable and long.
    odd = [
        i for i in range(len(tokenizer)) if not (text := tokenizer.decode([i])).isascii() or text[:1] == "<"
    ]
    with torch.no_grad():
        whole.lm_head.weight[odd] = 0.0
    whole.save_pretrained(folder)
    folder.joinpath("observed_vllm.py").write_text(OBSERVED)
    return folder


@pytest.fixture(scope="session")
def write_adapter() -> Callable[[Path, int], Path]:
    """Write a LoRA adapter of random weights, strong enough to change every answer, as PEFT lays it out."""
    import torch
    from safetensors.torch import save_file

    def write(folder: Path, seed: int, rank: int = 8, hidden: int = HIDDEN) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "r": rank,
            "lora_alpha": 4 * rank,
            "target_modules": ["q_proj", "o_proj"],
            "bias": "none",
            "lora_dropout": 0.0,
        }
        folder.joinpath("adapter_config.json").write_text(json.dumps(config))
        torch.manual_seed(seed)
        weights = {}
        for layer in range(LAYERS):
            for name in ("q_proj", "o_proj"):
                prefix = f"base_model.model.model.layers.{layer}.self_attn.{name}"
                weights[f"{prefix}.lora_A.weight"] = torch.randn(rank, hidden)
                weights[f"{prefix}.lora_B.weight"] = torch.randn(hidden, rank)
        save_file(weights, folder / "adapter_model.safetensors")
        return folder

    return write
