"""Facts of a chart in Korean, each as a sentence or two that state nothing else."""

from collections.abc import Callable
from typing import Final

from hypercube.core.facts import Name
from hypercube.core.reading import ReadingLanguage, ReadingSentence
from hypercube.core.signs import Pillar
from hypercube.saju.conversation.asked import FactTopic
from hypercube.saju.conversation.facts_children import children
from hypercube.saju.conversation.facts_ko_time import (
    age,
    clock,
    luck,
    lunar,
    periods,
    pillar_name,
    zodiac,
)
from hypercube.saju.conversation.known import GOD_NAMES, NOBLES, Known, said
from hypercube.saju.grounding import lexicon
from hypercube.saju.reading.josa import with_particle
from hypercube.saju.reading.naming import NAMES
from hypercube.saju.reading.sheet import ELEMENTS, relation_id

_N: Final = NAMES[ReadingLanguage.KO]
_NO_HOUR: Final = "태어난 시를 몰라 시주는 비워 두었습니다."
_POLARITY: Final = {"yang": "양", "yin": "음"}
_GROUPS: Final = {
    "peers": "비겁",
    "output": "식상",
    "wealth": "재성",
    "officers": "관성",
    "resource": "인성",
}
_LETTERS: Final = dict(zip(ELEMENTS, "목화토금수", strict=True))
_HANJA: Final = dict(zip(ELEMENTS, "木火土金水", strict=True))
_ROLE: Final = {"visible": "천간에 드러남", "hidden": "지장간에 있음", "absent": "원국에 없음"}


def _name(name: Name) -> str:
    return f"{name.hangul}({name.hanja})"


def _element(key: str) -> str:
    return f"{_LETTERS[key]}({_HANJA[key]})"


def _stem(pillar: Pillar) -> str:
    sign = pillar.stem
    return f"{sign.hangul}{_LETTERS[sign.element]}({sign.hanja}{_HANJA[sign.element]})"


def _where(position: str, part: str) -> str:
    return (_N.stem_places if part == "stem" else _N.branch_places)[position]


def _listed(words: list[str]) -> str:
    return ", ".join(words)


def pillars(known: Known, detail: str) -> list[ReadingSentence]:
    """The four, or one."""
    if detail:
        facts = known.places.get(detail)
        if facts is None:
            return [said(_NO_HOUR, "pillar.day")]
        place = with_particle(_N.pillar_places[detail], "은")
        return [said(f"{place} {pillar_name(facts.pillar)}입니다.", f"pillar.{detail}")]
    each = [f"{_N.pillar_places[at]} {pillar_name(facts.pillar)}" for at, facts in known.places.items()]
    found = [said(f"사주 원국은 {_listed(each)}입니다.", *(f"pillar.{at}" for at in known.places))]
    return found if "hour" in known.places else [*found, said(_NO_HOUR, "pillar.day")]


def day_stem(known: Known, _: str) -> list[ReadingSentence]:
    """일간."""
    pillar = known.places["day"].pillar
    return [said(f"일간은 {_stem(pillar)}입니다.", "stem.day")]


def elements(known: Known, detail: str) -> list[ReadingSentence]:
    """One element, or all with what is absent and what there is most of."""
    if detail:
        count, share = known.element(detail)
        word = with_particle(_element(detail), "은")
        if count:
            text = f"{word} 드러난 글자로 {count}개이고, 자리와 지장간의 무게로는 {share:.0f}%입니다."
        elif share:
            text = f"{word} 드러난 글자에는 없고, 지장간까지 헤아린 무게는 {share:.0f}%입니다."
        else:
            text = f"{word} 드러난 글자에도 지장간에도 없습니다."
        return [said(text, "elements.visible", "elements.weighted")]
    counted = _listed([f"{_element(each)} {known.element(each)[0]}개" for each in ELEMENTS])
    found = [said(f"드러난 글자의 오행은 {counted}입니다.", "elements.visible")]
    weights = _listed([f"{_element(each)} {known.element(each)[1]:.0f}%" for each in ELEMENTS])
    if known.absent:
        none = with_particle("·".join(_element(each) for each in known.absent), "은")
        found.append(said(f"{none} 드러난 글자에 없습니다.", "elements.visible"))
    return [*found, said(f"자리와 지장간까지 헤아린 무게는 {weights}입니다.", "elements.weighted")]


def polarity(known: Known, _: str) -> list[ReadingSentence]:
    """음양."""
    count = known.facts.elements
    return [said(f"드러난 글자는 양이 {count.yang}개, 음이 {count.yin}개입니다.", "polarity")]


def strength(known: Known, _: str) -> list[ReadingSentence]:
    """신강·신약."""
    found = known.facts.strength
    level = _name(found.level)
    return [
        said(
            f"자리 점수법으로 {level}이며, 일간을 돕는 점수는 {found.available}점 가운데 {found.support}점입니다.",
            "strength",
        )
    ]


def structure(known: Known, _: str) -> list[ReadingSentence]:
    """격국."""
    found = known.facts.structure
    return [said(f"자평진전의 격국법으로 {_name(found.name)}입니다.", "structure")]


def useful(known: Known, _: str) -> list[ReadingSentence]:
    """용신, by both schools."""
    gods = known.facts.useful_gods
    found = []
    if gods.balance:
        listed = _listed([_element(each) for each in gods.balance])
        found.append(said(f"억부법으로 고른 용신 후보는 {listed}입니다.", "useful.balance"))
    else:
        found.append(said("억부법으로는 균형이 잡혀 있어 따로 고르는 용신이 없습니다.", "useful.balance"))
    if gods.climate:
        listed = _listed([f"{each.stem.hanja}({_ROLE[each.presence]})" for each in gods.climate])
        found.append(said(f"궁통보감의 조후법이 찾는 글자는 차례로 {listed}입니다.", "useful.climate"))
    return [*found, said("용신은 학파마다 고르는 법이 달라 두 가지를 함께 적습니다.", "useful.balance")]


def gods(known: Known, detail: str) -> list[ReadingSentence]:
    """One ten god or group, or all by place."""
    if detail:
        return [_god(known, detail)]
    each = [
        f"{_where(at, part)} {god.hangul}"
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
    return [said(f"십성은 {_listed(each)}입니다.", *ids)]


def _god(known: Known, wanted: str) -> ReadingSentence:
    word = _GROUPS.get(wanted) or GOD_NAMES[wanted].hangul
    there = known.gods(wanted)
    if there:
        where = _listed([f"{_where(at, part)}의 {god.hangul}" for at, part, god in there])
        ids = [f"god.{at}.{part}" for at, part, _ in there]
        return said(f"{with_particle(word, '은')} 드러난 글자로 {len(there)}개이며, {where}입니다.", *ids)
    hidden = known.hidden_god(wanted)
    if hidden:
        where = _listed([_N.branch_places[at] for at in hidden])
        ids = [f"hidden.{at}" for at in hidden]
        return said(f"{with_particle(word, '은')} 겉에는 없고, {where}의 지장간에 있습니다.", *ids)
    ids = [f"hidden.{at}" for at in known.places]
    return said(f"{with_particle(word, '은')} 글자에도 지장간에도 없습니다.", *ids)


def hidden(known: Known, _: str) -> list[ReadingSentence]:
    """지장간."""
    each = [
        f"{_N.branch_places[at]} {facts.pillar.branch.hangul}({facts.pillar.branch.hanja}) 속에 "
        + "".join(stem.stem.hanja for stem in facts.hidden_stems)
        for at, facts in known.places.items()
    ]
    return [said(f"지장간은 {_listed(each)}입니다.", *(f"hidden.{at}" for at in known.places))]


def stages(known: Known, _: str) -> list[ReadingSentence]:
    """12운성."""
    each = [f"{_N.branch_places[at]} {facts.stage.hangul}" for at, facts in known.places.items()]
    school = _N.schools.get(known.chart.options.life_stages.value, "")
    return [said(f"12운성은 {school}으로 {_listed(each)}입니다.", *(f"stage.{at}" for at in known.places))]


def sinsal(known: Known, detail: str) -> list[ReadingSentence]:
    """One by name, the nobles, or all by pillar."""
    if detail == NOBLES:
        return _nobles(known)
    if detail:
        there = known.sinsal(detail)
        word = with_particle(detail, "이")
        if there:
            where = _listed([_N.pillar_places[at] for at, _ in there])
            ids = [_sinsal_id(at, key) for at, key in there]
            return [said(f"네, {where}에 {word} 있습니다.", *ids)]
        return [said(f"아니요, 원국에 {word} 없습니다.", *(f"pillar.{at}" for at in known.places))]
    found = []
    for at, facts in known.places.items():
        if facts.sinsal:
            names = dict.fromkeys(each.hangul for each in facts.sinsal)
            text = f"{_N.pillar_places[at]}에는 신살로 {with_particle(_listed(list(names)), '이')} 있습니다."
            found.append(said(text, *(f"sinsal.{each.key}.{at}" for each in facts.sinsal)))
    return found or [said("헤아리는 신살 가운데 원국에 드는 것이 없습니다.", "pillar.day")]


def _nobles(known: Known) -> list[ReadingSentence]:
    there = known.nobles
    if not there:
        return [said("원국에 귀인에 드는 신살은 없습니다.", *(f"pillar.{at}" for at in known.places))]
    where = _listed([f"{_N.pillar_places[at]}의 {name.hangul}" for at, name in there])
    ids = [_sinsal_id(at, name.key) for at, name in there]
    return [said(f"원국의 귀인은 {where}입니다.", *ids)]


def _sinsal_id(position: str, key: str) -> str:
    return f"branch.{position}" if key.startswith("twelve.") else f"sinsal.{key}.{position}"


def twelve(known: Known, _: str) -> list[ReadingSentence]:
    """12신살, by the year branch."""
    each = [f"{_N.branch_places[at]} {facts.twelve_by_year.hangul}" for at, facts in known.places.items()]
    return [
        said(f"연지를 기준으로 한 12신살은 {_listed(each)}입니다.", *(f"branch.{at}" for at in known.places))
    ]


def relations(known: Known, detail: str) -> list[ReadingSentence]:
    """합충형파해: all or one kind."""
    there = known.relations(detail)
    if not there:
        word = "원국의 글자 사이에 합과 충이"
        if detail:
            word = f"원국에 {with_particle(_KINDS[detail], '이')}"
        return [said(f"{word} 없습니다.", *(f"pillar.{at}" for at in known.places))]
    each = []
    for relation in there:
        stems = relation.kind.key in ("stem_combination", "stem_clash")
        where = "·".join(_where(at, "stem" if stems else "branch") for at in relation.positions)
        each.append(f"{where}의 {relation.kind.hangul}")
    return [
        said(f"원국에는 {with_particle(_listed(each), '이')} 있습니다.", *(relation_id(one) for one in there))
    ]


_KINDS: Final = {key: word for word, key in lexicon.RELATIONS.items()}


def void(known: Known, _: str) -> list[ReadingSentence]:
    """공망, by day and by year."""
    by_day = "".join(each.hangul for each in known.facts.void_day)
    by_year = "".join(each.hangul for each in known.facts.void_year)
    found = [said(f"일주로 본 공망은 {by_day}, 연주로 본 공망은 {by_year}입니다.", "void.day", "void.year")]
    hit = [_N.branch_places[at] for at, facts in known.places.items() if "day" in facts.void_by]
    if hit:
        return [*found, said(f"일주로 본 두 글자가 놓인 자리는 {_listed(hit)}입니다.", "void.day")]
    return [*found, said("일주로 본 두 글자는 원국에 없습니다.", "void.day")]


def nayin(known: Known, _: str) -> list[ReadingSentence]:
    """납음."""
    each = [f"{_N.pillar_places[at]} {_name(facts.nayin)}" for at, facts in known.places.items()]
    return [said(f"납음은 {_listed(each)}입니다.", *(f"pillar.{at}" for at in known.places))]


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
