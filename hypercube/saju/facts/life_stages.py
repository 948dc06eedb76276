"""Life stages (12운성): from birth (장생) through full power (제왕) to conception and nurture (태, 양).

A yang stem is born (장생) in 甲亥 丙寅 戊寅 庚巳 壬申 and goes forward through the branches; by the common
school a yin stem is born where the yang one dies, 乙午 丁酉 己酉 辛子 癸卯, and goes backward (淵海子平;
子平眞詮 論陰陽生死). By the other a yin stem goes with its yang one (滴天髓闡微). Earth goes with fire in
both (火土同宮).
"""

from typing import Final

from hypercube.core.facts import Name
from hypercube.core.schools import LifeStageSchool
from hypercube.saju.facts.symbols import branches

LIFE_STAGES: Final = (
    Name("birth", "장생", "長生", "birth"),
    Name("bath", "목욕", "沐浴", "bath"),
    Name("crown", "관대", "冠帶", "coming of age"),
    Name("office", "건록", "建祿", "office"),
    Name("peak", "제왕", "帝旺", "peak"),
    Name("decline", "쇠", "衰", "decline"),
    Name("illness", "병", "病", "illness"),
    Name("death", "사", "死", "death"),
    Name("tomb", "묘", "墓", "tomb"),
    Name("severance", "절", "絶", "severance"),
    Name("conception", "태", "胎", "conception"),
    Name("nurture", "양", "養", "nurture"),
)
"""By code."""

OFFICE: Final = 3
PEAK: Final = 4

_BIRTH: Final = branches("亥午寅酉寅酉巳子申卯")
"""Where each stem is born."""


def life_stage(stem: int, branch: int, school: LifeStageSchool = LifeStageSchool.YIN_BACKWARD) -> int:
    """Code 0..11 of a stem 0..9 in a branch 0..11."""
    if stem % 2 == 0:
        return (branch - _BIRTH[stem]) % 12
    if school is LifeStageSchool.YIN_FORWARD:
        return (branch - _BIRTH[stem - 1]) % 12
    return (_BIRTH[stem] - branch) % 12


OFFICE_BRANCH: Final = tuple(
    next(branch for branch in range(12) if life_stage(stem, branch) == OFFICE) for stem in range(10)
)
"""건록 (祿) of each stem."""

PEAK_BRANCH: Final = tuple(
    next(branch for branch in range(12) if life_stage(stem, branch) == PEAK) for stem in range(10)
)
"""제왕 of each stem: the blade (양인) of the yang ones."""
