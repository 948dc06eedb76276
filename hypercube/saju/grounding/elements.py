"""What a sentence says of the five elements: none, there, how many, what share, most, least, much, little, useful.

An element's name is an everyday word (목, 화, 수), so a name alone says nothing: what counts is what is predicated
of it, or of the list that it stands in ("목과 화, 수가 하나도 없"), within its clause.
"""

import re
from typing import Final

from hypercube.saju.grounding import counted
from hypercube.saju.grounding.lexicon import ELEMENT_OF
from hypercube.saju.grounding.numbers import SMALL, SMALL_EN, number_of
from hypercube.saju.grounding.speech import DENIED_AFTER
from hypercube.saju.grounding.statement import Statement

_NOUN: Final = (
    r"(?: ?(?:기운|오행|글자|에너지|성분)|(?= ?\d)"
    r"|(?=[\s이가은는도을를과와으로의만,.·/:=뿐]|입니다|예요|라|죠|지요|$))"
)
_NAME: Final = re.compile(
    r"(?<![가-힣甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥])"
    r"(?:([목화토금수])(?:\((?:[木火土金水](?: ?[가-힣A-Za-z]+)?|비겁|식상|재성|관성|인성)\))?"
    rf"{_NOUN}"
    rf"|([木火土金水])(?:\([목화토금수]\))?(?: ?(?:기운|오행|글자))?"
    r"|(나무|불|흙|쇠|물)(?:(?:의)? ?(?:기운|오행|성분|에너지)"
    rf"|(?=(?:이|가|은|는|도|의 개수는|의 수는) (?:글자로 |글자로는 |모두 |무려 |겨우 )?{SMALL} ?(?:개|글자)"
    r"|(?:이|가|은|는) 하나도 없)))"
    r"|\b(Wood|Fire|Earth|Metal|Water)\b(?: (?:element|energy|characters?|letters?|signs?))?"
)
_EVERYDAY: Final = {"나무": "wood", "불": "fire", "흙": "earth", "쇠": "metal", "물": "water"}
_JOINED: Final = re.compile(r"(?:과|와|이랑|하고|이나|나|및|그리고|,|·|/|and|or|nor|first|second|then|&|\s)+")
_P: Final = r"(?:이|가|은|는|도|만|의 (?:개수|숫자|수|기운|비중|비율|세력|힘)(?:가|는|은|이|도)?|을|를)?"
_HOW: Final = (
    r"(?:(?:가장|매우|아주|무척|상당히|너무|유난히|유독|꽤|특히|워낙|다소|조금|좀|많이"
    r"|글자로는?|원국에는?|사주에는?|겉으로는?|전체의|전체에서|약|대략|무려|모두|총|각각|단|딱|고작|겨우|하나) ?)*"
)
_COUNT: Final = re.compile(
    rf"{_P} ?{_HOW}({SMALL})(?: ?(?:개|글자|자|곳)(?!도)|(?=[,.)]|이고|이며|이라|이에|인 |인데|입니다|이죠|이지"
    rf"|이니|이어|이요|로|으로|뿐|씩|이나| 있|$))"
)
_LISTED: Final = re.compile(r" ?[:=]? ?(\d)(?=[,.\s)]|개|$)")
_SHARE: Final = re.compile(rf"{_P} ?{_HOW}(\d{{1,3}})(?:\.\d+)? ?(?:%|퍼센트|프로)")
_MOST: Final = re.compile(
    rf"{_P} ?[^,.]{{0,18}}?(?:가장|제일) ?(?:많|크|큰|커|강|두드러|높|왕성|세|센|우세|힘)"
    rf"|{_P} ?[^,.]{{0,10}}?(?:으뜸|압도적)"
)
_LEAST: Final = re.compile(rf"{_P} ?[^,.]{{0,18}}?(?:가장|제일) ?(?:낮|적|약|부족|모자|미약|희미)")
_MUCH: Final = re.compile(
    rf"{_P} ?{_HOW}(?:많|넘치|넘쳐|과다|과하|왕하|왕한|왕성|강하게|강한|강하|강해|두텁|가득|지나치|압도)"
)
_LITTLE: Final = re.compile(
    rf"{_P} ?{_HOW}(?:부족|적은|적어|적습|적다|적고|약한|약하|약해|모자라|모자란|미약|희박|드문)"
)
_THERE: Final = re.compile(
    rf"{_P} ?(?:[가-힣]+(?:에|에도|으로|게|로) )?{_HOW}(?:있(?!으면|어야|는 (?:곳|때|사람)|다면|을 때)"
    rf"|들어 있(?!으면)|들어와 있|갖추|존재하|드러나 있|보이(?=지만|고|며|네|는데|십|는 사주))"
)
_GROUP_KEYS: Final = {
    "비겁": "peers",
    "식상": "output",
    "재성": "wealth",
    "관성": "officers",
    "인성": "resource",
}
_GROUP_IS: Final = re.compile(
    r"(?<![가-힣])(비겁|식상|재성|관성|인성)(?:\([^)]*\))?(?:은|는|이|의 오행은|에 해당하는 오행은) $"
)
_IS: Final = re.compile(r"^ ?(?:기운|오행)?(?:입니다|이에요|예요|이고|이며|인데|이라|이죠|죠|,)")
_MISSING_BEFORE: Final = re.compile(r"(?:빠진|없는)(?: 것은| 건| 오행은| 기운은| 글자는) ?$")
_LEAD: Final = re.compile(r"(?:으로|로) 쏠|의 기운이 앞서")
_WEALTH: Final = re.compile(r"재성의 오행은 $|wealth element is $")
_USEFUL_BEFORE: Final = re.compile(
    r"(?<!기)(?:용신|희신|useful (?:element|god)s?|favou?rable (?:element|god)s?|yong ?sh[ei]n|yongsin)(?:\([^)]*\))?"
    r"(?: 오행)?(?: 후보)?(?: for you| in this chart| here)?(?:은|는|인|을|으로는|으로|로는|로|이|:"
    r"| is| are|,)? ?(?:바로 |역시 |likely |probably |therefore )?$",
    re.IGNORECASE,
)
_WELCOME: Final = re.compile(r"억부법으로 반기는 $|holds $")
_USEFUL_AFTER: Final = re.compile(
    r"^ ?(?:용신|희신)(?=이|인|으로|을|의|,|\.|입)|^(?:이|가|을|를|은|는) ?(?:바로 |곧 |이 사주의 "
    r"|당신의 |주된 )?(?:용신|희신)"
    r"(?!을 돕|을 극|에게|을 생)|^, useful| (?:is|are|as|being) (?:your|the|her|his) (?:useful|favou?rable)"
)
_SHUNNED: Final = re.compile(
    r"(?:기신|구신|unfavou?rable (?:element|god)s?)(?:은|는|인|을|으로는|이|:| is| are)? ?$"
)
_NO_EN: Final = re.compile(
    r"(?:\b(?:no|without(?: any)?|lack(?:s|ing)?(?: any| of)?|neither|nor|absence of|devoid of|missing"
    r"|zero|(?:isn't|aren't|not)(?: an?| any)?)(?: visible"
    r"(?: letter is)?)?(?: single)?(?: \w+ of)? )$",
    re.IGNORECASE,
)
_GONE_EN: Final = re.compile(
    r"^s?(?: \w+)? (?:(?:is|are|does|do)(?: \w+)? (?:missing|absent|lacking|not (?:appear|present|show"
    r"|found)|nowhere)|doesn't appear"
    r"|(?:is|are)n't (?:present|there|visible))"
)
_COUNT_EN: Final = re.compile(rf"\b(?:only |just )?({SMALL_EN})(?: (?:visible|clear))? $", re.IGNORECASE)
_HAS_EN: Final = re.compile(
    rf"^ (?:has|have|with|shows|counts)(?: only| just)? ({SMALL_EN})\b(?! (?:per|%|of))", re.IGNORECASE
)
_SHARE_EN: Final = re.compile(
    r"^[^.,]{0,40}?,? ?(?:(?:with|at|by|holds|makes up|accounts for|takes)(?: about| around| some"
    r"| roughly)? )?(\d{1,3})(?:\.\d+)?(?:%| per ?cent)"
)
_MOST_EN: Final = re.compile(
    r"^,? (?:leads|weighs (?:most|heaviest)|dominates|prevails|rules|is (?:by far |clearly )?(?:the "
    r"|your )?(?:most|strongest|dominant|heaviest|leading))"
)
_MOST_BEFORE_EN: Final = re.compile(
    r"(?:dominant|strongest|most abundant|heaviest|leading) (?:element|energy)[^.,]{0,12} (?:is"
    r"|being) $|dominated by $",
    re.IGNORECASE,
)
_LETTERS_EN: Final = re.compile(
    rf"\bwith (?:only |just )?({SMALL_EN}) (?:visible )?(?:characters?|letters?)", re.IGNORECASE
)
_LEAST_EN: Final = re.compile(r"^,? (?:has the least|is (?:the |your )?(?:weakest|scarcest|least))")
_LEAST_BEFORE_EN: Final = re.compile(r"(?:weakest|scarcest) element[^.,]{0,12} is $", re.IGNORECASE)
_PRESENT_EN: Final = re.compile(
    r"^ (?:is|are) (not )?(?:present|visible|found|there|among)\b(?! (?:to|for|in the (?:luck|year|month)))"
)
_MUCH_AFTER_EN: Final = re.compile(
    r"^,? (?:is|are) (?:very |quite |so |rather )?(?:abundant|plentiful|excessive|everywhere)\b"
)
_MUCH_EN: Final = re.compile(
    r"(?:\b(?:plenty|abundance|excess|lots?) of (?:visible )?|\b(?:strong|abundant|excessive) )$",
    re.IGNORECASE,
)


def statements(sentence: str, taken: list[tuple[int, int]]) -> list[Statement]:
    """Every such phrase of a sentence; what lies within `taken` is part of another term (Wu Earth)."""
    found: list[Statement] = []
    groups = _groups(sentence, taken)
    listed = (
        sum(bool(_LISTED.match(sentence[group[-1].end() : group[-1].end() + 4])) for group in groups) >= 3
    )
    for at, group in enumerate(groups):
        end = groups[at + 1][0].start() if at + 1 < len(groups) else len(sentence)
        found += _of(sentence, group, min(end, group[-1].end() + 60), listed)
    return found + counted.statements(sentence)


def _groups(sentence: str, taken: list[tuple[int, int]]) -> list[list[re.Match[str]]]:
    groups: list[list[re.Match[str]]] = []
    for match in _NAME.finditer(sentence):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        if match.group(1) == "수" and _able(sentence[: match.start()]):
            continue
        if groups and _JOINED.fullmatch(sentence[groups[-1][-1].end() : match.start()]):
            groups[-1].append(match)
        else:
            groups.append([match])
    return groups


def _of(sentence: str, group: list[re.Match[str]], until: int, listed: bool) -> list[Statement]:
    first, last = group[0], group[-1]
    before, tail = sentence[max(0, first.start() - 40) : first.start()], sentence[last.end() : until]
    english = first.group(4) is not None
    stop = re.search(r"[,;.]|(?<=[가-힣])(?:고|며|지만|는데|으나) ", tail)
    clause = tail if stop is None else tail[: stop.end()]
    kind, detail = _said_en(before, clause) if english else _said(before, clause, listed, tail)
    if not kind:
        return []
    negated = (
        kind != "element_absent"
        and not english
        and bool(re.search(r"지(?:는|도)? ?않|아니|아닙|아닌", clause))
    )
    if (
        kind == "element_count"
        and len(group) > 1
        and not re.search(r"각각|씩|모두|each|both", clause + before)
    ):
        kind, detail = "", ""
    said = [(kind, detail), *_also(kind, clause, english=english)]
    return [
        Statement(
            kind,
            _element(each),
            each.start(),
            last.end(),
            sentence[each.start() : last.end()],
            negated,
            detail,
        )
        for each in group
        for kind, detail in said
        if kind
    ]


def _also(kind: str, clause: str, *, english: bool) -> list[tuple[str, str]]:
    """What is said of the same element in the same breath: leads with 40%, 3개로 가장 많."""
    if english and kind == "element_most":
        if share := _SHARE_EN.match(clause):
            return [("element_share", share.group(1))]
        if number := _LETTERS_EN.search(clause):
            return [("element_count", str(number_of(number.group(1))))]
    if not english and kind in ("element_count", "element_share"):
        return [
            (other, "")
            for other, pattern in (("element_most", _MOST), ("element_least", _LEAST))
            if pattern.match(clause)
        ]
    return []


def _said(before: str, clause: str, listed: bool, tail: str) -> tuple[str, str]:
    if _WEALTH.search(before):
        return ("wealth_element", "")
    if _WELCOME.search(before):
        return ("useful_any", "")
    if _SHUNNED.search(before):
        return ("shunned", "")
    if _USEFUL_BEFORE.search(before) or _USEFUL_AFTER.match(clause):
        return ("useful", "")
    if share := _SHARE.match(tail):
        return ("element_share", share.group(1))
    if listed and (row := _LISTED.match(tail)):
        return ("element_count", row.group(1))
    if _MISSING_BEFORE.search(before):
        return ("element_absent", "")
    if number := _COUNT.match(tail):
        return ("element_count", str(number_of(number.group(1))))
    if number := re.search(rf"({SMALL}) ?(?:개|글자)의 $", before):
        return ("element_count", str(number_of(number.group(1))))
    if (group := _GROUP_IS.search(before)) and _IS.match(clause):
        return ("god_element", _GROUP_KEYS[group.group(1)])
    if (
        _MISSING_BEFORE.search(before)
        or DENIED_AFTER.match(clause)
        or re.match(rf"{_P} ?(?:0개|영 개|제로)", clause)
    ):
        return ("element_absent", "")
    if _LEAD.match(clause):
        return ("element_most_weighed", "")
    for kind, pattern in (
        ("element_most", _MOST),
        ("element_least", _LEAST),
        ("element_much", _MUCH),
        ("element_little", _LITTLE),
        ("element_present", _THERE),
    ):
        if pattern.match(clause):
            return (kind, "")
    return ("", "")


def _said_en(before: str, clause: str) -> tuple[str, str]:
    if _WEALTH.search(before):
        return ("wealth_element", "")
    if _SHUNNED.search(before):
        return ("shunned", "")
    if (
        _USEFUL_BEFORE.search(before)
        or _USEFUL_AFTER.search(clause)
        or (before.endswith(("holds ",)) and ", useful" in clause)
    ):
        return ("useful", "")
    if _NO_EN.search(before) or _GONE_EN.match(clause):
        return ("element_absent", "")
    if present := _PRESENT_EN.match(clause):
        return ("element_absent" if present.group(1) else "element_present", "")
    for kind, pattern, text in (
        ("element_most", _MOST_EN, clause),
        ("element_most", _MOST_BEFORE_EN, before),
        ("element_least", _LEAST_EN, clause),
        ("element_least", _LEAST_BEFORE_EN, before),
    ):
        if pattern.search(text):
            return (kind, "")
    if share := _SHARE_EN.match(clause):
        return ("element_share", share.group(1))
    if number := _COUNT_EN.search(before):
        return ("element_count", str(number_of(number.group(1))))
    if number := _HAS_EN.match(clause):
        return ("element_count", str(number_of(number.group(1))))
    if _MUCH_EN.search(before) or _MUCH_AFTER_EN.match(clause):
        return ("element_much", "")
    return ("", "")


def _able(before: str) -> bool:
    """Whether 수 after this is "알 수 (없다)": the word in front ends in ㄹ."""
    word = before.rstrip()
    return (
        bool(word)
        and before.endswith(" ")
        and "가" <= word[-1] <= "힣"
        and (ord(word[-1]) - 0xAC00) % 28 == 8
    )


def _element(match: re.Match[str]) -> str:
    name = next(each for each in match.groups() if each is not None)
    return _EVERYDAY.get(name) or ELEMENT_OF[name.lower()]
