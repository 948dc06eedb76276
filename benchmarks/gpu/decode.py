"""Prefill and decode of a causal LM of random weights with a KV cache, greedy, over a sweep of batch sizes.

Two ways: `eager`, a cache that grows, as most servers begin; and `graph`, a cache of fixed size whose step is a
CUDA graph, so that launches cost nothing. Parity first: a step with the cache against a forward pass without one.
A step reads every weight once and the keys and values so far; `bandwidth_share` is those bytes over the peak.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from benchmarks.gpu import nvml
from benchmarks.gpu.machine import Machine, Red, Row, times
from benchmarks.gpu.precision import Precision

SIZES: Final[dict[str, dict[str, Any]]] = {
    "tiny": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": 256,
    },
    "130m": {
        "hidden_size": 768,
        "intermediate_size": 3_072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_key_value_heads": 4,
        "vocab_size": 32_000,
    },
    # The published configuration of Qwen2.5-1.5B.
    "1.5b": {
        "hidden_size": 1_536,
        "intermediate_size": 8_960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "vocab_size": 151_936,
        "rope_theta": 1_000_000.0,
    },
}
_ANY_TOKEN: Final = 7


class CausalLM:
    """A model with its byte and operation counts."""

    def __init__(self, machine: Machine, size: str, precision: Precision) -> None:
        import torch
        from transformers import Qwen2Config, Qwen2ForCausalLM

        self.machine, self.precision = machine, precision
        self.config = Qwen2Config(**SIZES[size], tie_word_embeddings=True, use_cache=True)
        torch.manual_seed(1)
        with torch.device(machine.kind):
            model: Any = Qwen2ForCausalLM(self.config)
        self.model = model.to(getattr(torch, precision.weights)).eval()
        self.parameters = sum(each.numel() for each in model.parameters())
        self.weight_bytes = sum(each.nbytes for each in model.parameters())

    def prompt(self, batch: int, tokens: int) -> Any:
        """int64[batch, tokens] token numbers."""
        import torch

        shape = (batch, tokens)
        return torch.randint(0, self.config.vocab_size, shape, device=self.machine.kind)

    def kv_bytes(self, batch: int, context: int) -> int:
        """Keys and values of so many tokens."""
        item = 4 if self.precision.compute == "float32" else 2
        heads, width = self.config.num_key_value_heads, self._head_width()
        return int(2 * self.config.num_hidden_layers * heads * width * context * batch * item)

    def flops(self, batch: int, tokens: int, context: float) -> float:
        """Multiplications and additions of `tokens` new tokens a sequence that see `context` each on average.

        The tied embedding counts as the output layer, for the last token only.
        """
        c = self.config
        head = c.vocab_size * c.hidden_size
        attention = 4 * c.num_hidden_layers * c.num_attention_heads * self._head_width() * context
        return float(batch * (tokens * (2 * (self.parameters - head) + attention) + 2 * head))

    def _head_width(self) -> int:
        return int(self.config.hidden_size // self.config.num_attention_heads)


class Decoder:
    """One batch: `prefill`, then `step` as often as there is room; `token` int64[batch, 1] is the last one."""

    def __init__(self, lm: CausalLM, prompt: Any, new_tokens: int, *, fixed: bool) -> None:
        import torch
        from transformers import StaticCache

        self._lm, self._prompt = lm, prompt
        batch, length = prompt.shape
        self.token = torch.zeros((batch, 1), dtype=torch.int64, device=prompt.device)
        self._position = torch.zeros((1, 1), dtype=torch.int64, device=prompt.device)
        room = length + new_tokens
        self._cache: Any = StaticCache(config=lm.config, max_cache_len=room) if fixed else None
        self._fixed = fixed
        self.context = room if fixed else length + new_tokens / 2
        self.logits: Any = None
        self.advance: Callable[[], None] = self.step

    def prefill(self) -> None:
        """The prompt into an empty cache, and the first token."""
        from transformers import DynamicCache

        if not self._fixed:
            self._cache = DynamicCache(config=self._lm.config)
        elif self._cache.get_seq_length():
            with self._lm.precision.context(self._lm.machine):  # its tensors were made in inference mode
                self._cache.reset()
        self._forward(self._prompt, None)
        self._position.fill_(self._prompt.shape[1])

    def step(self) -> None:
        """One token more of every sequence."""
        self._forward(self.token, self._position)
        self._position.add_(1)

    def capture(self) -> None:
        """From here on `advance` replays a graph of `step`; the cache must have had its prefill."""
        import torch

        self.step()
        self._lm.machine.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step()
        captured = self.logits

        def replay() -> None:
            graph.replay()
            self.logits = captured

        self.advance = replay

    def _forward(self, ids: Any, position: Any) -> None:
        with self._lm.precision.context(self._lm.machine):
            made = self._lm.model(
                input_ids=ids, position_ids=position, past_key_values=self._cache, logits_to_keep=1
            )
            self.logits = made.logits[:, -1]
            self.token.copy_(self.logits.argmax(-1, keepdim=True))


def check(lm: CausalLM, decoder: Decoder, prompt: Any) -> None:
    """A step with the cache against a forward pass over the whole sequence; `Red` on a difference."""
    import torch

    decoder.prefill()
    decoder.token.fill_(_ANY_TOKEN)
    decoder.advance()
    with lm.precision.context(lm.machine):
        whole = torch.cat([prompt, torch.full_like(prompt[:, :1], _ANY_TOKEN)], dim=1)
        want = lm.model(input_ids=whole, use_cache=False, logits_to_keep=1).logits[:, -1]
    lm.precision.require_close("decode with a cache", decoder.logits, want)


def decode(lm: CausalLM, size: str, batch: int, prompt_tokens: int, new: int, rounds: int) -> Iterator[Row]:
    """Both ways at one batch size."""
    machine = lm.machine
    prompt = lm.prompt(batch, prompt_tokens)
    # A cache of fixed size cannot mix types, as autocast over float32 weights does.
    mixed = lm.precision.weights != lm.precision.compute
    for way in ("eager",) if mixed else ("eager", "graph"):
        head: Row = {"section": "decode", "op": f"causal LM {size}", "precision": lm.precision.name}
        head |= {"way": way, "batch": batch, "prompt_tokens": prompt_tokens, "new_tokens": new}
        # Two steps more than are timed: one compiles, one is captured.
        decoder = Decoder(lm, prompt, new + 2, fixed=way == "graph")
        try:
            check(lm, decoder, prompt)
            if way == "graph" and not machine.dry:
                decoder.prefill()
                decoder.capture()
                check(lm, decoder, prompt)
        except (Red, RuntimeError) as error:
            yield head | {"failed": str(error).partition("\n")[0]}
            continue
        first, steps = [], []
        for _ in range(rounds):
            machine.synchronize()
            begin = time.perf_counter()
            decoder.prefill()
            decoder.token.cpu()  # the first token is there when the caller has it
            first.append(time.perf_counter() - begin)
            begun = machine.mark()
            for _ in range(new - 1):
                decoder.advance()
            ended = machine.mark()
            machine.synchronize()
            steps.append(machine.between(begun, ended) / (new - 1))
        decoder.prefill()
        figures = _figures(lm, decoder, batch, prompt_tokens, first, steps)
        yield head | figures | _readings(decoder, new)


def _readings(decoder: Decoder, new: int) -> Row:
    """NVML while whole sequences are decoded."""
    with nvml.watch() as readings:
        for _ in range(new - 1):
            decoder.advance()
        decoder.token.cpu()
    return readings.summary()


def _figures(
    lm: CausalLM, decoder: Decoder, batch: int, prompt_tokens: int, first: list[float], steps: list[float]
) -> Row:
    step, start = float(np.median(steps)), float(np.median(first))
    read = lm.weight_bytes + lm.kv_bytes(batch, round(decoder.context))
    tflops = lm.flops(batch, 1, decoder.context) / step / 1e12
    prefill_tflops = lm.flops(batch, prompt_tokens, prompt_tokens / 2) / start / 1e12
    peak, peak_gb = lm.machine.peak_tflops(lm.precision.compute), lm.machine.peak_gb_per_s
    return times(steps) | {
        "tokens_per_s": round(batch / step, 1),
        "first_token_s": float(f"{start:.4g}"),
        "prefill_tokens_per_s": round(batch * prompt_tokens / start),
        "parameters": lm.parameters,
        "bytes_a_step": read,
        "gb_per_s": float(f"{read / step / 1e9:.4g}"),
        "bandwidth_share": peak_gb and round(read / step / 1e9 / peak_gb, 3),
        "tflops": float(f"{tflops:.3g}"),
        "flops_share": peak and round(tflops / peak, 4),
        "prefill_tflops": float(f"{prefill_tflops:.3g}"),
        "prefill_flops_share": peak and round(prefill_tflops / peak, 4),
    }
