"""What an engine program is: the part of an engine that runs in the child process."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Protocol

from hypercube.core.engine import GenerationEvent, GenerationRequest
from hypercube.core.errors import HyperCubeError
from hypercube.inference.engine import Embedded, Scored

Say = Callable[[str], None]
"""Tells the parent a sentence, or a step of the load; may be called from any thread."""


class EngineProgram(Protocol):
    """Made without arguments in the child, loaded once; lives on the child's event loop.

    Nothing here may block that loop for long: heartbeats and cancellations go through it. Models compute in threads
    (native code lets the interpreter go). Whatever is raised and is no HyperCubeError breaks the engine.
    """

    @property
    def steps(self) -> int:
        """Steps of the engine finished so far; it grows while work goes on. May raise when the engine is broken."""
        ...

    async def load(self, settings: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        """Open the model; returns facts that only the open model knows, as JSON types.

        "context_length" (tokens) and "description" (what runs where) correct what the parent promised; "device"
        (default "cpu") and "pids" (default this process) say whose CPU time shows that work goes on.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when it cannot run here, with the fix.
        """
        ...

    def generate(self, request: GenerationRequest, priority: int) -> AsyncGenerator[GenerationEvent, None]:
        """As `Engine.generate`; it is closed when the request is cancelled.

        A lower `priority` (a `core.cube.Priority`) goes first where the program has a queue of its own.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """As `Engine.embed`."""
        ...

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """As `Engine.score`."""
        ...

    async def load_adapter(self, name: str, folder: str) -> None:
        """As `Engine.load_adapter`; asked only where ADAPTERS is among the engine's capabilities."""
        ...

    async def unload_adapter(self, name: str) -> None:
        """As `Engine.unload_adapter`; asked only where ADAPTERS is among the engine's capabilities."""
        ...

    async def broken(self) -> HyperCubeError:
        """Wait until the loaded engine breaks; the answer says how."""
        ...

    async def close(self) -> None:
        """Give back what outlives the process (processes of its own); the rest ends with it."""
        ...
