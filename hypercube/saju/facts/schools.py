"""Where schools differ: the choices a caller has, and the versions an answer repeats.

A version is `topic/choice@number`; the number rises with any change of the table or rule, so that two answers
with the same versions agree.
"""

import functools
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from hypercube.core.errors import invalid, nearest, shown
from hypercube.core.facts import SchoolChoice
from hypercube.core.schools import BladeSchool as BladeSchool
from hypercube.core.schools import GoegangSchool as GoegangSchool
from hypercube.core.schools import HiddenStemSet as HiddenStemSet
from hypercube.core.schools import LifeStageSchool as LifeStageSchool


@dataclass(frozen=True, slots=True)
class Schools:
    """One choice a topic; hashable, the key of the compiled tables."""

    hidden_stems: HiddenStemSet = HiddenStemSet.KOREAN
    life_stages: LifeStageSchool = LifeStageSchool.YIN_BACKWARD
    blade: BladeSchool = BladeSchool.YANG_STEMS
    goegang: GoegangSchool = GoegangSchool.FOUR_DAYS

    def choices(self) -> tuple[SchoolChoice, ...]:
        """What an answer repeats: the chosen schools, then the rules of which there is one version only."""
        return _choices(self)


_DEFAULT: Final = Schools()

WEIGHTS_METHOD: Final = "place-and-days"
STRENGTH_METHOD: Final = "place-points"
STRUCTURE_METHOD: Final = "japyeong-exposure"
BALANCE_METHOD: Final = "excess-remedy"
CLIMATE_METHOD: Final = "gungtong"

_METHODS: Final = {
    "element_weights": WEIGHTS_METHOD,
    "strength": STRENGTH_METHOD,
    "structure": STRUCTURE_METHOD,
    "balance_god": BALANCE_METHOD,
    "climate_god": CLIMATE_METHOD,
    "relations": "classical",
    "sinsal": "common-korean",
}
_SOURCES: Final = {
    "hidden_stems/korean": "월률분야 지장간표 of Korean textbooks, after 三命通會 卷二 論人元司事",
    "hidden_stems/chinese": "人元 of the branches as in 淵海子平 論地支藏遁歌",
    "life_stages/yin_backward": "淵海子平 論天干生旺死絶; 子平眞詮 論陰陽生死",
    "life_stages/yin_forward": "滴天髓闡微 天干 (任鐵樵 against yin stems running backward)",
    "blade/yang_stems": "子平眞詮 論陽刃",
    "blade/all_stems": "三命通會 論羊刃 (祿前一位)",
    "goegang/four_days": "三命通會 and 淵海子平 on 魁罡格",
    "goegang/six_pillars": "common usage of Korean almanacs (만세력)",
    "element_weights/place-and-days": "place points of 김동완, 사주명리학, shared out by hidden stems",
    "strength/place-points": "place points of 김동완, 사주명리학; the five levels are this project's cuts",
    "structure/japyeong-exposure": "子平眞詮 論用神, 論建祿月劫, 論陽刃; special structures (외격) left out",
    "balance_god/excess-remedy": "억부: 滴天髓 and 子平眞詮 on what remedies which excess",
    "climate_god/gungtong": "窮通寶鑑 (欄江網), as summed up in 徐樂吾's 調候用神提要",
    "relations/classical": "三命通會 卷二; 淵海子平; 원진 and 귀문 as in Korean usage",
    "sinsal/common-korean": "each rule names its own source",
}
_NUMBERS: Final[dict[str, int]] = {}
"""Versions above 1; empty until a rule changes."""


@functools.lru_cache(maxsize=16)
def _choices(schools: Schools) -> tuple[SchoolChoice, ...]:
    chosen = (_choice(each.name, str(getattr(schools, each.name))) for each in fields(schools))
    return (*chosen, *(_choice(topic, choice) for topic, choice in _METHODS.items()))


def _choice(topic: str, choice: str) -> SchoolChoice:
    name = f"{topic}/{choice}"
    return SchoolChoice(topic, choice, f"{name}@{_NUMBERS.get(name, 1)}", _SOURCES[name])


def settle(**given: Any) -> Schools:
    """The schools asked for, as names or enum members.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a topic or a school that does not exist.
    """
    topics: dict[str, type[StrEnum]] = {
        each.name: type(getattr(_DEFAULT, each.name)) for each in fields(Schools)
    }
    settled: dict[str, Any] = {}
    for topic, value in given.items():
        if topic not in topics:
            raise invalid(
                f"There is no choice of schools called {topic!r}.",
                param=topic,
                value=shown(value),
                fix=f"Use {', '.join(topics)}.",
            )
        known = [member.value for member in topics[topic]]
        if not isinstance(value, str) or value not in known:
            close = nearest(value, known) if isinstance(value, str) else None
            raise invalid(
                f"{topic} is {shown(value)!r}, which is not a school of it.",
                param=topic,
                value=shown(value),
                fix=f"{f'Did you mean {close!r}? ' if close else ''}Use one of: {', '.join(known)}.",
                choices=known,
            )
        settled[topic] = topics[topic](value)
    return Schools(**settled)
