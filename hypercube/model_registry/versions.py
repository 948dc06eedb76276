"""Versions as Semantic Versioning 2.0.0 writes and orders them (https://semver.org, clauses 2, 9, 10, 11)."""

import re
from dataclasses import dataclass
from typing import Final, Self

_NUMBER: Final = r"0|[1-9][0-9]*"
_PATTERN: Final = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-((?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_LONGEST: Final = 80


@dataclass(frozen=True, slots=True)
class SemVer:
    """A version's parts.

    Attributes:
        release: major, minor, patch.
        pre: identifiers of a pre-release; empty for a release, which comes after its pre-releases.
        build: build metadata; no part of the order.
    """

    release: tuple[int, int, int]
    pre: tuple[str, ...] = ()
    build: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """`text` in its parts.

        Raises:
            ValueError: it is not a semantic version.
        """
        match = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
        if match is None:
            raise ValueError(f"{text[:_LONGEST]!r} is not a semantic version, like 1.0.0 or 2.1.0-rc.1")
        pre = tuple(match[4].split(".")) if match[4] else ()
        return cls((int(match[1]), int(match[2]), int(match[3])), pre, match[5] or "")

    @property
    def order(self) -> tuple[object, ...]:
        """A key that sorts older versions first."""
        # Clause 11: numbers compare as numbers and come before words; fewer identifiers before more.
        pre = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return (self.release, not self.pre, pre)


def is_semver(text: str) -> bool:
    """Whether `text` is a semantic version."""
    try:
        SemVer.parse(text)
    except ValueError:
        return False
    return True
