"""From a chart to its sections."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.reading import ReadingOptions, ReadingSection, SectionText
from hypercube.saju.reading.line import FormedLine, Line
from hypercube.saju.reading.naming import NAMES
from hypercube.saju.reading.sections import life, time
from hypercube.saju.reading.sections.temper import temper
from hypercube.saju.reading.sheet import Sheet, sheet
from hypercube.saju.reading.writer import Writer, writer

_SECTIONS: Final[dict[ReadingSection, Callable[[Sheet, Writer], None]]] = {
    ReadingSection.TEMPER: temper,
    ReadingSection.WORK: life.work,
    ReadingSection.WEALTH: life.wealth,
    ReadingSection.RELATIONSHIPS: life.relationships,
    ReadingSection.HEALTH: life.health,
    ReadingSection.LUCK: time.luck,
    ReadingSection.NOW: time.now,
    ReadingSection.ADVICE: time.advice,
}
_DEFAULT: Final = ReadingOptions()


@dataclass(frozen=True, slots=True)
class Written:
    """One section as it was written."""

    section: ReadingSection
    title: str
    lines: list[Line | FormedLine]


def read(chart: Chart, options: ReadingOptions = _DEFAULT) -> tuple[SectionText, ...]:
    """The written reading of a chart; the same chart and options always give the same text.

    Args:
        chart: with facts; luck and periods are read where the chart has them.
        options: which sections, how long, in which language and tone.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a chart without facts.
    """
    return tuple(
        [
            SectionText(each.section, each.title, tuple([line.sentence for line in each.lines]))
            for each in written(chart, options)
        ]
    )


def written(chart: Chart, options: ReadingOptions = _DEFAULT) -> list[Written]:
    """The same by lines, which know their claims.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a chart without facts.
    """
    asked = sheet(chart)
    versions = tuple([each.version for each in asked.facts.schools])
    pen = writer(versions, options, asked.seed, asked.time)
    titles = NAMES[options.language].titles
    found = []
    for number, (section, write) in enumerate(_SECTIONS.items()):
        if options.sections and section not in options.sections:
            continue
        # Each section chooses its words for itself, so that leaving one out changes no other.
        pen.seed, pen.at = asked.seed, 1_000 * number
        write(asked, pen)
        if lines := pen.take():
            found.append(Written(section, titles[section], lines))
    return found
