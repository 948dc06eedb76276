"""LoRA adapters of a served model: which there are, which its loaded copy has, and who uses them.

An engine knows an adapter by its version (`name@version`), which never changes. A name that requests use leads to a
version: the one that was loaded by command under that name, else what the registry says now. So to replace an adapter
is to have its name lead to another version, and answers under way keep the one that they began with; a version that
nobody uses any more leaves the engine.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hypercube.core.adapters import ServedAdapter
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest, shown
from hypercube.core.served_models import Capability, EngineState
from hypercube.inference.engine import Engine, incapable
from hypercube.model_registry.leases import Lease
from hypercube.model_registry.manifest import ModelManifest

if TYPE_CHECKING:
    from hypercube.inference.incarnation import Incarnation
    from hypercube.inference.loader import Loader


def paired_digest(model: ModelManifest, adapter: ModelManifest) -> str:
    """One SHA-256 over the content of both, as `model_registry.Resolution.digest` has it."""
    return hashlib.sha256(f"{model.digest}:{adapter.digest}".encode()).hexdigest()


@dataclass(slots=True, eq=False)
class Held:
    """An adapter that an engine has.

    Attributes:
        manifest: its version.
        lease: keeps its files in the store.
        asked: what a request, or a command, called it last.
        users: answers under way with it.
        used_at: a number that grows with every use.
        leaving: to be unloaded when nobody uses it any more.
    """

    manifest: ModelManifest
    lease: Lease | None
    asked: str
    users: int = 0
    used_at: int = 0
    leaving: bool = False


class CopyAdapters:
    """The adapters of one loaded copy of a model; one of them changes at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held: dict[str, Held] = {}
        self._changing = asyncio.Lock()
        self._uses = 0

    def held(self) -> tuple[Held, ...]:
        """Those that stay."""
        return tuple(each for each in self._held.values() if not each.leaving)

    def has(self, manifest: ModelManifest) -> bool:
        """Whether the engine has this version, and keeps it."""
        held = self._held.get(manifest.reference)
        return held is not None and not held.leaving

    async def hold(
        self, manifest: ModelManifest, asked: str, loader: "Loader", kept: Callable[[ModelManifest], bool]
    ) -> Held:
        """Have the engine load `manifest`, unless it has it; the oldest one that is neither used nor `kept` makes room.

        Raises:
            HyperCubeError: as `Loader.adapter_files` and `Engine.load_adapter`.
        """
        held = self._held.get(manifest.reference)
        if held is not None and not held.leaving:
            # Nobody who is answered with it waits for another one's load.
            held.asked = asked
            return held
        async with self._changing:
            held = self._held.get(manifest.reference)
            if held is None:
                folder, lease = await loader.adapter_files(manifest)
                try:
                    await self._load(manifest, folder, kept)
                except BaseException:
                    if lease is not None:
                        lease.release()
                    raise
                held = self._held[manifest.reference] = Held(manifest, lease, asked)
            held.leaving, held.asked = False, asked
            self._touch(held)
            return held

    async def _load(
        self, manifest: ModelManifest, folder: Path, kept: Callable[[ModelManifest], bool]
    ) -> None:
        while True:
            try:
                await self._engine.load_adapter(manifest.reference, folder)
            except HyperCubeError as error:
                idle = [each for each in self._held.values() if not each.users and not kept(each.manifest)]
                if error.kind is not ErrorKind.FAILED_PRECONDITION or not idle:
                    raise
                await self._forget(min(idle, key=lambda each: each.used_at))
            else:
                return

    @asynccontextmanager
    async def using(self, held: Held) -> AsyncIterator[str]:
        """What the engine calls it, kept alive within this block."""
        held.users += 1
        self._touch(held)
        try:
            yield held.manifest.reference
        finally:
            held.users -= 1
            if held.leaving:
                await self._sweep()

    async def drop(self, manifest: ModelManifest) -> None:
        """Unload a version, as soon as nobody uses it."""
        async with self._changing:
            held = self._held.get(manifest.reference)
            if held is None:
                return
            held.leaving = True
        await self._sweep()

    async def _sweep(self) -> None:
        """Unload what is to leave and has no users."""
        async with self._changing:
            for held in [each for each in self._held.values() if each.leaving and not each.users]:
                await self._forget(held)

    async def _forget(self, held: Held) -> None:
        self._held.pop(held.manifest.reference, None)
        if held.lease is not None:
            held.lease.release()
        # An engine that died meanwhile has forgotten it, too.
        with contextlib.suppress(HyperCubeError):
            await self._engine.unload_adapter(held.manifest.reference)

    def _touch(self, held: Held) -> None:
        self._uses += 1
        held.used_at = self._uses

    def close(self) -> None:
        """The engine is gone: let the files go."""
        for held in self._held.values():
            if held.lease is not None:
                held.lease.release()
        self._held.clear()


@dataclass(slots=True)
class ModelAdapters:
    """The adapters of one served model, over all its copies.

    Attributes:
        model: its name.
        loader: finds and fetches them.
        named: those that were loaded by command, or with the model, by the name that requests use; all versions of
            the model that are served share them.
    """

    model: str
    loader: "Loader"
    named: dict[str, ModelManifest] = field(init=False)

    def __post_init__(self) -> None:
        self.named = self.loader.named_adapters.setdefault(self.model, {})

    def _kept(self, manifest: ModelManifest) -> bool:
        return any(manifest.reference == each.reference for each in self.named.values())

    async def find(self, asked: str, key: str | None = None) -> ModelManifest:
        """The version that `asked` means now; with a split of the adapter, the same one for the same `key`.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND with the nearest name.
        """
        if asked in self.named:
            return self.named[asked]
        return await asyncio.to_thread(self.loader.registry.adapter, self.model, asked, key)

    @asynccontextmanager
    async def used(self, copy: "Incarnation", asked: str, key: str | None = None) -> AsyncIterator[str]:
        """What the engine of `copy` calls the adapter `asked`; loaded first, if that is needed. Empty stays empty.

        Raises:
            HyperCubeError: as `find` and `CopyAdapters.hold`.
        """
        if not asked:
            yield ""
            return
        manifest = await self.find(asked, key)
        held = await copy.adapters.hold(manifest, asked, self.loader, self._kept)
        async with copy.adapters.using(held) as name:
            yield name

    async def furnish(self, copy: "Incarnation") -> None:
        """Give a new copy, before anybody asks it, the adapters that go with the model or were loaded by command.

        One that does not fit this version of the model, or is not to be had, is told of and left out.

        Raises:
            HyperCubeError: ENGINE_FAILED when the engine broke over it.
        """
        if Capability.ADAPTERS not in copy.engine.capabilities:
            return
        for reference in copy.manifest.adapters:
            name = reference.partition("@")[0]
            if name not in self.named:
                with self._leaving_out(name):
                    self.named[name] = await self.find(reference)
        for name, manifest in tuple(self.named.items()):
            with self._leaving_out(name):
                await copy.adapters.hold(manifest, name, self.loader, self._kept)

    @contextlib.contextmanager
    def _leaving_out(self, name: str) -> Iterator[None]:
        try:
            yield
        except HyperCubeError as error:
            if error.kind is ErrorKind.ENGINE_FAILED:
                raise
            self.loader.on_line(f"{self.model}: the adapter {name!r} is left out: {error.message}")

    # -- by command

    async def load(
        self, copy: "Incarnation | None", engine: Engine, name: str, reference: str
    ) -> ModelManifest:
        """Have `name` mean what `reference` (empty: `name`) means now, from the next request on.

        A model that is not loaded gets it when it is.

        Raises:
            HyperCubeError: INVALID_ARGUMENT when the engine has no adapters or this one does not fit; as `find`.
        """
        if Capability.ADAPTERS not in engine.capabilities:
            raise incapable(f"The model {self.model!r}", Capability.ADAPTERS)
        manifest = await asyncio.to_thread(self.loader.registry.adapter, self.model, reference or name)
        if copy is not None:
            await copy.adapters.hold(manifest, name, self.loader, self._kept)
        before = self.named.get(name)
        self.named[name] = manifest
        if copy is not None and before is not None and not self._kept(before):
            await copy.adapters.drop(before)
        return manifest

    async def unload(self, copy: "Incarnation | None", name: str) -> ModelManifest:
        """Forget `name`; its version leaves the engine when nobody uses it. A request for it loads it again.

        Raises:
            HyperCubeError: NOT_FOUND when none of that name is loaded.
        """
        manifest = self.named.pop(name, None)
        held = () if copy is None else copy.adapters.held()
        if manifest is None:
            known = {key: each.manifest for each in held for key in (each.asked, each.manifest.reference)}
            if name not in known:
                raise _not_loaded(self.model, name, tuple(dict.fromkeys((*self.named, *known))))
            manifest = known[name]
        if copy is not None and not self._kept(manifest):
            await copy.adapters.drop(manifest)
        return manifest

    def served(
        self, manifest: ModelManifest, copy: "Incarnation | None", state: EngineState
    ) -> tuple[ServedAdapter, ...]:
        """All of them, beside the model's version `manifest`."""
        found = {
            each.asked: each.manifest
            for each in (() if copy is None else copy.adapters.held())
            if not self._kept(each.manifest)
        } | self.named
        ready = copy is not None and state is EngineState.READY
        return tuple(
            ServedAdapter(
                name,
                adapter.reference,
                paired_digest(manifest, adapter),
                adapter.licence,
                adapter.created,
                ready and copy is not None and copy.adapters.has(adapter),
                name in self.named,
            )
            for name, adapter in sorted(found.items())
        )


def _not_loaded(model: str, name: str, known: tuple[str, ...]) -> HyperCubeError:
    close = nearest(name, known)
    return HyperCubeError(
        ErrorKind.NOT_FOUND,
        f"The model {model!r} has no adapter {shown(name)!r} loaded.",
        param="adapter",
        value=name,
        fix=(f"Did you mean {close!r}? " if close else "") + f"Loaded: {', '.join(known) or 'none'}.",
        details={"choices": list(known)},
    )
