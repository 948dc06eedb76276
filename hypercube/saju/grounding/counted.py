"""What a sentence says of the whole chart by numbers: all five elements, points of support, yin and yang."""

import re
from typing import Final

from hypercube.saju.grounding.lexicon import BRANCH_LETTERS, STEM_LETTERS
from hypercube.saju.grounding.numbers import SMALL, SMALL_EN, number_of
from hypercube.saju.grounding.speech import DENIED_AFTER
from hypercube.saju.grounding.statement import Statement

_FULL: Final = re.compile(
    r"(?:다섯 오행|오행|다섯 가지 오행|다섯 기운|다섯 가지 기운|목화토금수|五行)(?:이|을|의 기운이"
    r"|의 다섯 기운이)? ?(?:드러난 글자에 |사주에 |원국에 |사주 안에 )?"
    r"(?:모두|전부|다|고루|골고루|빠짐없이|하나도 빠짐없이|전부 다) ?(?:갖추|갖춰|갖고|있|들어|구비|드러|나타|섞)"
    r"|다섯 오행이 드러난 글자에 빠짐없이|오행이 (?:고루|골고루) 갖추어|오행을 (?:모두|다|고루|골고루) 갖"
    r"|[Aa]ll (?:of the )?five elements(?: are| appear)?|five elements are all present"
    r"|[Ee]very element is (?:present|there)"
)
_SUPPORT: Final = re.compile(
    r"(?:(\d+)점 (?:가운데|중에서?|중|만점에|만점 중) (\d+)점)|(?:scores (\d+) of (\d+))"
)
_POLARITY: Final = re.compile(
    rf"(?<![가-힣])양(?:이|의 글자가|은|은 글자가)? ?({SMALL})(?: ?(?:개|글자))?(?:이고|이며|,|로|에)? ?음(?:이"
    rf"|의 글자가|은)? ?({SMALL})"
    rf"|\b({SMALL_EN}) yang (?:characters |letters )?and ({SMALL_EN}) yin"
)
_REVERSED: Final = re.compile(
    rf"(?<![가-힣])음(?:이|의 글자가|은)? ?({SMALL})(?: ?(?:개|글자))?(?:이고|이며|,|로|에)? ?"
    rf"양(?:이|의 글자가|은)? ?({SMALL})"
)
_EACH: Final = re.compile(
    rf"양과 음(?:의 글자)?(?:가|이|은) ?각각 ({SMALL})(?: ?(?:개|글자))?(?:(?:과|와|,) ?({SMALL}))?"
)
_MORE: Final = re.compile(
    r"(?<![가-힣])(음|양)(?:의)? ?(?:기운|글자)?(?:이|가) (?:더 |훨씬 |좀 더 )?(?:우세|우월|많(?:은 |습|아|네|고))"
)
_EVEN: Final = re.compile(r"음과 양의 글자가 같은 수|음양이 (?:반반|균형|절반씩)|equal in number")
_ONE: Final = re.compile(rf"(음|양)의 글자(?:가|만|는) ?({SMALL})(?!도)")
_NONE: Final = re.compile(r"(음|양)의 글자(?:가|는) ?(?:하나도 |전혀 |아예 )?없")
_MISSING: Final = re.compile(
    rf"오행(?:이|은|도)? ?({SMALL}) ?(?:개|가지)?(?:나|가|는)? ?(?:비어|빠져|빠진|없)"
)
_ROW: Final = re.compile(
    rf"(천간|지지)(?:에는|에|은|는|이|가|:)? ?"
    rf"([{STEM_LETTERS}{BRANCH_LETTERS}](?:(?:[,·]| |, )[{STEM_LETTERS}{BRANCH_LETTERS}]){{2,3}})"
    r"(?=[이가은는을를로으입 ,.]|$)"
)
_ALL: Final = re.compile(
    r"(?:여덟 글자|팔자|네 기둥|모든 글자|글자)(?:가|이|는)? ?(?:모두|전부|다|죄다|온통|하나같이) ?(음"
    r"|양)(?=이|으로|의|인|입|\b)"
    r"|(?:[Aa]ll eight|[Ee]very|[Aa]ll) (?:characters?|letters?)[^.,]{0,14} (?:is|are) (yin|yang)"
    r"|(?<![가-힣])(음|양)팔통"
)


def statements(sentence: str) -> list[Statement]:
    """Every such phrase of a sentence."""
    found: list[Statement] = []
    if said := _FULL.search(sentence):
        negated = bool(
            re.search(r"지(?:는|도)? ?(?:않|못)|\bnot\b|n't", sentence[said.end() : said.end() + 14])
        )
        found.append(_made("elements_full", "", said, negated=negated))
    if said := _SUPPORT.search(sentence):
        korean = said.group(1) is not None
        available, support = (said.group(1), said.group(2)) if korean else (said.group(4), said.group(3))
        found.append(_made("support", support, said, available))
    both = _POLARITY.search(sentence)
    if both:
        yang, yin = (str(number_of(each)) for each in both.groups() if each is not None)
        found.append(_made("polarity", yang, both, yin))
    elif both := _REVERSED.search(sentence):
        found.append(_made("polarity", str(number_of(both.group(2))), both, str(number_of(both.group(1)))))
    each_of = _EACH.search(sentence)
    if each_of:
        first, second = number_of(each_of.group(1)), number_of(each_of.group(2) or each_of.group(1))
        found.append(_made("polarity", str(first), each_of, str(second)))
    if said := _MORE.search(sentence):
        side = "yin" if said.group(1) == "음" else "yang"
        found.append(_made("polarity_more", side, said))
    if said := _NONE.search(sentence):
        found.append(_made("polarity_one", "yin" if said.group(1) == "음" else "yang", said, "0"))
    if said := _MISSING.search(sentence):
        found.append(_made("elements_missing", "", said, str(number_of(said.group(1)))))
    if (said := _ROW.search(sentence)) and (row := _row(said.group(1), said.group(2))):
        found.append(_made("stem_row" if said.group(1) == "천간" else "branch_row", row, said))
    if said := _EVEN.search(sentence):
        found.append(_made("polarity", "even", said))
    if said := _ALL.search(sentence):
        side = next(each for each in said.groups() if each is not None)
        negated = bool(DENIED_AFTER.match(sentence[said.end() :]))
        found.append(_made("polarity_all", "yin" if side in ("음", "yin") else "yang", said, negated=negated))
    if not both:
        for match in _ONE.finditer(sentence):
            side = "yin" if match.group(1) == "음" else "yang"
            found.append(_made("polarity_one", side, match, str(number_of(match.group(2)))))
    return found


def _row(which: str, text: str) -> str:
    """Indices of the letters of a row, or "" where one is of the other kind."""
    letters, of = re.sub(r"[,· ]", "", text), STEM_LETTERS if which == "천간" else BRANCH_LETTERS
    return ",".join(str(of.index(each)) for each in letters) if all(each in of for each in letters) else ""


def _made(
    kind: str, value: str, match: re.Match[str], detail: str = "", *, negated: bool = False
) -> Statement:
    return Statement(kind, value, match.start(), match.end(), match.group(), negated, detail)
