"""The state of a conversation about births: what is known, what is missing, what is in doubt."""

from dataclasses import dataclass, replace
from typing import Any

from hypercube.core.chart import BirthInput, Calendar, Sex
from hypercube.core.errors import invalid
from hypercube.saju.birth_phrases.branch_hours import clock_in
from hypercube.saju.birth_phrases.values import NO_DATE, ClockTime, Doubt, DraftDate, Field, HourRange, Span


@dataclass(frozen=True, slots=True)
class BirthDraft:
    """What a conversation has said of one birth, and of the others it names beside it.

    Attributes:
        date: as far as known; check `doubts` before use.
        calendar: None where neither 양력 nor 음력 was said; it is then read as solar, and `said_back` says so.
        leap_month: None where nothing was said; it is then read as the ordinary month.
        time: by the clock; None where unknown, in doubt or given as `hour_range`.
        time_unknown: 시 모름 was said.
        hour_range: a branch hour (자시 …) without a clock.
        fold: 0 or 1 where the clock showed the time twice or never and the person said which.
        sex: None where not said.
        place: a name that `world_places.find_place` takes, or None.
        doubts: what must be asked again.
        role: who this is, as the text called them ("남편", "wife"); None is the person who writes.
        rival: what a second birthday tells that may replace this one or be somebody else's, until that is answered.
        others: further people, each with a role of their own and no others.
        about: role of the person whose details are expected next; None is this one.
        spans: where the turn read last said what it says, in order.
    """

    date: DraftDate = NO_DATE
    calendar: Calendar | None = None
    leap_month: bool | None = None
    time: ClockTime | None = None
    time_unknown: bool = False
    hour_range: HourRange | None = None
    fold: int | None = None
    sex: Sex | None = None
    place: str | None = None
    doubts: tuple[Doubt, ...] = ()
    role: str | None = None
    rival: "BirthDraft | None" = None
    others: "tuple[BirthDraft, ...]" = ()
    about: str | None = None
    spans: tuple[Span, ...] = ()

    @property
    def missing(self) -> tuple[Field, ...]:
        """What nothing was said about and a reading needs: date, time (or that it is not known), sex."""
        doubted = {doubt.field for doubt in self.doubts}
        timed = self.time is not None or self.time_unknown or self.hour_range is not None
        lacking = {Field.DATE: not self.date.complete, Field.TIME: not timed, Field.SEX: self.sex is None}
        return tuple(field for field, lacks in lacking.items() if lacks and field not in doubted)

    @property
    def complete(self) -> bool:
        """Whether `birth_input` can be made: nothing missing or in doubt. `others` are complete each for itself."""
        return not self.missing and not self.doubts

    def without(self, field: Field) -> "BirthDraft":
        """The draft with every doubt about a field gone."""
        return replace(self, doubts=tuple(doubt for doubt in self.doubts if doubt.field is not field))

    def doubting(self, doubt: Doubt) -> "BirthDraft":
        """The draft with one doubt more."""
        return replace(self, doubts=(*self.doubts, doubt))

    def birth_input(self, **extras: Any) -> BirthInput:
        """The birth as the house's functions take it; `extras` are further fields of `BirthInput`.

        A branch hour becomes the middle minute of those that give its pillars (`branch_hours`).

        Raises:
            HyperCubeError: INVALID_ARGUMENT for the first field that is missing or in doubt (`param`), with the
                question to ask as `fix` and all of them in `details`.
        """
        if not self.complete:
            raise self._unfinished()
        birth, time = self.date.iso(), self.time
        base = BirthInput(
            birth=birth,
            sex=self.sex,
            place=self.place,
            fold=self.fold,
            calendar=self.calendar or Calendar.SOLAR,
            leap_month=bool(self.leap_month),
        )
        if self.hour_range is not None:
            time = clock_in(self.hour_range, base)
        if time is not None:
            birth = f"{birth}T{time.iso()}"
        given = {
            "birth": birth,
            "sex": base.sex,
            "place": base.place,
            "fold": base.fold,
            "calendar": base.calendar,
            "leap_month": base.leap_month,
        }
        return BirthInput(**{**given, **extras})

    def _unfinished(self) -> Exception:
        missing = [field.value for field in self.missing]
        doubtful = [doubt.field.value for doubt in self.doubts]
        first = self.doubts[0] if self.doubts else None
        return invalid(
            f"The birth is not complete: missing {', '.join(missing) or 'nothing'}; in doubt "
            f"{', '.join(doubtful) or 'nothing'}.",
            param=first.field.value if first else missing[0],
            value=first.readings[0] if first and first.readings else None,
            fix=first.en if first else f"Say the {missing[0]} of the birth.",
            missing=missing,
            doubts=doubtful,
        )


EMPTY_DRAFT = BirthDraft()
"""A conversation that has said nothing yet."""
