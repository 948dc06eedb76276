"""The program of the multilingual Universal Sentence Encoder; runs in the child."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypercube.inference.precision import choose_precision, torch_dtype
from hypercube.inference.transformers.checkpoint import compute_of, find_device
from hypercube.inference.use.engine import ENGINE
from hypercube.inference.use.tokenizer import UNKNOWN, Tokenizer
from hypercube.inference.use.weights import WIDTH, read_weights
from hypercube.inference.vector_program import VectorProgram, check_lengths, check_sound, check_unread
from hypercube.inference.worker.program import Say

if TYPE_CHECKING:
    from torch import Tensor

    from hypercube.inference.use.network import Network

VOCABULARY: Final = "sp.model"
WEIGHTS: Final = "weights.npz"
PASS_TOKENS: Final = {"cpu": 1024, "cuda": 16_384}
"""Padded tokens of one forward pass. On a CPU the states of more leave its caches: at 4096 half the speed was lost.
Of a GPU it is an allowance, about a hundred MB of states."""


class UseProgram(VectorProgram):
    """Serves the encoder from its folder: `sp.model` and `weights.npz`."""

    library = "The sentence encoder's network"

    def __init__(self) -> None:
        super().__init__()
        self._tokenizer: Tokenizer
        self._network: Network
        self._device = "cpu"
        self._longest = 0

    def _open(self, settings: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        import torch

        from hypercube.inference.use.network import Network

        folder = Path(settings["path"])
        torch.set_num_threads(settings["threads"])
        self._device = device = find_device(settings["device"], None)
        self._longest = longest = settings["context_length"]
        precision = choose_precision(settings["precision"], compute_of(device), ENGINE)
        say(f"loading {(folder / WEIGHTS).stat().st_size / 1e9:.2f} GB into memory")
        tokenizer = self._tokenizer = Tokenizer(folder / VOCABULARY)
        network = Network(read_weights(folder / WEIGHTS)).eval()
        if tokenizer.size > len(network.table):
            raise ValueError(
                f"{VOCABULARY} has {tokenizer.size} tokens, {WEIGHTS} knows {len(network.table)}"
            )
        dtype = torch_dtype(precision.name)
        if dtype != "float32":
            network.narrow(getattr(torch, dtype))
        self._network = network.to(device)
        for module in network.modules():
            if isinstance(module, torch.nn.Linear):
                module.register_forward_hook(self._count)
        where = "the CPU" if device == "cpu" else device
        mixed = "float32" if dtype == "float32" else f"float32 with {dtype} products"
        threads = settings["threads"]
        return {
            "context_length": longest,
            "description": (
                f"torch on {where}, {mixed}, {threads} thread{'s' * (threads > 1)}, "
                f"vectors of {WIDTH} numbers (sum, length 1), texts of {longest} tokens"
            ),
            "device": device,
        }

    def _vectors(self, texts: Sequence[str], params: Sequence[str]) -> "tuple[Tensor, list[int]]":
        import torch

        check_unread(texts, params, self._longest)
        ids = [self._tokenizer(text) for text in texts]
        counts = [len(each) for each in ids]
        check_lengths(counts, params, self._longest)
        vectors = torch.empty(len(ids), WIDTH)
        for rows in passes(counts, PASS_TOKENS[self._device.partition(":")[0]]):
            vectors[rows] = self._forward([ids[row] for row in rows]).cpu()
        check_sound(vectors)
        return vectors, counts

    def _forward(self, ids: Sequence[Sequence[int]]) -> "Tensor":
        import torch

        longest = max(map(len, ids))
        padded = torch.tensor([[*each, *[UNKNOWN] * (longest - len(each))] for each in ids])
        lengths = torch.tensor([len(each) for each in ids])
        with torch.inference_mode():
            found: Tensor = self._network(padded.to(self._device), lengths.to(self._device))
        return found


def passes(counts: Sequence[int], most: int) -> list[list[int]]:
    """Rows that share a forward pass: neighbours by length, so that little is padding.

    Args:
        counts: tokens of each row.
        most: padded tokens of a pass (rows x longest row); a longer row has a pass of its own.

    Returns:
        Every row once, shortest first.
    """
    found: list[list[int]] = []
    for row in sorted(range(len(counts)), key=counts.__getitem__):
        if not found or (len(found[-1]) + 1) * counts[row] > most:
            found.append([])
        found[-1].append(row)
    return found
