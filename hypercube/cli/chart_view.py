"""A chart as the terminal shows it: four columns, hour to year as charts are drawn in Korea, then its facts."""

from collections.abc import Callable
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hypercube.core.calendar import Luck, LunarDay, YearTerms
from hypercube.core.chart import Candidate, Chart, Pillar, Sign
from hypercube.core.facts import PillarFacts
from hypercube.core.reading import ReadingLanguage
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.reading.naming import NAMES, branch_name
from hypercube.saju.text import now_text, sections

_ELEMENT_STYLE: Final = {
    "wood": "green",
    "fire": "red",
    "earth": "yellow",
    "metal": "bright_white",
    "water": "bright_blue",
}
_TITLES: Final = {"hour": "hour 시", "day": "day 일", "month": "month 월", "year": "year 년"}
_ABOVE: Final[dict[str, Callable[[PillarFacts], str]]] = {
    "십성": lambda each: "일간" if each.stem_god is None else each.stem_god.hangul,
}
_BELOW: Final[dict[str, Callable[[PillarFacts], str]]] = {
    "십성": lambda each: each.branch_god.hangul,
    "지장간": lambda each: "\n".join(
        f"{hidden.stem.hanja} {hidden.ten_god.hangul}" for hidden in each.hidden_stems
    ),
    "12운성": lambda each: each.stage.hangul,
    "납음": lambda each: each.nayin.hangul,
    "12신살": lambda each: each.twelve_by_year.hangul,
    "공망": lambda each: "·".join({"day": "일", "year": "년"}[by] for by in each.void_by),
    "신살": lambda each: "\n".join(name.hangul for name in each.sinsal),
}


def chart_view(chart: Chart) -> RenderableType:
    """Everything that the chart holds."""
    parts: list[RenderableType] = [_birth_line(chart), _pillar_table(chart)]
    parts += [Text.assemble((f"{title} ", "bold"), text) for title, text in sections(chart, "ko")]
    if chart.luck is not None:
        parts.append(_luck_table(chart, chart.luck))
    for each in chart.luck_ranges:
        ages = f"{each.earliest.pillars[0].age:g}~{each.latest.pillars[0].age:g}세"
        walk = " ".join(_hanja_hangul(pillar.pillar) for pillar in each.earliest.pillars)
        direction = "순행" if each.earliest.forward else "역행"
        parts.append(Text.assemble(("대운 ", "bold"), f"{direction} {ages}: {walk}"))
    if chart.periods is not None:
        parts.append(Text.assemble(("현재 ", "bold"), now_text(chart, chart.periods)))
    return Group(*parts, *_reckoning(chart))


def pillars_view(chart: Chart, *, korean: bool = True) -> RenderableType:
    """The birth and its four pillars alone; in English the signs are read in Latin letters."""
    if korean:
        return Group(_birth_line(chart), _pillar_table(chart))
    return Group(_birth_line_in_english(chart), _pillars_in_english(chart))


def _birth_line_in_english(chart: Chart) -> Text:
    local = chart.instant.local.replace("T", " ") if chart.instant.exact else chart.instant.local[:10]
    parts = [f"solar {local}"]
    if chart.lunar is not None:
        leap = "leap " if chart.lunar.leap else ""
        parts.append(f"lunar {leap}{chart.lunar.year:04d}-{chart.lunar.month:02d}-{chart.lunar.day:02d}")
    if chart.options.sex is not None:
        parts.append(chart.options.sex.value)
    if chart.options.place is not None:
        parts.append(chart.options.place)
    return Text("   ".join(parts))


def _pillars_in_english(chart: Chart) -> Table:
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    for title in _TITLES:
        table.add_column(title, justify="center", min_width=10)
    pillars: list[Pillar | None] = [getattr(chart.pillars, position) for position in _TITLES]
    stems = NAMES[ReadingLanguage.EN].stems

    def read_out(sign: Sign, name: str) -> Text:
        return _sign(sign, name.split()[0])

    table.add_row(
        *(_sign(None) if each is None else read_out(each.stem, stems[each.stem.index]) for each in pillars)
    )
    table.add_row(
        *(
            _sign(None)
            if each is None
            else read_out(each.branch, branch_name(each.branch.index, ReadingLanguage.EN))
            for each in pillars
        )
    )
    return table


def terms_view(terms: YearTerms) -> RenderableType:
    """The solar terms of a year."""
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    for title in ("절기", "황경", terms.zone, "UTC", "KST (KASI)"):
        table.add_column(title)
    for each in terms.terms:
        table.add_row(
            Text(f"{each.hangul} {each.hanja}", style="bold" if each.k % 2 == 0 else ""),
            f"{each.longitude_deg}°",
            each.local.replace("T", " "),
            each.utc,
            each.kst_minute.replace("T", " "),
        )
    return table


def lunar_view(day: LunarDay) -> RenderableType:
    """A day by both calendars."""
    lunar = day.lunar
    month = f"{'윤' if lunar.leap else ''}{lunar.month}월"
    leap = f"윤{day.leap_month}월이 있는 해" if day.leap_month else "윤달이 없는 해"
    return Text(
        f"양력 {day.solar}   음력 {lunar.year}년 {month} {lunar.day}일 ({day.month_days}일까지; {leap})   "
        f"일진 {_hanja_hangul(day.day)}"
    )


def _birth_line(chart: Chart) -> Text:
    local = chart.instant.local.replace("T", " ") if chart.instant.exact else chart.instant.local[:10]
    parts = [f"양력 {local}"]
    if chart.lunar is not None:
        parts.append(f"음력 {chart.lunar}")
    if chart.options.sex is not None:
        parts.append("남" if chart.options.sex.value == "male" else "여")
    if chart.options.place is not None:
        parts.append(chart.options.place)
    return Text("   ".join(parts))


def _pillar_table(chart: Chart) -> Table:
    facts = {} if chart.facts is None else {each.position: each for each in chart.facts.pillars}
    table = Table(show_header=True, header_style="bold", pad_edge=False)
    if facts:
        table.add_column("", style="dim")
    pillars = {position: getattr(chart.pillars, position) for position in _TITLES}
    for title in _TITLES.values():
        table.add_column(title, justify="center", min_width=10)

    def row(label: str, cells: list[Text]) -> None:
        table.add_row(*([label] if facts else []), *cells)

    def fact_rows(readings: dict[str, Callable[[PillarFacts], str]]) -> None:
        for label, read in readings.items():
            texts = [read(facts[position]) if position in facts else "" for position in pillars]
            if any(texts):
                row(label, [Text(text) for text in texts])

    if facts:
        fact_rows(_ABOVE)
    for label, which in (("천간", "stem"), ("지지", "branch")):
        row(label, [_sign(None if pillar is None else getattr(pillar, which)) for pillar in pillars.values()])
    if facts:
        fact_rows(_BELOW)
    return table


def _sign(sign: Sign | None, spoken: str | None = None) -> Text:
    """A stem or branch in the colour of its element, with how it is read: in Hangul, or as `spoken` says."""
    if sign is None:
        return Text("?", style="dim")
    return Text(f"{sign.hanja} {spoken or sign.hangul}", style=f"bold {_ELEMENT_STYLE[sign.element]}")


def _luck_table(chart: Chart, luck: Luck) -> Table:
    """Ten columns, the pillar in force marked."""
    day_stem = chart.pillars.day.stem.index
    now = None if chart.periods is None else luck.in_force(chart.periods.as_of.date)
    direction = "순행" if luck.forward else "역행"
    title = f"대운 {direction}, {luck.start.exact:.2f}세 시작 ({luck.luck_age.value}, {luck.date_method})"
    table = Table(title=title, title_justify="left", title_style="bold", show_header=True, pad_edge=False)
    for each in luck.pillars:
        style = "reverse" if each is now else ""
        table.add_column(f"{each.age:.4g}세", justify="center", style=style)
    for which, god in (("stem", ten_god), ("branch", branch_god)):
        signs = [getattr(each.pillar, which) for each in luck.pillars]
        gods = [TEN_GODS[god(day_stem, sign.index)].hangul for sign in signs]
        table.add_row(
            *([Text(name) for name in gods] if which == "stem" else [_sign(sign) for sign in signs])
        )
        table.add_row(
            *([_sign(sign) for sign in signs] if which == "stem" else [Text(name) for name in gods])
        )
    table.add_row(*(Text(each.start_date[:7], style="dim") for each in luck.pillars))
    return table


def _reckoning(chart: Chart) -> list[RenderableType]:
    """What led to the pillars."""
    instant, corrections, term = chart.instant, chart.corrections, chart.boundary.nearest_term
    lines: list[RenderableType] = [
        Text(f"UTC {instant.utc}   local {instant.local}   deciding clock {instant.solar}"),
        Text(
            f"offset {corrections.utc_offset_s:+d} s (summer time {corrections.dst_s:+d})   longitude "
            f"{corrections.longitude_s:+d} s   equation of time {corrections.equation_of_time_s:+d} s"
        ),
        Text(
            f"nearest 절 {term.hangul} {term.hanja} {term.utc}, {chart.boundary.term_distance_s:+d} s from it"
        ),
    ]
    lines += [_candidate_line(candidate) for candidate in chart.candidates]
    lines += [Text(f"note: {note}", style="dim") for note in chart.notes]
    options, versions = chart.options, chart.versions
    lines.append(
        Text(
            f"{options.time_basis} · {options.day_boundary} · {options.zone}"
            + (f" · {options.place}" if options.place else "")
            + f" · {versions.ephemeris} table {versions.term_table} · tzdata {versions.tzdata}",
            style="dim",
        )
    )
    return lines


def _candidate_line(candidate: Candidate) -> Text:
    text = f"{'->' if candidate.chosen else '  '} {candidate.when} the 절: " + " ".join(
        pillar.hanja
        for pillar in (
            candidate.pillars.year,
            candidate.pillars.month,
            candidate.pillars.day,
            candidate.pillars.hour,
        )
        if pillar is not None
    )
    return Text(text + (f" (from {candidate.from_utc})" if candidate.from_utc else ""), style="yellow")


def _hanja_hangul(pillar: Pillar) -> str:
    return f"{pillar.hanja}({pillar.hangul})"
