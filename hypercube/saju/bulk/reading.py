"""Columns of text, as files hold them, to `Births`: every distinct word is looked at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.core.chart import BirthInput, Calendar, DayBoundary, Sex, TimeBasis
from hypercube.core.errors import HyperCubeError
from hypercube.saju.bulk.births import BAD_LOCAL, DEFAULT_BASIS, NONE, SEXES, Births
from hypercube.saju.luck import SEX_MISSING
from hypercube.saju.lunar_text import civil_birth
from hypercube.saju.zones import FOLD_NOT_GIVEN

FIELDS: Final = (
    "birth",
    "sex",
    "place",
    "longitude",
    "zone",
    "time_basis",
    "day_boundary",
    "fold",
    "calendar",
    "leap_month",
)
"""The columns that are read, by the names of `BirthInput`; all but the first may be missing."""

_BAD_CODE: Final = 100
_BAD_DEGREES: Final = 1e9
_LONGEST: Final = len("1990-05-03T07:20:30")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_DAY_S: Final = 86_400
_NOON_S: Final = 43_200


class Coded(NamedTuple):
    """A column of words: row i holds `names[codes[i]]`, or nothing where the code is -1."""

    codes: NDArray[np.int32]
    names: tuple[Any, ...]


def coded(cells: Sequence[str]) -> Coded:
    """A column of cells; an empty one holds nothing."""
    index: dict[str, int] = {"": NONE}
    codes = np.fromiter(
        (index.setdefault(cell, len(index) - 1) for cell in cells), dtype=np.int32, count=len(cells)
    )
    return Coded(codes, tuple(index)[1:])


def births_from(
    columns: Mapping[str, Coded | NDArray[Any] | Sequence[str]],
    row_cells: Callable[[int], Mapping[str, Any]],
    defaults: Mapping[str, Any],
) -> Births:
    """Births of columns by the names of `FIELDS`.

    Args:
        columns: `birth` as N texts or datetime64[N]; `longitude` as float64[N] (NaN = none) or `Coded`; `fold` as
            integers (-1 = none) or `Coded`; the others `Coded`.
        row_cells: the cells of one row by field, for errors; None where there is nothing.
        defaults: what an empty cell, or a missing column, means.
    """
    birth = columns["birth"]
    rows = len(birth.codes) if isinstance(birth, Coded) else len(birth)

    def words(field: str) -> Coded:
        return _filled(columns.get(field), rows, defaults.get(field))

    if isinstance(birth, np.ndarray):
        exact: NDArray[np.bool_] = np.full(rows, np.datetime_data(birth.dtype)[0] != "D")
        local = birth.astype("datetime64[s]").astype(np.int64)
    else:
        assert not isinstance(birth, Coded)
        local, exact = read_times(birth)
    calendar, leap = words("calendar"), words("leap_month")
    if calendar.names or leap.names:
        local, exact = _lunar(birth, local, exact, calendar, leap)
    zone, place = words("zone"), words("place")
    longitude, fold = columns.get("longitude"), columns.get("fold")
    return Births(
        local_seconds=local,
        exact=exact,
        zone=zone.codes,
        zones=zone.names,
        place=place.codes,
        places=place.names,
        longitude=_numbers(longitude, words, "longitude", _degrees, np.nan, defaults),
        sex=_mapped(words("sex"), {each.value: code for each, code in SEXES.items()}, SEX_MISSING, np.int8),
        fold=_numbers(fold, words, "fold", _fold, FOLD_NOT_GIVEN, defaults).astype(np.int8),
        time_basis=_mapped(words("time_basis"), _codes(TimeBasis), DEFAULT_BASIS, np.uint8),
        day_boundary=_mapped(words("day_boundary"), _codes(DayBoundary), 0, np.uint8),
        original=lambda row: birth_input(row_cells(row), defaults),
    )


def birth_input(cells: Mapping[str, Any], defaults: Mapping[str, Any]) -> BirthInput:
    """One row as the single path takes it; what cannot be read is passed on, to be refused there."""
    given = {**defaults, **{name: cell for name, cell in cells.items() if cell is not None}}
    made = {name: _plain(name, cell) for name, cell in given.items() if name in FIELDS and cell is not None}
    return BirthInput(**{"birth": "", **made})


def _plain(name: str, cell: Any) -> Any:
    if not isinstance(cell, str):
        return str(cell).replace(" ", "T") if name == "birth" else cell
    if name == "longitude":
        degrees = _degrees(cell)
        return cell if degrees == _BAD_DEGREES else degrees
    if name == "fold":
        return int(cell) if cell in ("0", "1") else cell
    if name == "leap_month":
        return _BOOLEANS.get(cell.lower(), cell)
    known: dict[str, Any] = {
        "sex": Sex,
        "time_basis": TimeBasis,
        "day_boundary": DayBoundary,
        "calendar": Calendar,
    }
    if name in known and cell in _codes(known[name]):
        return known[name](cell)
    return cell


def read_times(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What `births.read_time` reads, for N texts at once; years are not checked.

    Returns:
        Local seconds int64[N], `BAD_LOCAL` where it refuses, and bool[N] whether an hour was given.
    """
    cut = [text if len(text) <= _LONGEST else "" for text in texts]
    letters = np.array(cut, dtype=f"<U{_LONGEST}").view(np.uint32).reshape(len(cut), _LONGEST)
    length = np.fromiter(map(len, cut), dtype=np.int64, count=len(cut))
    digits = letters - np.uint32(ord("0"))

    def number(start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        part = digits[:, start:stop]
        value = np.zeros(len(cut), dtype=np.int64)
        for column in range(stop - start):
            value = value * 10 + part[:, column]
        good: NDArray[np.bool_] = np.all(part <= 9, axis=1)
        return value, good

    def is_letter(column: int, *allowed: str) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.isin(letters[:, column], [ord(each) for each in allowed])
        return found

    (year, y), (month, m), (day, d) = number(0, 4), number(5, 7), number(8, 10)
    good: NDArray[np.bool_] = (
        y & m & d & is_letter(4, "-") & is_letter(7, "-") & np.isin(length, (10, 16, 19))
    )
    (hour, h), (minute, mi), (second, s) = number(11, 13), number(14, 16), number(17, 19)
    timed: NDArray[np.bool_] = np.greater(length, 10)
    seconds = length > 16
    good &= ~timed | (h & mi & is_letter(10, "T", " ") & is_letter(13, ":") & (hour <= 23) & (minute <= 59))
    good &= ~seconds | (s & is_letter(16, ":") & (second <= 59))
    good &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0)
    first, following = (
        each.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for each in (months, months + 1)
    )
    good &= day <= following - first
    clock = np.where(timed, hour * 3_600 + minute * 60 + np.where(seconds, second, 0), _NOON_S)
    local = (first + day - 1) * _DAY_S + clock
    read: NDArray[np.int64] = np.where(good, local, BAD_LOCAL)
    return read, timed


def _lunar(
    birth: Any, local: NDArray[np.int64], exact: NDArray[np.bool_], calendar: Coded, leap: Coded
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Replace what lunar dates, leap flags and unknown calendars say of the time."""
    kinds = _mapped(calendar, {Calendar.SOLAR.value: 0, Calendar.LUNAR.value: 1}, 0, np.int8)
    words = {name: int(_BOOLEANS[name.lower()]) for name in leap.names if str(name).lower() in _BOOLEANS}
    leaps = _mapped(leap, words, 0, np.int8)
    local, exact = local.copy(), exact.copy()
    local[(kinds > 1) | (leaps > 1) | (leaps == 1) & (kinds == 0)] = BAD_LOCAL
    lunar = np.flatnonzero((kinds == 1) & (leaps <= 1)).tolist()
    texts = [_civil(birth[row], bool(leaps[row])) for row in lunar]
    local[lunar], exact[lunar] = read_times(texts)
    return local, exact


def _civil(text: Any, leap: bool) -> str:
    try:
        return civil_birth(text if isinstance(text, str) else str(text), leap)
    except HyperCubeError:
        return ""


def _filled(column: Any, rows: int, default: Any) -> Coded:
    if column is None:
        if default is None:
            return Coded(np.broadcast_to(np.int32(NONE), (rows,)), ())
        return Coded(np.broadcast_to(np.int32(0), (rows,)), (default,))
    assert isinstance(column, Coded)
    if default is None:
        return column
    return Coded(np.where(column.codes == NONE, len(column.names), column.codes), (*column.names, default))


def _mapped(column: Coded, known: Mapping[str, int], none: int, dtype: Any) -> NDArray[Any]:
    values = [known.get(name, _BAD_CODE) for name in column.names]
    if column.codes.strides == (0,):
        return np.broadcast_to(dtype((*values, none)[0]), column.codes.shape)
    return np.array([*values, none], dtype=dtype)[column.codes]


def _numbers(
    column: Any,
    words: Callable[[str], Coded],
    field: str,
    read: Callable[[Any], float],
    none: float,
    defaults: Mapping[str, Any],
) -> NDArray[np.float64]:
    if isinstance(column, np.ndarray):
        values = column.astype(np.float64)
        default = defaults.get(field)
        missing = np.isnan(values) if none != none else values == none
        return values if default is None else np.where(missing, read(default), values)
    found = words(field)
    values = np.array([*(read(name) for name in found.names), none], dtype=np.float64)
    if found.codes.strides == (0,):
        return np.broadcast_to(values[0], found.codes.shape)
    return values[found.codes]


def _degrees(cell: Any) -> float:
    try:
        degrees = float(cell)
    except ValueError:
        return _BAD_DEGREES
    return degrees if np.isfinite(degrees) else _BAD_DEGREES


def _fold(cell: Any) -> float:
    return {"0": 0.0, "1": 1.0}.get(str(cell), _BAD_CODE)


def _codes(kind: type[TimeBasis] | type[DayBoundary] | type[Sex] | type[Calendar]) -> dict[str, int]:
    return {each.value: code for code, each in enumerate(kind)}
