"""A causal language model of a few random weights, with a byte-level tokenizer."""

from collections.abc import Sequence
from pathlib import Path


def save_random_causal(
    folder: Path, template: str, sentences: Sequence[str], *, context: int, marks: Sequence[str] = ()
) -> None:
    """Two layers, the same for the same arguments; `marks` are tokens of their own beside the two of a turn."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|end|>", "<|start|>", *marks],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator(sentences, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>")
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        eos_token_id=0,
    )
    whole = Qwen2ForCausalLM(config)
    # Bytes that are no characters alone never come out likeliest, nor does the end: answers are readable and long.
    odd = [
        i for i in range(len(tokenizer)) if not (text := tokenizer.decode([i])).isascii() or text[:1] == "<"
    ]
    with torch.no_grad():
        whole.lm_head.weight[odd] = 0.0
    whole.save_pretrained(folder)
