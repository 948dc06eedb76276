"""Charts in one process, without a server: `chart` for one person, `charts` for many."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Final

from hypercube.core.calendar import LuckAge
from hypercube.core.chart import (
    BirthInput,
    Calendar,
    Chart,
    ChartResult,
    DayBoundary,
    Include,
    Sex,
    TimeBasis,
)
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.kernels.pillars import pillars
from hypercube.saju.assembly import assemble
from hypercube.saju.preparation import Prepared, RowGroup, prepare

__all__ = ["Prepared", "RowGroup", "assemble", "chart", "charts", "prepare"]

_DEFAULTS: Final = {each.name: each.default for each in fields(BirthInput)}


def charts(births: Sequence[BirthInput], *, backend: str = "auto") -> list[ChartResult]:
    """A chart, or the reason why there is none, for each birth; any number, in the order given.

    Args:
        births: a sequence of `BirthInput`.
        backend: kernel backend, as for `hypercube.saju.pillars`.

    Raises:
        HyperCubeError: `backend` is unknown or not installed. What is wrong with a birth is in its result,
            with a `param` such as "births[3].longitude".
    """
    return _computed(prepare(births, field="births"), backend)


def chart(
    birth: str | BirthInput,
    *,
    sex: Sex | str | None = None,
    place: str | None = None,
    longitude: float | None = None,
    zone: str | None = None,
    time_basis: TimeBasis | str | None = None,
    day_boundary: DayBoundary | str = DayBoundary.MIDNIGHT,
    fold: int | None = None,
    calendar: Calendar | str = Calendar.SOLAR,
    leap_month: bool = False,
    include: Sequence[Include | str] = (),
    luck_age: LuckAge | str = LuckAge.ROUNDED,
    as_of: str | None = None,
    hidden_stems: HiddenStemSet | str = HiddenStemSet.KOREAN,
    life_stages: LifeStageSchool | str = LifeStageSchool.YIN_BACKWARD,
    blade: BladeSchool | str = BladeSchool.YANG_STEMS,
    goegang: GoegangSchool | str = GoegangSchool.FOUR_DAYS,
    backend: str = "auto",
) -> Chart:
    """The four pillars of one person.

    Args:
        birth: civil date and time of the birth place, `YYYY-MM-DDTHH:MM[:SS]`, or a date alone when the hour is
            not known; or a whole `BirthInput`, which then brings all the options below itself.
        sex: "male", "female" or None.
        place: a province, city, county or district of Korea or a large city of the world, in Korean or English.
        longitude: degrees east of Greenwich; overrides the place's.
        zone: IANA zone of the civil time; overrides the place's; Asia/Seoul if neither is given.
        time_basis: "civil", "mean_solar" or "true_solar"; None = mean_solar when a place or longitude is given,
            else civil.
        day_boundary: "midnight", "zi23" or "same_day".
        fold: 0 or 1, for a clock time that summer time showed twice or skipped.
        calendar: "solar" or "lunar" (Korean): what the date in `birth` is.
        leap_month: True for the leap month (윤달) of a lunar date.
        include: of "facts", "luck" (needs `sex`) and "periods", what to answer beside the pillars.
        luck_age: "rounded", "exact", "floored" or "ymd": how the age at which luck pillars begin is counted.
        as_of: the day that counts as now, YYYY-MM-DD; None = today in the zone of the birth.
        hidden_stems: "korean" or "chinese".
        life_stages: "yin_backward" or "yin_forward".
        blade: "yang_stems" or "all_stems".
        goegang: "four_days" or "six_pillars".
        backend: kernel backend, as for `hypercube.saju.pillars`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with the field, the value and what to write instead; for a clock time
            that came twice or never, `details["choices"]` holds both readings.
    """
    options = {
        "sex": sex,
        "place": place,
        "longitude": longitude,
        "zone": zone,
        "time_basis": time_basis,
        "day_boundary": day_boundary,
        "fold": fold,
        "calendar": calendar,
        "leap_month": leap_month,
        "include": include,
        "luck_age": luck_age,
        "as_of": as_of,
        "hidden_stems": hidden_stems,
        "life_stages": life_stages,
        "blade": blade,
        "goegang": goegang,
    }
    if isinstance(birth, BirthInput):
        _require_none_beside(options)
        one = birth
    else:
        # The strings are checked, and turned into the enumerations, by `prepare`.
        one = BirthInput(birth, **options)  # type: ignore[arg-type]
    (result,) = _computed(prepare([one]), backend)
    if result.error is not None:
        raise HyperCubeError.of(result.error)
    assert result.chart is not None
    return result.chart


def _require_none_beside(options: Mapping[str, object]) -> None:
    for name, value in options.items():
        if value != _DEFAULTS[name]:
            raise invalid(
                f"{name} is given beside a BirthInput, which has its own.",
                param=name,
                value=value if isinstance(value, int | float) else str(value),
                fix="Set it in the BirthInput.",
            )


def _computed(prepared: Prepared, backend: str) -> list[ChartResult]:
    tables = [
        pillars(group.utc_seconds, group.offset_seconds, day_boundary=group.day_boundary, backend=backend)
        for group in prepared.groups
    ]
    return assemble(prepared, tables)
