"""What people, letters and relations are called in an explanation, in Korean and in English."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import Pillars
from hypercube.core.facts import Name
from hypercube.core.reading import ReadingLanguage
from hypercube.core.signs import Sign
from hypercube.saju.compatibility.sheet import FIRST, PLACES, SECOND
from hypercube.saju.reading.naming import NAMES, branch_name

_NUMBERS: Final = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟")
_ELEMENTS: Final = {"wood": "목", "fire": "화", "earth": "토", "metal": "금", "water": "수"}
_ROLES: Final = {"year": "년", "month": "월", "day": "일", "hour": "시"}
_SHORT: Final = {
    "half_triad": "half triad",
    "arched_triad": "arched half triad",
    "half_direction": "directional pair",
    "punishment": "punishment",
}
"""English names that are too long for a sentence."""


@dataclass(frozen=True, slots=True)
class PairNames:
    """The vocabulary of one language."""

    language: ReadingLanguage
    people: dict[str, str]

    @property
    def korean(self) -> bool:
        """Whether it is Korean."""
        return self.language is ReadingLanguage.KO

    def letter(self, sign: Sign, part: str) -> str:
        """A stem or branch: 무토(戊), 진토(辰); Mu Earth (戊), Jin Earth (辰)."""
        if self.korean:
            return f"{sign.hangul}{_ELEMENTS[sign.element]}({sign.hanja})"
        if part == "stem":
            return NAMES[self.language].stems[sign.index]
        return branch_name(sign.index, self.language)

    def place(self, position: str, part: str) -> str:
        """월간; month stem."""
        if not self.korean:
            return f"{position} {part}"
        names = NAMES[self.language]
        return (names.stem_places if part == "stem" else names.branch_places)[position]

    def pillars(self, pillars: Pillars) -> str:
        """경오년 신사월 무진일 병진시; year Gyeong-o (庚午), month …; the hour only where it is known."""
        known = {each: getattr(pillars, each) for each in PLACES}
        names = NAMES[self.language].pillars
        if self.korean:
            return " ".join(
                f"{names[each.index]}{_ROLES[at]}" for at, each in known.items() if each is not None
            )
        return ", ".join(f"{at} {names[each.index]}" for at, each in known.items() if each is not None)

    def relations(self, kinds: Sequence[Name]) -> str:
        """육합(六合)·형(刑); a six combination and a punishment."""
        if self.korean:
            return "·".join(f"{each.hangul}({each.hanja})" for each in kinds)
        words = [_SHORT.get(each.key, each.english) for each in kinds]
        articles = [f"{'an' if word[0] in 'aeiou' else 'a'} {word}" for word in words]
        return " and ".join(filter(None, (", ".join(articles[:-1]), articles[-1])))

    def number(self, count: int) -> str:
        """두; 2."""
        return _NUMBERS[count] if self.korean else str(count)


NAMES_OF_PAIRS: Final = {
    ReadingLanguage.KO: PairNames(ReadingLanguage.KO, {FIRST: "첫째 분", SECOND: "둘째 분"}),
    ReadingLanguage.EN: PairNames(
        ReadingLanguage.EN, {FIRST: "the first person", SECOND: "the second person"}
    ),
}
"""By language."""
