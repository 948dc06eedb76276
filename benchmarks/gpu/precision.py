"""The precisions that models run in: the type of the weights, and the type that autocast computes in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.gpu.machine import Machine, Red


@dataclass(frozen=True, slots=True)
class Precision:
    """`weights` and `compute` are torch dtype names; autocast is off where `compute` is float32.

    `tolerance` is the largest relative error (of the norm) between two ways to the same answer.
    """

    name: str
    weights: str
    compute: str
    tolerance: float

    @contextmanager
    def context(self, machine: Machine) -> Iterator[None]:
        """No gradients, and autocast to `compute`; without its cache, which a captured graph must not hold."""
        import torch

        on = self.compute != "float32"
        with (
            torch.inference_mode(),
            torch.autocast(
                machine.kind,
                dtype=getattr(torch, self.compute) if on else None,
                enabled=on,
                cache_enabled=False,
            ),
        ):
            yield

    def require_close(self, what: str, got: Any, want: Any) -> None:
        """`Red` unless two tensors agree."""
        error = float((got.float() - want.float()).norm() / want.float().norm())
        if not error <= self.tolerance:  # NaN is red as well
            raise Red(
                f"{what}, {self.name}: relative error {error:.3g} above {self.tolerance}; no figures on red."
            )


PRECISIONS: Final = (
    Precision("fp32", "float32", "float32", 1e-4),
    Precision("bf16", "bfloat16", "bfloat16", 5e-2),
    Precision("fp16", "float16", "float16", 1e-2),
    Precision("fp32 weights, bf16 autocast", "float32", "bfloat16", 5e-2),
)
