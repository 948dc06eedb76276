"""What an administrator may do with the models of a running server: one command, one outcome.

The doors (HTTP, gRPC, the Open Inference Protocol) make a `ModelCommand`; a cube checks who asks, writes it down, and
hands it to whoever serves the models (`ModelOperator`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

from hypercube.core.adapters import ServedAdapter
from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.served_models import ServedModel


class ModelAction(StrEnum):
    """What is to be done."""

    LOAD = "load"
    """Have a model in memory, whatever became of it before."""
    UNLOAD = "unload"
    """Finish what is under way, then give the memory back."""
    PIN = "pin"
    """Keep a model in memory whatever others need, or (`pinned` false) no longer."""
    ROUTES = "routes"
    """Where the aliases and the split of a model lead."""
    SET_ALIAS = "set_alias"
    DROP_ALIAS = "drop_alias"
    SET_SPLIT = "set_split"
    DROP_SPLIT = "drop_split"
    ROLLBACK = "rollback"
    """Undo the last move of an alias, or of the split."""
    HISTORY = "history"
    VERIFY = "verify"
    """Read every stored byte of a version again and compare its digests."""
    COLLECT = "collect"
    """Delete what no version, alias or running process needs, or say what would go."""
    REMOVE = "remove"
    """Delete a version, or a model, from the store."""
    ADAPTERS = "adapters"
    """The LoRA adapters of a model."""
    LOAD_ADAPTER = "load_adapter"
    """Load an adapter under a name, or have another version take that name."""
    UNLOAD_ADAPTER = "unload_adapter"

    @property
    def changes(self) -> bool:
        """Whether anything may be different afterwards."""
        return self not in {
            ModelAction.ROUTES,
            ModelAction.HISTORY,
            ModelAction.VERIFY,
            ModelAction.ADAPTERS,
        }


@dataclass(frozen=True, slots=True)
class ModelCommand:
    """One thing to do; which fields count, the action says, and the others stay as they are.

    Attributes:
        action: what.
        model: with which model; of VERIFY and REMOVE a reference, `name@version`. COLLECT has none.
        pinned: PIN.
        drain_s: UNLOAD: seconds to wait for answers under way; None = the server's default.
        alias: SET_ALIAS, DROP_ALIAS.
        version: SET_ALIAS: where it is to lead.
        expected: SET_ALIAS: only if it leads to this version now; empty = whatever it leads to.
        weights: SET_SPLIT: by alias or version.
        bounds: SET_SPLIT: what its targets may do; None = what the server's settings say.
        subject: ROLLBACK: an alias, or "split".
        dry_run: COLLECT: only say what would go.
        keep: COLLECT: of each model, drop unused versions but the newest so many; None = drop none.
        adapter: LOAD_ADAPTER, UNLOAD_ADAPTER: the name that requests use.
        reference: LOAD_ADAPTER: which adapter of the registry; empty = the one of that name.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    action: ModelAction
    model: str = ""
    pinned: bool = True
    drain_s: float | None = None
    alias: str = ""
    version: str = ""
    expected: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    subject: str = "production"
    dry_run: bool = True
    keep: int | None = None
    adapter: str = ""
    reference: str = ""
    bounds: CanaryBounds | None = None


@dataclass(frozen=True, slots=True)
class ModelRoutes:
    """Where the references to a model lead now.

    Attributes:
        name: of the model.
        aliases: alias -> version.
        split: alias or version -> its share of the requests for the bare name, 1 in all; empty = no split.
        bounds: what its targets may do; None = what the server's settings say.
    """

    name: str
    aliases: Mapping[str, str]
    split: Mapping[str, float]
    bounds: CanaryBounds | None = None


@dataclass(frozen=True, slots=True)
class RouteMove:
    """One move of an alias or of the split, as the history keeps it.

    Attributes:
        model: whose.
        time: UTC, ISO 8601.
        who: moved it.
        subject: the alias, or "split".
        action: "move", "drop", "rollback", or "withdraw": a server took a target out of the split.
        before: a version; for the split, weights; None = nothing.
        after: the same.
        why: with figures, where a server decided.
        bounds: of the split's targets, where they were given with it.
    """

    model: str
    time: str
    who: str
    subject: str
    action: str
    before: str | Mapping[str, float] | None
    after: str | Mapping[str, float] | None
    why: str = ""
    bounds: CanaryBounds | None = None


@dataclass(frozen=True, slots=True)
class ModelVerification:
    """Every byte of a version is as published: what was read to know that."""

    reference: str
    files: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class StoreGarbage:
    """One thing in the store that nobody needs; `path` begins at the store's root."""

    path: str
    bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class StoreCollection:
    """What went from the store, or (`dry_run`) would go."""

    dry_run: bool
    bytes: int
    items: tuple[StoreGarbage, ...]


@dataclass(frozen=True, slots=True)
class ModelRemoval:
    """A version (of an empty `version`: the whole model) is gone from the store."""

    name: str
    version: str
    freed_bytes: int


@dataclass(frozen=True, slots=True)
class ModelOutcome:
    """What became of a command; the fields that belong to its action are set.

    Attributes:
        model: LOAD, UNLOAD, PIN.
        routes: ROUTES.
        moves: SET_ALIAS, DROP_ALIAS, SET_SPLIT, DROP_SPLIT, ROLLBACK: the one that was made; HISTORY: all.
        verification: VERIFY.
        collection: COLLECT.
        removal: REMOVE.
        adapters: ADAPTERS: all; LOAD_ADAPTER, UNLOAD_ADAPTER: the one.
    """

    model: ServedModel | None = None
    routes: ModelRoutes | None = None
    moves: tuple[RouteMove, ...] = ()
    verification: ModelVerification | None = None
    collection: StoreCollection | None = None
    removal: ModelRemoval | None = None
    adapters: tuple[ServedAdapter, ...] = ()


class ModelOperator(Protocol):
    """Whoever serves the models."""

    async def operate(self, command: ModelCommand, who: str) -> ModelOutcome:
        """Do it; `who` goes into the history.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND, NOT_FOUND, INVALID_ARGUMENT; FAILED_PRECONDITION when the state of things
                forbids it; UNAVAILABLE when a load fails.
        """
        ...
