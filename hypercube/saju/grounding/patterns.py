"""One pattern for all the words of the lexicon, and what stands around them where they are everyday words, too."""

import re
from typing import Final

from hypercube.saju.grounding.lexicon import (
    ANIMALS,
    BARE_SINSAL,
    BRANCH_HANJA,
    BRANCH_LETTERS,
    BRANCH_NAMES,
    GODS,
    GODS_ENGLISH,
    GODS_HANJA,
    NAYINS,
    PILLAR_HANGUL,
    PILLAR_HANJA,
    PILLAR_ROMAN,
    RELATIONS,
    RELATIONS_ENGLISH,
    SINSAL,
    SINSAL_ENGLISH,
    STAGES,
    STAGES_ENGLISH,
    STEM_HANJA,
    STEM_LETTERS,
    STEM_NAMES,
    STEM_ROMAN,
    STRENGTHS,
    STRUCTURES,
    STRUCTURES_ENGLISH,
    ZODIAC,
)


def any_of(words: object) -> str:
    """An alternation, longest first."""
    return "|".join(re.escape(each) for each in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


_HANGUL_END: Final = r"(?=[이가은는을를과와의도로에라고며인,.\s)·\"'(]|입니다|으로|부터|만|$)"
_PATTERNS: Final = (
    # Places: whose letter it is.
    (
        "places_en",
        r"(?i:\b(?:year|month|day|hour)(?:,? and |, )(?:the )?(?:year|month|day|hour) (?:pillar|"
        r"stem|branche?)s\b)",
    ),
    ("place_en", r"(?i:\b(?:(?:year|month|day|hour) (?:pillar|stem|branch)|day master)\b)"),
    (
        "now_en",
        r"(?i:\b(?:this year(?:'s)?(?: pillar)?|the year's|this month(?:'s)?(?: pillar)?|"
        r"today(?:'s)?(?: pillar)?|its)(?: (?:stem|branch))?\b)",
    ),
    (
        "hour_stem",
        r"시간ㆍ?(?=\(時干\))(?:\(時干\))|시주(?:의)? 천간|시간(?=[과와] 시지|에 (?:있는|놓인|자리한|앉은) |의 (?:"
        + any_of(STEM_NAMES)
        + r"))",
    ),
    (
        "place",
        r"(?<![가-힣])(?:[연년월일](?:주|간|지)|시(?:주|지))(?:\([年月日時][柱干支]\))?(?=[는은이가을를과와의에도로라부만으인,.\s·:]|"
        r"$)|[年月日時][柱干支]",
    ),
    ("born", r"태어난 (?:해|달|날|시)(?=[는은이가를의에 ])"),
    ("which", r"(?<![가-힣] )(?<![가-힣])(?:천간|지지)(?=에 )"),
    ("spouse", r"배우자 ?(?:자리|궁)"),
    (
        "passing",
        r"(?:대운|세운|월운)(?:의)? ?(?:천간|지지|앞면)|(?:세운|월운|일진)(?=(?:은|는|이|가|의|으로는?|으로)? )"
        r"|올해|금년|이번 ?달|이달|오늘|내년|작년|지난해",
    ),
    ("age", r"(?:만 ?)?\d{1,3}(?:\.\d+)?(?:세|살)|(?i:\bage(?:d)? \d{1,3}(?:\.\d+)?)"),
    ("date", r"\d{4}-\d{2}-\d{2}"),
    ("year", r"\d{4}년|\b(?:1[89]|20|21)\d{2}\b"),
    ("structure", f"(?:{any_of(STRUCTURES)})|(?i:{any_of(STRUCTURES_ENGLISH)})"),
    ("sinsal", f"(?:{any_of(SINSAL)})(?:살)?{_HANGUL_END}"),
    ("void", r"공망"),
    ("nayin", any_of(NAYINS)),
    ("zodiac", any_of(ZODIAC)),
    ("zodiac_en", rf"(?i:\b(?:year|month) of the (?:{any_of(ANIMALS)})\b)"),
    (
        "month_of",
        rf"(?<![가-힣])(?:[{BRANCH_LETTERS}](?:\([{BRANCH_HANJA}]月\)|월(?:\([{BRANCH_HANJA}]月\))?)|"
        rf"[{BRANCH_HANJA}](?:월|月))(?=생|에 태어|에 나)",
    ),
    ("pillar", rf"(?:{any_of(PILLAR_HANJA)})(?:\((?:{any_of(PILLAR_HANGUL)})\))?"),
    ("pillar_both", rf"(?:{any_of(PILLAR_HANGUL)})(?=\((?:{any_of(PILLAR_HANJA)})\))"),
    (
        "pillar_ko",
        rf"(?<![가-힣])(?:{any_of(PILLAR_HANGUL)})(?=년|월|일|시|[ 이가은는을를과와의도로에라고인임예,.·)]|"
        rf"입니다|으로|에서|$)",
    ),
    ("pillar_en", rf"(?i:\b(?:{any_of(PILLAR_ROMAN)})\b)"),
    (
        "pair",
        rf"(?<![가-힣])(?:[{STEM_LETTERS}]{{2}}|[{BRANCH_LETTERS}]{{2}})(?= ?(?:합|충|"
        rf"형|파|해|원진|귀문|자형|육합|반합|상형)(?![가-힣]*[분실동]))",
    ),
    (
        "stem",
        rf"(?<![가-힣])(?:{any_of(STEM_NAMES)})(?:\((?:[{STEM_HANJA}{BRANCH_HANJA}][木火土金水]?)\))?{_HANGUL_END}|"
        rf"[{STEM_HANJA}][木火土金水]?|(?i:\b(?:{any_of(STEM_ROMAN)})\b)",
    ),
    (
        "branch",
        rf"(?<![가-힣])(?:{any_of(BRANCH_NAMES)})(?:\([{BRANCH_HANJA}][木火土金水]?\))?{_HANGUL_END}|"
        rf"[{BRANCH_HANJA}][木火土金水]?",
    ),
    ("strength", f"(?:{any_of(STRENGTHS)})(?=[한하이가으과의,. ]|입니다|에|$)"),
    (
        "strength_en",
        r"(?i:\b(?:very )?(?:strong|weak|balanced)(?= day master)|(?<=: )(?:very )?(?:strong|"
        r"weak|balanced)(?=\.$))",
    ),
    (
        "stage",
        rf"(?:{any_of(STAGES)})지(?=[에로라의가를,. ]|입니다|$)|(?:{any_of(STAGES)}){_HANGUL_END}|"
        rf"(?i:(?<=life stage of )(?:the )?(?:{any_of(STAGES_ENGLISH)}))",
    ),
    (
        "god",
        rf"(?:{any_of(GODS)})(?!없|관계|하지|할 것|격)(?:\([一-鿿]{{2}}\))?|(?:{any_of(GODS_HANJA)})(?!格)|"
        rf"(?i:\b(?:{any_of(GODS_ENGLISH)})s?\b(?! structure))",
    ),
    (
        "relation",
        rf"(?:{any_of([each for each in RELATIONS if len(each) > 1])})|(?<![가-힣])(?:충|"
        rf"형|파|해)(?:\([沖冲衝刑破害]\))?(?:살)?(?=이 |이라|이 되|으로|가 되|가 있|로 |는 |을 |를 |은 |과 |"
        rf"의 |입니다)|(?<=[{STEM_LETTERS}{BRANCH_LETTERS}]{{2}})(?:합|충|형|파|해)"
        rf"|(?<=[{STEM_LETTERS}{BRANCH_LETTERS}]{{2}} )(?:합|"
        rf"충|형|파|해)",
    ),
    ("relation_en", rf"(?i:\b(?:{any_of(RELATIONS_ENGLISH)})\b)"),
    ("sinsal_en", rf"(?i:\b(?:{any_of(SINSAL_ENGLISH)})\b)"),
    ("luck", r"대운|(?i:\bluck pillars?\b)"),
    ("direction", r"순행|역행|(?i:\brun(?:s|ning)? (?:forward|backward)\b)"),
    (
        "season",
        r"(?:한)?(?:봄|여름|가을|겨울)(?=(?:의 끝)?인 |에 난|에 나신|에 태어)|(?i:(?<=born )in (?:spring|"
        r"summer|autumn|winter))",
    ),
    ("sex", r"(?:남성|여성|남자|여자)(?=의 사주)|(?i:\ba (?:man|woman)(?='s chart))"),
)
_TOKEN: Final = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS))
_TOKEN_WITHOUT_LATIN: Final = re.compile(
    "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS if not kind.endswith("_en"))
)
"""Without the kinds that are written in Latin letters alone, which cost a Korean sentence two fifths of its time."""
_LATIN: Final = re.compile("[a-z]", re.IGNORECASE)


def scan(sentence: str) -> list[tuple[str, str, int, int]]:
    """Kind, words, start and end of every term, in order."""
    token = _TOKEN if _LATIN.search(sentence) else _TOKEN_WITHOUT_LATIN
    return [(str(m.lastgroup), m.group(), m.start(), m.end()) for m in token.finditer(sentence)]


def bare_sinsal(name: str) -> bool:
    """Whether a name is an everyday word, too."""
    return name in BARE_SINSAL
