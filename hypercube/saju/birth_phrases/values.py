"""What a conversation can say of a birth, piece by piece, as plain data.

Nothing here is checked against a calendar; `checks` does that. Every class is frozen, and made of text, numbers and
enums alone, so that `dataclasses.asdict` of a draft is its JSON.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Language = Literal["ko", "en"]


class Field(StrEnum):
    """The parts of a birth that a conversation is asked for."""

    DATE = "date"
    TIME = "time"
    SEX = "sex"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Span:
    """Where the turn read last says something: `text[start:end]` of the turn, composed (NFC)."""

    field: Field
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class DraftDate:
    """A date as far as it is known. The numbers are as they were said: month 13 is kept, and doubted."""

    year: int | None = None
    month: int | None = None
    day: int | None = None

    @property
    def complete(self) -> bool:
        """Whether year, month and day are all there."""
        return self.year is not None and self.month is not None and self.day is not None

    def over(self, told: "DraftDate") -> "DraftDate":
        """This date with the parts that `told` has in place of its own."""
        return DraftDate(
            self.year if told.year is None else told.year,
            self.month if told.month is None else told.month,
            self.day if told.day is None else told.day,
        )

    def fits(self, told: "DraftDate") -> bool:
        """Whether it has every part that `told` has."""
        return self.over(told) == self

    def iso(self) -> str:
        """`YYYY-MM-DD`, with `?` for what is not known."""
        year = "????" if self.year is None else f"{self.year:04}"
        month, day = ("??" if part is None else f"{part:02}" for part in (self.month, self.day))
        return f"{year}-{month}-{day}"


NO_DATE: Final = DraftDate()
"""Nothing known."""


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day by the clock of the birth place: hour 0-23, minute and second 0-59."""

    hour: int
    minute: int = 0
    second: int | None = None

    def iso(self) -> str:
        """`HH:MM` or `HH:MM:SS`."""
        tail = "" if self.second is None else f":{self.second:02}"
        return f"{self.hour:02}:{self.minute:02}{tail}"


@dataclass(frozen=True, slots=True)
class HourRange:
    """A double hour named by its branch (자시 … 해시), without a clock.

    The two halves of 자시 are ranges of their own: 조자시 is its hour after midnight, 야자시 its hour before.
    Minutes are those of the time that decides the hour pillar: the clock, or local mean time where a place is known.
    """

    name: str
    """Korean, as `HOUR_RANGES` spells it."""
    first_minute: int
    """Of the day, 0 to 1439."""
    end_minute: int
    """The minute after the last; for 자시 below `first_minute`, because it passes midnight."""


class DoubtKind(StrEnum):
    """Why a piece cannot be taken as it was said."""

    AMBIGUOUS = "ambiguous"
    """It means several things; `readings` lists them."""
    IMPOSSIBLE = "impossible"
    """No such date, time or place; the question says what would be."""
    CONFLICT = "conflict"
    """Two things that were said do not agree."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that was said and must be asked about again; it is never settled silently."""

    field: Field
    kind: DoubtKind
    readings: tuple[str, ...]
    """The values that it could mean, as `BirthInput` would take them; empty where none is right."""
    ko: str
    """What to ask, in Korean."""
    en: str
    """What to ask, in English."""
    derived: bool = False
    """True where it follows from the draft as a whole (no such day, a birth to come): looked at anew each turn."""

    def question(self, language: Language) -> str:
        """What to ask, in one sentence or two."""
        return self.ko if language == "ko" else self.en
