"""Compatibility of people: one pair explained and checked, and the best of many by the kernel."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from hypercube.core.chart import Chart, Pillars
from hypercube.core.compatibility import CompatibilityOptions, Pair
from hypercube.core.reading import Checked, ReadingLanguage
from hypercube.kernels.compatibility import top_k
from hypercube.saju.compatibility import cited, explain
from hypercube.saju.grounding import cut
from hypercube.saju.grounding.check import CHECKER_VERSION, SentenceCheck
from hypercube.saju.grounding.pair import PairChecker
from hypercube.saju.match import match

WRITTEN: Final = "corpus"
_DEFAULT: Final = CompatibilityOptions()
NOTHING_CHECKED: Final = Checked(0, 0, 0, 0, 0, CHECKER_VERSION)


def bare(chart: Chart) -> Chart:
    """A chart without its facts."""
    return replace(chart, facts=None) if chart.facts is not None else chart


def scored(
    first: Chart, second: Chart, index: int = 0, language: ReadingLanguage = ReadingLanguage.KO
) -> Pair:
    """A pair with its score and parts, and no sentences; `language` is that of the reasons."""
    found = match(first, second, language)
    return Pair(index, found.score, found.parts, bare(second))


def explained(
    first: Chart, second: Chart, options: CompatibilityOptions = _DEFAULT, index: int = 0
) -> tuple[Pair, list[SentenceCheck]]:
    """A pair with sentences, every one checked against both charts before it leaves; and the checks.

    Args:
        first: whose chart is asked about, with facts.
        second: the other person's, with facts.
        options: in which language, and how much.
        index: of the other person in a list.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a chart without facts.
    """
    found = match(first, second, options.language)
    checker = PairChecker(first, second, found)
    written = explain(first, second, options)
    checks = [checker.sentence(sentence.text) for sentence in written]
    kept = tuple(sentence for sentence, check in zip(written, checks, strict=True) if check.grounded)
    facts = cited(first, second, kept, options.language)
    return Pair(index, found.score, found.parts, bare(second), kept, facts), checks


def counted(checks: Sequence[SentenceCheck]) -> Checked:
    """What was checked, in all pairs together."""
    return cut(checks)[1] if checks else NOTHING_CHECKED


def best(first: Pillars, others: Sequence[Pillars], top: int, *, backend: str = "auto") -> list[int]:
    """Indices of the best of some people, highest score first; of equal scores the one that stands first.

    Args:
        first: whose chart is asked about.
        others: at least one.
        top: how many at most.
        backend: kernel backend, as for `hypercube.kernels.compatibility.top_k`.
    """
    query = np.array([first.indices()], dtype=np.uint8)
    table = np.array([each.indices() for each in others], dtype=np.uint8)
    return [int(row) for row in top_k(query, table, top, backend=backend).rows[0]]
