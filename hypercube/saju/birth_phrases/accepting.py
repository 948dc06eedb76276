"""Which of the pieces that a turn mentions are a person's birth, and which are anything else.

`docs/birth-phrases.md` has the rules in words. They look at the words around a piece, at the pieces beside it, and at
what the conversation still has to know.
"""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from hypercube.core.chart import Sex
from hypercube.saju.birth_phrases.calendars import CalendarSaid
from hypercube.saju.birth_phrases.cues import born_near, other_near
from hypercube.saju.birth_phrases.dates import DateSaid
from hypercube.saju.birth_phrases.draft import BirthDraft
from hypercube.saju.birth_phrases.people import Segment
from hypercube.saju.birth_phrases.sexes import SexSaid
from hypercube.saju.birth_phrases.sites import PlaceSaid
from hypercube.saju.birth_phrases.somebody import SOMEBODY
from hypercube.saju.birth_phrases.times import TimeSaid
from hypercube.saju.birth_phrases.turn import Piece, Turn
from hypercube.saju.birth_phrases.values import Field

_IS: Final = re.compile(
    r"\s?(?:이에요|예요|에요|입니다|이고|인데|이야|임|요|이요|구요|고요|ㅇ|야|[\s.,)!~]{0,3}$)"
)
_SELF_IS: Final = re.compile(r"(?:저는|나는|전|난|i'm|i am|성별은?|sex|gender)\s?:?\s?(?:an?\s)?$")
_WITH_SOMEONE: Final = re.compile(
    r"\s?(?:남자|여자|사람|친구|애|분)?(?:를|을|랑|이랑|과|와|하고|한테)(?![가-힣])|\s?(?:남자|여자|사람) ?만나"
)
_ASKS: Final = re.compile(
    r"[?]|(?:까|까요|나요|가요|니|냐)[\s~.ㅋㅎㅠ]{0,4}$|는지|언제|\b(?:what|when|should|is|can|will)\b"
)
_AROUND_PLACE: Final = re.compile(
    r",? ?\bnot (?:in )?[a-z.' -]{2,20}\W{0,4}$|\b(?:oops|whoops|wait|my bad|hey|oh)\b|[가-힣]{2,8}(?:이|"
    r"가)?\s(?:말고|아니라|아니고)|\bnot (?:in )?[a-z.' -]{2,20} but\b|[가-힣]{2,8}병원|"
    r"(?:저는|나는|제가|내가|(?<![가-힣])[전난제내](?![가-힣])|그냥|아니라|아니|아뇨|말고|(?:정정|"
    r"수정)(?:할게요|합니다|해요)?|사실은?|"
    r"[남여]자|[남여]성|사람|출신|태생|쪽|근처|시내|병원|집|광역시|특별시|"
    r"에서|이에요|예요|에요|이요|요|입니다|이고|인데|이야|야|임|이었어요|에|은|는|이|가|네|예|응|음|아|어)"
    r"|\b(?:i'm|i am|it's|it was|it is|from|in|at|near|the|city|of|please|ok|okay|yes|no|not|but|actually|sorry|"
    r"i|meant|mean|(?:fe)?male|(?:wo)?man)\b|[\s.,!~ㅋㅎㅠ:()/-]"
)
"""What may stand around a place in a turn that tells the place and nothing else."""
_CHANGED_TO: Final = re.compile(r"\s?(?:으로|로)\s?(?:바꿔|바꾸|변경|수정|고쳐|고치|정정|해)")
_SHORT: Final = 30
"""Characters of a turn that is an answer rather than a story."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What a segment of a turn tells of one birth."""

    dates: tuple[DateSaid, ...]
    times: tuple[TimeSaid, ...]
    sexes: tuple[SexSaid, ...]
    places: tuple[PlaceSaid, ...]
    calendars: tuple[CalendarSaid, ...]

    @property
    def telling(self) -> bool:
        """Whether there is anything of a birth itself."""
        return bool(self.dates or self.times)


def accepted(turn: Turn, segment: Segment, draft: BirthDraft, today: dt.date) -> Pieces:
    """The pieces of `segment` that are a birth, for somebody of whom `draft` is known."""
    judge = _Judge(turn, segment, draft, today)
    dates = tuple(said for said in judge.inside(turn.dates) if judge.date(said))
    whole = any(_whole(said) for said in dates)
    if whole and not turn.correcting:
        dates = tuple(said for said in dates if _whole(said))
    times = tuple(said for said in judge.inside(turn.times) if judge.time(said, dates))
    if any(said.part is None and said.minute is None for said in times):
        times = tuple(said for said in times if said.part is None and said.minute is None)
    told = bool(dates or times)
    sexes = tuple(said for said in judge.inside(turn.sexes) if judge.sex(said, told=told))
    if not sexes:
        # "여자 아니에요" of one who was taken for a woman.
        sexes = tuple(_opposite(said) for said in judge.inside(turn.denied_sexes) if said.sex is draft.sex)
    return Pieces(
        dates,
        times,
        sexes,
        tuple(said for said in judge.inside(turn.places) if judge.place(said, dates, told=told)),
        tuple(said for said in judge.inside(turn.calendars) if judge.calendar(dates)),
    )


def _opposite(said: SexSaid) -> SexSaid:
    return replace(said, sex=Sex.FEMALE if said.sex is Sex.MALE else Sex.MALE)


def _whole(said: DateSaid) -> bool:
    return all(reading.complete for reading in said.readings)


class _Judge:
    """The rules, with what they look at."""

    def __init__(self, turn: Turn, segment: Segment, draft: BirthDraft, today: dt.date) -> None:
        self._turn, self._segment, self._draft, self._today = turn, segment, draft, today
        self._started = (
            draft.date.year is not None or draft.date.month is not None or draft.date.day is not None
        )
        self._doubted = {doubt.field for doubt in draft.doubts}
        self._signals = turn.born or bool(
            self.inside(turn.sexes)
            or self.inside(turn.calendars)
            or any(said.explicit for said in self.inside(turn.places))
            or any(said.unknown or said.hours for said in self.inside(turn.times))
        )

    def inside(self, pieces: Iterable[Piece]) -> tuple[Piece, ...]:
        """Those in the segment."""
        return tuple(said for said in pieces if self._segment.start <= said.start < self._segment.end)

    def _near(self, said: DateSaid | TimeSaid) -> bool:
        text, (start, end) = self._turn.text, self._turn.run_of(said.start)
        return born_near(text, said.start, said.end) or born_near(text, start, end)

    def _other(self, said: DateSaid | TimeSaid, *, past_day: bool = False) -> bool:
        text, (start, end) = self._turn.text, self._turn.run_of(said.start)
        return other_near(text, start, end, past_day=past_day) or (
            said.end != end and other_near(text, said.start, said.end, past_day=past_day)
        )

    def date(self, said: DateSaid) -> bool:
        role, day = self._segment.role, said.readings[0].day
        # "88년생 남자랑 잘 맞을까?" is about any of them; a day of birth is one person's.
        anybody = said.born if role is None else role == SOMEBODY and day is None
        behind = said.end + self._turn.text.startswith("생", said.end)
        if anybody and _WITH_SOMEONE.match(self._turn.text, behind):
            return False
        if _whole(said):
            return self._whole_date(said)
        near = self._near(said)
        if said.born or (near and said.readings[0].day is not None):
            return not said.bare or near
        if self._other(said) and not near:
            return False
        lone_year = said.readings[0].month is None and said.readings[0].day is None
        if lone_year and (said.readings[0].year or 0) >= self._today.year and not near:
            return False
        if self._turn.correcting and self._started:
            return True
        if Field.DATE in self._doubted or (Field.TIME in self._doubted and self._started):
            return True
        if said.readings[0].month is not None and said.readings[0].day is not None and self._restated(said):
            return True
        return self._lacks(said) and (self._started or near or self._signals or self._beside(said))

    def _restated(self, said: DateSaid) -> bool:
        """Whether the turn is short and states it, so that it replaces what was known."""
        text = self._turn.text
        stated = _IS.match(text, said.end) is not None and text[said.end :].strip() != ""
        return self._started and stated and len(text) <= _SHORT and not _ASKS.search(text)

    def _whole_date(self, said: DateSaid) -> bool:
        near = self._near(said)
        if said.born or near:
            return True
        recent = max(reading.year or 0 for reading in said.readings) >= self._today.year
        if self._run_signals(said):
            return True
        if self._other(said, past_day=not recent):
            return False
        return not said.bare or self._signals or self._only(said) or self._started

    def _run_signals(self, said: DateSaid) -> bool:
        """Whether a sex or a calendar stands right beside it."""
        start, end = self._turn.run_of(said.start)
        places = [each.start for each in self._turn.sexes] + [each.start for each in self._turn.calendars]
        return any(start <= place < end for place in places)

    def _only(self, said: DateSaid) -> bool:
        """Whether the run of pieces around it is nearly all of the turn."""
        start, end = self._turn.run_of(said.start)
        rest = self._turn.text[:start] + self._turn.text[end:]
        return len(rest.strip(" .,!?~\n")) <= 8

    def _lacks(self, said: DateSaid) -> bool:
        """Whether the draft does not know yet what the piece tells, or says the same."""
        known, told = self._draft.date, said.readings[0]
        pairs = ((known.year, told.year), (known.month, told.month), (known.day, told.day))
        return all(new is None or old is None or old == new for old, new in pairs)

    def _beside(self, said: DateSaid) -> bool:
        """Whether another part of a date that was said to be a birth stands in the segment."""
        return any(other.born for other in self.inside(self._turn.dates) if other is not said)

    def time(self, said: TimeSaid, dates: tuple[DateSaid, ...]) -> bool:
        draft, correcting = self._draft, self._turn.correcting
        if said.part is not None or said.minute is not None:
            return (correcting and draft.time is not None) or (
                said.part is not None and Field.TIME in self._doubted
            )
        if said.unknown:
            return bool(dates) or self._started or self._turn.born or draft.sex is not None
        run = self._turn.run_of(said.start)
        if any(run == self._turn.run_of(date.start) for date in dates) or self._near(said):
            return True
        if self._other(said):
            return False
        if dates or correcting:
            return bool(dates) or self._started or draft.time is not None
        wanted = Field.TIME in self._doubted or Field.TIME in draft.missing or draft.time_unknown
        wanted = wanted or (len(self._turn.text) <= _SHORT and not _ASKS.search(self._turn.text))
        return wanted and (self._started or draft.sex is not None)

    def sex(self, said: SexSaid, *, told: bool) -> bool:
        text, draft = self._turn.text, self._draft
        stated = bool(_IS.match(text, said.end)) or bool(
            _SELF_IS.search(text[max(0, said.start - 12) : said.start])
        )
        if told:
            return True
        if draft.sex is not None and said.sex is draft.sex:
            return False
        if self._turn.correcting and draft.sex is not None:
            return stated
        if self._started or draft.time is not None or draft.time_unknown:
            return stated or (draft.sex is None and len(text) <= _SHORT)
        return stated and (len(text) <= _SHORT or self._turn.born)

    def place(self, said: PlaceSaid, dates: tuple[DateSaid, ...], *, told: bool) -> bool:
        if said.explicit:
            return told or self._started or self._turn.born
        if any(self._turn.run_of(said.start) == self._turn.run_of(date.start) for date in dates):
            return True
        if told:
            return self._draft.place is None or self._turn.correcting
        if not self._started or not self._tells_place(said):
            return False
        wanted = self._draft.place is None or Field.PLACE in self._doubted
        return self._turn.correcting or (wanted and len(self._turn.text) <= _SHORT)

    def _tells_place(self, said: PlaceSaid) -> bool:
        """Whether the turn tells a place and nothing else: "서울 날씨 어때?" makes nobody be born there."""
        text = self._turn.text
        if _ASKS.search(text):
            return False
        if self._turn.correcting and _CHANGED_TO.match(text, said.end):
            return True
        rest = text
        spans = [(each.start, each.end) for each in self._turn.places]
        spans += [(each.start, each.end) for each in self.inside(self._turn.sexes)]
        for start, end in sorted(spans, reverse=True):
            rest = f"{rest[:start]} {rest[end:]}"
        return not _AROUND_PLACE.sub("", rest)

    def calendar(self, dates: tuple[DateSaid, ...]) -> bool:
        # "음력 생일이 언제예요?" asks for the other calendar's date; it does not say that the first was wrong.
        return bool(dates) or (self._started and not _ASKS.search(self._turn.text))
