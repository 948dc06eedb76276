"""A chart as compact text, in Korean or English, meant for a language model: about 1,000 tokens with every fact.

Deterministic: one chart gives one text. What the chart does not hold (no `include`, no hour) is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from hypercube.core.calendar import Luck, PeriodsNow
from hypercube.core.chart import Chart, Pillar, Pillars
from hypercube.core.errors import invalid, shown
from hypercube.core.facts import ChartFacts, ElementValues, Name, PillarFacts, Relation

_PASSING: Final = ("luck", "this_year", "this_month", "this_day")
_POSITIONS: Final = ("year", "month", "day", "hour")
_ELEMENTS: Final = ("wood", "fire", "earth", "metal", "water")


@dataclass(frozen=True, slots=True)
class _Words:
    """What a language calls things."""

    korean: bool
    pillars: tuple[str, ...]
    short: dict[str, str]
    """Positions and elements."""
    titles: dict[str, str]
    male: str
    female: str
    presence: dict[str, str]

    def name(self, name: Name) -> str:
        return name.hangul if self.korean else f"{name.english} {name.hanja}"

    def pillar(self, pillar: Pillar) -> str:
        return f"{pillar.hanja}({pillar.hangul})" if self.korean else pillar.hanja


_KO: Final = _Words(
    korean=True,
    pillars=("연주", "월주", "일주", "시주"),
    short=dict(zip((*_POSITIONS, *_ELEMENTS), "연월일시목화토금수", strict=True))
    | dict(zip(_PASSING, ("대운", "세운", "월운", "일진"), strict=True)),
    titles={
        "birth": "출생",
        "day_master": "일간",
        "gods": "십성",
        "hidden": "지장간",
        "stage": "12운성",
        "nayin": "납음",
        "twelve": "12신살",
        "sinsal": "신살",
        "void": "공망",
        "elements": "오행",
        "strength": "강약",
        "structure": "격국",
        "useful": "용신 후보",
        "relations": "합충형파해",
        "luck": "대운",
        "now": "현재",
        "notes": "참고",
        "basis": "기준",
        "unknown": "시 모름",
        "lunar": "음력",
        "leap": "윤달",
        "weighted": "가중 %",
        "polarity": "양/음",
        "season": "득령",
        "seat": "득지",
        "company": "득세",
        "roots": "통근",
        "exposed": "투출",
        "hidden_only": "불투",
        "balance": "억부",
        "climate": "조후",
        "forward": "순행",
        "backward": "역행",
        "from": "시작 나이",
        "year": "세운",
        "month": "월운",
        "day": "일진",
        "none": "없음",
        "candidates": "절입 경계 후보",
    },
    male="남",
    female="여",
    presence={"visible": "천간", "hidden": "지장간", "absent": "없음"},
)
_EN: Final = _Words(
    korean=False,
    pillars=("Year pillar", "Month pillar", "Day pillar", "Hour pillar"),
    short={each: each.replace("_", " ") for each in (*_POSITIONS, *_ELEMENTS, *_PASSING)},
    titles={
        "birth": "Birth",
        "day_master": "day master",
        "gods": "ten gods",
        "hidden": "hidden stems",
        "stage": "life stage",
        "nayin": "nayin",
        "twelve": "twelve sinsal",
        "sinsal": "sinsal",
        "void": "Void branches",
        "elements": "Five elements",
        "strength": "Strength",
        "structure": "Structure",
        "useful": "Useful god candidates",
        "relations": "Relations",
        "luck": "Luck pillars",
        "now": "Now",
        "notes": "Notes",
        "basis": "Basis",
        "unknown": "hour unknown",
        "lunar": "lunar",
        "leap": "leap month",
        "weighted": "weighted %",
        "polarity": "yang/yin",
        "season": "season",
        "seat": "seat",
        "company": "company",
        "roots": "roots",
        "exposed": "exposed",
        "hidden_only": "not exposed",
        "balance": "balance",
        "climate": "climate",
        "forward": "forward",
        "backward": "backward",
        "from": "from age",
        "year": "year",
        "month": "month",
        "day": "day",
        "none": "none",
        "candidates": "Candidates at the solar term",
    },
    male="male",
    female="female",
    presence={"visible": "visible", "hidden": "hidden", "absent": "absent"},
)
_LOCALES: Final = {"ko": _KO, "en": _EN}


def to_text(chart: Chart, locale: str = "ko") -> str:
    """The chart as lines of text.

    Args:
        chart: with whatever its `include` brought.
        locale: "ko" or "en".

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`locale`).
    """
    words = _words(locale)
    lines = [_birth(chart, words), *_pillars(chart, words)]
    lines += [f"{title}: {text}" for title, text in sections(chart, locale)]
    if chart.candidates:
        both = "; ".join(f"{each.when} {_four(each.pillars)}" for each in chart.candidates)
        lines.append(f"{words.titles['candidates']}: {both}")
    if chart.luck is not None:
        lines.append(f"{words.titles['luck']}: {luck_text(chart.luck, words)}")
    for each in chart.luck_ranges:
        ages = f"{each.earliest.pillars[0].age:g}~{each.latest.pillars[0].age:g}"
        walk = " ".join(words.pillar(pillar.pillar) for pillar in each.earliest.pillars)
        direction = words.titles["forward" if each.earliest.forward else "backward"]
        lines.append(f"{words.titles['luck']}: {direction}, {words.titles['from']} {ages}: {walk}")
    if chart.periods is not None:
        lines.append(f"{words.titles['now']} {now_text(chart, chart.periods, words)}")
    lines += [f"{words.titles['notes']}: {note}" for note in chart.notes]
    options = chart.options
    schools = () if chart.facts is None else tuple(each.version for each in chart.facts.schools)
    basis = (options.time_basis.value, options.day_boundary.value, options.zone, *schools)
    lines.append(f"{words.titles['basis']}: {' '.join(basis)}")
    return "\n".join(lines)


def sections(chart: Chart, locale: str = "ko") -> list[tuple[str, str]]:
    """Title and text of each fact that belongs to the whole chart; empty without facts."""
    words = _words(locale)
    if chart.facts is None:
        return []
    return [
        (words.titles[key], write(chart.facts, words))
        for key, write in (
            ("void", _void),
            ("elements", _elements),
            ("strength", _strength),
            ("structure", _structure),
            ("useful", _useful),
            ("relations", _relations),
        )
    ]


def luck_text(luck: Luck, words: Any = _KO) -> str:
    """Direction, start and the ten pillars with age and date."""
    direction = words.titles["forward" if luck.forward else "backward"]
    walk = " ".join(f"{each.age:g} {words.pillar(each.pillar)} {each.start_date}" for each in luck.pillars)
    return f"{direction}, {words.titles['from']} {luck.start.exact:.2f} ({luck.luck_age.value}): {walk}"


def now_text(chart: Chart, periods: PeriodsNow, words: Any = _KO) -> str:
    """The luck, year, month and day pillar in force."""
    parts = [
        f"{words.titles['year']} {words.pillar(periods.year.pillar)}",
        f"{words.titles['month']} {words.pillar(periods.month.pillar)}",
        f"{words.titles['day']} {words.pillar(periods.day.pillar)}",
    ]
    if chart.luck is not None:
        running = chart.luck.in_force(periods.as_of.date)
        name = words.titles["none"] if running is None else words.pillar(running.pillar)
        parts.insert(0, f"{words.titles['luck']} {name}")
    bonds = _listed(chart.period_relations, words)
    return f"{periods.as_of.date}: {', '.join(parts)}" + (
        f". {words.titles['relations']}: {bonds}" if bonds else ""
    )


def _words(locale: Any) -> _Words:
    if isinstance(locale, str) and locale in _LOCALES:
        return _LOCALES[locale]
    raise invalid(
        f"locale is {shown(locale)!r}.", param="locale", value=shown(locale), fix="Use one of: ko, en."
    )


def _birth(chart: Chart, words: _Words) -> str:
    options, local = chart.options, chart.instant.local
    parts = [local.replace("T", " ") if chart.instant.exact else f"{local[:10]} {words.titles['unknown']}"]
    if chart.lunar is not None:
        parts.append(f"{words.titles['lunar']} {_lunar(chart, words)}")
    if options.sex is not None:
        parts.append(words.male if options.sex.value == "male" else words.female)
    if options.place is not None:
        parts.append(options.place)
    return f"{words.titles['birth']}: {', '.join(parts)}"


def _lunar(chart: Chart, words: _Words) -> str:
    lunar = chart.lunar
    assert lunar is not None
    date = f"{lunar.year}-{lunar.month:02}-{lunar.day:02}"
    return f"{date} ({words.titles['leap']})" if lunar.leap else date


def _pillars(chart: Chart, words: _Words) -> list[str]:
    known = [chart.pillars.year, chart.pillars.month, chart.pillars.day, chart.pillars.hour]
    facts = {} if chart.facts is None else {each.position: each for each in chart.facts.pillars}
    lines = []
    for position, title, pillar in zip(_POSITIONS, words.pillars, known, strict=True):
        if pillar is None:
            lines.append(f"{title}: {words.titles['unknown']}")
        else:
            each = facts.get(position)
            beside = "" if each is None else f" | {_pillar_facts(each, words)}"
            lines.append(f"{title}: {words.pillar(pillar)}{beside}")
    return lines


def _pillar_facts(facts: PillarFacts, words: _Words) -> str:
    titles = words.titles
    stem = titles["day_master"] if facts.stem_god is None else words.name(facts.stem_god)
    hidden = " ".join(f"{each.stem.hanja}({words.name(each.ten_god)})" for each in facts.hidden_stems)
    parts = [
        f"{titles['gods']} {stem}/{words.name(facts.branch_god)}",
        f"{titles['hidden']} {hidden}",
        f"{titles['stage']} {words.name(facts.stage)}",
        f"{titles['nayin']} {words.name(facts.nayin)}",
        f"{titles['twelve']} {words.name(facts.twelve_by_year)}",
    ]
    if facts.sinsal:
        parts.append(f"{titles['sinsal']} {', '.join(words.name(each) for each in facts.sinsal)}")
    return " | ".join(parts)


def _void(facts: ChartFacts, words: _Words) -> str:
    hit = [words.short[each.position] for each in facts.pillars if each.void_by]
    by_day, by_year = ("".join(sign.hanja for sign in each) for each in (facts.void_day, facts.void_year))
    return f"{words.short['day']} {by_day}, {words.short['year']} {by_year} -> " + (
        " ".join(hit) or words.titles["none"]
    )


def _values(values: ElementValues) -> list[float]:
    return [values.wood, values.fire, values.earth, values.metal, values.water]


def _elements(facts: ChartFacts, words: _Words) -> str:
    elements = facts.elements
    counts = " ".join(
        f"{words.short[element]} {count:g}({share:.0f})"
        for element, count, share in zip(
            _ELEMENTS, _values(elements.visible), _values(elements.weighted), strict=True
        )
    )
    polarity = f"{words.titles['polarity']} {elements.yang}/{elements.yin}"
    return f"{counts} ({words.titles['weighted']}); {polarity}"


def _strength(facts: ChartFacts, words: _Words) -> str:
    strength, titles = facts.strength, words.titles
    roots = (
        "".join(words.short[each] for each in strength.roots) if words.korean else " ".join(strength.roots)
    )
    return (
        f"{words.name(strength.level)} {strength.support}/{strength.available} ({titles['season']} "
        f"{strength.season}, {titles['seat']} {strength.seat}, {titles['company']} {strength.company}; "
        f"{titles['roots']} {roots or titles['none']})"
    )


def _structure(facts: ChartFacts, words: _Words) -> str:
    structure = facts.structure
    how = words.titles["exposed" if structure.exposed else "hidden_only"]
    return f"{words.name(structure.name)} ({structure.stem.hanja} {how})"


def _useful(facts: ChartFacts, words: _Words) -> str:
    gods = facts.useful_gods
    balance = ">".join(words.short[each] for each in gods.balance) or words.titles["none"]
    climate = " ".join(f"{each.stem.hanja}({words.presence[each.presence]})" for each in gods.climate)
    reason = words.name(gods.balance_reason)
    return f"{words.titles['balance']} {balance} ({reason}); {words.titles['climate']} {climate}"


def _relations(facts: ChartFacts, words: _Words) -> str:
    return _listed(facts.relations, words) or words.titles["none"]


def _listed(relations: Iterable[Relation], words: _Words) -> str:
    return "; ".join(
        f"{'-'.join(words.short[each] for each in relation.positions)} {words.name(relation.kind)} "
        f"{relation.letters}" + (f"->{words.short[relation.element]}" if relation.element else "")
        for relation in relations
    )


def _four(pillars: Pillars) -> str:
    known = (pillars.year, pillars.month, pillars.day, pillars.hour)
    return " ".join(each.hanja for each in known if each is not None)
