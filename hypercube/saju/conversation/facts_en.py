"""Facts of a chart in English, each as a sentence or two that state nothing else."""

from collections.abc import Callable
from typing import Final

from hypercube.core.facts import Name
from hypercube.core.reading import ReadingLanguage, ReadingSentence
from hypercube.saju.conversation.asked import FactTopic
from hypercube.saju.conversation.facts_children import children
from hypercube.saju.conversation.facts_en_time import age, clock, luck, lunar, periods, zodiac
from hypercube.saju.conversation.known import GOD_NAMES, NOBLES, Known, said
from hypercube.saju.grounding import lexicon
from hypercube.saju.reading.naming import NAMES, branch_name, listed
from hypercube.saju.reading.sheet import ELEMENTS, relation_id

_N: Final = NAMES[ReadingLanguage.EN]
_NO_HOUR: Final = "The birth hour is not known, so the hour pillar is left open."
_GROUPS: Final = {
    "peers": "peer stars",
    "output": "output stars",
    "wealth": "wealth stars",
    "officers": "officer stars",
    "resource": "resource stars",
}
_PRESENCE: Final = {"visible": "visible", "hidden": "hidden", "absent": "absent"}


def _name(name: Name) -> str:
    return f"{name.english} ({name.hanja})"


def _sinsal_name(word: str) -> str:
    key = next(iter(sorted(lexicon.SINSAL[word])))
    base = key.removeprefix("twelve.").split("_")[0]
    english = next((name for name, each in lexicon.SINSAL_ENGLISH.items() if each == base), "")
    return english or word


def _where(position: str, part: str) -> str:
    return (_N.stem_places if part == "stem" else _N.branch_places)[position]


def _list(words: list[str]) -> str:
    return listed(_N, words)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def pillars(known: Known, detail: str) -> list[ReadingSentence]:
    """The four, or one."""
    if detail:
        facts = known.places.get(detail)
        if facts is None:
            return [said(_NO_HOUR, "pillar.day")]
        text = f"{_upper(_N.pillar_places[detail])} is {_N.pillars[facts.pillar.index]}."
        return [said(text, f"pillar.{detail}")]
    each = [f"{_N.pillar_places[at]} {_N.pillars[facts.pillar.index]}" for at, facts in known.places.items()]
    found = [said(f"The chart has {_list(each)}.", *(f"pillar.{at}" for at in known.places))]
    return found if "hour" in known.places else [*found, said(_NO_HOUR, "pillar.day")]


def day_stem(known: Known, _: str) -> list[ReadingSentence]:
    """The day master."""
    stem = _N.stems[known.places["day"].pillar.stem.index]
    return [said(f"The day stem is {stem}.", "stem.day")]


def elements(known: Known, detail: str) -> list[ReadingSentence]:
    """One element, or all with what is absent."""
    if detail:
        count, share = known.element(detail)
        word = _N.elements[detail]
        if count:
            unit = "letter" if count == 1 else "letters"
            text = f"{word} has {count} visible {unit}, and {share:.0f}% by weight of place and hidden stems."
        elif share:
            text = f"{word} has no visible letter, and {share:.0f}% by weight when hidden stems are counted."
        else:
            text = f"{word} has neither a visible letter nor a hidden stem."
        return [said(text, "elements.visible", "elements.weighted")]
    counted = _list([f"{_N.elements[each]} {known.element(each)[0]}" for each in ELEMENTS])
    found = [said(f"By visible letters the elements are {counted}.", "elements.visible")]
    if known.absent:
        none = _list([_N.elements[each] for each in known.absent])
        verb = "has" if len(known.absent) == 1 else "have"
        found.append(said(f"{none} {verb} no visible letter.", "elements.visible"))
    weights = _list([f"{_N.elements[each]} {known.element(each)[1]:.0f}%" for each in ELEMENTS])
    return [*found, said(f"By weight of place and hidden stems they are {weights}.", "elements.weighted")]


def polarity(known: Known, _: str) -> list[ReadingSentence]:
    """Yin and yang."""
    count = known.facts.elements
    return [said(f"Of the visible letters {count.yang} are yang and {count.yin} yin.", "polarity")]


def strength(known: Known, _: str) -> list[ReadingSentence]:
    """How strong the day stem stands."""
    found = known.facts.strength
    return [
        said(
            f"By the place-point school the day stem is {_name(found.level)}, with {found.support} of "
            f"{found.available} points on its side.",
            "strength",
        )
    ]


def structure(known: Known, _: str) -> list[ReadingSentence]:
    """The structure."""
    found = known.facts.structure
    return [said(f"By the school of the Ziping zhenquan it is the {_name(found.name)}.", "structure")]


def useful(known: Known, _: str) -> list[ReadingSentence]:
    """Useful gods, by both schools."""
    gods = known.facts.useful_gods
    found = []
    if gods.balance:
        listed_ = _list([_N.elements[each] for each in gods.balance])
        found.append(said(f"Useful by the balance school, in order of choice: {listed_}.", "useful.balance"))
    else:
        found.append(
            said("By the balance school the chart is even, and no element is chosen.", "useful.balance")
        )
    if gods.climate:
        listed_ = _list([f"{each.stem.hanja} ({_PRESENCE[each.presence]})" for each in gods.climate])
        found.append(said(f"The climate school (Gungtong) looks for, in order: {listed_}.", "useful.climate"))
    return [*found, said("Schools choose the useful god differently, so both are given.", "useful.balance")]


def gods(known: Known, detail: str) -> list[ReadingSentence]:
    """One ten god or group, or all by place."""
    if detail:
        return [_god(known, detail)]
    each = [
        f"{god.english} in {_where(at, part)}"
        for at, facts in known.places.items()
        for part, god in (("stem", facts.stem_god), ("branch", facts.branch_god))
        if god is not None
    ]
    ids = [
        f"god.{at}.{part}"
        for at in known.places
        for part in ("stem", "branch")
        if (at, part) != ("day", "stem")
    ]
    return [said(f"The ten gods are {_list(each)}.", *ids)]


def _god(known: Known, wanted: str) -> ReadingSentence:
    word = _GROUPS.get(wanted) or GOD_NAMES[wanted].english
    there = known.gods(wanted)
    if there:
        where = _list([f"{god.english} in {_where(at, part)}" for at, part, god in there])
        return said(f"Yes: {where}.", *(f"god.{at}.{part}" for at, part, _ in there))
    hidden_ = known.hidden_god(wanted)
    if hidden_:
        where = _list([_N.branch_places[at] for at in hidden_])
        return said(
            f"No visible {word}; hidden stems of {where} hold it.", *(f"hidden.{at}" for at in hidden_)
        )
    return said(f"There is no {word}, neither visible nor hidden.", *(f"hidden.{at}" for at in known.places))


def hidden(known: Known, _: str) -> list[ReadingSentence]:
    """Hidden stems."""
    each = [
        f"{_N.branch_places[at]} {branch_name(facts.pillar.branch.index, ReadingLanguage.EN)} hides "
        + "".join(stem.stem.hanja for stem in facts.hidden_stems)
        for at, facts in known.places.items()
    ]
    return [said(f"{_upper('; '.join(each))}.", *(f"hidden.{at}" for at in known.places))]


def stages(known: Known, _: str) -> list[ReadingSentence]:
    """Life stages."""
    each = [f"{facts.stage.english} in {_N.branch_places[at]}" for at, facts in known.places.items()]
    school = _N.schools.get(known.chart.options.life_stages.value, "")
    return [said(f"The life stages ({school}) are {_list(each)}.", *(f"stage.{at}" for at in known.places))]


_RELATIONS_TOO: Final = frozenset({"wonjin", "gwimun"})
"""In English these are relations by the same name, and are told as such."""


def sinsal(known: Known, detail: str) -> list[ReadingSentence]:
    """One by name, the nobles, or all by pillar."""
    if detail == NOBLES:
        return _nobles(known)
    if detail:
        there, word = known.sinsal(detail), _sinsal_name(detail)
        if there:
            where = _list([_N.pillar_places[at] for at, _ in there])
            ids = [f"branch.{at}" if key.startswith("twelve.") else f"sinsal.{key}.{at}" for at, key in there]
            return [said(f"Yes, {word} is on {where}.", *ids)]
        return [said(f"No, the chart has no {word}.", *(f"pillar.{at}" for at in known.places))]
    found, ids = [], []
    for at, facts in known.places.items():
        own = [each for each in facts.sinsal if each.key not in _RELATIONS_TOO]
        if own:
            names = dict.fromkeys(each.english.split(" by the ")[0] for each in own)
            found.append(f"on {_N.pillar_places[at]} {_list(list(names))}")
            ids += [f"sinsal.{each.key}.{at}" for each in own]
    if not found:
        return [said("None of the sinsal that are counted here falls on the chart.", "pillar.day")]
    return [said(f"The sinsal are: {'; '.join(found)}.", *ids)]


def _nobles(known: Known) -> list[ReadingSentence]:
    there = known.nobles
    if not there:
        return [said("The chart has none of the nobles (貴人).", *(f"pillar.{at}" for at in known.places))]
    where = _list([f"{name.english} on {_N.pillar_places[at]}" for at, name in there])
    ids = [f"sinsal.{name.key}.{at}" for at, name in there]
    return [said(f"The nobles (貴人) of the chart are: {where}.", *ids)]


def twelve(known: Known, _: str) -> list[ReadingSentence]:
    """The twelve sinsal, by the year branch."""
    each = [f"{facts.twelve_by_year.english} in {_N.branch_places[at]}" for at, facts in known.places.items()]
    return [
        said(
            f"The twelve sinsal by the year branch are {_list(each)}.",
            *(f"branch.{at}" for at in known.places),
        )
    ]


def relations(known: Known, detail: str) -> list[ReadingSentence]:
    """Bonds and conflicts: all or one kind."""
    there = known.relations(detail)
    if not there:
        word = _KINDS[detail] if detail else "combination or clash"
        return [said(f"The chart has no {word}.", *(f"pillar.{at}" for at in known.places))]
    each = []
    for relation in there:
        stems = relation.kind.key in ("stem_combination", "stem_clash")
        where = _list([_where(at, "stem" if stems else "branch") for at in relation.positions])
        each.append(f"{_KINDS[relation.kind.key]} of {where}")
    return [said(f"The chart has: {'; '.join(each)}.", *(relation_id(one) for one in there))]


_KINDS: Final = {key: word for word, key in lexicon.RELATIONS_ENGLISH.items()}


def void(known: Known, _: str) -> list[ReadingSentence]:
    """Void branches, by day and by year."""
    by_day = "".join(each.hanja for each in known.facts.void_day)
    by_year = "".join(each.hanja for each in known.facts.void_year)
    found = [
        said(f"Void by the day pillar are {by_day}, by the year pillar {by_year}.", "void.day", "void.year")
    ]
    hit = [_N.branch_places[at] for at, facts in known.places.items() if "day" in facts.void_by]
    if hit:
        return [*found, said(f"Of the chart it falls on {_list(hit)}.", "void.day")]
    return [*found, said("It falls on no branch of the chart.", "void.day")]


def nayin(known: Known, _: str) -> list[ReadingSentence]:
    """Nayin."""
    each = [f"{_N.pillar_places[at]} {_name(facts.nayin)}" for at, facts in known.places.items()]
    return [said(f"The nayin are {_list(each)}.", *(f"pillar.{at}" for at in known.places))]


SAY: Final[dict[FactTopic, Callable[[Known, str], list[ReadingSentence]]]] = {
    FactTopic.PILLARS: pillars,
    FactTopic.DAY_STEM: day_stem,
    FactTopic.ELEMENTS: elements,
    FactTopic.POLARITY: polarity,
    FactTopic.STRENGTH: strength,
    FactTopic.STRUCTURE: structure,
    FactTopic.USEFUL: useful,
    FactTopic.GODS: gods,
    FactTopic.HIDDEN: hidden,
    FactTopic.STAGES: stages,
    FactTopic.SINSAL: sinsal,
    FactTopic.TWELVE: twelve,
    FactTopic.RELATIONS: relations,
    FactTopic.VOID: void,
    FactTopic.NAYIN: nayin,
    FactTopic.LUCK: luck,
    FactTopic.PERIODS: periods,
    FactTopic.ZODIAC: zodiac,
    FactTopic.LUNAR: lunar,
    FactTopic.CHILDREN: children(gods, pillars),
    FactTopic.AGE: age,
    FactTopic.CLOCK: clock,
}
