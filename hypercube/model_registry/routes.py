"""Aliases and splits as a log of moves: what they are now is what the log adds up to, nothing else is stored."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

from hypercube.core.canary_bounds import CanaryBounds

ALIAS: Final = re.compile(r"[a-z][a-z0-9_-]{0,47}")
PRODUCTION: Final = "production"
LATEST: Final = "latest"
"""Means the newest version that is here; no alias can be called so."""
SPLIT: Final = "split"
"""What a move of the split is recorded under; no alias can be called so either."""
RESERVED: Final = (LATEST, SPLIT)

Target = str | Mapping[str, float] | None
"""Of an alias: a version; of the split: weights by alias or version; None: it is gone."""


@dataclass(frozen=True, slots=True)
class Move:
    """One change, as the log keeps it.

    Attributes:
        time: UTC, ISO 8601.
        who: made it.
        subject: the alias, or `SPLIT`.
        action: "move", "drop", "rollback", or "withdraw": a server took a target out of the split.
        before: what it was.
        after: what it is.
        why: with figures, where a program decided.
        bounds: of the split's targets, where they were given with it.
    """

    time: str
    who: str
    subject: str
    action: str
    before: Target
    after: Target
    why: str = ""
    bounds: CanaryBounds | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        plain: dict[str, Any] = {
            "time": self.time,
            "who": self.who,
            "subject": self.subject,
            "action": self.action,
            "from": self.before if not isinstance(self.before, Mapping) else dict(self.before),
            "to": self.after if not isinstance(self.after, Mapping) else dict(self.after),
        }
        if self.why:
            plain["why"] = self.why
        if self.bounds is not None:
            plain["bounds"] = self.bounds.plain()
        return plain


@dataclass(frozen=True, slots=True)
class Routes:
    """Where the references to one model lead now.

    Attributes:
        aliases: alias -> version.
        split: alias or version -> weight; empty = no split.
        undo: subject -> what a rollback would bring back, for every subject that has something to go back to.
        bounds: what the targets of the split may do; None = what the server's settings say.
        moves: how many moves there have been.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, float] = field(default_factory=dict)
    undo: Mapping[str, Target] = field(default_factory=dict)
    bounds: CanaryBounds | None = None
    moves: int = 0

    def now(self, subject: str) -> Target:
        """What `subject` leads to."""
        return (self.split or None) if subject == SPLIT else self.aliases.get(subject)

    def version_of(self, target: str) -> str:
        """The version that an alias, or a version, stands for."""
        return self.aliases.get(target, target)

    def used(self) -> dict[str, list[str]]:
        """Version -> why it may not go."""
        uses: dict[str, list[str]] = {}
        for alias, version in self.aliases.items():
            uses.setdefault(version, []).append(f"alias {alias}")
        for target in self.split:
            if target not in self.aliases:
                uses.setdefault(target, []).append("split")
        return uses

    def returnable(self) -> dict[str, list[str]]:
        """Version -> of which alias it is what a rollback brings back."""
        uses: dict[str, list[str]] = {}
        for subject, target in self.undo.items():
            if isinstance(target, str):
                uses.setdefault(target, []).append(f"rollback of {subject}")
            elif target is not None:
                for name in target:
                    if name not in self.aliases:
                        uses.setdefault(name, []).append("rollback of split")
        return uses


def fold(moves: Iterable[Move]) -> Routes:
    """What the log adds up to.

    A rollback undoes the last move that was not undone; a second one undoes the move before that.
    """
    past: dict[str, list[Target]] = {}
    # Bounds go and come back with the split that they were given with.
    bounds: list[CanaryBounds | None] = [None]
    count = 0
    for count, move in enumerate(moves, start=1):  # noqa: B007 - the last one is their number
        stack = past.setdefault(move.subject, [None])
        if move.subject == SPLIT:
            if move.action != "rollback":
                bounds.append(move.bounds)
            elif len(stack) > 1:
                bounds.pop()
        if move.action == "rollback":
            if len(stack) > 1:
                stack.pop()
        else:
            stack.append(move.after)
    aliases = {
        subject: stack[-1]
        for subject, stack in past.items()
        if subject != SPLIT and isinstance(stack[-1], str)
    }
    split = past.get(SPLIT, [None])[-1]
    # Before its first move an alias led nowhere, which is no place to go back to; no split is one.
    undo = {
        subject: stack[-2] for subject, stack in past.items() if len(stack) > (1 if subject == SPLIT else 2)
    }
    return Routes(
        MappingProxyType(aliases),
        MappingProxyType(dict(split)) if isinstance(split, Mapping) else MappingProxyType({}),
        MappingProxyType(undo),
        bounds[-1],
        count,
    )


def choose(weights: Mapping[str, float], key: str, salt: str = "") -> str:
    """The target of `key`: the same one whenever and wherever it is asked, in proportion to the weights.

    Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables", 2005, logarithmic
    method): each target draws -ln(u)/weight with u uniform from a hash of key and target, and the least draw wins.
    When one target's weight changes against the others', keys move only to it or only from it.

    Raises:
        ValueError: no weight is positive.
    """
    best, least = None, math.inf
    for target, weight in weights.items():
        if weight <= 0:
            continue
        digest = blake2b(f"{salt}\0{target}\0{key}".encode(), digest_size=8).digest()
        u = (int.from_bytes(digest) + 0.5) / 2**64
        draw = -math.log(u) / weight
        if best is None or draw < least:
            best, least = target, draw
    if best is None:
        raise ValueError("a split needs a positive weight")
    return best
