"""How an encoder's hidden states become one vector, by the files that sentence-transformers writes.

    modules.json                    the chain: Transformer, Pooling, and perhaps Normalize
    1_Pooling/config.json           which pooling (the folder is the one that modules.json names)
    sentence_bert_config.json       tokens that the model was tuned for, and whether it reads lower case

What a folder asks for beyond this is refused: a vector made another way would look right and mean nothing.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hypercube.core.errors import ErrorKind, HyperCubeError

if TYPE_CHECKING:
    from torch import Tensor

POOLINGS: Final = ("cls", "mean", "max")
_MODES: Final = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
}


class Recipe(NamedTuple):
    """What to do before and after the forward pass.

    Attributes:
        pooling: "cls" (the first token's), "mean" or "max" over the text's tokens, special ones included.
        normalize: whether vectors are scaled to length 1.
        max_length: tokens that the model was tuned for, None where nothing says.
        lower_case: whether texts are lowered before the tokenizer sees them.
    """

    pooling: str
    normalize: bool
    max_length: int | None
    lower_case: bool


def read_recipe(folder: Path) -> Recipe:
    """The recipe of the model in `folder`.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when the files are missing, or ask for what is not known here.
    """
    modules = _read(folder, "modules.json", required=True)
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise _unreadable("modules.json")
    chain = [
        (str(module.get("type", "")).rsplit(".", 1)[-1], str(module.get("path", ""))) for module in modules
    ]
    kinds = [kind for kind, _ in chain]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise _refused(
            f"Its modules.json asks for {', '.join(kinds) or 'nothing'}",
            "Serve a model of Transformer, Pooling and, if it has one, Normalize",
        )
    pooling = _pooling(_read(folder, f"{chain[1][1]}/config.json", required=True))
    prompt = _read(folder, "config_sentence_transformers.json").get("default_prompt_name")
    if prompt:
        raise _refused(
            f"It puts its prompt {prompt!r} before every text, which this engine does not",
            "Serve a model without a default prompt",
        )
    sentence = _read(folder, "sentence_bert_config.json")
    longest = sentence.get("max_seq_length")
    return Recipe(
        pooling,
        len(kinds) == 3,
        None if longest is None else int(longest),
        bool(sentence.get("do_lower_case")),
    )


def _pooling(config: Any) -> str:
    if "pooling_mode" in config:
        asked = [str(config["pooling_mode"])]
    else:
        asked = [name for name, on in config.items() if name.startswith("pooling_mode_") and on]
    known = [_MODES.get(name, name) for name in asked]
    if len(known) != 1 or known[0] not in POOLINGS:
        raise _refused(
            f"It pools by {' and '.join(asked) or 'nothing'}",
            f"Known are, one at a time: {', '.join(POOLINGS)}",
        )
    return known[0]


def _read(folder: Path, name: str, *, required: bool = False) -> Any:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not required:
            return {}
        raise _refused(
            f"Its folder has no {name}, so nothing says how vectors are made",
            "Give the folder as sentence-transformers saves it: modules.json, 1_Pooling/config.json",
        ) from None
    except (OSError, ValueError):
        raise _unreadable(name) from None


def _unreadable(name: str) -> HyperCubeError:
    return _refused(f"Its {name} cannot be read", "Fetch the model's files again")


def _refused(what: str, fix: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION, f"This encoder cannot be served: {what}.", fix=f"{fix}."
    )


def pool(hidden: "Tensor", mask: "Tensor", recipe: Recipe) -> "Tensor":
    """One vector a text.

    Args:
        hidden: [texts, tokens, width], any floating type.
        mask: [texts, tokens], 1 for the text's own tokens and 0 for padding, which is on the right.
        recipe: which pooling, and whether to normalise.

    Returns:
        float32 [texts, width]; sums are float32 whatever the model computed in.
    """
    import torch

    hidden = hidden.float()
    if recipe.pooling == "cls":
        vectors = hidden[:, 0]
    elif recipe.pooling == "max":
        vectors = hidden.masked_fill(mask[..., None] == 0, -torch.inf).amax(1)
    else:
        # What stands in the padding may be NaN, and NaN times 0 is NaN.
        vectors = hidden.masked_fill(mask[..., None] == 0, 0.0).sum(1) / mask.sum(1, keepdim=True)
    return torch.nn.functional.normalize(vectors, dim=1) if recipe.normalize else vectors
