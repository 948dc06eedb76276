"""Ten gods (십성): what a stem is to the day stem, by the cycle of elements and by polarity.

The element of the other, counted from one's own along generation, gives the pair: the same (비겁), what I
feed (식상), what I control (재성), what controls me (관성), what feeds me (인성). Equal polarity gives the even
code of the pair, unequal the odd one. Source: 淵海子平, 論十干正官 and its neighbours; no school differs.
"""

from typing import Final

from hypercube.core.facts import Name
from hypercube.saju.facts.hidden_stems import MAIN
from hypercube.saju.facts.symbols import STEM_ELEMENT

TEN_GODS: Final = (
    Name("peer", "비견", "比肩", "peer"),
    Name("rival", "겁재", "劫財", "rob wealth"),
    Name("eating_god", "식신", "食神", "eating god"),
    Name("hurting_officer", "상관", "傷官", "hurting officer"),
    Name("indirect_wealth", "편재", "偏財", "indirect wealth"),
    Name("direct_wealth", "정재", "正財", "direct wealth"),
    Name("indirect_officer", "편관", "偏官", "seven killings"),
    Name("direct_officer", "정관", "正官", "direct officer"),
    Name("indirect_resource", "편인", "偏印", "indirect resource"),
    Name("direct_resource", "정인", "正印", "direct resource"),
)
"""By code."""

DAY_MASTER: Final = 10
"""The code of the day stem itself (일간), in arrays of ten gods of stems."""

GROUPS: Final = (
    Name("peers", "비겁", "比劫", "peers"),
    Name("output", "식상", "食傷", "output"),
    Name("wealth", "재성", "財星", "wealth"),
    Name("officers", "관성", "官星", "officers"),
    Name("resource", "인성", "印星", "resource"),
)
"""The five pairs: the code of a ten god // 2."""


def ten_god(day_stem: int, stem: int) -> int:
    """Code 0..9 of `stem` as seen from `day_stem`, both 0..9."""
    group = (STEM_ELEMENT[stem] - STEM_ELEMENT[day_stem]) % 5
    return 2 * group + (day_stem + stem) % 2


def branch_god(day_stem: int, branch: int) -> int:
    """Code of a branch 0..11: that of its main hidden stem."""
    return ten_god(day_stem, MAIN[branch])


def inverse(god: int) -> int:
    """What the day stem is to a stem that is `god` to it."""
    return 2 * (-(god // 2) % 5) + god % 2
