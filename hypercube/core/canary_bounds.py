"""What a target of a split may do before requests are taken away from it; kept with the split, in the log of moves."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from hypercube.core.errors import invalid


@dataclass(frozen=True, slots=True)
class CanaryBounds:
    """Bounds of every target of a split but the one that the others are compared with.

    Attributes:
        max_error_rate: share of requests, 0..1, that may fail by the server's fault.
        max_latency_ratio: how many times the other's 95th percentile the target's own may be, of the time to the
            first piece and of the whole answer.
        min_requests: requests that must have been seen before anything is judged.
        window_s: seconds that a request counts for.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    max_error_rate: float = 0.05
    max_latency_ratio: float = 3.0
    min_requests: int = 20
    window_s: float = 60.0

    def __post_init__(self) -> None:
        for name, value, least, most, fix in (
            ("max_error_rate", self.max_error_rate, 0.0, 1.0, "Write a share from 0 to 1."),
            ("max_latency_ratio", self.max_latency_ratio, 1.0, 1e6, "Write a number from 1."),
            ("min_requests", self.min_requests, 1, 1000, "Write a number from 1 to 1000."),
            ("window_s", self.window_s, 1.0, 3600.0, "Write seconds from 1 to 3600."),
        ):
            if not (math.isfinite(value) and least <= value <= most):
                raise invalid(f"{name} is {value}.", param=name, value=value, fix=fix)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @classmethod
    def given(cls, **bounds: float | None) -> Self | None:
        """Those that were given (are not None), beside the defaults for the rest; None when none was.

        Raises:
            HyperCubeError: INVALID_ARGUMENT naming the bound that is out of range.
        """
        known = {name: value for name, value in bounds.items() if value is not None}
        return cls.of(known) if known else None

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """What `plain` wrote; names of a later release are left out.

        Raises:
            TypeError: a value is no number.
            HyperCubeError: INVALID_ARGUMENT when one is out of range.
        """
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in plain.items() if name in known})
