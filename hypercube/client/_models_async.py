"""Model administration for `AsyncClient`; needs a key with the role `admin` where the server asks for keys."""

# A timeout here is the deadline that travels to the server, which asyncio.timeout() is not.
# ruff: noqa: ASYNC109

from collections.abc import Mapping
from typing import Any

from hypercube.client._calls_async import AsyncCalls
from hypercube.client._channel import NOT_GIVEN, Timeout
from hypercube.client._models import ADMIN, command, command_message, given, outcome
from hypercube.core.adapters import ServedAdapter
from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.model_admin import (
    ModelAction,
    ModelOutcome,
    ModelRemoval,
    ModelRoutes,
    ModelVerification,
    RouteMove,
    StoreCollection,
)
from hypercube.core.served_models import ServedModel


class AsyncModelCalls(AsyncCalls):
    """The part of `AsyncClient` that changes what is served."""

    async def _do(self, action: ModelAction, model: str, timeout: Timeout, **fields: Any) -> ModelOutcome:
        message = command_message(command(action, model, **fields))
        return outcome(action, await self._call(ADMIN[action], message, timeout))

    async def load_model(self, model: str, *, timeout: Timeout = NOT_GIVEN) -> ServedModel:
        """Load a model now; returns when it is ready.

        Raises:
            Unavailable: it could not be loaded, with the reason.
        """
        done = await self._do(ModelAction.LOAD, model, timeout)
        return given(done.model)

    async def unload_model(
        self, model: str, *, drain_s: float | None = None, timeout: Timeout = NOT_GIVEN
    ) -> ServedModel:
        """Finish what is under way, for `drain_s` seconds at most (None: 30), then give the memory back."""
        done = await self._do(ModelAction.UNLOAD, model, timeout, drain_s=drain_s)
        return given(done.model)

    async def pin_model(
        self, model: str, *, pinned: bool = True, timeout: Timeout = NOT_GIVEN
    ) -> ServedModel:
        """Keep a model in memory whatever others need, or no longer."""
        done = await self._do(ModelAction.PIN, model, timeout, pinned=pinned)
        return given(done.model)

    async def model_routes(self, model: str, *, timeout: Timeout = NOT_GIVEN) -> ModelRoutes:
        """Where the aliases of a model lead, and how its requests are split."""
        done = await self._do(ModelAction.ROUTES, model, timeout)
        return given(done.routes)

    async def set_alias(
        self, model: str, alias: str, version: str, *, expected: str = "", timeout: Timeout = NOT_GIVEN
    ) -> RouteMove:
        """Have an alias lead to a version; with `expected`, only if it leads to that one now."""
        done = await self._do(
            ModelAction.SET_ALIAS, model, timeout, alias=alias, version=version, expected=expected
        )
        return done.moves[0]

    async def drop_alias(self, model: str, alias: str, *, timeout: Timeout = NOT_GIVEN) -> RouteMove:
        """Have no such alias any more."""
        done = await self._do(ModelAction.DROP_ALIAS, model, timeout, alias=alias)
        return done.moves[0]

    async def set_split(
        self,
        model: str,
        weights: Mapping[str, float],
        *,
        bounds: CanaryBounds | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> RouteMove:
        """Share the requests for the bare name out among aliases or versions.

        A target that leaves `bounds` (None: those of the server's settings) gets no requests any more.
        """
        done = await self._do(ModelAction.SET_SPLIT, model, timeout, weights=weights, bounds=bounds)
        return done.moves[0]

    async def drop_split(self, model: str, *, timeout: Timeout = NOT_GIVEN) -> RouteMove:
        """End the split."""
        done = await self._do(ModelAction.DROP_SPLIT, model, timeout)
        return done.moves[0]

    async def rollback(
        self, model: str, subject: str = "production", *, timeout: Timeout = NOT_GIVEN
    ) -> RouteMove:
        """Undo the last move of an alias, or of the split ("split"); once more undoes the one before."""
        done = await self._do(ModelAction.ROLLBACK, model, timeout, subject=subject)
        return done.moves[0]

    async def model_history(self, model: str, *, timeout: Timeout = NOT_GIVEN) -> list[RouteMove]:
        """Every move of a model's aliases and split, the oldest first."""
        done = await self._do(ModelAction.HISTORY, model, timeout)
        return list(done.moves)

    async def verify_model(self, reference: str, *, timeout: Timeout = NOT_GIVEN) -> ModelVerification:
        """Have every stored byte of a version read again and its digests compared.

        Raises:
            FailedPrecondition: a file is damaged or missing; it is named.
        """
        done = await self._do(ModelAction.VERIFY, reference, timeout)
        return given(done.verification)

    async def collect_models(
        self, *, dry_run: bool = True, keep: int | None = None, timeout: Timeout = NOT_GIVEN
    ) -> StoreCollection:
        """Delete from the server's store what nobody needs; with `dry_run` only say what would go."""
        done = await self._do(ModelAction.COLLECT, "", timeout, dry_run=dry_run, keep=keep)
        return given(done.collection)

    async def remove_model(self, reference: str, *, timeout: Timeout = NOT_GIVEN) -> ModelRemoval:
        """Delete a model, or one version (`name@version`), from the server's store.

        Raises:
            FailedPrecondition: something uses it; it is named.
        """
        done = await self._do(ModelAction.REMOVE, reference, timeout)
        return given(done.removal)

    async def adapters(self, model: str, *, timeout: Timeout = NOT_GIVEN) -> list[ServedAdapter]:
        """The LoRA adapters that a model has."""
        done = await self._do(ModelAction.ADAPTERS, model, timeout)
        return list(done.adapters)

    async def load_adapter(
        self, model: str, adapter: str, *, reference: str = "", timeout: Timeout = NOT_GIVEN
    ) -> ServedAdapter:
        """Have `model:adapter` mean an adapter of the server's registry (`reference`; empty: the one of that name).

        A name that is taken means the new one from then on; answers under way end with the one they began with.
        """
        done = await self._do(ModelAction.LOAD_ADAPTER, model, timeout, adapter=adapter, reference=reference)
        return done.adapters[0]

    async def unload_adapter(
        self, model: str, adapter: str, *, timeout: Timeout = NOT_GIVEN
    ) -> ServedAdapter:
        """Forget an adapter; it leaves the engine when nobody uses it any more."""
        done = await self._do(ModelAction.UNLOAD_ADAPTER, model, timeout, adapter=adapter)
        return done.adapters[0]
