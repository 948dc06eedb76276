"""The twelve sinsal (12신살): every branch's place in the cycle of the basis branch's triad (삼합).

The cycle begins with 겁살 in the branch after the triad's last one (for 申子辰 in 巳) and runs forward; 지살,
장성살 and 화개살 fall on the triad itself, and 연살 is 도화살. Read from the year branch, and by many today
from the day branch; both are given. Source: 三命通會 論劫煞亡神, 論災煞, 論驛馬, 論將星華蓋, 論咸池; the row
of twelve as in Korean almanacs.
"""

from typing import Final

from hypercube.core.facts import Name

TWELVE_SINSAL: Final = (
    Name("geop", "겁살", "劫殺", "robbery"),
    Name("jae", "재살", "災殺", "calamity"),
    Name("cheon", "천살", "天殺", "heaven"),
    Name("ji", "지살", "地殺", "earth"),
    Name("yeon", "연살", "年殺", "peach blossom"),
    Name("wol", "월살", "月殺", "month"),
    Name("mangsin", "망신살", "亡身殺", "disgrace"),
    Name("jangseong", "장성살", "將星殺", "general"),
    Name("banan", "반안살", "攀鞍殺", "saddle"),
    Name("yeokma", "역마살", "驛馬殺", "travelling horse"),
    Name("yukhae", "육해살", "六害殺", "six harms"),
    Name("hwagae", "화개살", "華蓋殺", "canopy"),
)
"""By code."""


def twelve_sinsal(basis: int, branch: int) -> int:
    """Code 0..11 that a year or day branch `basis` makes of `branch`, both 0..11."""
    # Branches of a triad are four apart; 申子辰 (0 mod 4) begins in 巳, and each later triad three branches back.
    return (branch - (5 - 3 * (basis % 4))) % 12
