"""Numbers as a text writes them: figures, native Korean (셋, 세 개, 서른넷) and English words."""

import re
from typing import Final

_UNITS: Final = {
    "하나": 1, "한": 1, "둘": 2, "두": 2, "셋": 3, "세": 3, "석": 3, "넷": 4, "네": 4, "넉": 4,
    "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9,
}  # fmt: skip
_TENS: Final = {
    "열": 10, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "일흔": 70, "여든": 80, "아흔": 90,
}  # fmt: skip
_SINO: Final = {"일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9}
_ENGLISH: Final = {
    "zero": 0, "one": 1, "single": 1, "two": 2, "both": 2, "twice": 2, "pair of": 2, "three": 3, "four": 4,
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
}  # fmt: skip
_ENGLISH_TENS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_UNIT: Final = "|".join(sorted(_UNITS, key=len, reverse=True))
_TEN: Final = "|".join(sorted(_TENS, key=len, reverse=True))
SMALL: Final = rf"(?:\d{{1,2}}|{_UNIT})"
"""How many letters: 3, 셋, 세."""
SMALL_EN: Final = "(?:" + "|".join(_ENGLISH) + r"|\d{1,2})"
NATIVE_AGE: Final = rf"(?:{_TEN}) ?(?:{_UNIT})?"
"""서른넷, 스물네, 마흔."""
SINO_AGE: Final = r"[이삼사오육칠팔구]?십[일이삼사오육칠팔구]?"
"""이십사, 삼십."""
ENGLISH_AGE: Final = rf"(?:{'|'.join(_ENGLISH_TENS)})(?:[- ](?:{'|'.join(list(_ENGLISH)[1:])}))?"


def number_of(text: str) -> int | None:
    """The number that a text is; None for no number."""
    said = text.strip().lower()
    if said.isdigit():
        return int(said)
    for table in (_UNITS, _ENGLISH, _TENS, _ENGLISH_TENS):
        if said in table:
            return table[said]
    if native := re.fullmatch(rf"({_TEN}) ?({_UNIT})", said):
        return _TENS[native.group(1)] + _UNITS[native.group(2)]
    if sino := re.fullmatch(r"([이삼사오육칠팔구]?)십([일이삼사오육칠팔구]?)", said):
        return 10 * _SINO.get(sino.group(1), 1) + _SINO.get(sino.group(2), 0)
    if english := re.fullmatch(r"([a-z]+)[- ]([a-z]+)", said):
        tens, unit = _ENGLISH_TENS.get(english.group(1)), _ENGLISH.get(english.group(2))
        return None if tens is None or unit is None else tens + unit
    return None
