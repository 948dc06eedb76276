"""What administrators do with the models of this process: the cluster's part and the registry's, behind one command."""

import asyncio
import math
from collections.abc import Mapping
from typing import Final, assert_never

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.core.model_admin import (
    ModelAction,
    ModelCommand,
    ModelOutcome,
    ModelRemoval,
    ModelRoutes,
    ModelVerification,
    RouteMove,
    StoreCollection,
    StoreGarbage,
)
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.served import DRAIN_S
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.routes import Move

MAX_DRAIN_S: Final = 3600.0


class ModelOperations:
    """A `core.model_admin.ModelOperator` over one cluster and the registry of its store."""

    def __init__(self, cluster: Hypercluster, registry: ModelRegistry) -> None:
        self._cluster = cluster
        self._registry = registry

    async def operate(self, command: ModelCommand, who: str) -> ModelOutcome:
        """As `ModelOperator.operate`."""
        if command.action is ModelAction.COLLECT:
            return ModelOutcome(collection=await asyncio.to_thread(self._collect, command))
        if not command.model:
            raise invalid("Which model?", param="model", value="", fix="Name one, as /v1/models lists it.")
        match command.action:
            case ModelAction.LOAD | ModelAction.UNLOAD | ModelAction.PIN:
                return await self._serve(command)
            case ModelAction.ADAPTERS | ModelAction.LOAD_ADAPTER | ModelAction.UNLOAD_ADAPTER:
                return await self._adapt(command)
            case _:
                # The store's part blocks on the disk.
                return await asyncio.to_thread(self._registered, command, who)

    async def _serve(self, command: ModelCommand) -> ModelOutcome:
        if command.action is ModelAction.LOAD:
            await self._cluster.load(command.model)
        elif command.action is ModelAction.UNLOAD:
            await self._cluster.unload(command.model, _seconds(command.drain_s))
        else:
            self._cluster.pin(command.model, command.pinned)
        return ModelOutcome(model=self._cluster.describe(command.model))

    async def _adapt(self, command: ModelCommand) -> ModelOutcome:
        if command.action is ModelAction.ADAPTERS:
            return ModelOutcome(adapters=self._cluster.describe(command.model).adapters)
        if not command.adapter:
            raise invalid("Which adapter?", param="adapter", value="", fix="Name one.")
        if command.action is ModelAction.UNLOAD_ADAPTER:
            return ModelOutcome(
                adapters=(await self._cluster.unload_adapter(command.model, command.adapter),)
            )
        loaded = await self._cluster.load_adapter(command.model, command.adapter, command.reference)
        return ModelOutcome(adapters=(loaded,))

    def _registered(self, command: ModelCommand, who: str) -> ModelOutcome:
        registry, name = self._registry, command.model
        match command.action:
            case ModelAction.ROUTES:
                return ModelOutcome(routes=routes_of(registry, name))
            case ModelAction.HISTORY:
                return ModelOutcome(moves=tuple(_move(name, move) for move in registry.history(name)))
            case ModelAction.SET_ALIAS:
                if not command.version:
                    raise invalid(
                        "Where is the alias to lead?", param="version", value="", fix="Name a version."
                    )
                move = registry.set_alias(
                    name, command.alias, command.version, who=who, expected=command.expected or None
                )
            case ModelAction.DROP_ALIAS:
                move = registry.drop_alias(name, command.alias, who=who)
            case ModelAction.SET_SPLIT:
                move = registry.set_split(name, command.weights, who=who, bounds=command.bounds)
            case ModelAction.DROP_SPLIT:
                move = registry.drop_split(name, who=who)
            case ModelAction.ROLLBACK:
                move = registry.rollback(name, command.subject, who=who)
            case ModelAction.VERIFY:
                return ModelOutcome(verification=self._verify(name))
            case ModelAction.REMOVE:
                return ModelOutcome(removal=self._remove(name))
            case (
                ModelAction.LOAD
                | ModelAction.UNLOAD
                | ModelAction.PIN
                | ModelAction.ADAPTERS
                | ModelAction.LOAD_ADAPTER
                | ModelAction.UNLOAD_ADAPTER
                | ModelAction.COLLECT
            ):
                raise AssertionError(f"{command.action} is not the registry's")
            case _:
                assert_never(command.action)
        return ModelOutcome(moves=(_move(name, move),))

    def _verify(self, reference: str) -> ModelVerification:
        manifest = self._registry.resolve(reference)
        if not manifest.files:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"The model {manifest.name!r} has no files to verify.",
                param="model",
                value=reference,
            )
        cost = self._registry.store.verify(manifest)
        return ModelVerification(manifest.reference, cost.files, cost.bytes, cost.seconds)

    def _remove(self, reference: str) -> ModelRemoval:
        name, _, version = reference.partition("@")
        if version:
            version = self._registry.routes(name).version_of(version)
        return ModelRemoval(name, version, self._registry.store.remove(name, version or None))

    def _collect(self, command: ModelCommand) -> StoreCollection:
        store = self._registry.store
        if command.keep is not None and command.keep < 0:
            raise invalid(
                f"keep is {command.keep}.", param="keep", value=command.keep, fix="Write 0 or more."
            )
        found = store.collect(keep=command.keep, dry_run=command.dry_run)
        items = tuple(
            StoreGarbage(item.path.relative_to(store.root).as_posix(), item.bytes, item.reason)
            for item in found
        )
        return StoreCollection(command.dry_run, sum(item.bytes for item in items), items)


def routes_of(registry: ModelRegistry, name: str) -> ModelRoutes:
    """The aliases of a model, and its split as shares of 1."""
    routes = registry.routes(name)
    total = sum(routes.split.values())
    shares = {target: weight / total for target, weight in routes.split.items()}
    return ModelRoutes(name, dict(routes.aliases), shares, routes.bounds)


def _move(name: str, move: Move) -> RouteMove:
    before, after = (
        dict(target) if isinstance(target, Mapping) else target for target in (move.before, move.after)
    )
    return RouteMove(
        name, move.time, move.who, move.subject, move.action, before, after, move.why, move.bounds
    )


def _seconds(drain_s: float | None) -> float:
    if drain_s is None:
        return DRAIN_S
    if not (math.isfinite(drain_s) and 0 <= drain_s <= MAX_DRAIN_S):
        raise invalid(
            f"drain_s is {drain_s}.",
            param="drain_s",
            value=drain_s,
            fix=f"Write seconds from 0 to {MAX_DRAIN_S:g}.",
        )
    return drain_s
