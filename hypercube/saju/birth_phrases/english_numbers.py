"""English number words where they tell a date or a time: "May third", "half past seven", "nineteen ninety"."""

import re
from collections.abc import Callable
from typing import Final

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split(" ")
}
MONTH: Final = "(?:" + "|".join(sorted(MONTHS, key=len, reverse=True)) + ")"

_UNITS: Final = str.split("one two three four five six seven eight nine")
_TEENS: Final = str.split("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_CARDINALS: Final = {word: number for number, word in enumerate([*_UNITS, *_TEENS], start=1)}
for _ten, _word in enumerate(_TENS, start=2):
    _CARDINALS[_word] = 10 * _ten
    for _unit, _name in enumerate(_UNITS, start=1):
        _CARDINALS[f"{_word} {_name}"] = 10 * _ten + _unit
_ORDINALS: Final = {
    word: number
    for number, word in enumerate(
        str.split(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
            "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
        start=1,
    )
}
for _unit, _name in enumerate(list(_ORDINALS)[:9], start=1):
    _ORDINALS[f"twenty {_name}"] = 20 + _unit
_ORDINALS.update({"thirtieth": 30, "thirty first": 31})


def _any(words: dict[str, int]) -> str:
    return "(?:" + "|".join(sorted(words, key=len, reverse=True)).replace(" ", "[ -]") + ")"


def _value(words: dict[str, int], word: str) -> int:
    return words[word.replace("-", " ")]


_HOURS: Final = {word: number for word, number in _CARDINALS.items() if number <= 12}
_MINUTES: Final = {word: number for word, number in _CARDINALS.items() if 10 <= number <= 59}


def _clock(match: re.Match[str]) -> str:
    hour = _value(_HOURS, match[1])
    return str(hour) if match[2] is None else f"{hour}:{_value(_MINUTES, match[2]):02}"


def _past(match: re.Match[str]) -> str | None:
    word, direction, name = match[1], match[2], match[3]
    hour = int(name) if name.isdigit() else _value(_HOURS, name)
    if word in ("half", "quarter", "a quarter"):
        minutes = 30 if word == "half" else 15
    else:
        minutes = int(word) if word.isdigit() else _value(_CARDINALS, word)
    if not 1 <= hour <= 12 or not 1 <= minutes <= 59:
        return None
    if direction == "to":
        hour, minutes = (hour - 1 or 12), 60 - minutes
    return f"{hour}:{minutes:02}"


def _year(match: re.Match[str]) -> str | None:
    if match[1] == "two thousand":
        return f"{2000 + (_value(_CARDINALS, match[2]) if match[2] else 0)}"
    tail = _value(_CARDINALS, match[2]) if match[2] else 0
    return f"{100 * _value(_CARDINALS, match[1]) + tail}" if tail >= 10 else None


ENGLISH_RULES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]], ...]] = (
    (
        re.compile(
            rf"\b(nineteen|twenty|two thousand)(?:[ -](?:and )?({_any(_CARDINALS)}))?\b(?! o'?clock| ?[ap]\.?m)"
        ),
        _year,
    ),
    (
        re.compile(rf"\b({_any(_ORDINALS)})(?= (?:day )?(?:of )?{MONTH}\b)"),
        lambda match: f"{_value(_ORDINALS, match[1])}",
    ),
    (
        re.compile(
            rf"(?:(?<=may )|(?<=ary )|(?<=rch )|(?<=ril )|(?<=une )|(?<=uly )|(?<=ust )|(?<=ber ))(?:the "
            rf")?({_any(_ORDINALS)})\b"
        ),
        lambda match: f"{_value(_ORDINALS, match[1])}",
    ),
    (
        re.compile(
            rf"\b(half|a quarter|quarter|\d{{1,2}}|{_any(_CARDINALS)})(?: minutes?)? (past|to) (\d{{1,2}}|"
            rf"{_any(_HOURS)})\b"
        ),
        _past,
    ),
    (
        re.compile(
            rf"\b({_any(_HOURS)})(?:[ -]({_any(_MINUTES)}))?(?= ?(?:o'?clock|[ap]\.?m\b|in the (?:morning|"
            rf"afternoon|evening)|at night))"
        ),
        _clock,
    ),
    (re.compile(rf"(?<=\bat )({_any(_HOURS)})(?:[ -]({_any(_MINUTES)}))?\b"), _clock),
)
