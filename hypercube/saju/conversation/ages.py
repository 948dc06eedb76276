"""Ages asked about: the luck pillars that run in them; and when a thing may come, of which no date is told."""

import re
from collections.abc import Sequence
from typing import Final

from hypercube.core.calendar import LuckPillar
from hypercube.core.chart import Sex
from hypercube.core.reading import ReadingLanguage, ReadingSection, ReadingSentence, SectionText
from hypercube.saju.conversation import facts_en_time, facts_ko_time
from hypercube.saju.conversation.facts_ko_time import pillar_name
from hypercube.saju.conversation.known import Known, plain_age, said
from hypercube.saju.conversation.numerals import spelt
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.reading.josa import with_particle
from hypercube.saju.reading.naming import NAMES
from hypercube.saju.reading.sheet import GROUP

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
_DECADE: Final = 9
_LATEST: Final = 75
"""Nobody who asks when they will marry or change jobs is helped by a luck pillar that begins later."""
_PRESENT: Final = re.compile(r"현재|지금|\bnow\b|\bcurrent|\bpresent\b|\bYou are in\b", re.IGNORECASE)
_GROUPS_KO: Final = {"wealth": "재성", "officers": "관성"}
_GROUPS_EN: Final = {"wealth": "a wealth star", "officers": "an officer star"}
_NO_DATE: Final = {
    KO: "어느 해 어느 날이라고 약속할 수는 없고, 사주로 읽을 수 있는 것은 그런 기운이 도는 시기입니다.",
    EN: "No date can be promised: what a chart shows are times in which such things are in the air.",
}
_NO_DATE_ALONE: Final = {KO: "어느 해 어느 날이라고 약속할 수는 없습니다.", EN: "No date can be promised."}
"""Where no star stands for what is asked, or luck is not known: no time is named, and none is hinted at."""
_LUCK_SAID: Final = {KO: facts_ko_time.luck, EN: facts_en_time.luck}
_OPEN: Final = {
    KO: "다른 때에는 없다는 뜻이 아니니, 그 무렵을 준비의 기준으로만 삼아 주세요.",
    EN: "It does not rule out any other time: take it as a time to be ready for, and no more.",
}


def covering(known: Known, first: int, last: int) -> tuple[int, ...]:
    """Which luck pillars run between two ages, both counted; empty before the first, or where luck is not known.

    Args:
        known: the chart.
        first: age in whole years.
        last: age in whole years, at least `first`.
    """
    luck = known.chart.luck
    return _covering(() if luck is None else luck.pillars, first, last)


def _covering(pillars: Sequence[LuckPillar], first: int, last: int) -> tuple[int, ...]:
    found = []
    for at, each in enumerate(pillars):
        end = pillars[at + 1].age if at + 1 < len(pillars) else each.age + 10
        if each.age < last + 1 and end > first:
            found.append(at)
    return tuple(found)


def ages_said(known: Known, first: int, last: int, language: ReadingLanguage) -> list[ReadingSentence]:
    """The luck pillars of an age or of ten years, with the ten gods of each.

    Args:
        known: the chart, with its luck.
        first: age in whole years.
        last: the same for one age.
        language: of the sentences.
    """
    luck = known.chart.luck
    when = _when(first, last, language)
    if luck is None:
        return _ranged(known, first, last, language)
    found = covering(known, first, last)
    if not found:
        if first > luck.pillars[-1].age:
            text = (
                f"{when}에 지나는 대운은 헤아려 두지 않았습니다."
                if language is KO
                else f"No luck pillar is counted {when}."
            )
        else:
            text = (
                f"{when}에는 아직 대운이 시작되지 않습니다."
                if language is KO
                else f"No luck pillar has begun {when}."
            )
        return [said(text, "luck.start")]
    names = [_name(luck.pillars[at], language) for at in found]
    if language is KO:
        pillars = with_particle("과 ".join(f"{name} 대운" for name in names), "을")
        return [said(f"{when}에는 {pillars} 지납니다.", *_ids(found))]
    if first == last:
        return [said(f"The luck pillar at {first} is {' and then '.join(names)}.", *_ids(found))]
    word = "luck pillars are" if len(names) > 1 else "luck pillar is"
    return [said(f"{when[:1].upper()}{when[1:]} the {word} {' and '.join(names)}.", *_ids(found))]


def _ranged(known: Known, first: int, last: int, language: ReadingLanguage) -> list[ReadingSentence]:
    """The same where the hour is not known: every luck pillar that may run then, by the earliest and the latest hour.

    None where a 절 divides that day, so that the hour decides the order itself, or where the sex is not known.
    """
    if len(known.chart.luck_ranges) != 1:
        return []
    both = known.chart.luck_ranges[0]
    sure, may = (
        operation(
            set(_covering(both.earliest.pillars, first, last)), _covering(both.latest.pillars, first, last)
        )
        for operation in (set.intersection, set.union)
    )
    pillars, when = both.earliest.pillars, _when(first, last, language)
    if not sure or first > pillars[-1].age:
        return []
    names = [_name(pillars[at], language) for at in sorted(sure)]
    rest = [_name(pillars[at], language) for at in sorted(may - sure)]
    if language is KO:
        text = f"{when}에는 {with_particle('과 '.join(f'{name} 대운' for name in names), '을')} 지납니다."
        others = with_particle("과 ".join(f"{name} 대운" for name in rest), "이")
        more = f"태어난 시에 따라 {others} 함께 걸칠 수 있습니다."
    else:
        word = "luck pillars are" if len(names) > 1 else "luck pillar is"
        text = f"{when[:1].upper()}{when[1:]} the {word} {' and '.join(names)}."
        if first == last:
            text = f"The luck pillar at {first} is {' and then '.join(names)}."
        more = f"By the hour of birth, {' and '.join(rest)} may reach into it."
    found = [said(text, *_ids(sorted(sure)))]
    return [*found, said(more, *_ids(sorted(may - sure)))] if rest else found


def begins_said(known: Known, at: int, language: ReadingLanguage) -> ReadingSentence:
    """When a luck pillar begins.

    Args:
        known: the chart, with its luck.
        at: which luck pillar.
        language: of the sentence.
    """
    luck = known.chart.luck
    assert luck is not None
    pillar = luck.pillars[at]
    year, age = pillar.start_date[:4], plain_age(pillar)
    if language is KO:
        return said(f"{year}년, {age}세부터 십 년은 {_name(pillar, KO)} 대운입니다.", f"luck.{at}")
    verb = "began" if pillar.start_date <= known.as_of else "begins"
    return said(f"The {_name(pillar, EN)} luck pillar {verb} in {year} at age {age}.", f"luck.{at}")


def period_said(section: SectionText | None, at: int) -> list[ReadingSentence]:
    """What the corpus says of one luck pillar while it runs, without the sentences that say that it runs now.

    Args:
        section: the reading of the luck pillars with that one in force; None where there is none.
        at: which it is.
    """
    every = () if section is None else section.sentences
    return [each for each in every if _is_of(each, at) and not _PRESENT.search(each.text)]


def _is_of(sentence: ReadingSentence, at: int) -> bool:
    """Whether a sentence speaks of that luck pillar and of no other."""
    lucks = {fact for fact in sentence.facts if fact.startswith("luck.")}
    return lucks == {f"luck.{at}"} or (not lucks and any(".luck" in fact for fact in sentence.facts))


def when_said(
    known: Known, sections: Sequence[ReadingSection], language: ReadingLanguage, *, brief: bool = False
) -> list[ReadingSentence]:
    """That no date is told, and the luck pillars from now on that bring what the question is about.

    Args:
        known: the chart, with its luck where that is known.
        sections: of the reading that the question is about.
        language: of the sentences.
        brief: without the year in which each begins.
    """
    found, alone = [said(_NO_DATE[language])], [said(_NO_DATE_ALONE[language])]
    group = _star(known, sections)
    luck = known.chart.luck
    if luck is None:
        return [*alone, *_LUCK_SAID[language](known, "")[:1]]
    if group is None:
        return alone
    own, start = known.places["day"].pillar.stem.index, known.luck_now or 0
    coming = [
        at
        for at in range(start, len(luck.pillars))
        if luck.pillars[at].age < _LATEST and _brings(own, luck.pillars[at], group)
    ][:3]
    if not coming:
        return alone
    names = ", ".join(_name(luck.pillars[at], language) for at in coming)
    if language is KO:
        text = f"{_GROUPS_KO[group]}의 기운이 도는 대운은 {names}입니다."
    else:
        text = f"{_GROUPS_EN[group][:1].upper()}{_GROUPS_EN[group][1:]} comes with the luck pillars {names}."
    begun = [] if brief else [begins_said(known, at, language) for at in coming]
    return [*found, said(text, *_ids(coming)), *begun, said(_OPEN[language])]


def _star(known: Known, sections: Sequence[ReadingSection]) -> str | None:
    """The group of ten gods that stands for it: the partner by sex, work, money."""
    if ReadingSection.RELATIONSHIPS in sections:
        sex = known.chart.options.sex
        return None if sex is None else "wealth" if sex is Sex.MALE else "officers"
    if ReadingSection.WORK in sections:
        return "officers"
    return "wealth" if ReadingSection.WEALTH in sections else None


def _brings(own: int, luck: LuckPillar, group: str) -> bool:
    pillar = luck.pillar
    gods = (TEN_GODS[ten_god(own, pillar.stem.index)], TEN_GODS[branch_god(own, pillar.branch.index)])
    return any(GROUP[each.key] == group for each in gods)


def _name(luck: LuckPillar, language: ReadingLanguage) -> str:
    return pillar_name(luck.pillar) if language is KO else NAMES[EN].pillars[luck.pillar.index]


def _when(first: int, last: int, language: ReadingLanguage) -> str:
    if language is KO:
        return f"{first}대" if last - first == _DECADE else f"나이 {spelt(first)}"
    return f"in your {first}s" if last - first == _DECADE else f"at {first}"


def _ids(found: Sequence[int]) -> tuple[str, ...]:
    return tuple(f"luck.{at}" for at in found)
