"""Whose pillar a pillar named in a text is: of the birth (year, month, day, hour), of luck, or of a year by number."""

import re
from typing import Final

from hypercube.saju.grounding.lexicon import PILLAR_HANGUL
from hypercube.saju.grounding.place_names import POSITIONS

_LUCK_AFTER: Final = re.compile(
    r"^(?:\([^)]*\))?\s?(?:이라는 |의 )?대운|^(?: \([^)]*\))? (?:luck|10-year|ten-year|daeun|cycle|decade|period)",
    re.IGNORECASE,
)
_LUCK_BEFORE: Final = re.compile(
    r"(?:\bluck(?: (?:pillar|cycle|period)s?)?|\bdaeun|\bcycle|\bdecade)(?:,| is| was| of| called"
    r"| named)?(?: the)? $|대운(?:인|은|이| ?[:：=]) ?$|\b(?:step|steps|stepped|enter|enters|entered|move"
    r"|moves|moved|shift|shifts|shifted|switch|switched|change|changes|changed|turn|turns|turned"
    r"|pass|passes) (?:in)?to (?:the |a |your )?$",
    re.IGNORECASE,
)
_ROLE_AFTER: Final = re.compile(
    r"^(?:\([^)]*\))?\s?(년생|월생|일생|시생|년|월|일|시)(?!주|지|간)(?=[ ,에은는의이을를과와로도입라부까생출.)·]|$)"
)
_PLACE_AFTER: Final = re.compile(
    r"^(?:\([^)]*\))?\s?(?:(?:괴강|백호|양인|홍염|간여지동)(?:대살|살)? )?(일주|연주|년주|월주|시주|[年月日時]柱)"
)
_BORN: Final = re.compile(
    r"^(?:생|에 (?:태어|난|나|출생)|의 (?:[가-힣]토|[가-힣]목|[가-힣]화|[가-힣]금|[가-힣]수|기운)|[ ]?출생)"
)
_ANOTHER: Final = re.compile(
    r"^(?:의|인)? ?(?:친구|어머니|아버지|배우자|상대|자녀|사람|분들|분과|남편|아내|동료|형|언니|동생|이성|연인)"
)
_NATAL: Final = re.compile(
    r"네 기둥|세 기둥|기둥을 세|태어|원국|사주|명식|명조|four pillars|three pillars"
    r"|[가-힣]{2}년,? [가-힣]{2}월,? [가-힣]{2}일"
)
_PASSING: Final = re.compile(
    r"올해|금년|이번 ?달|이달|오늘|내일|내년|작년|지난|다음 ?(?:해|달)|세운|월운|일진|(?<![가-힣])유년"
    r"|다가오는|돌아오는|\d{4}년?(?:은|인|에는|의)? ?$"
)
_NOW: Final = re.compile(
    r"\bnow\b|현재|지금|요즘|지나고 있|지나고 계|지나는 중|한가운데|한창|now in|You are in|current|at present"
    r"|moving through|머무|흐르고 있",
    re.IGNORECASE,
)
_NEXT: Final = re.compile(
    r"다음 대운|바뀌|changes to|next luck|follows|next (?:ten|10|decade|cycle)|갈아|다음에 오는",
    re.IGNORECASE,
)
_SUBJECT: Final = re.compile(r"^(?:\([^)]*\))?\s?대운(?:이|은|는|도|을|의|까지|에서|에는?)? (?![^,.]*다음)")
_CHANGES: Final = re.compile(r"바뀌(?!는 (?:다음 )?대운)")
"""Behind a luck pillar that a sentence is about, it changes, or something does in it: it is not changed to."""
_TURNS: Final = re.compile(r"^(?:\([^)]*\))?(?:으로|로) (?:바뀌|바뀝|바뀐|넘어|갈아|교체|접어|이어|옮)")
_FOLLOWS: Final = re.compile(
    r"^(?: \([^)]*\))? (?:follows|comes next|takes over|begins|starts|opens|arrives)\b"
)
_FIRST: Final = re.compile(
    r"첫|시작합니다|에서 시작|출발|the first,|first luck|forward from|backward from|begins? (?:with|from)",
    re.IGNORECASE,
)
_LISTED: Final = re.compile(
    r"\)?(?:[(（][^)]*\))? ?(?:,|·|/|→|->|~|-|–|와|과|and)? ?(?:and )?"
    r"(?:\(?(?:만 )?\d{1,3}(?:\.\d+)?(?:세|살)?(?:[~\-–] ?\d{1,3}(?:세|살)?)?\)?(?:에|부터|에는|는|:)? ?"
    r"|at age \d{1,3}:? )?"
)
"""Between two luck pillars of a list: 3세 정미, 13세 병오."""
_LISTING: Final = re.compile(r"^(?:\([^)]*\))?(?:,|·|→| →) ?([가-힣]{2})(?=[,(·→ ])")
_LUCK_SAID: Final = re.compile(r"대운(?:을|이|의|으로|들)")
_AGED: Final = re.compile(r"^(?: \([^)]*\))? (?:at|from) age \d")
_CLAUSE: Final = re.compile(r"(?<!\))[,;](?= )|(?<=[가-힣])(?:고(?! 있| 계)|며|지만|는데) |\) ?,")
_EN_ROLE: Final = re.compile(r"^(?: \([^)]*\))?\)? ?(year|day|month|hour)\b", re.IGNORECASE)
_EN_ROLE_BEFORE: Final = re.compile(
    r"\b(year|month|day|hour)(?: (?:of|is|was|being))?(?: (?:the|an?))? $", re.IGNORECASE
)


def luck_detail(
    sentence: str, start: int, end: int, *, first: bool, placed: bool, after: int | None = None
) -> str:
    """luck, luck_now, luck_next, luck_first, or "" where it is no luck pillar.

    Args:
        sentence: in which the pillar is named.
        start: of its name.
        end: of its name.
        first: whether it is the first luck pillar that the sentence names.
        placed: whether a place of the chart is named right before it.
        after: where the luck pillar named last ends.
    """
    rest = sentence[end:].removeprefix(")")
    if after is not None and _LISTED.fullmatch(sentence[after:start]):
        return "luck"
    if _AGED.match(rest):
        return "luck"
    listing = _LISTING.match(rest)
    if listing and listing.group(1) in PILLAR_HANGUL and _LUCK_SAID.search(sentence):
        return "luck"
    named = (
        _LUCK_BEFORE.search(sentence[:start])
        or _LUCK_AFTER.match(rest)
        or ("대운" in sentence and re.match(r"에서|으로|로|,|입니다|이|에 |을|를|, ", rest) and not placed)
        or ("대운" in sentence and _TURNS.match(rest))
        or ("luck" in sentence and _FOLLOWS.match(rest))
    )
    if not named:
        return "luck_first" if ", begins" in rest[:12] and "first" in sentence[:start] else ""
    begin, close = _clause_start(sentence, start), _clause_end(sentence, end)
    own = sentence[begin:close]
    behind = _SUBJECT.match(rest) is not None
    if _next_said(sentence, begin, end, close, behind=behind):
        return "luck_next"
    if _FIRST.search(own) and first:
        return "luck_first"
    if _NOW.search(own):
        return "luck_now"
    if not first:
        return "luck"  # what the sentence says of the pillar named before it
    if _next_said(sentence, 0, end, len(sentence), behind=behind):
        return "luck_next"
    return "luck_first" if _FIRST.search(sentence) else "luck_now" if _NOW.search(sentence) else "luck"


def _next_said(sentence: str, begin: int, end: int, close: int, *, behind: bool) -> bool:
    """Whether a stretch says that a luck pillar, whose name ends at `end`, comes next."""
    after = sentence[end:close]
    return bool(_NEXT.search(sentence[begin:end] + (_CHANGES.sub("", after) if behind else after)))


def _clause_start(sentence: str, at: int) -> int:
    ends = [match.end() for match in _CLAUSE.finditer(sentence, 0, at)]
    return ends[-1] if ends else 0


def _clause_end(sentence: str, at: int) -> int:
    found = _CLAUSE.search(sentence, at)
    return len(sentence) if found is None else found.start()


def natal_detail(sentence: str, start: int, end: int) -> str:
    """`natal:day` and the like, `civil:1990`, "another" for somebody else's, or ""."""
    rest, before = sentence[end:], sentence[:start]
    closed = rest.removeprefix(")")
    if placed := _PLACE_AFTER.match(closed):
        return f"natal:{POSITIONS[placed.group(1)[0]]}"
    if role := _ROLE_AFTER.match(closed):
        return _korean(sentence, before, role.group(1), closed[role.end(1) :], closed[role.end() :])
    if name := _EN_ROLE.match(closed):
        year = re.search(r"\b(\d{4}) is an? $", before)
        if year:
            return f"civil:{year.group(1)}"
        if re.search(r"\bborn\b|\byour\b|\byou\b", before, re.IGNORECASE) or "pillar" in closed[:14]:
            return f"natal:{name.group(1).lower()}"
        return ""
    if (name := _EN_ROLE_BEFORE.search(before)) and (re.search(r"pillars|\bborn\b", sentence)):
        return f"natal:{name.group(1).lower()}"
    return ""


def _korean(sentence: str, before: str, name: str, rest: str, after: str) -> str:
    position = POSITIONS[name[0]]
    if name.endswith("생"):
        return "another" if _ANOTHER.match(rest) else f"natal:{position}"
    if name == "년" and "띠" in sentence and not _PASSING.search(before[-12:]):
        return "natal:year"
    passing = _PASSING.search(before[-12:])
    year = re.search(r"(\d{4})년(?:은|인|에는|의)? ?$", before)
    some_year = name == "년" and re.match(r"(?:에|에는|부터|까지) ", rest)
    if not passing and (_BORN.match(rest) or (_NATAL.search(sentence) and not some_year)):
        return f"natal:{position}"
    if year and "태어" in sentence:
        return "natal:year"
    if year and name == "년":
        return f"civil:{year.group(1)}"
    # 임술년에 겪은 일: some year, of which the chart says nothing.
    return (
        "another"
        if name == "년" and not passing and re.match(r"(?:에|은|에는|부터|까지|의|을|도) ", rest)
        else ""
    )
