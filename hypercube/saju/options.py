"""The options of a birth, checked: which place, clock, schools and extras; every default filled in."""

import functools
import math
import operator
from dataclasses import fields, replace
from enum import StrEnum
from numbers import Integral, Real
from typing import Any, Final, TypeVar

from hypercube.core.calendar import LuckAge
from hypercube.core.chart import BirthInput, Calendar, ChartOptions, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.errors import invalid, shown
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.core.wrong_input import FIXES, no_choice, wrong_kind
from hypercube.saju.as_of import resolve_as_of
from hypercube.saju.luck import sex_missing
from hypercube.saju.world_places import find_place
from hypercube.saju.zones import DEFAULT_ZONE, load_zone

_Choice = TypeVar("_Choice", bound=StrEnum)
_SCHOOLS: Final[dict[str, type[StrEnum]]] = {
    "hidden_stems": HiddenStemSet,
    "life_stages": LifeStageSchool,
    "blade": BladeSchool,
    "goegang": GoegangSchool,
}


_given: Final = operator.attrgetter(*(each.name for each in fields(BirthInput) if each.name != "birth"))
"""The options of a birth, in the order in which `_settle` takes them."""


def settle(birth: BirthInput) -> ChartOptions:
    """Check the options of a birth and fill in every default but the day that is today.

    Raises:
        HyperCubeError: INVALID_ARGUMENT; `param` names the field of `BirthInput` at fault.
    """
    given = _given(birth)
    try:
        return _settled(*given)
    except TypeError:  # a value that cannot be a key: a list of `include`, or what cannot be right
        return _settle(*given)


def _settle(
    sex: Any,
    place: Any,
    longitude: Any,
    zone: Any,
    time_basis: Any,
    day_boundary: Any,
    fold: Any,
    calendar: Any,
    leap_month: Any,
    include: Any,
    luck_age: Any,
    as_of: Any,
    *schools: Any,
) -> ChartOptions:
    """Without a `time_basis` it is mean solar time where the longitude is known, else the clock."""
    site = None if place is None else find_place(_text(place, "place"))
    degrees = _longitude(longitude) if longitude is not None else site.longitude if site else None
    zone_name = site.zone if site else DEFAULT_ZONE
    if zone is not None:
        zone_name = load_zone(_text(zone, "zone")).name
    if time_basis is None:
        basis = TimeBasis.CIVIL if degrees is None else TimeBasis.MEAN_SOLAR
    else:
        basis = choice(TimeBasis, time_basis, "time_basis")
    if degrees is None and basis is not TimeBasis.CIVIL:
        raise invalid(
            f"time_basis {basis.value!r} needs to know where the birth was, and there is neither `place` nor "
            "`longitude`.",
            param="time_basis",
            value=basis.value,
            fix="Give `place` or `longitude`, or time_basis 'civil' for the clock as it is.",
        )
    known_sex = None if sex is None else choice(Sex, sex, "sex")
    included = _include(include)
    if Include.LUCK in included and known_sex is None:
        raise sex_missing("sex")
    chosen = {
        topic: choice(kind, value, topic)
        for (topic, kind), value in zip(_SCHOOLS.items(), schools, strict=True)
    }
    return ChartOptions(
        sex=known_sex,
        place=site.name if site else None,
        longitude=degrees,
        zone=zone_name,
        time_basis=basis,
        day_boundary=choice(DayBoundary, day_boundary, "day_boundary"),
        fold=None if fold is None else _fold(fold),
        calendar=choice(Calendar, calendar, "calendar"),
        leap_month=flag(leap_month),
        include=included,
        luck_age=choice(LuckAge, luck_age, "luck_age"),
        as_of=None if as_of is None else resolve_as_of(as_of, zone_name).date,
        **chosen,  # type: ignore[arg-type]
    )


# `typed`, because fold=True is refused and must not find the entry of fold=1.
_settled = functools.lru_cache(maxsize=4_096, typed=True)(_settle)


@functools.lru_cache(maxsize=4_096)
def by_the_date(options: ChartOptions) -> ChartOptions:
    """Without an hour the civil date alone decides the day, whatever basis was asked for."""
    return replace(options, time_basis=TimeBasis.CIVIL)


@functools.lru_cache(maxsize=4_096)
def on_day(options: ChartOptions, day: str) -> ChartOptions:
    """The options with the day that counts as now filled in."""
    return replace(options, as_of=day)


def _include(value: Any) -> tuple[Include, ...]:
    """Each part once, in the order of `Include`."""
    if not isinstance(value, tuple | list):
        raise wrong_kind("include", value, "an array", list(Include))
    named = {choice(Include, each, "include", at) for at, each in enumerate(value)}
    return tuple(each for each in Include if each in named)


def flag(value: Any) -> bool:
    """`leap_month`, or INVALID_ARGUMENT for anything but a boolean."""
    if isinstance(value, bool):
        return value
    raise wrong_kind("leap_month", value, "a boolean")


def _text(value: Any, param: str) -> str:
    if isinstance(value, str):
        return value
    raise wrong_kind(param, value, "a string")


def _longitude(value: Any) -> float:
    # Written so that NaN is refused as well.
    if _is_number(value, Real) and -180 <= value <= 180:
        return float(value)
    finite = not isinstance(value, float) or math.isfinite(value)
    raise invalid(
        f"longitude is {shown(value)!r}, not a number from -180 to 180.",
        param="longitude",
        value=value if finite else str(value),  # JSON has no NaN
        fix=FIXES["longitude"],
    )


def _fold(value: Any) -> int:
    if _is_number(value, Integral) and value in (0, 1):
        return int(value)
    raise invalid(
        f"fold is {shown(value)!r}, expected 0 or 1.",
        param="fold",
        value=value,
        fix=FIXES["fold"],
    )


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def choice(kind: type[_Choice], value: Any, param: str, at: int | None = None) -> _Choice:
    """The member of that value, or INVALID_ARGUMENT (`param`; of a list, item `at`) with the choices."""
    try:
        return kind(value)
    except ValueError:
        name = param if at is None else f"{param}[{at}]"
        raise no_choice(name, value, [member.value for member in kind]) from None
