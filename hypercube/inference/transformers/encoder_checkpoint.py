"""Opens the folder of an encoder: tokenizer, weights, how vectors or scores are made, how long a text may be."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.precision import choose_precision, torch_dtype
from hypercube.inference.transformers.checkpoint import compute_of, find_device, read_config
from hypercube.inference.transformers.pooling import Recipe, read_recipe
from hypercube.inference.worker.program import Say

_CLASSIFIER: Final = "ForSequenceClassification"
_UNLIMITED: Final = 2**31


class OpenedEncoder(NamedTuple):
    """An encoder, ready to run.

    Attributes:
        tokenizer: pads on the right.
        model: in `eval` mode on `device`.
        recipe: how vectors are made; None for a cross-encoder, whose one logit is the score.
        dtype: what matrix products are computed in, as PyTorch calls it ("float32", "bfloat16", "float16").
        device: "cpu" or "cuda:N".
        context_length: tokens of one text, special ones included.
    """

    tokenizer: Any
    model: Any
    recipe: Recipe | None
    dtype: str
    device: str
    context_length: int


def open_encoder(folder: Path, settings: Mapping[str, Any], say: Say) -> OpenedEncoder:
    """Read an encoder of safetensors files and its tokenizer, without any network.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when the folder or the settings do not fit.
    """
    config = read_config(folder)
    cross = any(str(name).endswith(_CLASSIFIER) for name in config.get("architectures") or ())
    recipe = None if cross else read_recipe(folder)
    import torch
    from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(settings["threads"])
    device = find_device(settings["device"], None)
    precision = choose_precision(settings["precision"], compute_of(device), "transformers")
    dtype = torch_dtype(precision.name)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    say(f"loading {size / 1e9:.2f} GB into memory")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if tokenizer.pad_token is None:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            "The model's tokenizer has no padding token, so texts cannot share a batch.",
            fix="Name one in tokenizer_config.json (pad_token).",
        )
    tokenizer.padding_side = "right"
    model = (AutoModelForSequenceClassification if cross else AutoModel).from_pretrained(
        folder,
        dtype=torch.float32,
        attn_implementation="sdpa",
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
    )
    if cross and model.config.num_labels != 1:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model sorts texts into {model.config.num_labels} classes; only one logit is a score.",
            fix="Serve a cross-encoder with num_labels = 1.",
        )
    model = model.to(device).eval()
    if dtype != "float32":
        _narrow(model, getattr(torch, dtype))
    longest = min(
        settings["context_length"],
        _positions(model),
        tokenizer.model_max_length,
        (recipe and recipe.max_length) or _UNLIMITED,
    )
    return OpenedEncoder(tokenizer, model, recipe, dtype, device, int(longest))


def _narrow(model: Any, dtype: Any) -> None:
    """Cast once what autocast would cast anew in every forward pass: the numbers are the same, bit by bit."""
    import torch

    for module in model.modules():
        if type(module) is torch.nn.Linear:
            module.to(dtype)


def _positions(model: Any) -> int:
    """Tokens that the model has positions for; those of RoBERTa's family begin behind the padding index."""
    import torch

    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", None) or _UNLIMITED)
