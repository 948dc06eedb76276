"""What is said of the whole chart, without a place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing said of the elements, of yin and yang, or of a score."""

    kind: str
    value: str
    start: int
    end: int
    text: str
    negated: bool = False
    detail: str = ""
