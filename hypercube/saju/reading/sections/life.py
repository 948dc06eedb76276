"""직업·재능, 재물, 관계·결혼, 건강."""

from hypercube.core.chart import Sex
from hypercube.saju.reading.sections.shared import bonds, sinsal
from hypercube.saju.reading.sheet import CONFLICTS, ELEMENTS, GROUP, GROUPS, Sheet
from hypercube.saju.reading.writer import LONG, NORMAL, SHORT, Writer

_MANY = 2
"""Letters from which a kind of ten god counts as plentiful here."""


def work(sheet: Sheet, writer: Writer) -> None:
    """Structure, the gods of the month, what leads and what lacks."""
    facts = sheet.facts
    structure = facts.structure
    writer.explain("structure", ("structure",))
    writer.say(SHORT, "STRUCTURE", structure.name.key, ("structure",))
    writer.say(NORMAL, "EXPOSED", "yes" if structure.exposed else "no", ("structure",))
    if sheet.month.stem_god is not None:
        writer.say(SHORT, "MONTH_STEM_GOD", sheet.month.stem_god.key, ("god.month.stem",))
    writer.say(NORMAL, "MONTH_BRANCH_GOD", sheet.month.branch_god.key, ("god.month.branch",))
    _leading(sheet, writer)
    for each in facts.pillars:
        if each.position == "year" and each.stem_god is not None:
            writer.say(NORMAL, "YEAR_STEM_GOD", each.stem_god.key, ("god.year.stem",))
        if each.position == "hour" and each.stem_god is not None:
            writer.say(NORMAL, "HOUR_STEM_GOD", each.stem_god.key, ("god.hour.stem",))
    sinsal(sheet, writer, "work", normal=2, long=4)


def _leading(sheet: Sheet, writer: Writer) -> None:
    own = sheet.stem // 2
    heaviest = max(range(5), key=lambda each: sheet.shares[(own + each) % 5])
    writer.say(NORMAL, "GROUP_TOP", GROUPS[heaviest], ("elements.weighted", "stem.day"))
    absent = [group for group in GROUPS if not sheet.groups[group]]
    if absent:
        writer.say(NORMAL, "GROUP_ABSENT", writer.pick(absent), tuple(fact for _, fact in sheet.gods))


def wealth(sheet: Sheet, writer: Writer) -> None:
    """How wealth stands, against the day stem's strength, and where it flows."""
    groups = sheet.groups
    direct = [fact for key, fact in sheet.gods if key == "direct_wealth"]
    indirect = [fact for key, fact in sheet.gods if key == "indirect_wealth"]
    cited = (*direct, *indirect)
    if cited:
        kind = "both" if direct and indirect else "direct" if direct else "indirect"
    else:
        hidden = tuple(
            f"hidden.{each.position}"
            for each in sheet.facts.pillars
            if any(GROUP[stem.ten_god.key] == "wealth" for stem in each.hidden_stems)
        )
        kind = "hidden" if hidden else "none"
        cited = hidden or tuple(f"hidden.{each.position}" for each in sheet.facts.pillars)
    writer.explain("wealth", cited)
    writer.say(SHORT, "WEALTH_KIND", kind, cited)
    amount = "many" if groups["wealth"] >= _MANY else "few"
    writer.say(NORMAL, "WEALTH_STRENGTH", f"{sheet.side}.{amount}", ("strength", *cited))
    flow = "plain"
    if groups["wealth"]:
        flow = next((each for each in ("output", "officers", "peers") if groups[each]), "plain")
    flowing = tuple(fact for key, fact in sheet.gods if GROUP[key] in ("wealth", flow))
    writer.say(NORMAL, "WEALTH_FLOW", flow, flowing or cited)
    element = ELEMENTS[(sheet.stem // 2 + 2) % 5]
    writer.say(SHORT, "WEALTH_ELEMENT", element, ("stem.day",))
    sinsal(sheet, writer, "wealth", normal=1, long=3)
    writer.say(SHORT, "WEALTH_CLOSE", "all", ("strength", *cited[:1]))


def relationships(sheet: Sheet, writer: Writer) -> None:
    """The day branch, the spouse star, bonds and conflicts of the day."""
    writer.explain("spouse", ("branch.day",))
    writer.say(SHORT, "SPOUSE_PALACE", sheet.day.branch_god.key, ("god.day.branch",))
    if sheet.sex is not None:
        group = "wealth" if sheet.sex is Sex.MALE else "officers"
        number = sheet.groups[group]
        amount = "none" if number == 0 else "one" if number == 1 else "many"
        stars = tuple(fact for key, fact in sheet.gods if GROUP[key] == group)
        cited = stars or tuple(fact for _, fact in sheet.gods)
        writer.say(NORMAL, "SPOUSE_STAR", f"{sheet.sex.value}.{amount}", cited)
    own = sheet.relations_of("day")
    bonds(sheet, writer, own, normal=2, long=4, turn=1)
    if not any(each.kind.key in CONFLICTS for each in own):
        writer.say(NORMAL, "SPOUSE_DAY", "calm", ("branch.day",))
    if "year" in sheet.day.void_by:
        writer.say(LONG, "SPOUSE_DAY", "void", ("void.year", "branch.day"))
    sinsal(sheet, writer, "relationships", normal=2, long=4)
    writer.add(SHORT, "RELATION_CLOSE", "all", ("god.day.branch",))


def health(sheet: Sheet, writer: Writer) -> None:
    """Habits for what is scarce, plentiful and in season; no diagnosis."""
    low = min(range(5), key=lambda each: sheet.shares[each])
    top = max(range(5), key=lambda each: sheet.shares[each])
    share = f"{sheet.shares[low]:.0f}"
    writer.say(SHORT, "HEALTH_LOW", ELEMENTS[low], ("elements.weighted",), share=share)
    writer.say(NORMAL, "HEALTH_HIGH", ELEMENTS[top], ("elements.weighted",))
    writer.say(NORMAL, "HEALTH_SEASON", sheet.season, ("branch.month",))
    sinsal(sheet, writer, "health", normal=0, long=2)
    writer.say(SHORT, "HEALTH_CLOSE", "all", ("elements.weighted",))


__all__ = ["LONG", "health", "relationships", "wealth", "work"]
