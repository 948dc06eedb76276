"""Facts of a chart that have to do with time, in English: luck, periods, age, the clock and its corrections."""

from typing import Final

from hypercube.core.chart import TimeBasis
from hypercube.core.reading import ReadingLanguage, ReadingSentence
from hypercube.saju.conversation.known import Known, plain_age, said, span_of
from hypercube.saju.grounding import lexicon
from hypercube.saju.reading.naming import NAMES, branch_name

_N: Final = NAMES[ReadingLanguage.EN]
_UNITS: Final = (" h", " min", " s")
_TERMS: Final = (
    "Minor Cold",
    "Major Cold",
    "Start of Spring",
    "Rain Water",
    "Awakening of Insects",
    "Spring Equinox",
    "Clear and Bright",
    "Grain Rain",
    "Start of Summer",
    "Grain Full",
    "Grain in Ear",
    "Summer Solstice",
    "Minor Heat",
    "Major Heat",
    "Start of Autumn",
    "End of Heat",
    "White Dew",
    "Autumn Equinox",
    "Cold Dew",
    "Frost's Descent",
    "Start of Winter",
    "Minor Snow",
    "Major Snow",
    "Winter Solstice",
)
"""By solar longitude from 285 degrees."""


def luck(known: Known, detail: str) -> list[ReadingSentence]:
    """Luck pillars: when they start, which is in force, which comes, or all."""
    found = known.chart.luck
    if found is None:
        if known.chart.options.sex is None:
            return [
                said(
                    "The direction of the luck pillars depends on sex; tell it, and they can be given.",
                    "pillar.year",
                )
            ]
        return [
            said("Without the birth hour the moments at which luck changes cannot be told.", "pillar.month")
        ]
    way = "forward" if found.forward else "backward"
    first, now = found.pillars[0], known.luck_now
    start = said(
        f"The luck pillars run {way}, and the first, {_N.pillars[first.pillar.index]}, begins at age "
        f"{plain_age(first)}.",
        "luck.start",
        "luck.0",
    )
    if detail == "start":
        return [start]
    if detail == "now":
        if now is None:
            return [said("The first luck pillar has not begun yet.", "luck.start"), start]
        each = found.pillars[now]
        return [
            said(
                f"The luck pillar in force is {_N.pillars[each.pillar.index]}, which began in {each.start_date[:4]} "
                f"at age {plain_age(each)}.",
                f"luck.{now}",
            )
        ]
    if detail == "next":
        at = 0 if now is None else now + 1
        if at >= len(found.pillars):
            return [said("The tenth luck pillar, the last that is counted here, is running.", "luck.start")]
        each = found.pillars[at]
        return [
            said(
                f"The next luck pillar is {_N.pillars[each.pillar.index]}, which begins in {each.start_date[:4]} "
                f"at age {plain_age(each)}.",
                f"luck.{at}",
            )
        ]
    walk = ", ".join(f"{_N.pillars[each.pillar.index]} at age {plain_age(each)}" for each in found.pillars)
    ids = [f"luck.{at}" for at in range(len(found.pillars))]
    return [start, said(f"They are {walk}.", *ids), *(luck(known, "now") if now is not None else [])]


def periods(known: Known, detail: str) -> list[ReadingSentence]:
    """The pillars of this year, month and day."""
    now = known.chart.periods
    if now is None:
        return []
    each = {
        "year": (
            f"On {now.as_of.date} this year's pillar is {_N.pillars[now.year.pillar.index]}.",
            "period.year",
        ),
        "month": (f"This month's pillar is {_N.pillars[now.month.pillar.index]}.", "period.month"),
        "day": (f"Today's pillar ({now.as_of.date}) is {_N.pillars[now.day.pillar.index]}.", "as_of"),
    }
    return [said(*each[one]) for one in ((detail,) if detail else tuple(each))]


def zodiac(known: Known, _: str) -> list[ReadingSentence]:
    """The zodiac animal."""
    index = known.places["year"].pillar.branch.index
    animal = list(lexicon.ANIMALS)[index]
    branch = branch_name(index, ReadingLanguage.EN)
    return [said(f"The year branch is {branch}, the {animal}.", "branch.year")]


def lunar(known: Known, _: str) -> list[ReadingSentence]:
    """The lunar date of birth."""
    date = known.chart.lunar
    if date is None:
        return [said("The lunar date lies outside the calendar that is kept here.", "pillar.day")]
    leap = "leap " if date.leap else ""
    return [
        said(
            f"The lunar date of birth is day {date.day} of {leap}month {date.month}, {date.year}.",
            "pillar.day",
        )
    ]


def age(known: Known, _: str) -> list[ReadingSentence]:
    """Whole years."""
    if known.age is None:
        return []
    return [said(f"On {known.as_of} you are {known.age} years old.", "as_of")]


def clock(known: Known, _: str) -> list[ReadingSentence]:
    """What was done to the clock, and the nearest 절."""
    term, since = known.chart.boundary.nearest_term, known.chart.boundary.term_distance_s
    name = _TERMS[(term.longitude_deg - 285) % 360 // 15]
    side = "before" if since < 0 else "after"
    days, rest = divmod(abs(since), 86_400)
    gap = f"{days} d {rest // 3_600} h" if days else span_of(since, _UNITS)
    near = said(
        f"The nearest month term is {name} ({term.hanja}); the birth is {gap} {side} it.", "pillar.month"
    )
    return [*corrections(known), near]


def corrections(known: Known) -> list[ReadingSentence]:
    """Every step from the clock to the time that decided the pillars."""
    chart, steps = known.chart, known.chart.corrections
    if not chart.instant.exact:
        return [
            said("The birth hour is not known, so the date decides, without any correction.", "pillar.day")
        ]
    done = []
    if steps.dst_s > 0 and chart.options.time_basis is not TimeBasis.CIVIL:
        done.append(f"summer time -{span_of(steps.dst_s, _UNITS)}")
    for name, seconds in (("longitude", steps.longitude_s), ("equation of time", steps.equation_of_time_s)):
        if seconds:
            done.append(f"{name} {'-' if seconds < 0 else '+'}{span_of(seconds, _UNITS)}")
    if not done:
        return [said("The time of the clock is used as it is, without a correction.", "pillar.day")]
    basis = "true solar time" if chart.options.time_basis is TimeBasis.TRUE_SOLAR else "mean solar time"
    local = chart.instant.solar.replace("T", " ")
    return [said(f"Corrected ({', '.join(done)}), it is {basis} {local}.", "pillar.day")]
