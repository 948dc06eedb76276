"""References to models, resolved: names, versions, aliases, splits; moves of them, with their history.

name                newest version here, or the alias `production`, or what the split says for the caller's key
name@1.2.0          that version
name@canary         what the alias leads to now
name@latest         the newest version here, whatever the aliases say
name:adapter        with a LoRA adapter (a model of format `lora`); `name@canary:adapter@1.0.0` with both
"""

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest, shown
from hypercube.model_registry.disk import disk_errors
from hypercube.model_registry.index import ModelIndex
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.route_checks import check_alias, no_such, whoami
from hypercube.model_registry.route_log import POLL_S, RouteLog, utc_now
from hypercube.model_registry.routes import LATEST, PRODUCTION, SPLIT, Move, Routes, choose
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.versions import is_semver

SERVER: Final = "hypercube"
"""Who moved something, in the history, where a server did it by itself."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a reference leads to.

    Attributes:
        manifest: of the model.
        adapter: of the LoRA adapter, if the reference names one.
        target: the alias or version that was taken, as the split or the reference says.
    """

    manifest: ModelManifest
    adapter: ModelManifest | None
    target: str

    @property
    def digest(self) -> str:
        """One SHA-256 over the content of model and adapter; what every cache key has to contain."""
        if self.adapter is None:
            return self.manifest.digest
        return hashlib.sha256(f"{self.manifest.digest}:{self.adapter.digest}".encode()).hexdigest()


class ModelRegistry:
    """The models of a store and of the catalogue, under their references; several processes may move aliases."""

    def __init__(
        self,
        store: ModelStore,
        *,
        clock: Clock = monotonic,
        now: Callable[[], datetime] = utc_now,
        poll_s: float = POLL_S,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.store = store
        self._clock = clock
        self._draw = draw
        self._index = ModelIndex(store, clock, poll_s)
        self._log = RouteLog(store.root / "routes", clock=clock, now=now, poll_s=poll_s)

    # -- reading

    def names(self) -> tuple[str, ...]:
        """Every model, adapters too."""
        return self._index.names()

    def versions(self, name: str) -> tuple[ModelManifest, ...]:
        """Every version of `name`: those that are here before those to be fetched, newer before older.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND with the nearest and all names.
        """
        return tuple(version.manifest for version in self._index.of(name))

    def here(self, name: str) -> tuple[ModelManifest, ...]:
        """The versions of `name` whose files are here, in the order of `versions`.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND with the nearest and all names.
        """
        return tuple(version.manifest for version in self._index.of(name) if version.here)

    def routes(self, name: str) -> Routes:
        """The aliases of `name` and its split, as of at most `poll_s` ago."""
        self._index.of(name)
        return self._log.routes(name)

    def history(self, name: str) -> list[Move]:
        """Every move of the aliases and the split of `name`, the oldest first."""
        self._index.of(name)
        return self._log.moves(name)

    def resolve(self, reference: str, key: str | None = None) -> ModelManifest:
        """The version that `reference` means; with a split, the same one for the same `key`.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND with the nearest name, version or alias.
        """
        return self.route(reference, key).manifest

    def route(self, reference: str, key: str | None = None) -> Resolution:
        """As `resolve`, with the adapter and the target that was taken."""
        model, _, adapter = reference.partition(":")
        manifest, target = self._one(model, key)
        if not adapter:
            return Resolution(manifest, None, target)
        return Resolution(manifest, self.adapter(manifest.name, adapter, key), target)

    def adapter(self, model: str, reference: str, key: str | None = None) -> ModelManifest:
        """The version of a LoRA adapter of `model` that `reference` (`name`, `name@version`, `name@alias`) means.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND with the nearest adapter of that model.
        """
        name = reference.partition("@")[0]
        if name not in self._index.names():
            known = [each for each in self._index.names() if self._index.of(each)[0].manifest.base == model]
            close = nearest(name, known)
            raise HyperCubeError(
                ErrorKind.MODEL_NOT_FOUND,
                f"The model {model!r} has no adapter {shown(name)!r}.",
                param="model",
                value=f"{model}:{reference}",
                fix=(f"Did you mean {close!r}? " if close else "")
                + (
                    f"Known: {', '.join(known)}."
                    if known
                    else f"Bring one: hypercube models add --base {model}"
                ),
                details={"choices": known},
            )
        tuned, _ = self._one(reference, key)
        if tuned.base != model:
            raise HyperCubeError(
                ErrorKind.MODEL_NOT_FOUND,
                f"{tuned.name!r} is no adapter of {model!r}"
                + (f" but of {tuned.base!r}." if tuned.base else ": it is a model of its own."),
                param="model",
                value=f"{model}:{reference}",
            )
        return tuned

    def _one(self, reference: str, key: str | None) -> tuple[ModelManifest, str]:
        name, _, selector = reference.partition("@")
        versions = self._index.of(name)
        routes = self._log.routes(name)
        if selector == "":
            if routes.split:
                # Without a key each request is a caller of its own.
                selector = choose(routes.split, key if key is not None else repr(self._draw()), name)
            elif PRODUCTION in routes.aliases:
                selector = PRODUCTION
            else:
                selector = LATEST
        if selector == LATEST:
            return versions[0].manifest, LATEST
        wanted = routes.version_of(selector)
        for version in versions:
            if version.manifest.version == wanted:
                return version.manifest, selector
        known = [*routes.aliases, *(version.manifest.version for version in versions), LATEST]
        close = nearest(selector, known)
        raise HyperCubeError(
            ErrorKind.MODEL_NOT_FOUND,
            f"The model {name!r} has no version or alias {shown(selector)!r}.",
            param="model",
            value=reference,
            fix=(f"Did you mean {close!r}? " if close else "") + f"Known: {', '.join(known)}.",
            details={"choices": known},
        )

    # -- moving

    def set_alias(
        self, name: str, alias: str, version: str, *, who: str | None = None, expected: str | None = None
    ) -> Move:
        """Have `alias` lead to `version`, which must be here; with `expected`, only if it led there until now.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND; INVALID_ARGUMENT for a name that is no alias; FAILED_PRECONDITION when the
                version is not here whole, or somebody else was faster.
        """
        check_alias(alias)
        with disk_errors(self.store.root), self.store.layout.changing():
            self._check_here(name, version)
            before = self._fresh(name).now(alias)
            if expected is not None and before != expected:
                raise HyperCubeError(
                    ErrorKind.FAILED_PRECONDITION,
                    f"{name}@{alias} leads to {before or 'nothing'}, not to {expected}: somebody moved it.",
                    param="expected",
                    value=expected,
                    fix=f"Look at it again: hypercube models history {name}",
                )
            return self._log.append(name, alias, "move", version, who or whoami())

    def drop_alias(self, name: str, alias: str, *, who: str | None = None) -> Move:
        """Have no `alias` any more.

        Raises:
            HyperCubeError: NOT_FOUND when there is none; FAILED_PRECONDITION when the split uses it.
        """
        with disk_errors(self.store.root), self.store.layout.changing():
            routes = self._fresh(name)
            if alias not in routes.aliases:
                raise no_such(name, alias, routes)
            if alias in routes.split:
                raise HyperCubeError(
                    ErrorKind.FAILED_PRECONDITION,
                    f"The split of {name!r} sends requests to {alias!r}.",
                    param="alias",
                    value=alias,
                    fix=f"End the split first: hypercube models split {name} --drop",
                )
            return self._log.append(name, alias, "drop", None, who or whoami())

    def set_split(
        self,
        name: str,
        weights: Mapping[str, float],
        *,
        who: str | None = None,
        bounds: CanaryBounds | None = None,
    ) -> Move:
        """Send requests for the bare `name` to aliases or versions in proportion to `weights`.

        A server that sees a target leave `bounds` (None: those of its settings) withdraws it, see `withdraw`.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for weights that are no shares, or a target that does not exist.
        """
        if not weights or any(not 0 <= weight < float("inf") for weight in weights.values()):
            raise invalid(
                "A split needs a weight of 0 or more for each target.",
                param="weights",
                value=str(dict(weights)),
            )
        if not any(weights.values()):
            raise invalid("A split needs one weight above 0.", param="weights", value=str(dict(weights)))
        with disk_errors(self.store.root), self.store.layout.changing():
            routes = self._fresh(name)
            for target in weights:
                if target not in routes.aliases:
                    if not is_semver(target):
                        raise no_such(name, target, routes)
                    self._check_here(name, target)
            plain = {target: float(weight) for target, weight in weights.items()}
            return self._log.append(name, SPLIT, "move", plain, who or whoami(), bounds=bounds)

    def drop_split(self, name: str, *, who: str | None = None) -> Move:
        """Send every request for the bare `name` where it went without the split.

        Raises:
            HyperCubeError: NOT_FOUND when there is no split.
        """
        with disk_errors(self.store.root), self.store.layout.changing():
            routes = self._fresh(name)
            if not routes.split:
                raise no_such(name, SPLIT, routes)
            return self._log.append(name, SPLIT, "drop", None, who or whoami())

    def withdraw(self, name: str, target: str, version: str, why: str, *, who: str = SERVER) -> Move | None:
        """Take `target` out of the split because of what its `version` did; None when it is not in there any more.

        What is left of the split stays; if that is the alias `production` alone, there is no split any more. A
        `rollback` of the split brings the target back.
        """
        with disk_errors(self.store.root), self.store.layout.changing():
            routes = self._fresh(name)
            left = {each: weight for each, weight in routes.split.items() if each != target and weight > 0}
            if target not in routes.split or routes.version_of(target) != version or not left:
                return None
            after = None if set(left) == {PRODUCTION} else left
            log, kept = self._log, None if after is None else routes.bounds
            return log.append(name, SPLIT, "withdraw", after, who, why=why, bounds=kept)

    def rollback(self, name: str, subject: str = PRODUCTION, *, who: str | None = None) -> Move:
        """Undo the last move of an alias, or of the split (`SPLIT`); once more undoes the move before that.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when there is nothing to go back to, or it is not here any more.
        """
        with disk_errors(self.store.root), self.store.layout.changing():
            routes = self._fresh(name)
            if subject not in routes.undo:
                raise HyperCubeError(
                    ErrorKind.FAILED_PRECONDITION,
                    f"{name}@{subject} has nothing to go back to.",
                    param="alias",
                    value=subject,
                    fix=f"See its moves: hypercube models history {name}",
                )
            after = routes.undo[subject]
            for target in (after,) if isinstance(after, str) else after or ():
                if target not in routes.aliases or isinstance(after, str):
                    self._check_here(name, target)
            return self._log.append(name, subject, "rollback", after, who or whoami())

    def _fresh(self, name: str) -> Routes:
        """As of now; under the store's lock nobody can change it."""
        self._index.of(name)
        return RouteLog(self.store.root / "routes", clock=self._clock).routes(name)

    def _check_here(self, name: str, version: str) -> None:
        self._index.forget()
        versions = {found.manifest.version: found for found in self._index.of(name)}
        if version not in versions:
            close = nearest(version, versions)
            raise HyperCubeError(
                ErrorKind.MODEL_NOT_FOUND,
                f"The model {name!r} has no version {shown(version)!r}.",
                param="version",
                value=version,
                fix=(f"Did you mean {close!r}? " if close else "") + f"Known: {', '.join(versions)}.",
            )
        if not versions[version].here:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{name}@{version} is not here whole, and nothing may lead to what cannot be served.",
                param="version",
                value=version,
                fix=f"Fetch it first: hypercube models pull {name}@{version}",
            )
