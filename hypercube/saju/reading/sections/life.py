"""직업·재능, 재물, 관계·결혼, 건강."""

from typing import Final

from hypercube.core.chart import Sex
from hypercube.saju.reading.sections.shared import bonds, of_this_age, sinsal
from hypercube.saju.reading.sheet import CONFLICTS, ELEMENTS, GROUP, GROUPS, Sheet
from hypercube.saju.reading.writer import LONG, NORMAL, SHORT, Speaker, Writer

_HOUR: Final = 3
"""Where the hour stands among the pillars."""
_MANY: Final = 2
"""Letters from which a kind of ten god counts as plentiful here."""


def work(sheet: Sheet, writer: Writer) -> None:
    """Structure, the gods of the month, what leads and what lacks."""
    of_this_age(sheet, writer, "work")
    structure, month = sheet.facts.structure, sheet.month
    writer.tell(_structure, structure.name.key, structure.exposed)
    writer.tell(_month_gods, month.stem_god and month.stem_god.key, month.branch_god.key)
    own, shares = sheet.stem // 2, sheet.shares
    turned = (*shares[own:], *shares[:own])
    writer.tell(_leading, turned.index(max(turned)))
    absent = [group for group, number in sheet.groups.items() if not number]
    if absent:
        writer.tell(_lacking, writer.pick(absent), *[fact for _, fact in sheet.gods])
    pillars = sheet.facts.pillars
    year, hour = pillars[0].stem_god, pillars[3].stem_god if len(pillars) > _HOUR else None
    writer.tell(_outer_gods, year and year.key, hour and hour.key)
    sinsal(sheet, writer, "work", normal=2, long=4)


def _structure(to: Speaker, key: str, exposed: bool) -> None:
    to.explain("structure", ("structure",))
    to.say(SHORT, "STRUCTURE", key, ("structure",))
    to.say(NORMAL, "EXPOSED", "yes" if exposed else "no", ("structure",))


def _month_gods(to: Speaker, stem: str | None, branch: str) -> None:
    if stem is not None:
        to.say(SHORT, "MONTH_STEM_GOD", stem, ("god.month.stem",))
    to.say(NORMAL, "MONTH_BRANCH_GOD", branch, ("god.month.branch",))


def _leading(to: Speaker, group: int) -> None:
    to.say(NORMAL, "GROUP_TOP", GROUPS[group], ("elements.weighted", "stem.day"))


def _lacking(to: Speaker, group: str, *gods: str) -> None:
    to.say(NORMAL, "GROUP_ABSENT", group, gods)


def _outer_gods(to: Speaker, year: str | None, hour: str | None) -> None:
    if year is not None:
        to.say(NORMAL, "YEAR_STEM_GOD", year, ("god.year.stem",))
    if hour is not None:
        to.say(NORMAL, "HOUR_STEM_GOD", hour, ("god.hour.stem",))


def wealth(sheet: Sheet, writer: Writer) -> None:
    """How wealth stands, against the day stem's strength, and where it flows."""
    of_this_age(sheet, writer, "wealth")
    gods, groups, pillars = sheet.gods, sheet.groups, sheet.facts.pillars
    direct = [fact for key, fact in gods if key == "direct_wealth"]
    indirect = [fact for key, fact in gods if key == "indirect_wealth"]
    cited = (*direct, *indirect)
    if cited:
        kind = "both" if direct and indirect else "direct" if direct else "indirect"
    else:
        hidden = tuple(
            [
                f"hidden.{each.position}"
                for each in pillars
                if any(GROUP[stem.ten_god.key] == "wealth" for stem in each.hidden_stems)
            ]
        )
        kind = "hidden" if hidden else "none"
        cited = hidden or tuple([f"hidden.{each.position}" for each in pillars])
    writer.tell(_wealth_kind, kind, *cited)
    amount = "many" if groups["wealth"] >= _MANY else "few"
    writer.tell(_wealth_borne, f"{sheet.side}.{amount}", *cited)
    flow = "plain"
    if groups["wealth"]:
        flow = next((each for each in ("output", "officers", "peers") if groups[each]), "plain")
    ways = ("wealth", flow)
    flowing = [fact for key, fact in gods if GROUP[key] in ways]
    writer.tell(_wealth_flow, flow, *(flowing or cited))
    writer.tell(_wealth_element, sheet.stem // 2)
    sinsal(sheet, writer, "wealth", normal=1, long=3)
    writer.tell(_wealth_close, *cited[:1])


def _wealth_kind(to: Speaker, kind: str, *cited: str) -> None:
    to.explain("wealth", cited)
    to.say(SHORT, "WEALTH_KIND", kind, cited)


def _wealth_borne(to: Speaker, key: str, *cited: str) -> None:
    to.say(NORMAL, "WEALTH_STRENGTH", key, ("strength", *cited))


def _wealth_flow(to: Speaker, flow: str, *cited: str) -> None:
    to.say(NORMAL, "WEALTH_FLOW", flow, cited)


def _wealth_element(to: Speaker, own: int) -> None:
    to.say(SHORT, "WEALTH_ELEMENT", ELEMENTS[(own + 2) % 5], ("stem.day",))


def _wealth_close(to: Speaker, *cited: str) -> None:
    to.say(SHORT, "WEALTH_CLOSE", "all", ("strength", *cited))


def relationships(sheet: Sheet, writer: Writer) -> None:
    """The day branch, the spouse star, bonds and conflicts of the day."""
    of_this_age(sheet, writer, "relationships")
    writer.tell(_palace, sheet.day.branch_god.key)
    if sheet.sex is not None:
        group = "wealth" if sheet.sex is Sex.MALE else "officers"
        number = sheet.groups[group]
        amount = "none" if number == 0 else "one" if number == 1 else "many"
        stars = [fact for key, fact in sheet.gods if GROUP[key] == group]
        cited = stars or [fact for _, fact in sheet.gods]
        writer.tell(_spouse_star, f"{sheet.sex.value}.{amount}", *cited)
    relations = sheet.facts.relations
    bonds(writer, relations, of_day=True, normal=2, long=4)
    calm = not any("day" in each.positions and each.kind.key in CONFLICTS for each in relations)
    writer.tell(_spouse_day, calm, "year" in sheet.day.void_by)
    sinsal(sheet, writer, "relationships", normal=2, long=4)
    writer.tell(_relation_close)


def _palace(to: Speaker, god: str) -> None:
    to.explain("spouse", ("branch.day",))
    to.say(SHORT, "SPOUSE_PALACE", god, ("god.day.branch",))


def _spouse_star(to: Speaker, key: str, *cited: str) -> None:
    to.say(NORMAL, "SPOUSE_STAR", key, cited)


def _spouse_day(to: Speaker, calm: bool, void: bool) -> None:
    if calm:
        to.say(NORMAL, "SPOUSE_DAY", "calm", ("branch.day",))
    if void:
        to.say(LONG, "SPOUSE_DAY", "void", ("void.year", "branch.day"))


def _relation_close(to: Speaker) -> None:
    to.add(SHORT, "RELATION_CLOSE", "all", ("god.day.branch",))


def health(sheet: Sheet, writer: Writer) -> None:
    """Habits for what is scarce, plentiful and in season; no diagnosis."""
    shares = sheet.shares
    low = min(shares)
    writer.tell(_scarce, shares.index(low), f"{low:.0f}")
    writer.tell(_plentiful, shares.index(max(shares)), sheet.season)
    sinsal(sheet, writer, "health", normal=0, long=2)
    writer.tell(_health_close)


def _scarce(to: Speaker, element: int, share: str) -> None:
    to.say(SHORT, "HEALTH_LOW", ELEMENTS[element], ("elements.weighted",), share=share)


def _plentiful(to: Speaker, element: int, season: str) -> None:
    to.say(NORMAL, "HEALTH_HIGH", ELEMENTS[element], ("elements.weighted",))
    to.say(NORMAL, "HEALTH_SEASON", season, ("branch.month",))


def _health_close(to: Speaker) -> None:
    to.say(SHORT, "HEALTH_CLOSE", "all", ("elements.weighted",))


__all__ = ["LONG", "health", "relationships", "wealth", "work"]
