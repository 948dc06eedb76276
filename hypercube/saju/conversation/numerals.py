"""Korean number words for ages: 서른다섯, 오십."""

from typing import Final

TENS: Final = {
    "열": 10,
    "스물": 20,
    "스무": 20,
    "서른": 30,
    "마흔": 40,
    "쉰": 50,
    "예순": 60,
    "일흔": 70,
    "여든": 80,
    "아흔": 90,
}
ONES: Final = {
    "하나": 1,
    "한": 1,
    "둘": 2,
    "두": 2,
    "셋": 3,
    "세": 3,
    "넷": 4,
    "네": 4,
    "다섯": 5,
    "여섯": 6,
    "일곱": 7,
    "여덟": 8,
    "아홉": 9,
}
SINO_TENS: Final = {word: at * 10 for at, word in enumerate("일이삼사오육칠팔구", 1)}
_FREE_TENS: Final = {value: word for word, value in TENS.items() if word != "스무"}
_FREE_ONES: Final = {value: word for word, value in reversed(ONES.items())}


def spelt(age: int) -> str:
    """An age as it is counted: 35 -> 서른다섯; in figures below ten and from a hundred on.

    Args:
        age: in whole years.
    """
    if not 10 <= age < 100:
        return str(age)
    return _FREE_TENS[age // 10 * 10] + _FREE_ONES.get(age % 10, "")
