"""A whole reading of a chart: written, checked, its facts in words."""

from dataclasses import replace
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.reading import CORPUS, Reading, ReadingOptions, SectionText
from hypercube.saju.grounding import Checker, checked
from hypercube.saju.grounding.verdicts import FALSE
from hypercube.saju.reading import CORPUS_VERSION, cited, read

_DEFAULT: Final = ReadingOptions()


def interpret(chart: Chart, options: ReadingOptions = _DEFAULT) -> Reading:
    """The written reading, every sentence checked against the chart before it leaves.

    Args:
        chart: with facts; luck and periods are read where the chart has them.
        options: which sections, how long, in which language and tone.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a chart without facts.
    """
    checker = Checker(chart)
    verdicts, sections = [], []
    for section in read(chart, options):
        own = [checker.verdicts(sentence.text) for sentence in section.sentences]
        verdicts += own
        kept = tuple(
            [sentence for sentence, each in zip(section.sentences, own, strict=True) if FALSE not in each]
        )
        if kept:
            sections.append(SectionText(section.section, section.title, kept))
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
