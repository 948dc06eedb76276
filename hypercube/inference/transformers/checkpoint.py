"""Opens a model folder: tokenizer, weights, and what its configuration says of ends, limits and defaults."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.precision import Compute, choose_precision, this_cpu, torch_dtype
from hypercube.inference.worker.program import Say

_UNLIMITED: Final = 2**31


class Opened(NamedTuple):
    """A causal model, ready to run."""

    tokenizer: Any
    model: Any
    dtype: str
    device: str
    parts: int
    """Ranks that share each layer."""
    eos: list[int]
    longest: int
    """Tokens that the model was made for."""
    defaults: dict[str, Any]
    """Of `sampling.Draw`, as the model's makers recommend them."""

    @property
    def where(self) -> str:
        """As sentences say it."""
        if self.parts > 1:
            return f"{self.parts} {'CPU processes' if self.device == 'cpu' else 'GPUs'} (tensor parallel)"
        return "the CPU" if self.device == "cpu" else self.device


def read_config(folder: Path) -> dict[str, Any]:
    """The model's configuration.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when the folder has none.
    """
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model folder {folder.name!r} has no readable config.json ({type(error).__name__}).",
            fix="Give a folder in the layout of a model hub: config.json, *.safetensors, tokenizer files.",
        ) from None
    return config


def open_causal(folder: Path, settings: Mapping[str, Any], say: Say) -> Opened:
    """Read a causal model of safetensors files and its tokenizer, without any network.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when the folder or the settings do not fit.
    """
    read_config(folder)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.distributed import DistributedConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(settings["threads"])
    parts = settings["tensor_parallel"]
    device = find_device(settings["device"], settings.get("rank", 0) if parts > 1 else None)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    say(f"loading {size / 1e9:.2f} GB into memory")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    precision = choose_precision(settings["precision"], compute_of(device), "transformers")
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=getattr(torch, torch_dtype(precision.name)),
        attn_implementation="sdpa",
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        distributed_config=DistributedConfig(tp_size=parts) if parts > 1 else None,
    )
    if parts == 1:
        model = model.to(device)  # the parts of a group are placed while they are read
    config = model.config.get_text_config()
    return Opened(
        tokenizer=tokenizer,
        model=model.eval(),
        dtype=str(model.dtype).removeprefix("torch."),
        device=device,
        parts=parts,
        eos=_ends(model, tokenizer),
        longest=int(getattr(config, "max_position_embeddings", None) or _UNLIMITED),
        defaults=_defaults(model.generation_config),
    )


def compute_of(device: str) -> Compute:
    """What of "cpu" or "cuda:N" decides the precision."""
    import torch

    return this_cpu() if device == "cpu" else Compute("cuda", torch.cuda.get_device_capability(device))


def find_device(asked: str, rank: int | None) -> str:
    """The device that `asked` means here, "cpu" or "cuda:N"; the one of its `rank` in a group.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when there is no such device.
    """
    import torch

    if asked == "auto":
        asked = "cuda" if torch.cuda.is_available() else "cpu"
    if rank is not None and asked.startswith("cuda"):
        asked = f"cuda:{rank}"
    if asked.startswith("cuda"):
        index = int(asked.partition(":")[2] or 0)
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if index >= found:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"The device {asked!r} was asked for, but PyTorch sees {found} CUDA devices.",
                fix="Write device cpu or auto, or install the NVIDIA driver and the CUDA build of PyTorch.",
            )
        return f"cuda:{index}"
    return asked


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer, by any of the three files that may say so."""
    found: list[int] = []
    for said in (
        model.generation_config.eos_token_id,
        model.config.get_text_config().eos_token_id,
        tokenizer.eos_token_id,
    ):
        found += said if isinstance(said, list) else [] if said is None else [said]
    return sorted(set(found))


def _defaults(generation: Any) -> dict[str, Any]:
    """What the model's makers recommend for sampling; nothing where they recommend none."""
    if not generation.do_sample:
        return {}
    said = {name: getattr(generation, name, None) for name in ("temperature", "top_k", "top_p", "min_p")}
    return {name: value for name, value in said.items() if value is not None}
