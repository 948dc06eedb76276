"""The words by which a text names facts of a chart, in Korean, hanja and English, as one pattern.

`tokens` finds them and says what each is; what is claimed with them is `hypercube.saju.grounding.claims`. A word
of the everyday language that is also a term (시간, 해, 상관없이, 정신) is taken for one only where its neighbours
say so.
"""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.saju.facts.nayin import NAYIN
from hypercube.saju.facts.sinsal_rules import RULES
from hypercube.saju.facts.twelve_sinsal import TWELVE_SINSAL
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

Value = str | int | tuple[str, str] | frozenset[str] | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the field."""

    kind: str
    value: Value
    start: int
    end: int
    text: str


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
_POSITION: Final = {"연": "year", "년": "year", "월": "month", "일": "day", "시": "hour"}
_POSITION |= dict(zip("年月日時", ("year", "month", "day", "hour"), strict=True))
_PART: Final = {"주": "pillar", "간": "stem", "지": "branch", "柱": "pillar", "干": "stem", "支": "branch"}
_PINYIN_STEMS: Final = ["Jia", "Yi", "Bing", "Ding", "Wu", "Ji", "Geng", "Xin", "Ren", "Gui"]
_PINYIN_BRANCHES: Final = ["Zi", "Chou", "Yin", "Mao", "Chen", "Si", "Wu", "Wei", "Shen", "You", "Xu", "Hai"]
_ROMAN_STEMS: Final = ["Gap", "Eul", "Byeong", "Jeong", "Mu", "Gi", "Gyeong", "Sin", "Im", "Gye"]
_ROMAN_BRANCHES: Final = ["Ja", "Chuk", "In", "Myo", "Jin", "Sa", "O", "Mi", "Sin", "Yu", "Sul", "Hae"]

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
ANIMALS: Final = dict(
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
_BARE_SINSAL: Final = frozenset(["금여", "암록", "건록", "육수", "일덕", "금신", "천라", "지망"])
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
        for name in names:
            found.setdefault(name, set()).add(key)
    for each in TWELVE_SINSAL:
        found.setdefault(each.hangul, set()).add(f"twelve.{each.key}")
    found.setdefault("귀문관", set()).add("gwimun")
    return {name: frozenset(keys) for name, keys in found.items()}


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
        if each.name.key not in ("geonrok", "yangin", "wonjin", "gwimun")
    },
}
NAYINS: Final = {each.hangul: each.key for each in NAYIN}
PILLAR_HANGUL: Final = {each.hangul: each.index for each in PILLARS}
PILLAR_HANJA: Final = {each.hanja: each.index for each in PILLARS}
PILLAR_ROMAN: Final = {
    f"{stems[each.stem.index]}-{branches[each.branch.index]}".lower(): each.index
    for stems, branches in ((_ROMAN_STEMS, _ROMAN_BRANCHES), (_PINYIN_STEMS, _PINYIN_BRANCHES))
    for each in PILLARS
}
STEM_NAMES: Final = {each.hangul + _ELEMENT_HANGUL[each.element]: each.index for each in STEMS}
BRANCH_NAMES: Final = {each.hangul + _ELEMENT_HANGUL[each.element]: each.index for each in BRANCHES}
STEM_ROMAN: Final = {
    f"{names[each.index]} {each.element}".lower(): each.index
    for names in (_ROMAN_STEMS, _PINYIN_STEMS)
    for each in STEMS
}


def any_of(words: object) -> str:
    """An alternation, longest first."""
    return "|".join(re.escape(each) for each in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


_HANGUL_END: Final = r"(?=[이가은는을를과와의도로에라고며인,.\s)·\"'(]|입니다|으로|부터|만|$)"
_PATTERNS: Final = (
    # Places: whose letter it is.
    ("places_en", r"(?i:\b(?:year|month|day|hour)(?:,? and |, )(?:the )?(?:year|month|day|hour) (?:pillar|stem|branche?)s\b)"),
    ("place_en", r"(?i:\b(?:(?:year|month|day|hour) (?:pillar|stem|branch)|day master)\b)"),
    ("now_en", r"(?i:\b(?:this year(?:'s)?(?: pillar)?|the year's|this month(?:'s)?(?: pillar)?|today(?:'s)?(?: pillar)?|its)(?: (?:stem|branch))?\b)"),
    ("hour_stem", r"시간ㆍ?(?=\(時干\))(?:\(時干\))|시주(?:의)? 천간|시간(?=[과와] 시지|의 (?:" + any_of(STEM_NAMES) + r"))"),
    ("place", r"(?<![가-힣])(?:[연년월일](?:주|간|지)|시(?:주|지))(?:\([年月日時][柱干支]\))?(?=[는은이가을를과와의에도로라부만으인,.\s·:]|$)|[年月日時][柱干支]"),
    ("born", r"태어난 (?:해|달|날|시)(?=[는은이가를의에 ])"),
    ("which", r"(?<![가-힣] )(?<![가-힣])(?:천간|지지)(?=에 )"),
    ("spouse", r"배우자 ?(?:자리|궁)"),
    ("passing", r"(?:대운|세운|월운)(?:의)? ?(?:천간|지지|앞면)|(?:세운|월운|일진)(?=[은는이가의]? )|올해|금년|이번 ?달|이달|오늘|내년|작년|지난해"),
    ("age", r"(?:만 ?)?\d{1,3}(?:\.\d+)?(?:세|살)|(?i:\bage(?:d)? \d{1,3}(?:\.\d+)?)"),
    ("date", r"\d{4}-\d{2}-\d{2}"),
    ("year", r"\d{4}년|\b(?:1[89]|20|21)\d{2}\b"),
    ("structure", f"(?:{any_of(STRUCTURES)})|(?i:{any_of(STRUCTURES_ENGLISH)})"),
    ("sinsal", f"(?:{any_of(SINSAL)})(?:살)?{_HANGUL_END}"),
    ("void", r"공망"),
    ("nayin", any_of(NAYINS)),
    ("zodiac", any_of(ZODIAC)),
    ("zodiac_en", rf"(?i:\b(?:year|month) of the (?:{any_of(ANIMALS)})\b)"),
    ("month_of", rf"(?<![가-힣])(?:[{BRANCH_LETTERS}](?:\([{BRANCH_HANJA}]月\)|월(?:\([{BRANCH_HANJA}]月\))?)|[{BRANCH_HANJA}](?:월|月))(?=생|에 태어|에 나)"),
    ("pillar", rf"(?:{any_of(PILLAR_HANJA)})(?:\((?:{any_of(PILLAR_HANGUL)})\))?"),
    ("pillar_both", rf"(?:{any_of(PILLAR_HANGUL)})(?=\((?:{any_of(PILLAR_HANJA)})\))"),
    ("pillar_ko", rf"(?<![가-힣])(?:{any_of(PILLAR_HANGUL)})(?=년|월|일|시|[ 이가은는을를과와의도로에라고인임예,.·)]|입니다|으로|에서|$)"),
    ("pillar_en", rf"(?i:\b(?:{any_of(PILLAR_ROMAN)})\b)"),
    ("pair", rf"(?<![가-힣])(?:[{STEM_LETTERS}]{{2}}|[{BRANCH_LETTERS}]{{2}})(?= ?(?:합|충|형|파|해|원진|귀문|자형|육합|반합|상형)(?![가-힣]*[분실동]))"),
    ("stem", rf"(?<![가-힣])(?:{any_of(STEM_NAMES)})(?:\((?:[{STEM_HANJA}{BRANCH_HANJA}][木火土金水]?)\))?{_HANGUL_END}|[{STEM_HANJA}][木火土金水]?|(?i:\b(?:{any_of(STEM_ROMAN)})\b)"),
    ("branch", rf"(?<![가-힣])(?:{any_of(BRANCH_NAMES)})(?:\([{BRANCH_HANJA}][木火土金水]?\))?{_HANGUL_END}|[{BRANCH_HANJA}][木火土金水]?"),
    ("strength", f"(?:{any_of(STRENGTHS)})(?=[한하이가으과의,. ]|입니다|에|$)"),
    ("strength_en", r"(?i:\b(?:very )?(?:strong|weak|balanced)(?= day master)|(?<=: )(?:very )?(?:strong|weak|balanced)(?=\.$))"),
    ("stage", rf"(?:{any_of(STAGES)})지(?=[에로라의가를,. ]|입니다|$)|(?:{any_of(STAGES)}){_HANGUL_END}|(?i:(?<=life stage of )(?:the )?(?:{any_of(STAGES_ENGLISH)}))"),
    ("god", rf"(?:{any_of(GODS)})(?!없|관계|하지|할 것|격)(?:\([一-鿿]{{2}}\))?|(?:{any_of(GODS_HANJA)})(?!格)|(?i:\b(?:{any_of(GODS_ENGLISH)})s?\b(?! structure))"),
    ("relation", rf"(?:{any_of([each for each in RELATIONS if len(each) > 1])})|(?<![가-힣])(?:충|형|파|해)(?:\([沖冲衝刑破害]\))?(?:살)?(?=이 |이라|이 되|으로|가 되|가 있|로 |는 |을 |를 |은 |과 |의 |입니다)|(?<=[{STEM_LETTERS}{BRANCH_LETTERS}]{{2}})(?:합|충|형|파|해)|(?<=[{STEM_LETTERS}{BRANCH_LETTERS}]{{2}} )(?:합|충|형|파|해)"),
    ("relation_en", rf"(?i:\b(?:{any_of(RELATIONS_ENGLISH)})\b)"),
    ("sinsal_en", rf"(?i:\b(?:{any_of(SINSAL_ENGLISH)})\b)"),
    ("luck", r"대운|(?i:\bluck pillars?\b)"),
    ("direction", r"순행|역행|(?i:\brun(?:s|ning)? (?:forward|backward)\b)"),
    ("season", r"(?:한)?(?:봄|여름|가을|겨울)(?=(?:의 끝)?인 |에 난|에 나신|에 태어)|(?i:(?<=born )in (?:spring|summer|autumn|winter))"),
    ("sex", r"(?:남성|여성|남자|여자)(?=의 사주)|(?i:\ba (?:man|woman)(?='s chart))"),
)  # fmt: skip
_TOKEN: Final = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS))


def scan(sentence: str) -> list[tuple[str, str, int, int]]:
    """Kind, words, start and end of every term, in order."""
    return [(str(m.lastgroup), m.group(), m.start(), m.end()) for m in _TOKEN.finditer(sentence)]


def bare_sinsal(name: str) -> bool:
    """Whether a name is an everyday word, too."""
    return name in _BARE_SINSAL
