"""What a model takes and gives, as its manifest states it, and the check of a request against it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hypercube.core.errors import HyperCubeError, invalid, nearest

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

    def check_inputs(self, given: Mapping[str, tuple[str, Sequence[int]]]) -> None:
        """Refuse a request whose inputs (name -> dtype, shape) are not those of the model.

        Raises:
            HyperCubeError: INVALID_ARGUMENT naming the input, what was given, and what it should be.
        """
        wanted = {tensor.name: tensor for tensor in self.inputs}
        for name, (dtype, shape) in given.items():
            tensor = wanted.get(name)
            if tensor is None:
                close = nearest(name, wanted)
                raise invalid(
                    f"The model has no input {name!r}.",
                    param=f"inputs.{name}",
                    value=name,
                    fix=f"Did you mean {close!r}?" if close else f"Its inputs: {', '.join(wanted)}.",
                )
            if dtype != tensor.dtype:
                raise _mismatch(tensor, "dtype", dtype, tensor.dtype)
            fits = len(shape) == len(tensor.shape) and all(
                length >= 0 and want in (FREE, length)
                for length, want in zip(shape, tensor.shape, strict=True)
            )
            if not fits:
                raise _mismatch(tensor, "shape", list(shape), list(tensor.shape))
            if self.limits.batch is not None and shape and shape[0] > self.limits.batch:
                raise _mismatch(tensor, "batch", shape[0], f"at most {self.limits.batch}")
        for tensor in self.inputs:
            if not tensor.optional and tensor.name not in given:
                raise invalid(
                    f"The input {tensor.name!r} is missing.",
                    param=f"inputs.{tensor.name}",
                    fix=f"Give it as {tensor.dtype} of shape {list(tensor.shape)}.",
                )

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


def _mismatch(tensor: Tensor, what: str, given: object, wanted: object) -> HyperCubeError:
    return invalid(
        f"The {what} of input {tensor.name!r} is {given}, the model takes {wanted}.",
        param=f"inputs.{tensor.name}.{what}",
        value=str(given),
        fix=f"Send {tensor.dtype} of shape {list(tensor.shape)}; -1 is any length.",
    )
