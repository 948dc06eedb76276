"""기질·성격."""

from hypercube.saju.reading.sections.shared import bonds, sinsal
from hypercube.saju.reading.sheet import ELEMENTS, Sheet
from hypercube.saju.reading.writer import LONG, NORMAL, SHORT, Writer

_PILLARS = ("pillar.year", "pillar.month", "pillar.day")
_MISSING_SAID = 2


def temper(sheet: Sheet, writer: Writer) -> None:
    """The day stem, its season, its strength; elements; sinsal of character."""
    facts, names, pillars = sheet.facts, writer.names, sheet.chart.pillars
    words = {
        "who": names.who[None if sheet.sex is None else sheet.sex.value],
        "year": names.pillars[pillars.year.index],
        "month": names.pillars[pillars.month.index],
        "day": names.pillars[pillars.day.index],
    }
    if pillars.hour is None:
        writer.say(SHORT, "OPENING", "untimed", _PILLARS, **words)
    else:
        words["hour"] = names.pillars[pillars.hour.index]
        writer.say(SHORT, "OPENING", "timed", (*_PILLARS, "pillar.hour"), **words)
    writer.explain("day_master", ("stem.day",))
    writer.say(SHORT, "DAY_MASTER", sheet.stem, ("stem.day",))
    writer.say(NORMAL, "TRAIT", sheet.stem, ("stem.day",))
    writer.say(SHORT, "DAY_PILLAR", pillars.day.index, ("pillar.day",))
    writer.say(SHORT, "SEASON", f"{sheet.stem}.{sheet.season}", ("stem.day", "branch.month"))
    writer.say(NORMAL, "MONTH_BRANCH", sheet.branch, ("branch.month",))
    writer.explain("strength", ("strength",))
    strength = facts.strength
    writer.say(
        SHORT,
        "STRENGTH",
        strength.level.key,
        ("strength",),
        support=str(strength.support),
        available=str(strength.available),
    )
    writer.say(NORMAL, "STRENGTH_MEANS", strength.level.key, ("strength",))
    writer.add(NORMAL, "STRENGTH_SELF", f"{sheet.stem}.{sheet.side}", ("stem.day", "strength"))
    school = names.schools[sheet.chart.options.life_stages.value]
    writer.say(NORMAL, "STAGE", sheet.day.stage.key, ("stage.day",), school=school)
    _elements(sheet, writer)
    sinsal(sheet, writer, "temper", normal=2, long=5)
    others = [each for each in facts.relations if "day" not in each.positions]
    bonds(sheet, writer, others, normal=1, long=3)


def _elements(sheet: Sheet, writer: Writer) -> None:
    top = max(range(5), key=lambda each: sheet.shares[each])
    share = f"{sheet.shares[top]:.0f}"
    writer.say(NORMAL, "ELEMENT_TOP", ELEMENTS[top], ("elements.weighted",), share=share)
    missing = [ELEMENTS[each] for each in range(5) if not sheet.counts[each]]
    if not missing:
        writer.say(NORMAL, "ELEMENT_FULL", "all", ("elements.visible",))
    for at, element in enumerate(missing[:_MISSING_SAID]):
        writer.say(NORMAL if at == 0 else LONG, "ELEMENT_MISSING", element, ("elements.visible",))
    yang, yin = sheet.facts.elements.yang, sheet.facts.elements.yin
    side = "even" if yang == yin else "yang" if yang > yin else "yin"
    writer.say(LONG, "POLARITY", side, ("polarity",), yang=str(yang), yin=str(yin))
