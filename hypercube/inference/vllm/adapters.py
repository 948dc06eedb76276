"""LoRA adapters of a running vLLM engine, by the names that requests use.

vLLM knows an adapter by a number and a name, and keeps computed prompts by that name and the folder: an adapter that
is replaced from the same folder would be answered from prompts of its predecessor. So every load gets a name of its
own there. One that is replaced or unloaded stays until the answers that began with it have ended.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.inference.adapter_files import Shapes, check_adapter, refused
from hypercube.inference.engine import engine_failed
from hypercube.inference.vllm.settings import KEPT_ADAPTERS


@dataclass(slots=True, eq=False)
class _Adapter:
    request: Any
    users: int = 0


class Adapters:
    """The adapters of one `AsyncLLM`; lives on its event loop."""

    def __init__(self, engine: Any, limit: int, shapes: Shapes) -> None:
        """`limit` is how many names there may be at once, `shapes` are those of the model's tensors."""
        self._engine = engine
        self._shapes = shapes
        self._limit = limit
        self._named: dict[str, _Adapter] = {}
        self._leaving: set[_Adapter] = set()
        self._numbers = count(1)
        # One change at a time: what is counted here must still be true when vLLM has done its part.
        self._changing = asyncio.Lock()

    async def load(self, name: str, folder: Path) -> None:
        """Take `folder`'s adapter in under `name`; as `Engine.load_adapter`."""
        async with self._changing:
            await self._load(name, folder)

    async def _load(self, name: str, folder: Path) -> None:
        from vllm.lora.request import LoRARequest
        from vllm.v1.engine.exceptions import EngineDeadError

        await asyncio.to_thread(check_adapter, name, folder, self._shapes)
        if name not in self._named and len(self._named) >= self._limit:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{self._limit} adapters are loaded, the most that this engine was started for.",
                param="adapter",
                value=name,
                fix=f"Unload one of: {', '.join(self._named)}; or set model.adapters higher.",
            )
        if len(self._named) + len(self._leaving) >= KEPT_ADAPTERS * self._limit:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{len(self._leaving)} adapters that were replaced are still used by answers under way.",
                param="adapter",
                value=name,
                fix="Try again when those answers have ended.",
            )
        number = next(self._numbers)
        request = LoRARequest(f"{name}#{number}", number, str(folder))
        try:
            await self._engine.add_lora(request)
        except EngineDeadError as error:
            raise engine_failed("vLLM's engine ended") from error
        except Exception as error:  # vLLM hands over whatever its worker raised as a bare Exception
            raise refused(name, _short(error)) from error
        previous = self._named.get(name)
        self._named[name] = _Adapter(request)
        if previous is not None:
            await self._leave(previous)

    async def unload(self, name: str) -> None:
        """Forget an adapter; as `Engine.unload_adapter`."""
        adapter = self._find(name)
        del self._named[name]
        await self._leave(adapter)

    @asynccontextmanager
    async def used(self, name: str) -> AsyncIterator[Any]:
        """What vLLM calls the adapter called `name`, None for the empty name; kept alive meanwhile."""
        if not name:
            yield None
            return
        adapter = self._find(name)
        adapter.users += 1
        try:
            yield adapter.request
        finally:
            adapter.users -= 1
            await self._sweep()

    async def _sweep(self) -> None:
        """Give back the memory of adapters that nobody uses any more."""
        for adapter in [each for each in self._leaving if not each.users]:
            self._leaving.discard(adapter)
            await self._engine.remove_lora(adapter.request.lora_int_id)

    async def _leave(self, adapter: _Adapter) -> None:
        self._leaving.add(adapter)
        await self._sweep()

    def _find(self, name: str) -> _Adapter:
        if name not in self._named:
            raise invalid(
                f"There is no adapter {name!r}.",
                param="adapter",
                value=name,
                fix=f"Loaded: {', '.join(self._named) or 'none'}.",
                choices=list(self._named),
            )
        return self._named[name]


def _short(error: Exception) -> str:
    """The last line of an error that carries its worker's whole traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")
