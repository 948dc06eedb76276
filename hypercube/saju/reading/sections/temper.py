"""기질·성격."""

from typing import Final

from hypercube.saju.reading.sections.shared import bonds, sinsal
from hypercube.saju.reading.sheet import ELEMENTS, SEASONS, SIDE, Sheet
from hypercube.saju.reading.writer import LONG, NORMAL, SHORT, Speaker, Writer

_PILLARS: Final = ("pillar.year", "pillar.month", "pillar.day")
_TIMED: Final = (*_PILLARS, "pillar.hour")
_MISSING_SAID: Final = 2


def temper(sheet: Sheet, writer: Writer) -> None:
    """The day stem, its season, its strength; elements; sinsal of character."""
    _opening(sheet, writer)
    strength, day = sheet.facts.strength, sheet.day
    level = strength.level.key
    writer.tell(_nature, day.pillar.index, sheet.branch)
    writer.tell(_strength, level, strength.support, strength.available)
    school = sheet.chart.options.life_stages.value
    writer.tell(_bearing, level, sheet.stem, day.stage.key, school)
    _elements(sheet, writer)
    sinsal(sheet, writer, "temper", normal=2, long=5)
    bonds(writer, sheet.facts.relations, of_day=False, normal=1, long=3)


def _opening(sheet: Sheet, writer: Writer) -> None:
    names, pillars = writer.names.pillars, sheet.chart.pillars
    words = {
        "who": writer.names.who[None if sheet.sex is None else sheet.sex.value],
        "year": names[pillars.year.index],
        "month": names[pillars.month.index],
        "day": names[pillars.day.index],
    }
    if pillars.hour is None:
        writer.say(SHORT, "OPENING", "untimed", _PILLARS, **words)
    else:
        writer.say(SHORT, "OPENING", "timed", _TIMED, **words, hour=names[pillars.hour.index])


def _nature(to: Speaker, day: int, branch: int) -> None:
    """The day stem and pillar, and the month."""
    stem = day % 10
    to.explain("day_master", ("stem.day",))
    to.say(SHORT, "DAY_MASTER", stem, ("stem.day",))
    to.say(NORMAL, "TRAIT", stem, ("stem.day",))
    to.say(SHORT, "DAY_PILLAR", day, ("pillar.day",))
    to.say(SHORT, "SEASON", f"{stem}.{SEASONS[branch]}", ("stem.day", "branch.month"))
    to.say(NORMAL, "MONTH_BRANCH", branch, ("branch.month",))


def _strength(to: Speaker, level: str, support: int, available: int) -> None:
    to.explain("strength", ("strength",))
    to.say(SHORT, "STRENGTH", level, ("strength",), support=str(support), available=str(available))


def _bearing(to: Speaker, level: str, stem: int, stage: str, school: str) -> None:
    """What the strength makes of the day stem, and its life stage."""
    to.say(NORMAL, "STRENGTH_MEANS", level, ("strength",))
    to.add(NORMAL, "STRENGTH_SELF", f"{stem}.{SIDE[level]}", ("stem.day", "strength"))
    to.say(NORMAL, "STAGE", stage, ("stage.day",), school=to.names.schools[school])


def _elements(sheet: Sheet, writer: Writer) -> None:
    shares, counts = sheet.shares, sheet.counts
    most = max(shares)
    writer.tell(_heaviest, shares.index(most), f"{most:.0f}")
    writer.tell(_missing, tuple([at for at in range(5) if not counts[at]]))
    writer.tell(_polarity, sheet.facts.elements.yang, sheet.facts.elements.yin)


def _heaviest(to: Speaker, element: int, share: str) -> None:
    to.say(NORMAL, "ELEMENT_TOP", ELEMENTS[element], ("elements.weighted",), share=share)


def _missing(to: Speaker, elements: tuple[int, ...]) -> None:
    if not elements:
        to.say(NORMAL, "ELEMENT_FULL", "all", ("elements.visible",))
    for at, element in enumerate(elements[:_MISSING_SAID]):
        to.say(NORMAL if at == 0 else LONG, "ELEMENT_MISSING", ELEMENTS[element], ("elements.visible",))


def _polarity(to: Speaker, yang: int, yin: int) -> None:
    side = "even" if yang == yin else "yang" if yang > yin else "yin"
    to.say(LONG, "POLARITY", side, ("polarity",), yang=str(yang), yin=str(yin))
