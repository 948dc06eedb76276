"""A turn in one spelling: number words and hanja as digits, lower case, full-width forms narrowed.

`일구구공년 오월 삼일 일곱 시 반` becomes `1990년 5월 3일 7 시 반`, so that every pattern behind it sees digits alone.
Each character remembers where it stood, which is how a piece that was understood keeps its span in the turn.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hypercube.saju.birth_phrases.english_numbers import ENGLISH_RULES

_HANJA: Final = dict(
    zip(
        "年月日時时分秒生男女陰陰陽曆歷暦閏前後正甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥",
        "년월일시시분초생남여음음양력력력윤전후정갑을병정무기경신임계자축인묘진사오미신유술해",
        strict=True,
    )
)
_HANJA_DIGITS: Final = dict(zip("〇零一二三四五六七八九十百千", "공영일이삼사오육칠팔구십백천", strict=True))
_DIGITS: Final = {"공": 0, "영": 0, "일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "륙": 6, "유": 6}
_DIGITS.update({"칠": 7, "팔": 8, "구": 9})
_POWERS: Final = {"십": 10, "백": 100, "천": 1_000}
_NATIVE_HOURS: Final = {
    word: hour
    for hour, word in enumerate(str.split("한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 열한 열두"), start=1)
}
_LUNAR_DAYS: Final = {
    word: day
    for day, word in enumerate(
        str.split(
            "초하루 초이틀 초사흘 초나흘 초닷새 초엿새 초이레 초여드레 초아흐레 초열흘 열하루 열이틀 "
            "열사흘 열나흘 보름 열엿새 열이레 열여드레 열아흐레 스무날 스무하루 스무이틀 스무사흘 "
            "스무나흘 스무닷새 스무엿새 스무이레 스무여드레 스무아흐레"
        ),
        start=1,
    )
}
_LUNAR_DAYS["열닷새"] = 15
_LUNAR_MONTHS: Final = {"정월": 1, "동짓달": 11, "동지달": 11, "섣달": 12}

_DAY: Final = "(?:[이삼]?십[일이삼사오육칠팔구]?|[일이삼사오육칠팔구])"
_SINO: Final = "[공영일이삼사오육륙칠팔구십백천]"
# A word begins where no Hangul stands before it, or right behind a unit or a calendar's name.
_EDGE: Final = (
    r"(?:(?<![가-힣])|(?<=[년월도생윤밤낮])|(?<=[0-9]일)|(?<=음력|양력|윤달|새벽|아침|저녁|오전|오후|한낮))"
)


@dataclass(frozen=True, slots=True)
class Canonical:
    """A turn, rewritten; `begins[i]` and `ends[i]` tell where character i stood."""

    text: str
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` stood in the turn."""
        if start >= end:
            return (self.begins[start], self.begins[start]) if start < len(self.begins) else (0, 0)
        return self.begins[start], self.ends[end - 1]

    def rewritten(
        self, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str | None]
    ) -> "Canonical":
        """Every match replaced by what `write` gives; None leaves it."""
        pieces: list[str] = []
        begins: list[int] = []
        ends: list[int] = []
        done = 0

        def keep(until: int) -> None:
            pieces.append(self.text[done:until])
            begins.extend(self.begins[done:until])
            ends.extend(self.ends[done:until])

        for match in pattern.finditer(self.text):
            written = write(match)
            if written is None or match.end() == match.start():
                continue
            keep(match.start())
            start, end = self.span(*match.span())
            pieces.append(written)
            begins.extend([start] * len(written))
            ends.extend([end] * len(written))
            done = match.end()
        if done == 0:
            return self
        keep(len(self.text))
        return Canonical("".join(pieces), tuple(begins), tuple(ends))


def canonical(text: str) -> Canonical:
    """The turn in one spelling. `text` must be composed (NFC)."""
    narrowed = "".join(_narrow(character) for character in text)
    places = tuple(range(len(narrowed)))
    turn = Canonical(narrowed, places, tuple(place + 1 for place in places))
    for pattern, write in _RULES:
        turn = turn.rewritten(pattern, write)
    return turn


def _narrow(character: str) -> str:
    """One character for one: full-width forms narrowed, Latin lowered, hanja read."""
    if character.isascii():
        return character.lower()
    if character in _HANJA:
        return _HANJA[character]
    if "가" <= character <= "힣" or character in _HANJA_DIGITS:
        return character
    if character in "’‘`´′":
        return "'"
    if character in "–—―−‐‑~〜∼～":
        return "~" if character in "~〜∼～" else "-"
    folded = unicodedata.normalize("NFKC", character).lower()
    return folded if len(folded) == 1 else character


def sino(word: str) -> int | None:
    """구십 -> 90, 일구구공 -> 1990, 천구백구십 -> 1990; None where it is no number."""
    if not any(character in _POWERS for character in word):
        return int("".join(str(_DIGITS[character]) for character in word)) if len(word) <= 4 else None
    total, unit = 0, 0
    last = 10_000
    for character in word:
        if character in _POWERS:
            power = _POWERS[character]
            if power >= last:
                return None
            total, unit, last = total + (unit or 1) * power, 0, power
        elif unit:
            return None
        else:
            unit = _DIGITS[character]
    return total + unit


def _number(match: re.Match[str]) -> str | None:
    value = sino(match[1])
    return None if value is None else str(value)


def _hanja(match: re.Match[str]) -> str | None:
    value = sino("".join(_HANJA_DIGITS[character] for character in match[1]))
    return None if value is None else str(value)


def _hour(match: re.Match[str]) -> str | None:
    value = sino(match[1])
    return str(value) if value is not None and (13 <= value <= 24 or match[1] == "영") else None


def _day(match: re.Match[str]) -> str:
    return f"{_LUNAR_DAYS[match[1]]}일"


def _words(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_RULES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]], ...]] = (
    (re.compile(r"([〇零一二三四五六七八九十百千]{1,7})(?=\s?[년월일시분세])"), _hanja),
    (re.compile(_EDGE + rf"({_words(_LUNAR_MONTHS)})"), lambda match: f"{_LUNAR_MONTHS[match[1]]}월"),
    (re.compile(rf"(?<![가-힣])({_SINO}{{2,7}})(?=\s?년)"), _number),
    (
        re.compile(_EDGE + r"(십일|십이|일|이|삼|사|오|육|유|칠|팔|구|시|십)(?=월)"),
        lambda match: "10" if match[1] == "시" else str(sino(match[1])),
    ),
    (re.compile(rf"(?<=년) ({_SINO}{{1,2}})(?= 월)"), lambda match: f" {sino(match[1])}"),
    (re.compile(rf"(?<=월)({_words(_LUNAR_DAYS)})(?:날)?"), _day),
    (re.compile(rf"(?<=월 )({_words(_LUNAR_DAYS)})(?:날)?"), _day),
    (re.compile(r"(?<![가-힣])(초?(?:" + _words(_LUNAR_DAYS) + r"))(?:날)?(?=생|에 태어)"), _day),
    (re.compile(rf"(?:(?<=월)(?<!년월)|(?<=월 ))({_DAY})(?=일)"), _number),
    (re.compile(rf"(?<![가-힣])({_DAY})(?=일)"), _number),
    (
        re.compile(_EDGE + rf"({_words(_NATIVE_HOURS)})(?=\s?시(?!간))"),
        lambda match: str(_NATIVE_HOURS[match[1]]),
    ),
    (re.compile(_EDGE + r"(이?십[일이삼사오육칠팔구]?|영)(?=\s?시(?!간|오))"), _hour),
    (re.compile(rf"(?<=시)({_SINO}{{1,3}})(?=\s?분)"), _number),
    (re.compile(rf"(?<=시 )({_SINO}{{1,3}})(?=\s?분)"), _number),
    *ENGLISH_RULES,
)
