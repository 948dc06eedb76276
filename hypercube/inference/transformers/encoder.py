"""The program of encoders of the transformers library: one forward pass a batch; runs in the child."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypercube.core.served_models import Capability
from hypercube.inference.engine import Embedded, Scored, incapable
from hypercube.inference.transformers.encoder_checkpoint import OpenedEncoder, open_encoder
from hypercube.inference.transformers.pooling import pool
from hypercube.inference.vector_program import WHO, VectorProgram, check_lengths, check_sound, check_unread
from hypercube.inference.worker.program import Say

if TYPE_CHECKING:
    from torch import Tensor


class EncoderProgram(VectorProgram):
    """Serves one encoder, or one cross-encoder, from its folder."""

    library = "The transformers library"

    def __init__(self) -> None:
        super().__init__()
        self._opened: OpenedEncoder

    def _open(self, settings: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        opened = self._opened = open_encoder(Path(settings["path"]), settings, say)
        import torch

        # A forward pass of a large model takes many seconds on a CPU: each layer is a sign of life.
        for module in opened.model.modules():
            if isinstance(module, torch.nn.ModuleList):
                for layer in module:
                    layer.register_forward_hook(self._count)
        where = "the CPU" if opened.device == "cpu" else opened.device
        what = "scores of pairs"
        if opened.recipe is not None:
            scaled = ", length 1" if opened.recipe.normalize else ""
            what = f"vectors of {opened.model.config.hidden_size} numbers ({opened.recipe.pooling}{scaled})"
        mixed = "float32" if opened.dtype == "float32" else f"float32 with {opened.dtype} products"
        threads = settings["threads"]
        return {
            "context_length": opened.context_length,
            "description": (
                f"transformers on {where}, {mixed}, {threads} thread{'s' * (threads > 1)}, {what}, "
                f"texts of {opened.context_length} tokens"
            ),
            "device": opened.device,
        }

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """The vectors of `texts`, float32, and the tokens of each; a cross-encoder has none."""
        if self._opened.recipe is None:
            raise incapable(WHO, Capability.EMBED)
        return await super().embed(texts)

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """A cross-encoder's logit through a sigmoid, else the cosine of the two texts' vectors."""
        if self._opened.recipe is None:
            return await self._batch(self._cross, pairs)
        return await super().score(pairs)

    def _cross(self, pairs: Sequence[tuple[str, str]]) -> list[Scored]:
        import torch

        queries, documents = [query for query, _ in pairs], [document for _, document in pairs]
        inputs, counts = self._inputs(queries, ["documents"] * len(pairs), documents)
        scores = torch.sigmoid(self._forward(inputs).logits.float().cpu().reshape(len(pairs), -1)[:, 0])
        check_sound(scores[:, None])
        return [Scored(score, count) for score, count in zip(scores.tolist(), counts, strict=True)]

    def _vectors(self, texts: Sequence[str], params: Sequence[str]) -> "tuple[Tensor, list[int]]":
        recipe = self._opened.recipe
        assert recipe is not None
        if recipe.lower_case:
            texts = [text.lower() for text in texts]
        inputs, counts = self._inputs(texts, params)
        vectors = pool(self._forward(inputs).last_hidden_state, inputs["attention_mask"], recipe).cpu()
        check_sound(vectors)
        return vectors, counts

    def _inputs(
        self, texts: Sequence[str], params: Sequence[str], seconds: Sequence[str] | None = None
    ) -> "tuple[dict[str, Tensor], list[int]]":
        """The batch as padded tensors [texts, longest], and the tokens of each text or pair.

        `params` names each text (or pair) for the caller whose text is too long.
        """
        opened = self._opened
        longest = opened.context_length
        whole = texts if seconds is None else [one + other for one, other in zip(texts, seconds, strict=True)]
        check_unread(whole, params, longest)
        tokenizer = opened.tokenizer
        # Without padding and truncation, so that what comes back is what the text really has.
        encoded = tokenizer(
            list(texts), None if seconds is None else list(seconds), padding=False, truncation=False
        )
        counts = [len(tokens) for tokens in encoded["input_ids"]]
        check_lengths(counts, params, longest)
        # Tensor cores want multiples of 8; a CPU computes what it must.
        multiple = 8 if opened.device != "cpu" and longest % 8 == 0 else None
        padded = tokenizer.pad(encoded, padding="longest", pad_to_multiple_of=multiple, return_tensors="pt")
        return {name: tensor.to(opened.device) for name, tensor in padded.items()}, counts

    def _forward(self, inputs: "dict[str, Tensor]") -> Any:
        import torch

        opened = self._opened
        kind = opened.device.partition(":")[0]
        dtype = getattr(torch, opened.dtype)
        full = dtype is torch.float32
        with torch.inference_mode(), nullcontext() if full else torch.autocast(kind, dtype=dtype):
            return opened.model(**inputs)
