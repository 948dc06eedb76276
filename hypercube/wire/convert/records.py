"""Frozen dataclasses to messages of the same field names, and back.

The facts, luck pillars and periods of a chart are some forty classes; each has a message of its own name whose
fields are named alike, so one compiled step a field serves them all. `None` is an absent `optional` field, a
tuple a repeated one, a `StrEnum` the enum number of its place in `ENUMS`.
"""

import types
import typing
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from hypercube.core import calendar, facts, signs
from hypercube.core.calendar import LuckAge
from hypercube.core.chart import Calendar, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.compatibility import CompatibilityLength, CompatibilityOptions, PairSentence
from hypercube.core.errors import invalid
from hypercube.core.match import MatchPart
from hypercube.core.reading import (
    Checked,
    CitedFact,
    Grounding,
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingSection,
    ReadingSentence,
    ReadingTone,
    ReadingWriter,
)
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.wire.v1 import calendar_pb2, facts_pb2, reading_pb2, saju_pb2, signs_pb2

_R = TypeVar("_R")
_E = TypeVar("_E", bound=StrEnum)
_Step = Callable[[Any], Any]

_PREFIXES: Final[dict[type[StrEnum], str]] = {
    Sex: "SEX",
    TimeBasis: "TIME_BASIS",
    DayBoundary: "DAY_BOUNDARY",
    Calendar: "CALENDAR",
    Include: "INCLUDE",
    HiddenStemSet: "HIDDEN_STEM_SET",
    LifeStageSchool: "LIFE_STAGE_SCHOOL",
    BladeSchool: "BLADE_SCHOOL",
    GoegangSchool: "GOEGANG_SCHOOL",
    LuckAge: "LUCK_AGE",
    ReadingSection: "READING_SECTION",
    ReadingLanguage: "READING_LANGUAGE",
    ReadingLength: "READING_LENGTH",
    ReadingTone: "READING_TONE",
    ReadingAudience: "READING_AUDIENCE",
    ReadingWriter: "READING_WRITER",
    CompatibilityLength: "COMPATIBILITY_LENGTH",
}
_ELSEWHERE: Final[dict[str, Any]] = {
    LuckAge.__module__: calendar_pb2,
    ReadingSection.__module__: reading_pb2,
    CompatibilityLength.__module__: reading_pb2,
}
"""Where the enums of a module are, if not beside the births."""
ENUMS: Final[dict[type[StrEnum], dict[int, StrEnum]]] = {
    kind: {
        getattr(_ELSEWHERE.get(kind.__module__, saju_pb2), f"{prefix}_{member.name}"): member
        for member in kind
    }
    for kind, prefix in _PREFIXES.items()
}
"""The member of each enum number but 0, which is unspecified."""
NUMBERS: Final[dict[type[StrEnum], dict[StrEnum, int]]] = {
    kind: {member: number for number, member in table.items()} for kind, table in ENUMS.items()
}
_MODULES: Final = ((signs, signs_pb2), (facts, facts_pb2), (calendar, calendar_pb2))
_MESSAGES: dict[type, type[Message]] = {
    record: getattr(messages, name)
    for module, messages in _MODULES
    for name, record in vars(module).items()
    if is_dataclass(record) and isinstance(record, type) and record.__module__ == module.__name__
}
_MESSAGES |= {
    each: getattr(reading_pb2, each.__name__)
    for each in (
        Checked,
        CitedFact,
        CompatibilityOptions,
        Grounding,
        MatchPart,
        PairSentence,
        ReadingOptions,
        ReadingSentence,
    )
}
_SHARED: Final = frozenset({signs.Pillar, signs.Sign, facts.Name})
"""Small records that every chart repeats."""


def member(param: str, number: int, kind: type[_E]) -> _E | None:
    """The core member of an enum number; None for 0 (unspecified).

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`param`) for a number from nowhere.
    """
    if number == 0:
        return None
    table = ENUMS[kind]
    if number not in table:
        known = ", ".join(f"{at} = {each.value}" for at, each in table.items())
        raise invalid(
            f"{param} is {number}, which is no value of that enum.",
            param=param,
            value=number,
            fix=f"Send one of: {known}; or 0 for the default.",
        )
    return typing.cast("_E", table[number])


def number_of(value: Any) -> Any:
    """An enum member as its number on the wire, anything else as it is."""
    return NUMBERS[type(value)][value] if type(value) in NUMBERS else value


def to_message(record: Any) -> Any:
    """The message of a record; callers copy it into theirs."""
    kind = type(record)
    return _shared_message(record) if kind in _SHARED else _writer(typing.cast("Hashable", kind))(record)


def from_message(kind: type[_R], message: Any) -> _R:
    """The record that `to_message` was given.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for an enum number from nowhere.
    """
    record: _R = _reader(typing.cast("Hashable", kind))(message)
    return record


@lru_cache(maxsize=4_096)
def _shared_message(record: Any) -> Message:
    message: Message = _writer(typing.cast("Hashable", type(record)))(record)
    return message


@cache
def _writer(kind: Hashable) -> _Step:
    assert isinstance(kind, type)
    made = _MESSAGES[kind]
    steps = [(name, _written(inner, many)) for name, inner, many, _ in _shape(kind)]

    def write(record: Any) -> Message:
        values = ((name, step, getattr(record, name)) for name, step in steps)
        return made(**{name: step(value) for name, step, value in values if value is not None})

    return write


def _written(inner: type, many: bool) -> _Step:
    if inner in _MESSAGES:
        one: _Step = to_message
    elif issubclass(inner, StrEnum):
        one = number_of
    else:
        return lambda value: value
    return (lambda values: [one(value) for value in values]) if many else one


@cache
def _reader(kind: Hashable) -> _Step:
    assert isinstance(kind, type)
    shape = [(name, _read(name, inner), many, optional) for name, inner, many, optional in _shape(kind)]

    def read(message: Any) -> Any:
        values: list[Any] = []
        for name, step, many, optional in shape:
            if optional and not message.HasField(name):
                values.append(None)
            elif many:
                values.append(tuple(step(each) for each in getattr(message, name)))
            else:
                values.append(step(getattr(message, name)))
        return kind(*values)

    return read


def _read(name: str, inner: type) -> _Step:
    if inner in _MESSAGES:
        key: Hashable = typing.cast("Hashable", inner)
        return lambda message: _reader(key)(message)
    if issubclass(inner, StrEnum):
        return lambda number: _settled_member(name, number, inner)
    return lambda value: value


def _settled_member(name: str, number: int, kind: type[_E]) -> _E:
    """A member that an answer must name: there is no default to fall back on."""
    found = member(name, number, kind)
    if found is None:
        raise invalid(f"{name} is not set.", param=name, value=0, fix=f"Send one of {', '.join(kind)}.")
    return found


def _shape(kind: type) -> list[tuple[str, type, bool, bool]]:
    """Name, type inside, whether repeated and whether optional of each field of a record."""
    hints = typing.get_type_hints(kind)
    found = []
    for each in fields(kind):
        inner, many, optional = hints[each.name], False, False
        if typing.get_origin(inner) in (types.UnionType, typing.Union):
            (inner,) = (part for part in typing.get_args(inner) if part is not type(None))
            optional = True
        if typing.get_origin(inner) is tuple:
            inner, many = typing.get_args(inner)[0], True
        found.append((each.name, inner, many, optional))
    return found
