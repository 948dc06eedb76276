"""A reading as the terminal shows it: the four pillars, the sections as paragraphs, and what it rests on."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from hypercube.cli.chart_view import pillars_view
from hypercube.core.reading import CORPUS, Reading, ReadingLanguage, SectionText


def reading_view(reading: Reading, *, sources: bool = False) -> RenderableType:
    """The whole reading; with `sources` each sentence stands alone and names its facts."""
    korean = reading.options.language is ReadingLanguage.KO
    parts: list[RenderableType] = [pillars_view(reading.chart, korean=korean)]
    for section in reading.sections:
        parts += [Text(), Rule(Text(section.title, style="bold"), align="left", style="dim")]
        parts += _cited(section) if sources else [Padding(_paragraph(section), (0, 2))]
    if sources:
        parts += [Text(), Rule(Text("facts", style="dim"), align="left", style="dim")]
        parts += [Text.assemble((f"{each.id}  ", "dim"), each.text) for each in reading.facts]
    return Group(*parts, Text(), *_notes(reading))


def _paragraph(section: SectionText) -> Text:
    return Text(" ".join(each.text for each in section.sentences))


def _cited(section: SectionText) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for each in section.sentences:
        beside = " ".join((*each.facts, *each.schools))
        lines.append(Padding(Text.assemble(each.text, (f"  {beside}", "dim")), (0, 2)))
    return lines


def _notes(reading: Reading) -> list[RenderableType]:
    checked = reading.checked
    lines = [Text(f"note: {note}", style="dim") for note in reading.chart.notes]
    if reading.options.language is ReadingLanguage.KO:
        told = (
            f"{_writers(reading)}의 풀이 · 기준일 {reading.as_of} · 문장 {checked.sentences}개의 "
            f"언급 {checked.mentions}건을 원국과 대조해 {checked.confirmed}건 확인, 모순 {checked.contradictions}건"
        )
    else:
        told = (
            f"written by {_writers(reading)} · as of {reading.as_of} · {checked.sentences} sentences, "
            f"{checked.mentions} mentions checked: {checked.confirmed} confirmed, "
            f"{checked.contradictions} contradictions"
        )
    return [*lines, *_fallbacks(reading), Text(told, style="dim")]


def _writers(reading: Reading) -> str:
    names = dict.fromkeys(each.written_by for section in reading.sections for each in section.sentences)
    korean = reading.options.language is ReadingLanguage.KO
    corpus = f"말뭉치 {reading.corpus_version}판" if korean else f"corpus {reading.corpus_version}"
    return ("·" if korean else " and ").join(corpus if name == CORPUS else name for name in names) or corpus


def _fallbacks(reading: Reading) -> list[Text]:
    reasons = {each.fallback for each in reading.sections if each.fallback}
    return (
        [Text(f"note: the model's part was cut short: {', '.join(sorted(reasons))}", style="dim")]
        if reasons
        else []
    )
