"""What the routes of model administration take and give, as types."""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import TypedDict


@dataclass(frozen=True, slots=True)
class NothingMore:
    """A body without fields, which may be left out."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class UnloadRequest:
    """`drain_s`: seconds to wait for answers under way; null = the server's default, 30."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    drain_s: float | None = None


@dataclass(frozen=True, slots=True)
class AliasRequest:
    """Where the alias is to lead; with `expected`, only if it leads there until now."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    version: str
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """Weights by alias or version, in any unit."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    weights: dict[str, float]


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """Whose last move is undone: an alias, or `split`."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    subject: str = "production"


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """With `dry_run` nothing goes; `keep` drops unused versions but the newest so many of each model, too."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    dry_run: bool = True
    keep: int | None = None


@dataclass(frozen=True, slots=True)
class AdapterRequest:
    """Which adapter of the registry the name is to mean: `name`, `name@version`, `name@alias`; null = of that name."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    reference: str | None = None


class RoutesBody(TypedDict):
    """Where references to a model lead; the split as shares of 1."""

    name: str
    aliases: dict[str, str]
    split: dict[str, float]


MoveBody = TypedDict(
    "MoveBody",
    {
        "model": str,
        "time": str,
        "who": str,
        "subject": str,
        "action": str,
        "from": "str | dict[str, float] | None",
        "to": "str | dict[str, float] | None",
        "why": str,
    },
)
"""One move of an alias or of the split."""


class HistoryBody(TypedDict):
    """Every move, the oldest first."""

    moves: list[MoveBody]


class VerificationBody(TypedDict):
    """Every byte is as published."""

    reference: str
    files: int
    bytes: int
    seconds: float


class GarbageBody(TypedDict):
    """One thing that nobody needs."""

    path: str
    bytes: int
    reason: str


class CollectionBody(TypedDict):
    """What went, or would go."""

    dry_run: bool
    bytes: int
    items: list[GarbageBody]


class RemovalBody(TypedDict):
    """What is gone."""

    name: str
    version: str | None
    freed_bytes: int


class AdapterBody(TypedDict):
    """A LoRA adapter; requests name it as `model`."""

    name: str
    model: str
    reference: str
    digest: str
    licence: str
    loaded: bool
    kept: bool


class AdaptersBody(TypedDict):
    """The adapters of a model."""

    adapters: list[AdapterBody]
