"""One pattern for all the words of the lexicon, and what stands around them where they are everyday words, too."""

import re
from typing import Final

from hypercube.saju.grounding import english
from hypercube.saju.grounding.lexicon import (
    ANIMALS,
    BARE_SINSAL,
    BRANCH_HANJA,
    BRANCH_LETTERS,
    BRANCH_NAMES,
    GODS,
    GODS_HANJA,
    NAYINS,
    PILLAR_HANGUL,
    PILLAR_HANJA,
    RELATIONS,
    RELATIONS_ENGLISH,
    SINSAL,
    SINSAL_ENGLISH,
    STAGES,
    STAGES_ENGLISH,
    STEM_HANJA,
    STEM_LETTERS,
    STEM_NAMES,
    STRENGTHS,
    STRUCTURES,
    STRUCTURES_ENGLISH,
    ZODIAC,
)
from hypercube.saju.grounding.numbers import ENGLISH_AGE, NATIVE_AGE, SINO_AGE


def any_of(words: object) -> str:
    """An alternation, longest first."""
    return "|".join(re.escape(each) for each in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


_PARTICLE: Final = (
    r"(?:[이가은는을를과와의도로라에고며인임예네죠지다답만일자랑뿐]|으로|부터|까지|처럼"
    r"|같|입니다|입니|하고|보다|마저|조차|였|었|아래|위)"
)
_END: Final = rf"(?=[^가-힣]|$|{_PARTICLE})"
_ROLE: Final = r"(?:pillar|stem|branch|column)"
_POSITION: Final = r"(?:year|month|day|hour)"
_KOREAN: Final = (
    (
        "hour_stem",
        r"(?<=[이가은는도] )시간(?=에 (?:하나|둘|셋|있|떠|뜬|뜨|자리|놓))|시간ㆍ?\(時干\)"
        r"|시주(?:의)? 천간|시간(?=[과와] 시지|에(?:는)? (?:있는|놓인|자리한|앉은|뜬|드러난) "
        rf"|[에의](?:는)? (?:{any_of([*GODS, *STEM_NAMES])}|[{STEM_HANJA}]))"
        rf"|(?<=[연년월일]간[과와] )시간|(?<=[연년월일]간, )시간|(?<=[연년월일]간·)시간",
    ),
    (
        "self_strength",
        r"(?:일간|일주|나)(?:이|은|의 (?:힘|기운|세력)(?:이|은))? ?(?:매우 |아주 |다소 |조금 |워낙 |상당히 |꽤 )?"
        r"(?:약하|약한|약해|약합|허약|강하|강한|강해|강합|튼튼|왕하|왕성)"
        r"|(?<![가-힣])(?:강한|약한) ?(?:사주|명식|일간|명조)",
    ),
    (
        "place",
        r"(?<![가-힣])(?:[연년월일](?:주|간|지)|시(?:주|지)|생(?:년|월|일|시)(?=의 |에 )"
        r"|[연년월일시] ?기둥)(?:\([年月日時][柱干支]\))?"
        r"(?: ?(?:천간|지지)(?=[에의은는이가로]|으로))?"
        r"(?=[는은이가을를과와의에도로라부만으인엔,.\s·:/\-]|입니|예요|죠|였|께|$)|[年月日時][柱干支]",
    ),
    ("born", r"태어난 ?(?:해|달|날|시)(?:의 (?:천간|지지|기둥|간지))?(?=[는은이가를의에 ,])"),
    ("which", r"(?<![가-힣] )(?<![가-힣])(?:천간|지지)(?=에 )"),
    (
        "palace",
        r"(?:배우자|부부|결혼) ?(?:자리|궁)|(?:자식|자녀) ?(?:자리|궁)|(?:부모|사회|직업) ?(?:자리|궁)"
        r"|조상 ?(?:자리|궁)",
    ),
    ("beneath", r"(?:(?:일간|발|자신|당신|그|몸)(?:의|은|이)? ?(?:바로 )?(?:아래|밑)(?:에|에는|로)?)(?= )"),
    (
        "passing",
        r"(?:대운|세운|월운)(?:의)? ?(?:천간|지지|앞면)|(?:세운|월운|일진)(?=(?:은|는|이|가|의|으로는?|으로)? )"
        r"|올해|금년|이번 ?달|이달|오늘|내년|작년|지난해",
    ),
    (
        "age",
        rf"(?<!\d)\d{{1,2}}(?= ?[~\-–∼] ?\d{{1,3}}세)"
        rf"|(?:만(?:으로)? ?)?(?:\d{{1,3}}(?:\.\d+)?|(?<![가-힣])(?:{NATIVE_AGE}|{SINO_AGE}) ?)(?:세|살)"
        r"(?!기|상|계|운|씩| 단위| 터울| 차이)"
        rf"|(?<![가-힣])(?:{NATIVE_AGE})(?=이 되|(?<!열)에 |부터|까지|에서|이 (?:넘|지)|을 (?:넘|지))",
    ),
    # Spelled out only where it says what counts as now: of a birth or a luck pillar, the year is looked at.
    (
        "date",
        r"\d{4}-\d{2}-\d{2}|\d{4}년 \d{1,2}월 \d{1,2}일(?= (?:기준|현재))"
        rf"|(?<=[Aa]s of )\d{{1,2}} (?:{any_of(english.MONTHS)}) \d{{4}}\b",
    ),
    ("year", r"\d{4}년|(?<!\d)\d{2}년(?=생)|\b(?:1[89]|20|21)\d{2}\b"),
    ("structure", f"(?:{any_of(STRUCTURES)})"),
    ("sinsal", f"(?:{any_of(SINSAL)})(?:살)?{_END}"),
    ("void", r"공망"),
    ("nayin", any_of(NAYINS)),
    ("zodiac", rf"(?:{any_of(ZODIAC)})"),
    ("zodiac_ko", r"(?:쥐|호랑이|토끼|용|뱀|말|원숭이|닭|개|돼지)(?:의)? ?해(?=에 (?:태어|난)|생)"),
    (
        "month_of",
        rf"(?<![가-힣\d])(?:[{BRANCH_LETTERS}](?:\([{BRANCH_HANJA}]月\)|월(?:\([{BRANCH_HANJA}]月?\))?)|[{BRANCH_HANJA}](?:월|月))"
        r"(?=생|에 (?:태어|난|나|났|출생)|의 |이라|이니|이고|이며|이에|입니다|이므로|출생| 출생|인 만큼|, )",
    ),
    ("pillar", rf"(?:{any_of(PILLAR_HANJA)})(?:\((?:{any_of(PILLAR_HANGUL)})\))?"),
    ("pillar_both", rf"(?:{any_of(PILLAR_HANGUL)})(?=\((?:{any_of(PILLAR_HANJA)})\))"),
    ("pillar_ko", rf"(?<![가-힣])(?:{any_of(PILLAR_HANGUL)})(?=년|월|일|시|생|대운|{_PARTICLE}|[^가-힣]|$)"),
    (
        "pair",
        rf"(?<![가-힣])(?:[{STEM_LETTERS}]{{2}}|[{BRANCH_LETTERS}]{{2,3}})(?= ?(?:천간합|천간충|합(?!니다|니까)|충"
        rf"|형|파|해(?![서요졌질지])|원진|귀문|자형|육합|반합|상형|삼형|삼합|방합)"
        rf"(?![가-힣]*[분실동격창리산]))|(?:[{STEM_HANJA}]{{2}}|[{BRANCH_HANJA}]{{2,3}})(?= ?[沖冲衝合刑破害三])",
    ),
    (
        "stem",
        rf"(?<![가-힣])(?:{any_of(STEM_NAMES)})(?:\((?:[{STEM_HANJA}{BRANCH_HANJA}][木火土金水]?)\))?(?=기운|일간|일주|일생|{_PARTICLE}|[^가-힣]|$)|"
        rf"[{STEM_HANJA}][木火土金水]?",
    ),
    (
        "branch",
        rf"(?<![가-힣])(?:{any_of(BRANCH_NAMES)})(?:\([{BRANCH_HANJA}][木火土金水]?\))?(?=기운|{_PARTICLE}|[^가-힣]|$)|(?!子平|未來)[{BRANCH_HANJA}][木火土金水]?",
    ),
    ("strength", f"(?:{any_of(STRENGTHS)})(?=[한하합해함이가으과의에도,. ]|된|되|입니다|사주|$)"),
    ("stage", rf"(?:{any_of(STAGES)})지(?=[에로라의가를,. ]|입니다|$)|(?:{any_of(STAGES)}){_END}"),
    (
        "god",
        rf"(?:{any_of(GODS)})(?!없|관계|하지|할 것|격|공)(?:\([一-鿿]{{2}}\))?|(?:{any_of(GODS_HANJA)})(?!格)",
    ),
    (
        "relation",
        rf"(?:{any_of([each for each in RELATIONS if len(each) > 1])})"
        # 묘사합니다, 진술해서: a verb of everyday language, not a bond of two letters.
        rf"|(?<=[{STEM_LETTERS}{BRANCH_LETTERS}]{{2}})(?:합(?!니다|니까)|충|형|파|해(?![서요졌질지]))"
        rf"|(?<=[{STEM_LETTERS}{BRANCH_LETTERS}]{{2}} )(?:합|충|형|파|해)"
        rf"|(?<=[{STEM_HANJA}{BRANCH_HANJA}]{{2}})(?:三合|三刑|[沖冲衝刑破害合])"
        r"|(?<![가-힣])(?:합|충|형|파|해)\([沖冲衝刑破害合]\)"
        r"|(?<![가-힣])(?:충|형|파|해)(?:살)?(?=이 |이라|이 되|으로|가 되|가 있|로 |는 |을 |를 |은 "
        r"|과 |의 |입니다|하는|하고)"
        r"|(?<![가-힣])(?:합|충)(?=하(?:는|니|여|고|며|지))"
        r"|(?<![가-힣])합(?=[을이] (?:이루|되|맺|있|들|하|걸|성립)|의 관계|으로 (?:묶|이어)|하(?:는|여"
        r"|고) 있|이라|을 한|입니다)",
    ),
    ("luck", r"대운"),
    ("direction", r"순행|역행"),
    (
        "season",
        r"(?:한|초|늦|이른 |늦은 )?(?:봄|여름|가을|겨울)(?:의 (?:문턱|끝|끝자락|한가운데|초입|절정"
        r"|들머리|한복판|첫머리))?"
        r"(?=(?:의 끝)?인 |에 나|에 난|에 났|에 태어|생|의 (?:기운을 받고 |기운으로 )?태어|철에 태어"
        r"|의 (?:물|불|나무|흙|쇠|바위|산)(?=입니다|이라|로 태어))",
    ),
    (
        "sex",
        r"(?:남성|여성|(?:남자|여자)(?:아이)?)"
        r"(?=의 사주|이시|이신|분|로 태어|으로 태어|이고|입니다| 사주| 명식|으로[ ,])",
    ),
)
_ENGLISH: Final = (
    (
        "places_en",
        rf"(?i:\b{_POSITION}(?:, (?:the |your )?{_POSITION})?(?:,? (?:and|&) |, )(?:the |your )?{_POSITION} "
        r"(?:pillar|(?:heavenly )?stem|(?:earthly )?branche?)s\b)",
    ),
    (
        "place_en",
        rf"(?i:\b{_POSITION}(?:'s)? (?:(?:heavenly |earthly )?{_ROLE})(?:'s (?:stem|branch))?\b"
        rf"|\bday[- ]?master\b|\bilgan\b"
        rf"|\b(?:(?:heavenly |earthly )?{_ROLE}) of (?:the |your )?{_POSITION}(?: pillar)?\b"
        rf"|\b(?:spouse|marriage|children|career|parents?) palace\b)",
    ),
    (
        "beneath_en",
        r"(?i:\b(?:beneath|under(?:neath)?|below) (?:you|your day master|it|the day master|your self)\b)",
    ),
    (
        "now_en",
        r"(?i:\b(?:this year(?:'s)?(?: pillar)?|the year's|this month(?:'s)?(?: pillar)?|"
        r"today(?:'s)?(?: pillar)?|its)(?: (?:stem|branch))?\b)",
    ),
    (
        "age",
        rf"(?i:\b(?:age(?:s|d)?|at|turn(?:ing)?|from) (?:age )?(?:of )?(?:\d{{1,3}}(?:\.\d+)?(?![\d%])"
        rf"|{ENGLISH_AGE})\b)",
    ),
    ("structure", f"(?i:{any_of(STRUCTURES_ENGLISH)})"),
    ("zodiac_en", rf"(?i:\b(?:year|month) of the (?:{any_of(ANIMALS)})\b)"),
    (
        "born_as",
        rf"\b(?:you are|you're|born|You are|as"
        rf"|As) an? (?:{any_of(name.capitalize() for name in ANIMALS)})\b(?! day| month| hour)",
    ),
    (
        "month_of_en",
        rf"(?i:(?<=born in )(?:the )?(?:month of (?:the )?)?(?:{any_of(english.BRANCH_BARE)})(?: month)?\b)",
    ),
    ("pillar_en", english.PILLAR_PATTERN),
    ("stem_en", rf"(?i:\b(?:{any_of(english.STEM_ROMAN)})\b)"),
    (
        "strength_en",
        r"(?i:\b(?:very |rather |fairly |quite |extremely |somewhat )?(?:strong|weak"
        r"|balanced)(?= day master| self| chart| (?:wood|fire|earth|metal|water) (?:self"
        r"|day master))|(?<=: )(?:very )?(?:strong|"
        r"weak|balanced)(?=\.$)|(?<=chart is )(?:very )?(?:strong|weak|balanced)\b"
        r"|(?<=as a whole is )(?:very )?(?:strong|weak|balanced)\b|(?<=day master is )(?:very "
        r"|rather |fairly |quite |extremely |somewhat |neither )?(?:strong|weak|balanced)\b)",
    ),
    ("stage_en", rf"(?i:(?<=life stage of )(?:the )?(?:{any_of(STAGES_ENGLISH)}))"),
    ("god_en", rf"(?i:\b(?:{any_of(english.GODS)})s?\b(?! structure))"),
    (
        "relation_en",
        rf"(?i:\b(?:{any_of(RELATIONS_ENGLISH)})(?:s|es|ing)?\b|\b(?:combine|combination|combining)s?\b)",
    ),
    ("sinsal_en", rf"(?i:\b(?:{any_of(SINSAL_ENGLISH)})\b)"),
    (
        "luck",
        r"(?i:\b(?:luck (?:pillar|cycle|period)|(?:ten|10)-year (?:luck|cycle|period)|daeun|da yun)s?\b)",
    ),
    ("direction", r"(?i:\b(?:run(?:s|ning)?|flow(?:s|ing)?|move(?:s)?) (?:forward|backward)s?\b)"),
    (
        "season",
        r"(?i:(?<=born )(?:in|during|at) (?:the )?(?:(?:mid|late|early|deep)[- ]?|(?:middle|depths?"
        r"|heart|height|end|start|beginning|dead|peak|threshold) of )?(?:spring|summer|autumn"
        r"|winter))",
    ),
    ("sex", r"(?i:\ba (?:man|woman|boy|girl)(?='s chart))"),
    (
        "branch_en",
        rf"(?:(?<=branch is )|(?<=branch are )|(?<=branches are ))You\b|\b(?:{any_of(english.BRANCH_BARE)})\b",
    ),
    ("stem_bare", rf"\b(?:{any_of(english.STEM_BARE)})\b"),
)


def _one(patterns: tuple[tuple[str, str], ...], suffix: str = "") -> str:
    return "|".join(f"(?P<{kind}{suffix}>{pattern})" for kind, pattern in patterns)


# English and Korean words are told apart by their first letter, so that each is tried against its own words only.
_TOKEN: Final = re.compile(f"(?=[A-Za-z])(?:{_one(_ENGLISH, '_E')})|(?![A-Za-z\\s])(?:{_one(_KOREAN)})")


def scan(sentence: str) -> list[tuple[str, str, int, int]]:
    """Kind, words, start and end of every term, in order."""
    return [
        (str(m.lastgroup).removesuffix("_E"), m.group(), m.start(), m.end())
        for m in _TOKEN.finditer(sentence)
    ]


def bare_sinsal(name: str) -> bool:
    """Whether a name is an everyday word, too."""
    return name in BARE_SINSAL
