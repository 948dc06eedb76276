"""A comparison as the terminal shows it: the charts, the parts of the score, the sentences, or the list of the best."""

from typing import Final

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hypercube.cli.chart_view import pillars_view
from hypercube.core.chart import Chart
from hypercube.core.compatibility import Compatibility, Pair
from hypercube.core.reading import ReadingLanguage

_PARTS: Final = {
    "day_stem_relation": "일간의 합·충",
    "day_stem_element": "일간의 오행",
    "year_branch": "연지",
    "month_branch": "월지",
    "day_branch": "일지",
    "hour_branch": "시지",
    "spouse_star": "배우자의 별",
    "element_complement": "오행의 보완",
}
_PARTS_IN_ENGLISH: Final = {
    "day_stem_relation": "bond or clash of the day stems",
    "day_stem_element": "elements of the day stems",
    "year_branch": "year branches",
    "month_branch": "month branches",
    "day_branch": "day branches",
    "hour_branch": "hour branches",
    "spouse_star": "spouse stars",
    "element_complement": "elements lacked and brought",
}
_KOREAN: Final = {
    "opening": "첫 만남",
    "day_stem_relation": "일간",
    "day_stem_element": "일간",
    "year_branch": "자리마다",
    "month_branch": "자리마다",
    "day_branch": "자리마다",
    "hour_branch": "자리마다",
    "spouse_star": "배우자의 별",
    "element_complement": "오행",
    "strength": "강약",
    "advice": "조언",
}
_ENGLISH: Final = {
    "opening": "Who meets whom",
    "day_stem_relation": "Day masters",
    "day_stem_element": "Day masters",
    "year_branch": "Place by place",
    "month_branch": "Place by place",
    "day_branch": "Place by place",
    "hour_branch": "Place by place",
    "spouse_star": "Spouse stars",
    "element_complement": "Elements",
    "strength": "Strength",
    "advice": "Advice",
}
"""Under which heading a sentence stands, by what it is about."""


def compatibility_view(answer: Compatibility, *, sources: bool = False) -> RenderableType:
    """A pair as a whole, or the list of the best; with `sources` each sentence names its facts."""
    korean = answer.options.language is ReadingLanguage.KO
    if answer.compared == 1 and len(answer.pairs) == 1 and not answer.errors:
        (pair,) = answer.pairs
        charts = Columns(
            [pillars_view(each, korean=korean) for each in (answer.first, pair.chart)], padding=(0, 4)
        )
        parts: list[RenderableType] = [charts, Text(), _parts(pair, korean=korean)]
        parts += _sentences(pair, korean=korean, sources=sources)
    else:
        parts = [pillars_view(answer.first, korean=korean), Text(), _ranking(answer, korean=korean)]
        for pair in answer.pairs:
            if pair.sentences:
                title = Text(f"{pair.index + 1} · {_birth(pair.chart)} · {pair.score}", style="bold")
                parts += [Text(), Rule(title, align="left", style="dim")]
                parts += _sentences(pair, korean=korean, sources=sources)
    return Group(*parts, Text(), *_notes(answer, korean=korean))


def _parts(pair: Pair, *, korean: bool) -> Table:
    """Every part with its points, what it rests on, and the sum."""
    names = _PARTS if korean else _PARTS_IN_ENGLISH
    table = Table(show_header=True, header_style="bold", pad_edge=False, show_footer=True)
    table.add_column("", footer="합계" if korean else "sum")
    table.add_column(
        "점" if korean else "points", justify="right", footer=Text(f"{pair.score}", style="bold")
    )
    table.add_column("근거" if korean else "because")
    for part in pair.parts:
        style = "green" if part.points > 0 else "red" if part.points < 0 else "dim"
        shown = f"{part.points:+d}" if part.points else "0"
        because = Text(", ".join(part.because))
        table.add_row(Text(names.get(part.name, part.name)), Text(shown, style=style), because)
    return table


def _ranking(answer: Compatibility, *, korean: bool) -> Table:
    names = _PARTS if korean else _PARTS_IN_ENGLISH
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    points = "점" if korean else "points"
    titles = ("출생", "사주", "가장 큰 항목") if korean else ("birth", "pillars", "largest part")
    for title in ("", points, *titles):
        table.add_column(title, justify="right" if title == points else "left")
    for pair in answer.pairs:
        best = max(pair.parts, key=lambda part: part.points)
        pillars = pair.chart.pillars
        known = [pillars.year, pillars.month, pillars.day, *([pillars.hour] if pillars.hour else [])]
        table.add_row(
            Text(str(pair.index + 1), style="dim"),
            Text(str(pair.score), style="bold"),
            Text(_birth(pair.chart)),
            Text(" ".join(each.hanja for each in known)),
            Text(f"{names.get(best.name, best.name)} {best.points:+d}" if best.points > 0 else ""),
        )
    return table


def _birth(chart: Chart) -> str:
    local = chart.instant.local.replace("T", " ")
    return local[:16] if chart.instant.exact else local[:10]


def _sentences(pair: Pair, *, korean: bool, sources: bool) -> list[RenderableType]:
    headings = _KOREAN if korean else _ENGLISH
    lines: list[RenderableType] = []
    heading = ""
    paragraph: list[str] = []

    def close() -> None:
        if paragraph:
            lines.append(Padding(Text(" ".join(paragraph)), (0, 2)))
            paragraph.clear()

    for each in pair.sentences:
        if headings[each.about] != heading:
            close()
            heading = headings[each.about]
            lines += [Text(), Text(heading, style="bold")]
        if sources:
            beside = " ".join((*each.facts, *each.schools))
            lines.append(Padding(Text.assemble(each.text, (f"  {beside}", "dim")), (0, 2)))
        else:
            paragraph.append(each.text)
    close()
    if sources and pair.facts:
        lines += [Text(), Rule(Text("facts", style="dim"), align="left", style="dim")]
        lines += [Text.assemble((f"{each.id}  ", "dim"), each.text) for each in pair.facts]
    return lines


def _notes(answer: Compatibility, *, korean: bool) -> list[RenderableType]:
    checked = answer.checked
    lines = [
        Text.assemble((f"{each.index + 1}: ", "red"), each.error.message, f" {each.error.fix or ''}")
        for each in answer.errors
    ]
    if korean:
        told = f"점수 규칙 {answer.score_version}판 · {answer.compared}명과 견줌"
        read = (
            f" · 말뭉치 {answer.corpus_version}판의 문장 {checked.sentences}개, 언급 {checked.mentions}건을 두 원국과 "
            f"대조해 {checked.confirmed}건 확인, 모순 {checked.contradictions}건"
        )
    else:
        told = f"score rules {answer.score_version} · compared with {answer.compared}"
        read = (
            f" · {checked.sentences} sentences of corpus {answer.corpus_version}, {checked.mentions} mentions checked "
            f"against both charts: {checked.confirmed} confirmed, {checked.contradictions} contradictions"
        )
    return [*lines, Text(told + (read if checked.sentences else ""), style="dim")]
