"""Whether a turn takes something back: "5월이 아니라 6월이에요", "sorry, not May but June"."""

import re
from typing import Final

_DENIED_AFTER: Final = re.compile(
    r"(?:생)?(?:이|가|은|는|도|에|에서)?\s?(?:아니(?!면)|아닌|아님|말고|틀렸|틀린|였는데 잘못)"
)
_DENIED_BEFORE: Final = re.compile(
    r"(?:\bnot|isn't|wasn't|aren't|instead of|rather than)\s(?:in |on |at |the |a |born in )?$"
)
_CORRECTING: Final = re.compile(
    r"^\s?no[, ]|(?<![가-힣])앗|아차|아니(?!면)|아닌데|정정|수정|고쳐|고칠|고치|잘못|틀렸|틀려|틀린|"
    r"바꿔|변경|실수|오타|다시 ?보니|사실은|확인해 ?보니|확인하니|물어 ?보니|말고|미안|죄송|"
    r"actually|sorry|correction|i meant|i mean|wrong|mistake|typo|should be|\bnot\b|isn't|wasn't|instead"
)
_INDEX: Final = (
    re.compile(
        r"첫 ?번째|첫째 ?(?:거|것|날)|1번|전자|앞(?:에|의|쪽)? ?(?:거|것|날짜)?|먼저|처음|\bfirst|"
        r"\bformer|\bearlier"
    ),
    re.compile(
        r"두 ?번째|둘째 ?(?:거|것|날)|2번|후자|뒤(?:에|의|쪽)? ?(?:거|것|날짜)?|나중|\bsecond|\blatter|\blater"
    ),
)
_YES: Final = re.compile(
    r"^\s{0,3}(?:네|예|넵|넹|응|어|웅|ㅇㅇ|ㅇㅋ|그래|맞아|맞습|맞는|그렇|고쳐|수정|바꿔|변경|yes|"
    r"yeah|yep|yup|correct|right|sure|please (?:do|change))"
)
_NO: Final = re.compile(r"^\s{0,3}(?:아니|아뇨|노|ㄴㄴ|no\b|nope)")


def denied(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` is said not to be so."""
    if _DENIED_AFTER.match(text, end, end + 16):
        return True
    return _DENIED_BEFORE.search(text[max(0, start - 24) : start]) is not None


def corrects(text: str) -> bool:
    """Whether the turn takes something back, whatever it is."""
    return _CORRECTING.search(text) is not None


def picked(text: str) -> int | None:
    """0 or 1 where the turn picks the first or the second of two."""
    for index, pattern in enumerate(_INDEX):
        if pattern.search(text):
            return index
    return None


def affirms(text: str) -> bool:
    """Whether the turn opens with a yes."""
    return _YES.match(text) is not None


def refuses(text: str) -> bool:
    """Whether the turn opens with a no."""
    return _NO.match(text) is not None
