"""A whole reading of a chart: written, checked, its facts in words."""

from dataclasses import replace
from itertools import chain
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.reading import CORPUS, Reading, ReadingOptions, SectionText
from hypercube.saju.grounding import checked
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.judged import Verdicts
from hypercube.saju.grounding.verdicts import FALSE
from hypercube.saju.reading import CORPUS_VERSION, cited
from hypercube.saju.reading.read import written

_DEFAULT: Final = ReadingOptions()


def interpret(chart: Chart, options: ReadingOptions = _DEFAULT) -> Reading:
    """The written reading, every sentence checked against the chart before it leaves.

    Args:
        chart: with facts; luck and periods are read where the chart has them.
        options: which sections, how long, in which language and tone.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a chart without facts.
    """
    ground = Ground.of(chart)
    verdicts: list[Verdicts] = []
    sections: list[SectionText] = []
    for section in written(chart, options):
        own = [line.verdicts(ground) for line in section.lines]
        verdicts += own
        kept = [line.sentence for line in section.lines]
        if FALSE in chain.from_iterable(own):
            kept = [each for each, its in zip(kept, own, strict=True) if FALSE not in its]
        if kept:
            sections.append(SectionText(section.section, section.title, tuple(kept)))
    return Reading(
        sections=tuple(sections),
        facts=cited(chart, sections, options.language),
        written_by=CORPUS,
        corpus_version=CORPUS_VERSION,
        checked=checked(verdicts),
        as_of="" if chart.periods is None else chart.periods.as_of.date,
        options=options,
        chart=replace(chart, facts=None, luck=None, luck_ranges=(), periods=None, period_relations=()),
    )
