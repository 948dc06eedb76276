"""What a model takes and gives, as its manifest states it, and the check of a generation's tokens against it."""

from dataclasses import dataclass
from typing import Final

from hypercube.core.errors import invalid

FREE: Final = -1
"""A dimension of any length."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output.

    Attributes:
        name: as requests call it.
        dtype: as the Open Inference Protocol names types: "BYTES", "FP32", "INT64" …
        shape: length of each dimension; `FREE` for any.
        optional: a request may leave it out.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = (FREE,)
    optional: bool = False

    def __post_init__(self) -> None:
        if any(length < 1 and length != FREE for length in self.shape):
            raise ValueError(f"shape {list(self.shape)} of {self.name!r} must hold lengths, or -1 for any")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one request may ask for; None = what the engine allows."""

    batch: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """Inputs, outputs and limits of a model."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        for tensors in (self.inputs, self.outputs):
            names = [tensor.name for tensor in tensors]
            if len(set(names)) != len(names):
                raise ValueError(f"a signature names each tensor once, not {', '.join(names)}")

    def check_tokens(self, prompt: int, output: int) -> None:
        """Refuse a generation that takes or asks for more tokens than the model's manifest allows.

        Raises:
            HyperCubeError: INVALID_ARGUMENT with both figures.
        """
        for param, count, limit in (
            ("prompt", prompt, self.limits.input_tokens),
            ("max_tokens", output, self.limits.output_tokens),
        ):
            if limit is not None and count > limit:
                raise invalid(
                    f"{param} has {count} tokens; this model's manifest allows {limit}.",
                    param=param,
                    value=count,
                    fix=f"Use at most {limit}.",
                )
