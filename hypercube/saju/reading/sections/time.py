"""대운 흐름, 올해와 이번 달, 조언."""

from hypercube.core.calendar import LuckAge, LuckPillar
from hypercube.core.signs import Pillar
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.reading.naming import date_name
from hypercube.saju.reading.sections.shared import of_this_age, passing
from hypercube.saju.reading.sheet import GROUP, Sheet
from hypercube.saju.reading.writer import LONG, NORMAL, SHORT, Speaker, Writer


def _stem_god(own: int, pillar: int) -> str:
    """Of a pillar, by its sexagenary index, to the day stem."""
    return TEN_GODS[ten_god(own, pillar % 10)].key


def _branch_god(own: int, pillar: int) -> str:
    return TEN_GODS[branch_god(own, pillar % 12)].key


def _age(pillar: LuckPillar) -> str:
    return f"{pillar.age:.2f}".rstrip("0").rstrip(".")


def luck(sheet: Sheet, writer: Writer) -> None:
    """Direction and start, the luck pillar in force, the next, and at length all of them."""
    names = writer.names
    if writer.explains:
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
        at = next(at for at, each in enumerate(pillars) if each is now)
        _in_force(sheet, writer, at, now)
    if at + 1 < len(pillars):
        after = pillars[at + 1]
        writer.say(
            SHORT,
            "LUCK_NEXT",
            GROUP[_stem_god(sheet.stem, after.pillar.index)],
            (f"luck.{at + 1}",),
            age=_age(after),
            **{"from": after.start_date[:4]},
            pillar=names.pillars[after.pillar.index],
        )
    if writer.level >= LONG:
        _each(sheet, writer, LONG)


def _in_force(sheet: Sheet, writer: Writer, at: int, now: LuckPillar) -> None:
    name, fact = writer.names.pillars[now.pillar.index], (f"luck.{at}",)
    writer.say(SHORT, "LUCK_NOW", "now", fact, **{"from": now.start_date[:4]}, pillar=name)
    _standing(sheet, writer, at, now.pillar)
    passing(sheet, writer, "luck", now.pillar.index, normal=1, long=3)


def _standing(sheet: Sheet, writer: Writer, at: int, pillar: Pillar) -> None:
    """What the luck pillar in force is to the chart."""
    writer.tell(_luck_gods, at, sheet.stem, pillar.index)
    wanted = sheet.facts.useful_gods.balance
    if wanted:
        there = (pillar.stem.element, pillar.branch.element)
        writer.tell(_useful, at, next((each for each in wanted if each in there), None))


def _luck_gods(to: Speaker, at: int, stem: int, pillar: int) -> None:
    fact = (f"luck.{at}",)
    to.say(SHORT, "LUCK_STEM", _stem_god(stem, pillar), fact)
    to.say(NORMAL, "LUCK_BRANCH", _branch_god(stem, pillar), fact)


def _useful(to: Speaker, at: int, element: str | None) -> None:
    cited = (f"luck.{at}", "useful.balance")
    if element is None:
        to.say(NORMAL, "LUCK_USEFUL", "no", cited)
    else:
        to.say(NORMAL, "LUCK_USEFUL", "yes", cited, element=to.names.elements[element])


def _each(sheet: Sheet, writer: Writer, level: int) -> None:
    assert sheet.luck is not None
    for at, each in enumerate(sheet.luck.pillars):
        god, name = _stem_god(sheet.stem, each.pillar.index), writer.names.pillars[each.pillar.index]
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
    _standing(sheet, writer, at, now.pillar)


def now(sheet: Sheet, writer: Writer) -> None:
    """The year and month in force; nothing without periods."""
    periods = sheet.chart.periods
    if periods is None:
        return
    year, month = periods.year.pillar.index, periods.month.pillar.index
    # What changes with the day asked for changes the choice of words, too.
    writer.seed += year * 61 + month
    cited = ("period.year",)
    writer.explain("year", cited)
    # Not in a passage: its day is as good as any.
    name, day = writer.names.pillars[year], date_name(periods.as_of.date, writer.names.language)
    writer.say(SHORT, "YEAR_NOW", "all", ("as_of", *cited), date=day, pillar=name)
    writer.tell(_year, year, sheet.stem)
    passing(sheet, writer, "this_year", year, normal=2, long=4)
    writer.tell(_month, month, sheet.stem)
    passing(sheet, writer, "this_month", month, normal=1, long=2)


def _year(to: Speaker, pillar: int, stem: int) -> None:
    cited = ("period.year",)
    to.say(SHORT, "YEAR_STEM", _stem_god(stem, pillar), cited)
    to.say(NORMAL, "YEAR_BRANCH", _branch_god(stem, pillar), cited)


def _month(to: Speaker, pillar: int, stem: int) -> None:
    name = to.names.pillars[pillar]
    to.say(SHORT, "MONTH_NOW", _stem_god(stem, pillar), ("period.month",), pillar=name)


def advice(sheet: Sheet, writer: Writer) -> None:
    """What balances, what the season calls for, and a last word."""
    useful = sheet.facts.useful_gods
    writer.tell(_balance, *useful.balance[:1])
    if useful.climate:
        first = useful.climate[0]
        writer.tell(_climate, first.presence, first.stem.index)
    of_this_age(sheet, writer, "advice")
    writer.tell(_last_word, useful.balance_reason.key)


def _balance(to: Speaker, *element: str) -> None:
    to.explain("useful", ("useful.balance",))
    if element:
        to.say(SHORT, "USEFUL", element[0], ("useful.balance",))
    else:
        to.say(SHORT, "USEFUL_NONE", "all", ("useful.balance", "strength"))


def _climate(to: Speaker, presence: str, stem: int) -> None:
    to.say(NORMAL, "CLIMATE", presence, ("useful.climate",), stem=to.names.stems[stem])


def _last_word(to: Speaker, reason: str) -> None:
    to.say(SHORT, "ADVICE", reason, ("useful.balance",))
    to.add(SHORT, "CLOSING", "all", ("pillar.day",))
