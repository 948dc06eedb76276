"""Korean particles: which form follows a word, by its last syllable."""

import functools
import re
from typing import Final

_PAIRS: Final = {
    "은": ("은", "는"),
    "이": ("이", "가"),
    "을": ("을", "를"),
    "과": ("과", "와"),
    "이라": ("이라", "라"),
    "이니": ("이니", "니"),
    "이고": ("이고", "고"),
    "으로": ("으로", "로"),
}
"""After a final consonant, after a vowel."""
_BRACKETED: Final = re.compile(r"\([^()]*\)")
_FIRST: Final = ord("가")
_LAST: Final = ord("힣")
_FINALS: Final = 28
_RIEUL: Final = 8
_DIGIT_FINALS: Final = {"0": 21, "1": _RIEUL, "3": 16, "6": 1, "7": _RIEUL, "8": _RIEUL}
"""영 일 삼 육 칠 팔 end in a consonant; 이 사 오 구 do not."""


@functools.lru_cache(maxsize=16_384)
def with_particle(word: str, particle: str) -> str:
    """The word and its particle: ("무토", "은") -> "무토는"; what stands in brackets is not read.

    Raises:
        KeyError: `particle` is none of those known here.
    """
    closed, open_ = _PAIRS[particle]
    final = final_of(word)
    if final == _RIEUL and particle == "으로":
        return word + open_
    return word + (closed if final else open_)


def final_of(word: str) -> int:
    """Number of the final consonant of the last syllable, 0 for none; letters other than Hangul count as open."""
    spoken = _BRACKETED.sub("", word).rstrip()
    last = spoken[-1:] or "가"
    if _FIRST <= ord(last) <= _LAST:
        return (ord(last) - _FIRST) % _FINALS
    return _DIGIT_FINALS.get(last, 0)
