"""What several sections say in the same way: bonds and conflicts, sinsal."""

from collections.abc import Sequence
from typing import Final

from hypercube.core.facts import Relation
from hypercube.saju.reading.naming import listed
from hypercube.saju.reading.sheet import STEM_RELATIONS, Sheet, relation_id
from hypercube.saju.reading.writer import LONG, NORMAL, SHORT, Writer

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
_TURN: Final = {"luck": 0, "this_year": 1, "this_month": 2}
"""Which wording comes first, so that a relation met again is not told in the same words."""
_TWICE: Final = {"dohwa_day": "dohwa_year", "yeokma_day": "yeokma_year", "hwagae_day": "hwagae_year"}
"""Of the same name by another basis: said once."""


def sinsal(sheet: Sheet, writer: Writer, section: str, *, normal: int, long: int) -> None:
    """The sinsal of a section that the chart has."""
    found = sheet.sinsal
    said = 0
    for key in SINSAL_OF[section]:
        positions = found.get(key)
        if positions is None or _TWICE.get(key) in found:
            continue
        sex = sheet.sinsal_sex.get(key)
        if sex is not None and (sheet.sex is None or sheet.sex.value != sex):
            continue
        if said >= long:
            return
        facts = tuple(f"sinsal.{key}.{position}" for position in positions)
        where = listed(writer.names, [writer.names.pillar_places[each] for each in positions])
        writer.say(NORMAL if said < normal else LONG, "SINSAL", key, facts, where=where)
        said += 1


def bonds(
    sheet: Sheet, writer: Writer, relations: Sequence[Relation], *, normal: int, long: int, turn: int
) -> None:
    """Bonds and conflicts among the chart's own pillars, one sentence a kind."""
    said: set[str] = set()
    pairs: set[str] = set()
    for relation in relations:
        kind = relation.kind.key
        if kind in said or len(said) >= long:
            continue
        fact = (relation_id(relation),)
        level = NORMAL if len(said) < normal else LONG
        said.add(kind)
        places = writer.names.stem_places if kind in STEM_RELATIONS else writer.names.branch_places
        words = [places[each] for each in relation.positions]
        if kind in ("triad", "direction", "triple_punishment"):
            writer.say_in_turn(turn, level, "RELATION", kind, fact, a=listed(writer.names, words))
            continue
        writer.say_in_turn(turn, level, "RELATION", kind, fact, a=words[0], b=words[1])
        pair = f"{relation.positions[0]}.{relation.positions[1]}"
        if pair not in pairs:
            pairs.add(pair)
            writer.add(LONG, "PLACES", pair, fact)


def passing(sheet: Sheet, writer: Writer, label: str, pillar: str, *, normal: int, long: int) -> None:
    """What a luck pillar, year or month does to the chart."""
    said: set[str] = set()
    who = writer.names.passing[label] % pillar
    for relation in sheet.relations_of(label, among=sheet.chart.period_relations):
        kind = relation.kind.key
        if kind in said or len(said) >= long:
            continue
        others = [each for each in relation.positions if each != label]
        fact = (relation_id(relation),)
        level = NORMAL if len(said) < normal else LONG
        said.add(kind)
        if kind in ("triad", "direction", "triple_punishment"):
            writer.say_in_turn(_TURN[label], level, "PASSING", kind, fact, who=who)
            continue
        places = writer.names.stem_places if kind in STEM_RELATIONS else writer.names.branch_places
        writer.say_in_turn(_TURN[label], level, "PASSING", kind, fact, who=who, b=places[others[0]])


__all__ = ["LONG", "NORMAL", "SHORT", "bonds", "passing", "sinsal"]
