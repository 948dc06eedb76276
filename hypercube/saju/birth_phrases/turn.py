"""A turn read: every date, time, sex, place and calendar in it, before it is known which of them are a birth."""

import datetime as dt
import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from hypercube.saju.birth_phrases.calendars import CalendarSaid, calendars_in
from hypercube.saju.birth_phrases.canonical import Canonical, canonical
from hypercube.saju.birth_phrases.corrections import corrects, denied
from hypercube.saju.birth_phrases.dates import DateSaid, dates_in
from hypercube.saju.birth_phrases.masks import masked
from hypercube.saju.birth_phrases.sexes import SexSaid, sexes_in
from hypercube.saju.birth_phrases.sites import PlaceSaid, places_in
from hypercube.saju.birth_phrases.times import TimeSaid, times_in
from hypercube.saju.birth_phrases.values import Field, Span

MOST_READ: Final = 4_000
"""Characters of a turn that are looked at; a birth is said in far fewer."""
_GAP: Final = re.compile(r"[\s,./()\-:|~]{0,3}(?:에|의|은|는|이고|이며|생|시간|생시|출생)?[\s,./()\-:|]{0,3}")
_BORN: Final = re.compile(r"생년|생일|태어|출생|생시|사주|\bborn\b|\bbirth|\bdob\b")

Piece = TypeVar("Piece", DateSaid, TimeSaid, SexSaid, PlaceSaid, CalendarSaid)


@dataclass(frozen=True, slots=True)
class Turn:
    """Pieces are in order, and what is said not to be so is kept apart."""

    composed: str
    source: Canonical
    text: str
    """Canonical, with what is no birth blanked; the pieces' places are in it."""
    dates: tuple[DateSaid, ...]
    denied_dates: tuple[DateSaid, ...]
    times: tuple[TimeSaid, ...]
    denied_times: tuple[TimeSaid, ...]
    sexes: tuple[SexSaid, ...]
    denied_sexes: tuple[SexSaid, ...]
    places: tuple[PlaceSaid, ...]
    calendars: tuple[CalendarSaid, ...]
    runs: tuple[tuple[int, int], ...]
    """Stretches in which piece follows piece: "1990년 5월 3일 오전 7시 서울 여자" is one."""
    correcting: bool
    born: bool
    """A word of birth stands somewhere in the turn."""

    def run_of(self, start: int) -> tuple[int, int]:
        """The stretch that holds the piece at `start`."""
        index = bisect_right(self.runs, (start, len(self.text))) - 1
        return self.runs[max(0, index)]

    def span(self, field: Field, start: int, end: int) -> Span:
        """Where a piece stood in the composed turn."""
        begin, finish = self.source.span(start, end)
        return Span(field, begin, finish, self.composed[begin:finish])


def read_turn(text: str, today: dt.date, *, answering: bool) -> Turn:
    """`answering`: something is already known of the birth, so that a bare place name is an answer."""
    composed = unicodedata.normalize("NFC", text[:MOST_READ])
    source = canonical(composed)
    clean = masked(source.text)
    all_dates = dates_in(clean, today)
    dates, denied_dates = _split(clean, all_dates)
    covered = [(said.start, said.end) for said in all_dates]
    all_times = [said for said in times_in(clean) if not _inside(said, covered)]
    times, denied_times = _split(clean, all_times)
    sexes, denied_sexes = _split(clean, sexes_in(clean))
    calendars = tuple(calendars_in(clean))
    telling = bool(all_dates or all_times) or answering
    places = tuple(
        _as_written(said, source, composed)
        for said in places_in(clean, whole=telling)
        if not _inside(said, [*covered, *((time.start, time.end) for time in all_times)])
        and not denied(clean, said.start, said.end)
    )
    pieces = sorted(
        (said.start, said.end)
        for group in (all_dates, all_times, sexes, denied_sexes, calendars, places)
        for said in group
    )
    return Turn(
        composed=composed,
        source=source,
        text=clean,
        dates=dates,
        denied_dates=denied_dates,
        times=times,
        denied_times=denied_times,
        sexes=sexes,
        denied_sexes=denied_sexes,
        places=places,
        calendars=calendars,
        runs=_runs(clean, pieces),
        correcting=corrects(clean),
        born=_BORN.search(clean) is not None,
    )


def _as_written(said: PlaceSaid, source: Canonical, composed: str) -> PlaceSaid:
    """With the capital letters of the turn."""
    begin, finish = source.span(said.start, said.end)
    return replace(said, name=composed[begin:finish]) if said.name.isascii() else said


def _inside(said: TimeSaid | PlaceSaid, covered: list[tuple[int, int]]) -> bool:
    return any(start < said.end and said.start < end for start, end in covered)


def _split(text: str, pieces: list[Piece]) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """What is said, and what is said not to be so."""
    said: list[Piece] = []
    not_so: list[Piece] = []
    for piece in pieces:
        (not_so if denied(text, piece.start, piece.end) else said).append(piece)
    return tuple(said), tuple(not_so)


def _runs(text: str, pieces: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    runs: list[tuple[int, int]] = []
    for start, end in pieces:
        if runs and (start <= runs[-1][1] or _GAP.fullmatch(text, runs[-1][1], start)):
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    return tuple(runs) or ((0, 0),)
