"""Stems, branches and the sixty pillars, built once: a chart only points at them.

Elements of the branches are those of the season and its closing earth month (亥 and 子 water, 丑 earth, 寅
and 卯 wood, ...). Polarity of stems and branches goes by the parity of the index (even = yang): 子 and 午 are
yang here, 巳 and 亥 yin. Schools that read a branch by its main hidden stem turn these four round; that
belongs to a reading, not to the chart.
"""

from typing import Final

from hypercube.core.chart import Pillar, Sign

_STEMS: Final = "甲갑 乙을 丙병 丁정 戊무 己기 庚경 辛신 壬임 癸계"
_STEM_ELEMENTS: Final = "wood wood fire fire earth earth metal metal water water"
_BRANCHES: Final = "子자 丑축 寅인 卯묘 辰진 巳사 午오 未미 申신 酉유 戌술 亥해"
_BRANCH_ELEMENTS: Final = "water earth wood wood earth fire fire earth metal metal earth water"


def _signs(names: str, elements: str) -> tuple[Sign, ...]:
    return tuple(
        Sign(index, name[0], name[1], element, "yin" if index % 2 else "yang")
        for index, (name, element) in enumerate(zip(names.split(), elements.split(), strict=True))
    )


STEMS: Final = _signs(_STEMS, _STEM_ELEMENTS)
"""The ten heavenly stems (천간), by index."""

BRANCHES: Final = _signs(_BRANCHES, _BRANCH_ELEMENTS)
"""The twelve earthly branches (지지), by index."""

PILLARS: Final = tuple(
    Pillar(i, stem.hanja + branch.hanja, stem.hangul + branch.hangul, stem, branch)
    for i in range(60)
    for stem, branch in [(STEMS[i % 10], BRANCHES[i % 12])]
)
"""The sixty pillars (육십갑자), by sexagenary index."""
