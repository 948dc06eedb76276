"""What several sections say in the same way: bonds and conflicts, sinsal."""

from collections.abc import Iterable
from typing import Final

from hypercube.core.facts import Relation
from hypercube.saju.reading.naming import listed
from hypercube.saju.reading.sheet import STEM_RELATIONS, Sheet, id_of_relation
from hypercube.saju.reading.time_of_life import TimeOfLife
from hypercube.saju.reading.writer import LONG, NORMAL, SHORT, Speaker, Writer

_TEMPER: Final = (
    "goegang baekho yangin hwagae_day hwagae_year hyeonchim gwimun taegeuk cheondeok woldeok ildeok yuksu geumsin "
    "hyosin cheonra jimang biin"
)
_WORK: Final = "munchang hakdang cheoneul yeokma_year yeokma_day mungok gugin cheonui geonrok"
_WEALTH: Final = "amrok bokseong cheonju cheonsa sipak"
_RELATIONSHIPS: Final = "dohwa_year dohwa_day hongyeom geumyeo wonjin chachak goran gosin gwasuk"
_HEALTH: Final = "geupgak nakjeong sangmun jogaek"
SINSAL_OF: Final = {
    "temper": _TEMPER.split(),
    "work": _WORK.split(),
    "wealth": _WEALTH.split(),
    "relationships": _RELATIONSHIPS.split(),
    "health": _HEALTH.split(),
}
"""By section, the weightiest first."""
_TWICE: Final = {"dohwa_day": "dohwa_year", "yeokma_day": "yeokma_year", "hwagae_day": "hwagae_year"}
"""Of the same name by another basis: said once."""
_GROUPS: Final = frozenset({"triad", "direction", "triple_punishment"})
"""Relations of three or more places."""


def of_this_age(sheet: Sheet, writer: Writer, section: str) -> None:
    """To a child or somebody old, what a section means at that age; nothing else between."""
    if sheet.time is not TimeOfLife.GROWN:
        writer.tell(_of_this_age, section, "pillar.year" if sheet.chart.periods is None else "as_of")


def _of_this_age(to: Speaker, section: str, fact: str) -> None:
    to.say(SHORT, "TIME_OF_LIFE", section, (fact,))


def sinsal(sheet: Sheet, writer: Writer, section: str, *, normal: int, long: int) -> None:
    """The sinsal of a section that the chart has."""
    most = writer.most(normal, long)
    if not most:
        return
    found = sheet.sinsal
    said = 0
    for key in SINSAL_OF[section]:
        positions = found.get(key)
        if positions is None or _TWICE.get(key) in found:
            continue
        sex = sheet.sinsal_sex.get(key)
        if sex is not None and (sheet.sex is None or sheet.sex.value != sex):
            continue
        writer.tell(_sinsal, key, *positions)
        said += 1
        if said == most:
            return


def _sinsal(to: Speaker, key: str, *positions: str) -> None:
    facts = tuple([f"sinsal.{key}.{position}" for position in positions])
    where = listed(to.names, [to.names.pillar_places[each] for each in positions])
    to.say(SHORT, "SINSAL", key, facts, where=where)


def bonds(writer: Writer, relations: Iterable[Relation], *, of_day: bool, normal: int, long: int) -> None:
    """Bonds and conflicts among the chart's own pillars, of the day's or of the others, one sentence a kind."""
    most = writer.most(normal, long)
    if not most:
        return
    said: set[str] = set()
    pairs: set[tuple[str, ...]] = set()
    for relation in relations:
        kind, positions = relation.kind.key, relation.positions
        if ("day" in positions) is not of_day or kind in said:
            continue
        said.add(kind)
        writer.tell(_bond, kind, *positions)
        if writer.level >= LONG and kind not in _GROUPS and positions not in pairs:
            pairs.add(positions)
            writer.tell(_places, kind, *positions)
        if len(said) == most:
            return


def _bond(to: Speaker, kind: str, *positions: str) -> None:
    fact = (id_of_relation(kind, positions),)
    places = to.names.stem_places if kind in STEM_RELATIONS else to.names.branch_places
    words = [places[each] for each in positions]
    if kind in _GROUPS:
        to.say(SHORT, "RELATION", kind, fact, a=listed(to.names, words))
    else:
        to.say(SHORT, "RELATION", kind, fact, a=words[0], b=words[1])


def _places(to: Speaker, kind: str, *positions: str) -> None:
    """What the two places stand for, that something is between."""
    to.add(LONG, "PLACES", ".".join(positions), (id_of_relation(kind, positions),))


def passing(sheet: Sheet, writer: Writer, label: str, pillar: int, *, normal: int, long: int) -> None:
    """What a luck pillar, year or month (by its sexagenary index) does to the chart."""
    most = writer.most(normal, long)
    if not most:
        return
    said: set[str] = set()
    for relation in sheet.chart.period_relations:
        kind, positions = relation.kind.key, relation.positions
        if label not in positions or kind in said:
            continue
        said.add(kind)
        writer.tell(_passing, label, pillar, kind, *positions)
        if len(said) == most:
            return


def _passing(to: Speaker, label: str, pillar: int, kind: str, *positions: str) -> None:
    who = to.names.passing[label] % to.names.pillars[pillar]
    fact = (id_of_relation(kind, positions),)
    if kind in _GROUPS:
        to.say(SHORT, "PASSING", kind, fact, who=who)
        return
    places = to.names.stem_places if kind in STEM_RELATIONS else to.names.branch_places
    other = next(each for each in positions if each != label)
    to.say(SHORT, "PASSING", kind, fact, who=who, b=places[other])


__all__ = ["LONG", "NORMAL", "SHORT", "bonds", "of_this_age", "passing", "sinsal"]
