"""대운 흐름, 올해와 이번 달, 조언."""

from hypercube.core.calendar import LuckAge, LuckPillar
from hypercube.core.signs import Pillar
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.reading.sections.shared import passing
from hypercube.saju.reading.sheet import GROUP, Sheet
from hypercube.saju.reading.writer import LONG, NORMAL, SHORT, Writer


def _stem_god(sheet: Sheet, pillar: Pillar) -> str:
    return TEN_GODS[ten_god(sheet.stem, pillar.stem.index)].key


def _branch_god(sheet: Sheet, pillar: Pillar) -> str:
    return TEN_GODS[branch_god(sheet.stem, pillar.branch.index)].key


def _age(pillar: LuckPillar) -> str:
    return f"{pillar.age:.2f}".rstrip("0").rstrip(".")


def luck(sheet: Sheet, writer: Writer) -> None:
    """Direction and start, the luck pillar in force, the next, and at length all of them."""
    names = writer.names
    writer.explain("luck", ("luck.start",) if sheet.luck else ("pillar.month",))
    if sheet.luck_range is not None:
        _range(sheet, writer)
        return
    if sheet.luck is None:
        cited = ("pillar.year", "pillar.month")
        writer.say(SHORT, "LUCK_UNKNOWN", "sex" if sheet.sex is None else "part", cited)
        return
    pillars = sheet.luck.pillars
    way = "forward" if sheet.luck.forward else "backward"
    key = way if sheet.luck.luck_age is LuckAge.ROUNDED else f"{way}.other"
    first = names.pillars[pillars[0].pillar.index]
    writer.say(SHORT, "LUCK_START", key, ("luck.start", "luck.0"), age=_age(pillars[0]), pillar=first)
    periods = sheet.chart.periods
    if periods is None:
        _each(sheet, writer, SHORT)
        return
    now = sheet.luck.in_force(periods.as_of.date)
    if now is None:
        writer.say(SHORT, "LUCK_NOW", "before", ("luck.start",))
        at = -1
    else:
        at = pillars.index(now)
        _in_force(sheet, writer, at, now)
    if at + 1 < len(pillars):
        after = pillars[at + 1]
        writer.say(
            SHORT,
            "LUCK_NEXT",
            GROUP[_stem_god(sheet, after.pillar)],
            (f"luck.{at + 1}",),
            age=_age(after),
            **{"from": after.start_date[:4]},
            pillar=names.pillars[after.pillar.index],
        )
    _each(sheet, writer, LONG)


def _in_force(sheet: Sheet, writer: Writer, at: int, now: LuckPillar) -> None:
    name, fact = writer.names.pillars[now.pillar.index], (f"luck.{at}",)
    writer.say(SHORT, "LUCK_NOW", "now", fact, **{"from": now.start_date[:4]}, pillar=name)
    writer.say(SHORT, "LUCK_STEM", _stem_god(sheet, now.pillar), fact)
    writer.say(NORMAL, "LUCK_BRANCH", _branch_god(sheet, now.pillar), fact)
    _useful(sheet, writer, now.pillar, fact)
    passing(sheet, writer, "luck", name, normal=1, long=3)


def _useful(sheet: Sheet, writer: Writer, pillar: Pillar, fact: tuple[str, ...]) -> None:
    wanted = sheet.facts.useful_gods.balance
    if not wanted:
        return
    there = next((each for each in wanted if each in (pillar.stem.element, pillar.branch.element)), None)
    cited = (*fact, "useful.balance")
    if there is None:
        writer.say(NORMAL, "LUCK_USEFUL", "no", cited)
    else:
        writer.say(NORMAL, "LUCK_USEFUL", "yes", cited, element=writer.names.elements[there])


def _each(sheet: Sheet, writer: Writer, level: int) -> None:
    assert sheet.luck is not None
    if level > writer.level:
        return
    for at, each in enumerate(sheet.luck.pillars):
        god, name = _stem_god(sheet, each.pillar), writer.names.pillars[each.pillar.index]
        writer.say(level, "LUCK_EACH", god, (f"luck.{at}",), age=_age(each), pillar=name)


def _range(sheet: Sheet, writer: Writer) -> None:
    """Of a birth without an hour: what holds for every hour of the day."""
    both = sheet.luck_range
    assert both is not None
    earliest, latest = both.earliest, both.latest
    way = "forward" if earliest.forward else "backward"
    first = earliest.pillars[0]
    age, until = _age(first), _age(latest.pillars[0])
    name = writer.names.pillars[first.pillar.index]
    cited = ("luck.start", "luck.0")
    if age == until:
        writer.say(SHORT, "LUCK_START", f"{way}.about", cited, age=age, pillar=name)
    else:
        writer.say(SHORT, "LUCK_START", f"{way}.range", cited, age=age, until=until, pillar=name)
    periods = sheet.chart.periods
    if periods is None:
        return
    now, later = (each.in_force(periods.as_of.date) for each in (earliest, latest))
    if now is None or later is None or now.pillar is not later.pillar:
        return
    at = earliest.pillars.index(now)
    fact = (f"luck.{at}",)
    writer.say(SHORT, "LUCK_NOW", "range", fact, pillar=writer.names.pillars[now.pillar.index])
    writer.say(SHORT, "LUCK_STEM", _stem_god(sheet, now.pillar), fact)
    writer.say(NORMAL, "LUCK_BRANCH", _branch_god(sheet, now.pillar), fact)
    _useful(sheet, writer, now.pillar, fact)


def now(sheet: Sheet, writer: Writer) -> None:
    """The year and month in force; nothing without periods."""
    periods = sheet.chart.periods
    if periods is None:
        return
    names, year, month = writer.names, periods.year.pillar, periods.month.pillar
    # What changes with the day asked for changes the choice of words, too.
    writer.seed += year.index * 61 + month.index
    writer.explain("year", ("period.year",))
    name = names.pillars[year.index]
    cited = ("period.year",)
    writer.say(SHORT, "YEAR_NOW", "all", ("as_of", *cited), date=periods.as_of.date, pillar=name)
    writer.say(SHORT, "YEAR_STEM", _stem_god(sheet, year), cited)
    writer.say(NORMAL, "YEAR_BRANCH", _branch_god(sheet, year), cited)
    passing(sheet, writer, "this_year", name, normal=2, long=4)
    name = names.pillars[month.index]
    writer.say(SHORT, "MONTH_NOW", _stem_god(sheet, month), ("period.month",), pillar=name)
    passing(sheet, writer, "this_month", name, normal=1, long=2)


def advice(sheet: Sheet, writer: Writer) -> None:
    """What balances, what the season calls for, and a last word."""
    useful, names = sheet.facts.useful_gods, writer.names
    writer.explain("useful", ("useful.balance",))
    if useful.balance:
        writer.say(SHORT, "USEFUL", useful.balance[0], ("useful.balance",))
    else:
        writer.say(SHORT, "USEFUL_NONE", "all", ("useful.balance", "strength"))
    if useful.climate:
        first = useful.climate[0]
        word = names.stems[first.stem.index]
        writer.say(NORMAL, "CLIMATE", first.presence, ("useful.climate",), stem=word)
    writer.say(SHORT, "ADVICE", useful.balance_reason.key, ("useful.balance",))
    writer.add(SHORT, "CLOSING", "all", ("pillar.day",))
