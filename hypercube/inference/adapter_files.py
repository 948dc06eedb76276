"""Whether a folder holds a LoRA adapter whose matrices fit a model's; reads headers only.

vLLM checks neither: smaller matrices are copied into a corner of the right ones, and larger ones end its engine.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hypercube.core.errors import HyperCubeError, invalid

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"
PREFIX: Final = "base_model.model."
_HEADER_LIMIT: Final = 100 << 20

Shapes = Mapping[str, tuple[int, ...]]


def shapes_in(folder: Path) -> Shapes:
    """The shape of every tensor in the safetensors files of a model's folder."""
    return {
        name: shape for path in sorted(folder.glob("*.safetensors")) for name, shape in _read(path).items()
    }


def check_adapter(name: str, folder: Path, model: Shapes) -> None:
    """Refuse a folder that holds no adapter, or one for a model of other measures.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming what does not fit.
    """
    if not name:
        raise invalid("An adapter needs a name.", param="adapter", value=name, fix="Give it one.")
    for file in (CONFIG, WEIGHTS):
        if not (folder / file).is_file():
            raise refused(name, f"{str(folder)!r} has no {file}")
    try:
        config: Any = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        shapes = _read(folder / WEIGHTS)
    except (OSError, ValueError, TypeError, KeyError, struct.error) as error:
        raise refused(name, f"its files cannot be read ({error})") from error
    if not isinstance(config, dict):
        raise refused(name, f"{CONFIG} is no JSON object")
    for key, shape in shapes.items():
        module, _, matrix = key.removeprefix(PREFIX).rpartition(".lora_")
        whole = model.get(f"{module}.weight")
        if whole is None or len(whole) != 2 or len(shape) != 2:
            continue  # another layout of names; the engine says which modules it does not know
        place = {"A.weight": 1, "B.weight": 0}.get(matrix)
        if place is not None and shape[place] != whole[place]:
            raise refused(name, f"{key} is {list(shape)}, and the model's {module}.weight is {list(whole)}")


def refused(name: str, why: str) -> HyperCubeError:
    """INVALID_ARGUMENT: the adapter cannot be used, with the reason."""
    return invalid(
        f"The adapter {name!r} cannot be used with this model: {why}.",
        param="adapter",
        value=name,
        fix=f"Give a folder that PEFT saved ({CONFIG}, {WEIGHTS}) for this very model.",
    )


def _read(path: Path) -> dict[str, tuple[int, ...]]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _HEADER_LIMIT:
            raise ValueError(f"{path.name} declares a header of {length} bytes")
        header = json.loads(file.read(length))
    return {name: tuple(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"}
