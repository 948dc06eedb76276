"""The verdicts on a sentence counted, and kept: what a sentence that many readings share costs is a few look-ups.

A count is kept by what its rules asked of the chart, question by question, as a tree: the first question of a
sentence is always the same, the next follows from the answer. A chart that gives the answers of an earlier one has
its count. A sentence that most charts answer differently is counted each time.
"""

import functools
import itertools
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hypercube.saju.grounding.asking import Answer, Answers, Question, watched
from hypercube.saju.grounding.claims import Claim, claims
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.verdicts import FALSE, TRUE
from hypercube.saju.grounding.verify import verify

_SENTENCES: Final = 32_768
"""Sentences remembered; the written ones are some 12,000 a language, with those that name luck pillars and years."""
_COUNTS: Final = 96
"""Counts kept of one sentence; one that needs more is of figures that hardly two charts share."""
_ALL: Final = 131_072
"""Counts kept of all of them, of some 1 kB; then all begin anew."""
_FEWER: Final = 8
"""What is left of its room, divided, each time that it cannot be watched."""
_kept: Final = itertools.count()
"""How many counts were kept so far."""


class Tally(NamedTuple):
    """What a sentence says of the chart, counted as `Checked` counts."""

    mentions: int
    confirmed: int
    contradictions: int


@dataclass(slots=True)
class _Asked:
    """A question, and what follows from each answer to it."""

    question: Question
    after: "dict[Answer, _Asked | Tally]" = field(default_factory=dict)


@dataclass(slots=True)
class _Sentence:
    """The claims of a sentence, and the counts that are known."""

    found: tuple[Claim, ...]
    asserted: tuple[Claim, ...]
    known: _Asked | Tally | None
    """None before any."""
    room: int = _COUNTS
    """How many more counts are kept."""
    met: bool = False
    """Whether it came before: most sentences come once, or often."""


def tally(text: str, answers: Answers) -> Tally:
    """How many claims a sentence makes, and how many of them a chart bears out and contradicts.

    Args:
        text: one sentence.
        answers: of the chart; the same for all its sentences.
    """
    sentence = _sentence(text)
    at: _Asked | Tally | None = sentence.known
    while type(at) is _Asked:
        at = at.after.get(answers[at.question])
    return _counted(sentence, answers.ground) if at is None else at  # type: ignore[return-value]  # a Tally


@functools.lru_cache(maxsize=_SENTENCES)
def _sentence(text: str) -> _Sentence:
    found = claims(text)
    asserted = tuple(each for each in found if each.asserted)
    return _Sentence(found, asserted, None if asserted else Tally(len(found), 0, 0))


def _counted(sentence: _Sentence, ground: Ground) -> Tally:
    """The count of a sentence, kept from the second time on."""
    if not sentence.met or not sentence.room:
        sentence.met = True
        return _count(sentence, ground)
    asked, notes = watched(ground)
    try:
        count = _count(sentence, asked)
    except Exception:  # noqa: BLE001 - whatever a rule does with a watched ground that it cannot do
        sentence.room //= _FEWER
        return _count(sentence, ground)
    _keep(sentence, tuple(notes.items()), count)
    return count


def _count(sentence: _Sentence, ground: Ground) -> Tally:
    verdicts = [verify(each, ground, sentence.found)[0] for each in sentence.asserted]
    return Tally(len(sentence.found), verdicts.count(TRUE), verdicts.count(FALSE))


def _keep(sentence: _Sentence, notes: tuple[tuple[Question, Answer], ...], count: Tally) -> None:
    if next(_kept) % _ALL == _ALL - 1:
        _sentence.cache_clear()
    sentence.room -= 1
    if not notes:
        sentence.known = count
        return
    if sentence.known is None:
        sentence.known = _Asked(notes[0][0])
    at = sentence.known
    for (question, answer), following in zip(notes, (*notes[1:], None), strict=True):
        if not isinstance(at, _Asked) or at.question is not question:
            # The same answers led to another question, which a rule that only reads never does.
            sentence.room = 0
            return
        if following is None:
            at.after[answer] = count
        else:
            at = at.after.setdefault(answer, _Asked(following[0]))
