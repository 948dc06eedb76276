"""What the routes of model administration take and give, as types."""

from dataclasses import asdict, dataclass
from typing import ClassVar

from typing_extensions import TypedDict

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import HyperCubeError


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
class BoundsRequest:
    """What a canary may do before requests are taken away from it: those that are given, beside defaults for the rest.

    Attributes:
        max_error_rate: share of failed requests, 0 to 1; null = 0.05.
        max_latency_ratio: how many times production's 95th percentile its own may be, from 1; null = 3.
        min_requests: requests seen before it is judged, 1 to 1000; null = 20.
        window_s: seconds that a request counts for, 1 to 3600; null = 60.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    max_error_rate: float | None = None
    max_latency_ratio: float | None = None
    min_requests: int | None = None
    window_s: float | None = None

    def bounds(self) -> CanaryBounds | None:
        """Them; None when none was given.

        Raises:
            HyperCubeError: INVALID_ARGUMENT naming the one that is out of range.
        """
        try:
            return CanaryBounds.given(**asdict(self))
        except HyperCubeError as error:
            raise HyperCubeError.of(error.failure("bounds")) from None


@dataclass(frozen=True, slots=True)
class SplitRequest:
    """Weights by alias or version, in any unit; without any bound, those of the server's settings count."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    weights: dict[str, float]
    bounds: BoundsRequest | None = None


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


class BoundsBody(TypedDict):
    """What the targets of a split may do before requests are taken away from them."""

    max_error_rate: float
    max_latency_ratio: float
    min_requests: int
    window_s: float


def bounds_body(bounds: CanaryBounds | None) -> BoundsBody | None:
    """Bounds as a body; null where the server's settings count."""
    if bounds is None:
        return None
    return {
        "max_error_rate": bounds.max_error_rate,
        "max_latency_ratio": bounds.max_latency_ratio,
        "min_requests": bounds.min_requests,
        "window_s": bounds.window_s,
    }


class RoutesBody(TypedDict):
    """Where references to a model lead; the split as shares of 1, its bounds null where the settings count."""

    name: str
    aliases: dict[str, str]
    split: dict[str, float]
    bounds: BoundsBody | None


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
        "bounds": "BoundsBody | None",
    },
)
"""One move of an alias or of the split; `bounds` are those that came with a split."""


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
