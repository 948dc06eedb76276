"""What 궁합 between two charts is, as plain data: a sum that always comes with its parts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MatchPart:
    """One named part of a score."""

    name: str
    """A name of `hypercube.kernels.compatibility.COMPONENTS`."""
    points: int
    because: tuple[str, ...]
    """What the points rest on, in the language asked: every relation or count with its letters; empty for 0."""


@dataclass(frozen=True, slots=True)
class Match:
    """The compatibility of `second` with `first`; a ranking aid by classical relations, not a prediction."""

    score: int
    """The sum of the parts."""
    parts: tuple[MatchPart, ...]
    version: int
    """Of the weights and rules."""
