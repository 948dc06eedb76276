"""A sentence judged against many charts: what its verdicts hang on is found once, and then looked up.

Verdicts follow from a sentence's claims and from what the rules look at in the chart. The first chart is judged by the
rules, and what they looked at is noted (`noted.py`); a chart that has the same there gets the same verdicts without
them. Another answer to a look grows a branch, again by the rules.
"""

from dataclasses import dataclass, field
from typing import Any, Final, cast

from hypercube.saju.grounding.claims import Claim
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.noted import Look, Noted, Unnoted
from hypercube.saju.grounding.verify import verify

_MOST: Final = 128
"""Ends of one sentence's tree."""
_NEW: Final = object()
Verdicts = tuple[str, ...]


@dataclass(slots=True)
class Branch:
    """What to look at in a chart, and what follows from each answer."""

    look: Look
    then: dict[Any, "Verdicts | Branch"] = field(default_factory=dict)


def judge(claims: tuple[Claim, ...], ground: Ground) -> Verdicts:
    """What becomes of each claim of a sentence, by the rules."""
    return tuple([verify(each, ground, claims)[0] for each in claims])


class Judged:
    """The claims of a sentence, and the tree of its verdicts so far."""

    __slots__ = ("_ends", "claims", "tree")

    def __init__(self, claims: tuple[Claim, ...]) -> None:
        self.claims = claims
        self.tree: Verdicts | Branch | None = None
        """Verdicts, or what to look at for them."""
        self._ends = 0

    def verdicts(self, ground: Ground) -> Verdicts:
        """What becomes of each claim in a chart."""
        node = self.tree
        if isinstance(node, tuple):
            return node
        looked = ground.looked
        while isinstance(node, Branch):
            look = node.look
            answer = looked.get(look, _NEW)
            if answer is _NEW:
                answer = looked[look] = look.at(ground)
            node = node.then.get(answer)
        return self._grown(ground) if node is None else node

    def _grown(self, ground: Ground) -> Verdicts:
        if self._ends >= _MOST:
            return judge(self.claims, ground)
        log: dict[Look, Any] = {}
        try:
            found = judge(self.claims, cast("Ground", Noted(ground, log)))
        except Unnoted:
            self._ends = _MOST
            return judge(self.claims, ground)
        self._ends += 1
        self._add(list(log.items()), found)
        return found

    def _add(self, looks: list[tuple[Look, Any]], found: Verdicts) -> None:
        """Put verdicts at the end of what was looked at."""
        if not looks:
            self.tree = found
            return
        if self.tree is None:
            self.tree = Branch(looks[0][0])
        node = self.tree
        for at, (look, answer) in enumerate(looks):
            assert isinstance(node, Branch)
            assert node.look is look  # what the rules look at follows from what they saw
            if at + 1 == len(looks):
                node.then[answer] = found
            else:
                node = node.then.setdefault(answer, Branch(looks[at + 1][0]))
