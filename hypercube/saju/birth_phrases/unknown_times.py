"""Saying that the hour of a birth is not known (시 모름)."""

import re
from typing import Final

_DONT_KNOW: Final = (
    r"(?:모름|몰라(?!도)|모르(?!면)|모릅|미상|불명|불확실|기억이? ?(?:안|나지|없)|알 ?수 ?없|몰랐|"
    r"없어요|없음|패스|까먹|잊어|잊었|확실하?지? ?않|"
    r"(?:안|못) ?(?:알려|들었))"
)
_NAME: Final = r"(?:생시|시각|시간대|시간|시|출생시간|출생시|태어난시간|태어난시|생년월일시)"
_PARTICLE: Final = r"(?:까지는|까지|대는|은|는|을|를|이|가|만|도)?"
_FILLER: Final = (
    r"(?:\s?(?:정확히는|정확히|정확하게는|정확하게|정확한 건|"
    r"사실은|사실|아직|잘|저도|나도|엄마도|엄마가|부모님도|아무도|전혀|그냥)){0,3}"
)
_EXACTLY: Final = r"(?:정확한 ?|태어난 ?|출생 ?|생 ?|난 ?)?"
UNKNOWN: Final = re.compile(
    rf"{_EXACTLY}(?<![가-힣]){_NAME}{_PARTICLE}\s?[:,]?\s?\(?{_FILLER}\s?{_DONT_KNOW}"
    rf"|{_EXACTLY}(?<![가-힣]){_NAME}(?:은|는|을|를|이|가|만)\s[가-힣 ,]{{0,12}}?{_DONT_KNOW}"
    r"|오전인지\s?오후인지[은는를 ]{0,2}(?:잘 )?(?:모르|몰라|모름)"
    rf"|몇 ?시(?:에|인지|쯤인지|쯤)?\s?(?:태어났는지|난지|낳았는지)?(?:는|은|를|도)?{_FILLER}\s?{_DONT_KNOW}"
    r"|\b(?:birth ?time|time(?: of birth)?|hour(?: of birth)?)(?: is| was)?[ :]{0,3}(?:an? )?"
    r"(?:unknown|not known|unsure|not sure|n/a)"
    r"|unknown (?:birth )?(?:time|hour)"
    r"|(?:don'?t|do not|dunno|no idea|not sure|unsure|can'?t remember|doesn'?t|never)"
    r"[\w' ]{0,24}\b(?:time|hour)"
    r"|(?:time|hour)[\w' ,]{0,16}(?:don'?t know|no idea|not sure|can'?t remember|i forgot)"
    r"|no (?:birth ?)?time\b|without (?:a )?time"
)
"""In a canonical turn."""
_ANSWER: Final = re.compile(
    r"^[\s.,~ㅠㅜㅎㅋ]{0,4}(?:음|아|글쎄요?|저는?|그건|그게|그거|잘|정확히는?|정확하게는?|시는?|,|\s){0,6}"
    r"(?:모름|몰라|모르|모릅|기억이? ?안|글쎄|미상|unknown|no idea|(?:i )?don'?t know|not sure|"
    r"dunno|idk|i have no idea)"
)
_LONGEST_ANSWER: Final = 60


def says_unknown(text: str) -> bool:
    """Whether the turn as a whole is an "I do not know", to whatever was asked."""
    return _ANSWER.match(text[:_LONGEST_ANSWER].strip()) is not None
