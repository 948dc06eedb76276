"""Births as a caller typed them, as the message that travels."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sized
from dataclasses import fields, replace
from enum import StrEnum
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar

from hypercube.client.exceptions import error_of, invalid
from hypercube.core.calendar import LuckAge
from hypercube.core.chart import MAX_BIRTHS, BirthInput, Calendar, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.errors import HyperCubeError, shown
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.core.wrong_input import missing, no_choice, unknown_field, wrong_kind
from hypercube.wire.convert import birth_to_proto
from hypercube.wire.v1 import saju_pb2

BirthLike: TypeAlias = str | dt.datetime | dt.date | BirthInput
"""A birth: text, a naive datetime, a date alone (시 모름), or a `BirthInput` with its options inside."""
_E = TypeVar("_E", bound=StrEnum)
_FIELDS: Final = tuple(field.name for field in fields(BirthInput))
_ENUMS: Final[Mapping[str, type[StrEnum]]] = {
    "sex": Sex,
    "time_basis": TimeBasis,
    "day_boundary": DayBoundary,
    "calendar": Calendar,
    "luck_age": LuckAge,
    "hidden_stems": HiddenStemSet,
    "life_stages": LifeStageSchool,
    "blade": BladeSchool,
    "goegang": GoegangSchool,
}


def birth_input(birth: object, options: Mapping[str, Any]) -> BirthInput:
    """A birth and the options beside it as one `BirthInput`; options that are None count as not given.

    Raises:
        InvalidArgument: a type that is no birth, an aware datetime, a word that is no member of its enum,
            an empty text, or options given both inside a `BirthInput` and beside it.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(birth, BirthInput):
        beside = sorted(name for name, value in given.items() if value != getattr(birth, name))
        if beside:
            raise invalid(
                f"{', '.join(beside)} was given beside a BirthInput, which holds its own options.",
                param=beside[0],
                value=given[beside[0]],
                fix="Put it into the BirthInput, or give the birth as text.",
            )
        given = {name: value for name in _FIELDS[1:] if (value := getattr(birth, name)) is not None}
        birth = birth.birth
    text, fold = _birth_text(birth)
    if fold is not None:
        given.setdefault("fold", fold)
    for name, enum in _ENUMS.items():
        if name in given:
            given[name] = member(name, given[name], enum)
    if "include" in given:
        given["include"] = _included(given["include"])
    if isinstance(given.get("as_of"), dt.date):
        given["as_of"] = date_text("as_of", given["as_of"])
    for name in ("place", "zone", "as_of"):
        # On the wire an empty text means "not given", which would quietly change the answer.
        if given.get(name) == "":
            raise invalid(f"{name} is empty.", param=name, value="", fix=f"Leave {name} out, or name one.")
    _not_taken_for_another(given)
    return BirthInput(text, **given)


def _not_taken_for_another(given: Mapping[str, Any]) -> None:
    """A boolean would travel as the longitude 0 or 1, a number as a leap month."""
    if isinstance(longitude := given.get("longitude"), bool):
        raise error_of(wrong_kind("longitude", longitude, "a number").failure())
    leap_month = given.get("leap_month", False)
    if isinstance(leap_month, int) and not isinstance(leap_month, bool):
        raise error_of(wrong_kind("leap_month", leap_month, "a boolean").failure())


def _included(value: object) -> tuple[Include, ...]:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise error_of(wrong_kind("include", value, "an array", list(Include)).failure())
    return tuple(member("include", each, Include, at) for at, each in enumerate(value))


def date_text(param: str, value: object) -> str:
    """A date as text; a datetime is refused, for it would lose its time without a word."""
    if isinstance(value, str):
        return value
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    raise invalid(
        f"{param} is {shown(value)}, a {type(value).__name__}.",
        param=param,
        value=value,
        fix='Write "2026-05-03", or give a datetime.date.',
    )


def _birth_text(birth: object) -> tuple[str, int | None]:
    """The birth as text, and the fold that a datetime carries (0 says nothing: it is the default)."""
    if isinstance(birth, str):
        return birth, None
    if isinstance(birth, dt.datetime):
        if birth.tzinfo is not None:
            raise invalid(
                f"birth is {birth.isoformat()}, a datetime with a time zone.",
                param="birth",
                value=birth.isoformat(),
                fix="Give the clock time of the birth place without tzinfo, and its zone beside it: "
                f'chart("{birth.replace(tzinfo=None).isoformat(timespec="minutes")}", zone="Asia/Seoul").',
            )
        return birth.isoformat(timespec="seconds"), birth.fold or None
    if isinstance(birth, dt.date):
        return birth.isoformat(), None
    raise error_of(wrong_kind("birth", birth, "a string").failure())


def member(name: str, value: object, enum: type[_E], at: int | None = None) -> _E:
    """An enum member, given as itself or as its value; of a list, item `at`."""
    try:
        return enum(str(value))
    except ValueError:
        param = name if at is None else f"{name}[{at}]"
        raise error_of(no_choice(param, value, [item.value for item in enum]).failure()) from None


def birth_messages(field: str, births: object, method: str, fix: str) -> list[saju_pb2.Birth]:
    """The messages of a list of births; an error names the row by `field`.

    Raises:
        InvalidArgument: one birth, which `fix` says how to write; more than `MAX_BIRTHS` births, which `method` does
            not take at once; or a row that cannot travel.
    """
    if isinstance(births, str | Mapping | BirthInput) or not isinstance(births, Iterable):
        raise invalid(
            f"{field} is one {type(births).__name__}, not a list of births.",
            param=field,
            value=births,
            fix=fix,
        )
    rows = list(islice(births, MAX_BIRTHS + 1))
    if len(rows) > MAX_BIRTHS:
        count = f"{len(births):,}" if isinstance(births, Sized) else f"more than {MAX_BIRTHS:,}"
        raise invalid(
            f"{field} holds {count} births; one call takes {MAX_BIRTHS:,}.",
            param=field,
            value=len(births) if isinstance(births, Sized) else None,
            fix=f"Call {method} once for every {MAX_BIRTHS:,} of them.",
            details={"limit": MAX_BIRTHS},
        )
    return [birth_message(f"{field}[{at}]", row) for at, row in enumerate(rows)]


def birth_message(field: str, birth: object) -> saju_pb2.Birth:
    """The message of a birth with its options inside it; an error names `field`."""
    try:
        return birth_to_proto(_row(field, birth))
    except HyperCubeError as error:
        failure = error.failure(field)
        if error.param and error.message.startswith(f"{error.param} "):
            failure = replace(failure, message=f"{failure.param}{error.message.removeprefix(error.param)}")
        raise error_of(failure) from None


def _row(field: str, row: object) -> BirthInput:
    if not isinstance(row, Mapping):
        return birth_input(row, {})
    for name in row:
        if name not in _FIELDS:
            raise unknown_field(str(name), str(name), row[name], _FIELDS, f" in {field}")
    if "birth" not in row:
        raise missing("birth", "birth")
    return birth_input(row["birth"], {name: value for name, value in row.items() if name != "birth"})
