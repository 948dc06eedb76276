"""The words by which a text names facts of a chart, in Korean, hanja and English, as one pattern.

`tokens` finds them and says what each is; what is claimed with them is `hypercube.saju.grounding.claims`. A word
of the everyday language that is also a term (시간, 해, 상관없이, 정신) is taken for one only where its neighbours
say so.
"""

from typing import Final

from hypercube.saju.facts.nayin import NAYIN
from hypercube.saju.facts.sinsal_rules import RULES
from hypercube.saju.facts.twelve_sinsal import TWELVE_SINSAL
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

Value = str | int | tuple[str, str] | frozenset[str] | tuple[int, ...]


STEM_LETTERS: Final = "".join(each.hangul for each in STEMS)
BRANCH_LETTERS: Final = "".join(each.hangul for each in BRANCHES)
STEM_HANJA: Final = "".join(each.hanja for each in STEMS)
BRANCH_HANJA: Final = "".join(each.hanja for each in BRANCHES)
_ELEMENT_HANGUL: Final = {"wood": "목", "fire": "화", "earth": "토", "metal": "금", "water": "수"}
ELEMENT_OF: Final = {
    **{hangul: key for key, hangul in _ELEMENT_HANGUL.items()},
    **dict(zip("木火土金水", _ELEMENT_HANGUL, strict=True)),
    **{key: key for key in _ELEMENT_HANGUL},
}

GODS: Final = {
    "비견": "peer",
    "겁재": "rival",
    "식신": "eating_god",
    "상관": "hurting_officer",
    "편재": "indirect_wealth",
    "정재": "direct_wealth",
    "편관": "indirect_officer",
    "칠살": "indirect_officer",
    "정관": "direct_officer",
    "편인": "indirect_resource",
    "정인": "direct_resource",
    "견겁": "peers",
    "비견겁": "peers",
    "식상관": "output",
    "관살": "officers",
    "비겁": "peers",
    "식상": "output",
    "재성": "wealth",
    "관성": "officers",
    "인성": "resource",
}
GODS_HANJA: Final = {
    "比肩": "peer",
    "劫財": "rival",
    "食神": "eating_god",
    "傷官": "hurting_officer",
    "偏財": "indirect_wealth",
    "正財": "direct_wealth",
    "偏官": "indirect_officer",
    "七殺": "indirect_officer",
    "正官": "direct_officer",
    "偏印": "indirect_resource",
    "正印": "direct_resource",
}
GODS_ENGLISH: Final = {
    "rob wealth": "rival",
    "eating god": "eating_god",
    "hurting officer": "hurting_officer",
    "indirect wealth": "indirect_wealth",
    "direct wealth": "direct_wealth",
    "seven killings": "indirect_officer",
    "indirect officer": "indirect_officer",
    "direct officer": "direct_officer",
    "indirect resource": "indirect_resource",
    "direct resource": "direct_resource",
    "peer": "peer",
    "peers": "peers",
}
STAGES: Final = dict(
    zip(
        ["장생", "목욕", "관대", "건록", "제왕", "쇠", "병", "사", "묘", "절", "태", "양"],
        [
            "birth",
            "bath",
            "crown",
            "office",
            "peak",
            "decline",
            "illness",
            "death",
            "tomb",
            "severance",
            "conception",
            "nurture",
        ],
        strict=True,
    )
)
STAGES_ENGLISH: Final = {
    "coming of age": "crown",
    **{each: each for each in STAGES.values()},
}
RELATIONS: Final = {
    "천간합": "stem_combination",
    "천간충": "stem_clash",
    "육합": "six_combination",
    "육충": "clash",
    "반방합": "half_direction",
    "반합": "half_triad",
    "공합": "arched_triad",
    "삼합": "triad",
    "방합": "direction",
    "삼형": "triple_punishment",
    "상형": "mutual_punishment",
    "자형": "self_punishment",
    "원진": "resentment",
    "귀문": "ghost_gate",
    "충": "clash",
    "형": "punishment",
    "파": "break",
    "해": "harm",
}
RELATIONS_ENGLISH: Final = {
    "stem combination": "stem_combination",
    "stem clash": "stem_clash",
    "six combination": "six_combination",
    "arched half triad": "arched_triad",
    "half triad": "half_triad",
    "directional pair": "half_direction",
    "directional trio": "direction",
    "triad": "triad",
    "mutual punishment": "mutual_punishment",
    "self punishment": "self_punishment",
    "triple punishment": "triple_punishment",
    "punishment": "punishment",
    "clash": "clash",
    "break": "break",
    "harm": "harm",
    "resentment": "resentment",
    "ghost gate": "ghost_gate",
}
STRUCTURES: Final = {
    **{f"{god}격": f"{key}_structure" for god, key in list(GODS.items())[:11]},
    "건록격": "built_prosperity",
    "양인격": "blade_structure",
    "월겁격": "month_rival",
}
STRUCTURES_ENGLISH: Final = {
    **{f"{god} structure": f"{key}_structure" for god, key in GODS_ENGLISH.items()},
    "built prosperity": "built_prosperity",
    "blade structure": "blade_structure",
    "month rival structure": "month_rival",
}
STRENGTHS: Final = {
    "극신약": "very_weak",
    "극신강": "very_strong",
    "신약": "weak",
    "신강": "strong",
    "신왕": "strong",
    "중화": "balanced",
}
ZODIAC: Final = dict(
    zip(
        [
            "쥐띠",
            "소띠",
            "호랑이띠",
            "토끼띠",
            "용띠",
            "뱀띠",
            "말띠",
            "양띠",
            "원숭이띠",
            "닭띠",
            "개띠",
            "돼지띠",
        ],
        range(12),
        strict=True,
    )
)
ZODIAC["범띠"] = 2
ANIMALS: dict[str, int] = dict(
    zip(
        [
            "rat",
            "ox",
            "tiger",
            "rabbit",
            "dragon",
            "snake",
            "horse",
            "goat",
            "monkey",
            "rooster",
            "dog",
            "pig",
        ],
        range(12),
        strict=True,
    )
)
ANIMALS |= {"sheep": 7, "hare": 3, "boar": 11}
BARE_SINSAL: Final = frozenset(["금여", "암록", "건록", "육수", "일덕", "금신", "천라", "지망"])
"""Everyday words, too: sinsal only after the name of a pillar."""


def _sinsal() -> dict[str, frozenset[str]]:
    """Names and their common short and long forms."""
    found: dict[str, set[str]] = {}
    for each in RULES:
        key, hangul = each.name.key, each.name.hangul
        names = {hangul}
        if hangul.endswith("귀인"):
            names.add(hangul[:-2]) if hangul[:-2] in ("천을", "문창", "문곡", "학당") else None
        if key.split("_")[0] in ("dohwa", "yeokma", "hwagae", "baekho", "goegang", "hongyeom", "hyeonchim"):
            names |= {hangul.removesuffix("살"), hangul.removesuffix("살") + "대살"}
        for word in names:
            found.setdefault(word, set()).add(key)
    for name in TWELVE_SINSAL:
        found.setdefault(name.hangul, set()).add(f"twelve.{name.key}")
    found.setdefault("귀문관", set()).add("gwimun")
    return {word: frozenset(keys) for word, keys in found.items()}


SINSAL: Final = _sinsal()
SINSAL_ENGLISH: Final = {
    "heavenly noble": "cheoneul",
    "white tiger": "baekho",
    "peach blossom": "dohwa",
    "travelling horse": "yeokma",
    "traveling horse": "yeokma",
    "canopy": "hwagae",
    "literary star": "munchang",
    "goegang": "goegang",
    "red charm": "hongyeom",
    "blade": "yangin",
    **{
        each.name.english.split(" by the ")[0]: each.name.key.split("_")[0]
        for each in RULES
        if each.name.key not in ("geonrok", "yangin")
    },
}
NAYINS: Final = {each.hangul: each.key for each in NAYIN}
PILLAR_HANGUL: Final = {each.hangul: each.index for each in PILLARS}
PILLAR_HANJA: Final = {each.hanja: each.index for each in PILLARS}
STEM_NAMES: Final = {each.hangul + _ELEMENT_HANGUL[each.element]: each.index for each in STEMS}
BRANCH_NAMES: Final = {each.hangul + _ELEMENT_HANGUL[each.element]: each.index for each in BRANCHES}
