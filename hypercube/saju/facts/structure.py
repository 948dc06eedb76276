"""Structure (격국) by the month branch: the eight regular ones, 건록격, 양인격 and 월겁격.

Rule `japyeong-exposure` (자평진전의 투출 원칙):
1. The month branch is the day stem's 건록: 건록격.
2. The day stem is yang and the month branch its 제왕: 양인격.
3. Else of the month branch's stems (main, middle, residual; the Chinese set, so that 子卯酉 have one alone
   and 午 has 丁 and 己), leaving out those of the day stem's own element, the first that also stands as year,
   month or hour stem (투출) gives its ten god's name.
4. Else the main one does, not exposed; and if that is of the day stem's own element, it is 월겁격.

Source: 子平眞詮 論用神, 論雜氣如何取用, 論陽刃, 論建祿月劫. Special structures (외격: 종격, 화격, 전왕격 …)
are left out: their conditions are a matter of judgement. Some let the 삼합 of the month branch change the
structure: not here.
"""

from typing import Final, NamedTuple

from hypercube.core.facts import Name
from hypercube.core.schools import HiddenStemSet
from hypercube.saju.facts.hidden_stems import HIDDEN, MAIN
from hypercube.saju.facts.life_stages import OFFICE_BRANCH, PEAK_BRANCH
from hypercube.saju.facts.symbols import STEM_ELEMENT
from hypercube.saju.facts.ten_gods import TEN_GODS, ten_god

BUILT_PROSPERITY: Final = 10
BLADE: Final = 11
MONTH_RIVAL: Final = 12

STRUCTURES: Final = (
    *(
        Name(f"{god.key}_structure", f"{god.hangul}격", f"{god.hanja}格", f"{god.english} structure")
        for god in TEN_GODS
    ),
    Name("built_prosperity", "건록격", "建祿格", "built prosperity"),
    Name("blade_structure", "양인격", "陽刃格", "blade structure"),
    Name("month_rival", "월겁격", "月劫格", "month rival"),
)
"""By code; 0 and 1 (비견격, 겁재격) are never given by this rule."""


class Found(NamedTuple):
    """A structure and what gave it."""

    code: int
    stem: int
    exposed: bool


def month_stems(month_branch: int) -> tuple[int, ...]:
    """The stems that rule 3 looks for, main first; their places are the bits of an exposure mask."""
    return tuple(hidden.stem for hidden in HIDDEN[HiddenStemSet.CHINESE][month_branch])


def structure(day_stem: int, month_branch: int, exposed: int) -> Found:
    """The structure of a day stem born in a month, given which of `month_stems` are exposed, as a mask."""
    found = month_stems(month_branch)
    main_exposed = bool(exposed & 1)
    if month_branch == OFFICE_BRANCH[day_stem]:
        return Found(BUILT_PROSPERITY, MAIN[month_branch], main_exposed)
    if day_stem % 2 == 0 and month_branch == PEAK_BRANCH[day_stem]:
        return Found(BLADE, MAIN[month_branch], main_exposed)
    for bit, stem in enumerate(found):
        if exposed >> bit & 1 and STEM_ELEMENT[stem] != STEM_ELEMENT[day_stem]:
            return Found(ten_god(day_stem, stem), stem, True)
    if STEM_ELEMENT[found[0]] == STEM_ELEMENT[day_stem]:
        return Found(MONTH_RIVAL, found[0], main_exposed)
    return Found(ten_god(day_stem, found[0]), found[0], False)
