"""Charts, readings and the calendar for `AsyncClient`."""

# A timeout here is the deadline that travels to the server, which asyncio.timeout() is not.
# ruff: noqa: ASYNC109

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from hypercube.client import _methods
from hypercube.client._answers import formed_reading, lunar_day, pillar_rows, read, whole_reading, year_terms
from hypercube.client._births import BirthLike
from hypercube.client._calls_async import AsyncCalls
from hypercube.client._channel import NOT_GIVEN, Timeout
from hypercube.client._columns import Column
from hypercube.client._comparisons import compatibility_request
from hypercube.client._requests import (
    chart_request,
    charts_request,
    formed_reading_request,
    lunar_request,
    pillars_request,
    reading_request,
    terms_request,
)
from hypercube.core.calendar import LuckAge, LunarDay, YearTerms
from hypercube.core.chart import Calendar, Chart, ChartResult, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.compatibility import Compatibility, CompatibilityLength
from hypercube.core.reading import (
    FormedReading,
    Reading,
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingSection,
    ReadingTone,
    ReadingWriter,
)
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.wire.convert import chart_from_proto, compatibility_from_proto, result_from_proto


class AsyncSajuCalls(AsyncCalls):
    """The part of `AsyncClient` that asks about births and days."""

    async def chart(
        self,
        birth: BirthLike,
        *,
        sex: Sex | str | None = None,
        place: str | None = None,
        longitude: float | None = None,
        zone: str | None = None,
        time_basis: TimeBasis | str | None = None,
        day_boundary: DayBoundary | str | None = None,
        fold: int | None = None,
        calendar: Calendar | str | None = None,
        leap_month: bool | None = None,
        include: Iterable[Include | str] | None = None,
        luck_age: LuckAge | str | None = None,
        as_of: dt.date | str | None = None,
        hidden_stems: HiddenStemSet | str | None = None,
        life_stages: LifeStageSchool | str | None = None,
        blade: BladeSchool | str | None = None,
        goegang: GoegangSchool | str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> Chart:
        """One chart; the options mean what `BirthInput` says, and None leaves the server's default."""
        request = chart_request(
            birth,
            sex=sex,
            place=place,
            longitude=longitude,
            zone=zone,
            time_basis=time_basis,
            day_boundary=day_boundary,
            fold=fold,
            calendar=calendar,
            leap_month=leap_month,
            include=include,
            luck_age=luck_age,
            as_of=as_of,
            hidden_stems=hidden_stems,
            life_stages=life_stages,
            blade=blade,
            goegang=goegang,
        )
        return read(chart_from_proto, await self._call(_methods.CHART, request, timeout))

    async def charts(
        self, births: Iterable[BirthLike | Mapping[str, Any]], *, timeout: Timeout = NOT_GIVEN
    ) -> list[ChartResult]:
        """Up to 10,000 charts in one call: a chart or an error for each birth, in the order given."""
        reply = await self._call(_methods.CHARTS, charts_request(births), timeout)
        return [read(result_from_proto, result) for result in reply.results]

    async def pillars(
        self,
        utc_seconds: Column,
        offset_seconds: Column,
        *,
        day_boundary: DayBoundary | str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> memoryview:
        """Pillars in bulk, some eight million births at most in one call.

        Args:
            utc_seconds: POSIX seconds of each birth, int64.
            offset_seconds: what is added to UTC to get the clock that decides day and hour, int32; a single
                number is for all.
            day_boundary: when a day begins; None leaves the server's default.
            timeout: seconds for the whole call.

        Returns:
            uint8[N, 4]: year, month, day and hour as sexagenary indices; a view of what came, which
            `numpy.asarray` takes as it is.
        """
        request = pillars_request(utc_seconds, offset_seconds, day_boundary)
        return read(pillar_rows, await self._call(_methods.PILLARS, request, timeout))

    async def reading(
        self,
        birth: BirthLike,
        *,
        sex: Sex | str | None = None,
        place: str | None = None,
        longitude: float | None = None,
        zone: str | None = None,
        time_basis: TimeBasis | str | None = None,
        day_boundary: DayBoundary | str | None = None,
        fold: int | None = None,
        calendar: Calendar | str | None = None,
        leap_month: bool | None = None,
        luck_age: LuckAge | str | None = None,
        as_of: dt.date | str | None = None,
        hidden_stems: HiddenStemSet | str | None = None,
        life_stages: LifeStageSchool | str | None = None,
        blade: BladeSchool | str | None = None,
        goegang: GoegangSchool | str | None = None,
        sections: Iterable[ReadingSection | str] | None = None,
        language: ReadingLanguage | str | None = None,
        length: ReadingLength | str | None = None,
        tone: ReadingTone | str | None = None,
        audience: ReadingAudience | str | None = None,
        writer: ReadingWriter | str | None = None,
        model: str | None = None,
        question: str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> Reading:
        """The reading (해석) of one birth, whole; what a reading needs beside the pillars is included by itself.

        The options mean what `ReadingRequest` says, and None leaves the server's default.
        """
        request = reading_request(
            birth,
            how={
                "sections": sections,
                "language": language,
                "length": length,
                "tone": tone,
                "audience": audience,
                "writer": writer,
                "model": model,
                "question": question,
            },
            sex=sex,
            place=place,
            longitude=longitude,
            zone=zone,
            time_basis=time_basis,
            day_boundary=day_boundary,
            fold=fold,
            calendar=calendar,
            leap_month=leap_month,
            luck_age=luck_age,
            as_of=as_of,
            hidden_stems=hidden_stems,
            life_stages=life_stages,
            blade=blade,
            goegang=goegang,
        )
        return whole_reading(await self._gather(_methods.INTERPRET, request, timeout))

    async def formed_reading(
        self,
        birth: BirthLike,
        schema: Mapping[str, Any] | str,
        *,
        sex: Sex | str | None = None,
        place: str | None = None,
        longitude: float | None = None,
        zone: str | None = None,
        time_basis: TimeBasis | str | None = None,
        day_boundary: DayBoundary | str | None = None,
        fold: int | None = None,
        calendar: Calendar | str | None = None,
        leap_month: bool | None = None,
        luck_age: LuckAge | str | None = None,
        as_of: dt.date | str | None = None,
        hidden_stems: HiddenStemSet | str | None = None,
        life_stages: LifeStageSchool | str | None = None,
        blade: BladeSchool | str | None = None,
        goegang: GoegangSchool | str | None = None,
        language: ReadingLanguage | str | None = None,
        length: ReadingLength | str | None = None,
        tone: ReadingTone | str | None = None,
        audience: ReadingAudience | str | None = None,
        writer: ReadingWriter | str | None = None,
        model: str | None = None,
        question: str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> FormedReading:
        """The reading of one birth in your JSON schema, as a mapping or as JSON text.

        Its properties are named after sections (`advice`, `재물`) or `summary`, and are filled with the reading's own
        sentences; which keywords are honoured is in docs/reading.md. The options mean what `reading` says.
        """
        request = formed_reading_request(
            birth,
            schema,
            how={
                "language": language,
                "length": length,
                "tone": tone,
                "audience": audience,
                "writer": writer,
                "model": model,
                "question": question,
            },
            sex=sex,
            place=place,
            longitude=longitude,
            zone=zone,
            time_basis=time_basis,
            day_boundary=day_boundary,
            fold=fold,
            calendar=calendar,
            leap_month=leap_month,
            luck_age=luck_age,
            as_of=as_of,
            hidden_stems=hidden_stems,
            life_stages=life_stages,
            blade=blade,
            goegang=goegang,
        )
        return formed_reading(await self._gather(_methods.INTERPRET, request, timeout))

    async def compatibility(
        self,
        first: BirthLike | Mapping[str, Any],
        second: BirthLike | Mapping[str, Any] | None = None,
        *,
        others: Iterable[BirthLike | Mapping[str, Any]] | None = None,
        top: int | None = None,
        explain: bool | None = None,
        language: ReadingLanguage | str | None = None,
        length: CompatibilityLength | str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> Compatibility:
        """Compatibility (궁합) of `first` with `second`, or with the best `top` of up to 10,000 `others`.

        A birth with options is a `BirthInput` or a dict: {"birth": "1990-05-03T07:20", "place": "Seoul"}. The options
        mean what `CompatibilityRequest` says, and None leaves the server's default; `explain` brings sentences for
        those of a list, too. Who of a list has no chart is in `errors`.
        """
        request = compatibility_request(
            first, second, others=others, top=top, explain=explain, language=language, length=length
        )
        return read(compatibility_from_proto, await self._call(_methods.COMPATIBILITY, request, timeout))

    async def terms(self, year: int, *, zone: str | None = None, timeout: Timeout = NOT_GIVEN) -> YearTerms:
        """The 24 solar terms (절기) of a civil year, 1800 to 2200; `zone` None shows them by Seoul's clock."""
        return read(year_terms, await self._call(_methods.TERMS, terms_request(year, zone), timeout))

    async def lunar(
        self,
        date: dt.date | str,
        *,
        calendar: Calendar | str | None = None,
        leap_month: bool | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> LunarDay:
        """A day by both calendars; with calendar "lunar", `date` is the Korean lunar one."""
        request = lunar_request(date, calendar, leap_month)
        return read(lunar_day, await self._call(_methods.LUNAR, request, timeout))
