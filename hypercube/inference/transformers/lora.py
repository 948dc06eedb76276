"""LoRA in a batch of many requests: each row of the flat batch gets the adapter of its own request; runs in the child.

A LoRA adapter (Hu et al., 2021, https://arxiv.org/abs/2106.09685) adds to a linear layer y = x W^T the product
(x A^T) B^T * alpha / r, with A of shape (r, inputs) and B of shape (outputs, r). The library's continuous batching
lays the tokens of all requests of a step behind one another, as one row of shape (1, tokens, width); which tokens are
whose it knows before the step. A hook on every linear layer adds the product to exactly those tokens.

Keys and values that were computed with an adapter are found again only by requests with the same one: the hashes by
which the cache shares prefixes begin with a number of the adapter's content.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional
from transformers.generation.continuous_batching.cache_allocators import cache_allocator

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.inference.adapter_files import CONFIG, PREFIX, WEIGHTS, Shapes, check_adapter, refused

_MATRIX: Final = re.compile(r"(?P<module>.+)\.lora_(?P<matrix>[AB])\.weight")
_UNDONE: Final = {
    "use_dora": "it is a DoRA adapter",
    "fan_in_fan_out": "its matrices are stored transposed (fan_in_fan_out)",
    "modules_to_save": "it replaces whole modules (modules_to_save)",
    "lora_bias": "it has biases of its own",
    "trainable_token_indices": "it has embeddings of its own",
    "target_parameters": "it adapts bare parameters",
    "alora_invocation_tokens": "it is an activated LoRA",
}
"""Keys of an adapter's configuration that mean more than the product above."""


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """An adapter in memory; it never changes.

    Attributes:
        name: as it was loaded.
        layers: module -> (A, of shape (r, inputs); B times alpha / r, of shape (outputs, r)).
        seed: what the hashes of its cached prefixes begin with, 0 to 2**64 - 1.
    """

    name: str
    layers: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    seed: int

    def __deepcopy__(self, memo: dict[int, Any]) -> "Adapter":
        # A request that is moved out of the cache copies what it was given.
        return self


def read_adapter(name: str, folder: Path, model: nn.Module, shapes: Shapes) -> Adapter:
    """The adapter that PEFT saved in `folder`, in the model's number format and on its device.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming what does not fit the model, or is more than LoRA.
    """
    from safetensors.torch import load_file

    check_adapter(name, folder, shapes)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    _check_config(name, config)
    modules = dict(model.named_modules())
    output = getattr(model, "get_output_embeddings", lambda: None)()
    found: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in load_file(folder / WEIGHTS).items():
        match = _MATRIX.fullmatch(key.removeprefix(PREFIX))
        if match is None:
            raise refused(name, f"its tensor {key!r} is no matrix of a LoRA")
        module = modules.get(match["module"])
        if not isinstance(module, nn.Linear) or module is output:
            what = "has no such linear layer" if module is not output else "computes that layer apart"
            raise refused(name, f"it adapts {match['module']}, and this model {what}")
        found.setdefault(match["module"], {})[match["matrix"]] = tensor
    layers = {}
    for path, pair in found.items():
        module = modules[path]
        assert isinstance(module, nn.Linear)
        wanted = (module.in_features, module.out_features)
        if (
            pair.keys() != {"A", "B"}
            or pair["A"].ndim != 2
            or pair["B"].ndim != 2
            or (pair["A"].shape[1], pair["B"].shape[0]) != wanted
            or pair["A"].shape[0] != pair["B"].shape[1]
        ):
            got = ", ".join(f"{key} {list(each.shape)}" for key, each in sorted(pair.items()))
            raise refused(name, f"{path} has {got}; {wanted[0]} inputs and {wanted[1]} outputs were expected")
        # The scale is applied in float32, before the number format of the model is taken on.
        scaled = pair["B"].float() * _scale(config, path, pair["A"].shape[0])
        device, dtype = module.weight.device, module.weight.dtype
        layers[path] = (pair["A"].to(device, dtype).contiguous(), scaled.to(device, dtype).contiguous())
        if not all(bool(torch.isfinite(each).all()) for each in layers[path]):
            raise refused(name, f"{path} holds numbers that are not finite")
    if not layers:
        raise refused(name, "it holds no matrices")
    content = sha256((folder / CONFIG).read_bytes())
    content.update((folder / WEIGHTS).read_bytes())
    return Adapter(name, layers, int.from_bytes(content.digest()[:8]))


def _check_config(name: str, config: Mapping[str, Any]) -> None:
    if config.get("peft_type", "LORA") != "LORA":
        raise refused(name, f"it is of the kind {config['peft_type']!r}, not LORA")
    for key, why in _UNDONE.items():
        if config.get(key):
            raise refused(name, f"{why}, which this engine does not compute")
    if config.get("bias", "none") != "none":
        raise refused(name, "it changes biases, which this engine does not compute")


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    """Alpha / r, or alpha / sqrt(r) for rank-stabilised LoRA (Kalajdzievski, 2023); patterns as PEFT matches them."""
    alpha = float(config.get("lora_alpha", rank))
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            alpha = float(value)
            break
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


class Adapters:
    """The adapters that an engine has, by the names of requests."""

    def __init__(self, model: nn.Module, limit: int, shapes: Shapes) -> None:
        self._model = model
        self._limit = limit
        self._shapes = shapes
        self._named: dict[str, Adapter] = {}

    def load(self, name: str, folder: Path) -> None:
        """Take an adapter in; a taken name means the new one for requests to come. Blocks.

        Raises:
            HyperCubeError: as `read_adapter`; FAILED_PRECONDITION when there are too many.
        """
        if name not in self._named and len(self._named) >= self._limit:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{self._limit} adapters are loaded, the most that this engine was started for.",
                param="adapter",
                value=name,
                fix=f"Unload one of: {', '.join(self._named)}; or set model.adapters higher.",
            )
        self._named[name] = read_adapter(name, folder, self._model, self._shapes)

    def unload(self, name: str) -> None:
        """Forget an adapter; answers under way keep theirs."""
        self.find(name)
        del self._named[name]

    def find(self, name: str) -> Adapter:
        """The adapter of that name.

        Raises:
            HyperCubeError: INVALID_ARGUMENT when there is none.
        """
        if name not in self._named:
            raise invalid(
                f"There is no adapter {name!r}.",
                param="adapter",
                value=name,
                fix=f"Loaded: {', '.join(self._named) or 'none'}.",
                choices=list(self._named),
            )
        return self._named[name]


@dataclass(slots=True)
class Step:
    """Whose tokens a step computes: for each adapter in it, where its requests' tokens lie; `tokens` in all."""

    tokens: int = 0
    rows: list[tuple[Adapter, torch.Tensor | None]] = field(default_factory=list)
    """None in place of an index means all of them."""


class Hooks:
    """Hooks on every linear layer of a model; they cost a call each while no adapter is in a step."""

    def __init__(self, model: nn.Module) -> None:
        self._device = next(model.parameters()).device
        self._step = Step()
        output = getattr(model, "get_output_embeddings", lambda: None)()
        for name, module in model.named_modules():
            # Of the last hidden states, the output layer reads only those that a token is drawn from.
            if isinstance(module, nn.Linear) and module is not output:
                module.register_forward_hook(self._hook(name))

    def begin(self, requests: list[Any]) -> None:
        """Note the requests of the next step (`FutureRequestState`s, in the order of their tokens)."""
        spans: dict[Adapter, list[range]] = {}
        at = 0
        for future in requests:
            adapter = future.state.logit_processor_kwargs.get("adapter")
            if adapter is not None:
                spans.setdefault(adapter, []).append(range(at, at + future.query_length))
            at += future.query_length
        self._step = Step(at)
        for adapter, ranges in spans.items():
            rows = [row for span in ranges for row in span]
            index = None if len(rows) == at else torch.tensor(rows, device=self._device)
            self._step.rows.append((adapter, index))

    def _hook(self, name: str) -> Any:
        def add(module: nn.Module, args: tuple[Any, ...], output: torch.Tensor) -> None:
            for adapter, index in self._step.rows:
                pair = adapter.layers.get(name)
                if pair is None:
                    continue
                inputs = args[0].reshape(-1, args[0].shape[-1])
                if inputs.shape[0] != self._step.tokens:
                    raise RuntimeError(
                        f"{name} got {inputs.shape[0]} rows in a step of {self._step.tokens} tokens, so nobody knows "
                        "whose they are"
                    )
                outputs = output.view(-1, output.shape[-1])
                part = inputs if index is None else inputs.index_select(0, index)
                added = functional.linear(functional.linear(part, pair[0]), pair[1])
                if index is None:
                    outputs += added
                else:
                    outputs.index_add_(0, index, added)

        return add


class _Seed:
    """The number that block hashes begin with just now; one thread, that of the generation, uses it."""

    now: int | None = None


_plain_hash: Final = cache_allocator.compute_block_hash


def _seeded_hash(parent_hash: int | None, tokens: list[int]) -> int:
    found: int = _plain_hash(_Seed.now if parent_hash is None else parent_hash, tokens)
    return found


@contextmanager
def _seeded(state: Any) -> Iterator[None]:
    adapter = state.logit_processor_kwargs.get("adapter")
    _Seed.now = None if adapter is None else adapter.seed
    try:
        yield
    finally:
        _Seed.now = None


def key_prefixes(processor: Any) -> None:
    """Have the cache of a batch processor share the prefixes of requests with the same adapter only."""
    cache, scheduler = processor.cache, processor.scheduler
    match, mark = cache.search_prefix_match, cache.mark_complete_blocks
    cache_allocator.compute_block_hash = _seeded_hash

    def search_prefix_match(request_id: str, prompt_ids: list[int]) -> int:
        state = scheduler.waiting_requests.get(request_id) or scheduler.active_requests[request_id]
        with _seeded(state):
            found: int = match(request_id, prompt_ids)
        return found

    def mark_complete_blocks(state: Any, complete_blocks: dict[str, int]) -> None:
        with _seeded(state):
            mark(state, complete_blocks)

    cache.search_prefix_match = search_prefix_match
    cache.mark_complete_blocks = mark_complete_blocks
