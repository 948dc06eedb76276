"""What the hypercluster asks of an engine that runs one model."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hypercube.core.cube import Call
from hypercube.core.engine import GenerationEvent, GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to run models.

    Attributes:
        context_length: tokens of prompt and answer together that one request may use.
        slots: requests that an engine works on at once.
        threads: CPU threads of an engine; None takes every core this process may use.
    """

    context_length: int = 4096
    slots: int = 2
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, value in (
            ("context_length", self.context_length),
            ("slots", self.slots),
            ("threads", self.threads),
        ):
            if value is not None and value < 1:
                raise invalid(f"{name} is {value}.", param=name, value=value, fix="Write a number from 1.")


class Engine(Protocol):
    """One model, loaded once, then generating until unloaded. An engine object is not loaded a second time.

    An engine that breaks raises ENGINE_FAILED from the generations it was working on and finishes `died`; it
    does not mend itself. Refusing one request (INVALID_ARGUMENT, CONTEXT_LENGTH_EXCEEDED) is not breaking.
    """

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together."""
        ...

    @property
    def slots(self) -> int:
        """Generations that run at once; the cluster never starts more."""
        ...

    @property
    def description(self) -> str:
        """What runs where, as `/readyz` says it: "llama.cpp on the CPU, 2 threads"."""
        ...

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        """Open the model file (None where the model has none); sentences for the user go to `on_status`.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when this machine cannot run it, with the fix; ENGINE_FAILED when
                it broke on the way.
        """
        ...

    def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer; the last event has `finish_reason` and `usage`.

        An event with neither text nor `finish_reason` is a sign of life (the prompt is being read). Closing the
        iterator stops the engine's work on it.
        """
        ...

    async def died(self) -> HyperCubeError:
        """Wait until a loaded engine breaks; the answer says how. Never returns for an engine that is unloaded."""
        ...

    async def unload(self) -> None:
        """Give everything back, whatever state the engine is in; safe to call twice."""
        ...


def engine_failed(what: str, *, retry_after_s: float | None = None) -> HyperCubeError:
    """The error of everybody who was waiting for an engine that broke."""
    return HyperCubeError(
        ErrorKind.ENGINE_FAILED,
        f"The model engine failed: {what}.",
        fix="Send the request again; the engine is being restarted.",
        retry_after_s=retry_after_s,
    )
