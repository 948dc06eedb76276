"""Births in columns: what the caller gives, brought to one form. Nothing is refused here; `table` does that.

A column that is the same for every row stays one value: it is broadcast, takes no memory, and is recognised by
its stride of 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.chart import BirthInput, DayBoundary, Sex, TimeBasis
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.saju.civil import iso
from hypercube.saju.luck import FEMALE, MALE, SEX_MISSING
from hypercube.saju.years import FIRST_YEAR, LAST_YEAR
from hypercube.saju.zones import DEFAULT_ZONE, FOLD_NOT_GIVEN

Int64 = NDArray[np.int64]

SEXES: Final = {Sex.MALE: MALE, Sex.FEMALE: FEMALE}
TIME_BASES: Final = tuple(TimeBasis)
DAY_BOUNDARIES: Final = tuple(DayBoundary)
DEFAULT_BASIS: Final = 255
"""Mean solar time where the longitude is known, else the clock."""
UNKNOWN: Final = 254
"""In a column of codes: a name that is none of the choices."""
NONE: Final = -1
"""In `place` and `zone`: not given."""
COLUMNS: Final = (
    "local",
    "local_seconds",
    "local_minutes",
    "exact",
    "zone",
    "place",
    "longitude",
    "sex",
    "fold",
    "time_basis",
    "day_boundary",
)

_NOON_S: Final = 43_200
_DAY_S: Final = 86_400
FIRST_LOCAL_S: Final = int(np.datetime64(f"{FIRST_YEAR}-01-01", "s").astype(np.int64))
END_LOCAL_S: Final = int(np.datetime64(f"{LAST_YEAR + 1}-01-01", "s").astype(np.int64))
BAD_LOCAL: Final = np.iinfo(np.int64).min
"""NaT, or a text that is no date and time."""


@dataclass(frozen=True, eq=False, slots=True)
class Births:
    """N births in columns; every array is [N] and may be broadcast."""

    local_seconds: Int64
    """Civil time, as seconds since 1970-01-01T00:00 on the same clock; any time of the day where not `exact`."""
    exact: NDArray[np.bool_]
    """False: only the date is known (시 모름)."""
    zone: NDArray[np.int32]
    """Index into `zones`, or -1: the place's zone, else Asia/Seoul."""
    zones: tuple[str, ...]
    place: NDArray[np.int32]
    """Index into `places`, or -1."""
    places: tuple[str, ...]
    longitude: NDArray[np.float64]
    """Degrees east, NaN = not given; overrides the place's."""
    sex: NDArray[np.int8]
    """0 male, 1 female, -1 not given."""
    fold: NDArray[np.int8]
    """0, 1, or -1 = not given."""
    time_basis: NDArray[np.uint8]
    """0 civil, 1 mean_solar, 2 true_solar, 255 = mean solar where the longitude is known, else civil."""
    day_boundary: NDArray[np.uint8]
    """0 midnight, 1 zi23, 2 same_day."""
    original: Callable[[int], BirthInput] | None = None
    """A row as it was written, where it was read from text; errors repeat it."""

    def __len__(self) -> int:
        return len(self.local_seconds)

    def rows(self, at: slice) -> "Births":
        """A run of rows; views, no copies. Errors of a part count rows from its own start."""
        original = self.original
        start = at.indices(len(self))[0]
        return Births(
            self.local_seconds[at],
            self.exact[at],
            self.zone[at],
            self.zones,
            self.place[at],
            self.places,
            self.longitude[at],
            self.sex[at],
            self.fold[at],
            self.time_basis[at],
            self.day_boundary[at],
            None if original is None else lambda row: original(start + row),
        )

    def birth_input(self, row: int) -> BirthInput:
        """One birth as the single path takes it; what is wrong with it is passed on as it is."""
        if self.original is not None:
            return self.original(row)
        local, longitude = int(self.local_seconds[row]), float(self.longitude[row])
        zone, place, fold = int(self.zone[row]), int(self.place[row]), int(self.fold[row])
        basis = int(self.time_basis[row])
        return BirthInput(
            birth=_text(local, bool(self.exact[row])),
            sex=_named(tuple(SEXES), int(self.sex[row]), SEX_MISSING),
            place=None if place == NONE else self.places[place],
            longitude=None if np.isnan(longitude) else longitude,
            zone=None if zone == NONE else self.zones[zone],
            time_basis=_named(TIME_BASES, basis, DEFAULT_BASIS),
            day_boundary=_named(DAY_BOUNDARIES, int(self.day_boundary[row]), None),
            fold=None if fold == FOLD_NOT_GIVEN else fold,
        )


def uniform(array: NDArray[Any]) -> bool:
    """Whether one value stands for every row."""
    return array.strides == (0,) or len(array) == 1


def births_of(
    columns: Mapping[str, Any],
    *,
    zone: str = DEFAULT_ZONE,
    time_basis: TimeBasis | str | None = None,
    day_boundary: DayBoundary | str = DayBoundary.MIDNIGHT,
) -> Births:
    """Bring the caller's columns to `Births`; see `charts_table` for what they may hold.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a column that is missing, not known, or of the wrong type or length.
    """
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise invalid(
            f"There is no column {unknown[0]!r}.",
            param=f"columns.{unknown[0]}",
            fix=f"Use: {', '.join(COLUMNS)}.",
        )
    local, exact = _local(columns)
    rows = len(local)
    names = {"zone": zone, "place": None}
    coded = {each: _names(columns.get(each, names[each]), rows, each) for each in names}
    if "exact" in columns:
        exact = exact & _vector(columns["exact"], rows, "exact", np.bool_, "b")
    return Births(
        local_seconds=local,
        exact=exact,
        zone=coded["zone"][0],
        zones=coded["zone"][1],
        place=coded["place"][0],
        places=coded["place"][1],
        longitude=_vector(columns.get("longitude", np.nan), rows, "longitude", np.float64, "fiu"),
        sex=_choices(columns.get("sex", SEX_MISSING), rows, "sex", tuple(SEXES), np.int8),
        fold=_small(columns.get("fold", FOLD_NOT_GIVEN), rows, "fold", np.int8),
        time_basis=_choices(
            columns.get("time_basis", DEFAULT_BASIS if time_basis is None else time_basis),
            rows,
            "time_basis",
            TIME_BASES,
            np.uint8,
        ),
        day_boundary=_choices(
            columns.get("day_boundary", day_boundary), rows, "day_boundary", DAY_BOUNDARIES, np.uint8
        ),
    )


def _local(columns: Mapping[str, Any]) -> tuple[Int64, NDArray[np.bool_]]:
    given = [name for name in ("local", "local_seconds", "local_minutes") if name in columns]
    if len(given) != 1:
        raise invalid(
            f"The civil times are given {len(given)} times.",
            param="columns",
            value=", ".join(given) or None,
            fix="Give one of `local` (datetime64), `local_seconds` or `local_minutes` (integers).",
        )
    name = given[0]
    array = np.asarray(columns[name])
    if array.ndim != 1 or array.dtype.kind not in ("M" if name == "local" else "iu"):
        raise _wrong_column(name, array, "datetime64[N]" if name == "local" else "integers[N]")
    exact: NDArray[np.bool_] = np.broadcast_to(np.True_, array.shape)
    if name == "local":
        exact = np.broadcast_to(np.bool_(np.datetime_data(array.dtype)[0] != "D"), array.shape)
        return array.astype("datetime64[s]").astype(np.int64), exact
    local = array.astype(np.int64, copy=False)
    if name == "local_minutes":
        # Far beyond any year a product would wrap around and could come out as a date.
        wild = np.abs(local) > END_LOCAL_S
        local = np.where(wild, BAD_LOCAL, local * 60)
    return local, exact


def _names(given: Any, rows: int, param: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """One name for all, an array of names ("" or None = not given), or (codes, names)."""
    if given is None or isinstance(given, str):
        only: tuple[str, ...] = (given,) if given else ()
        return np.broadcast_to(np.int32(0 if given else NONE), (rows,)), only
    if isinstance(given, tuple) and len(given) == 2 and not isinstance(given[0], str):
        codes = _vector(given[0], rows, param, np.int32, "iu")
        names = tuple(str(each) for each in given[1])
        if len(codes) and not -1 <= int(codes.min()) <= int(codes.max()) < len(names):
            raise invalid(
                f"{param} has codes outside -1 to {len(names) - 1}.",
                param=f"columns.{param}",
                value=f"{int(codes.min())} to {int(codes.max())}",
                fix="Give indices into the names, -1 where there is none.",
            )
        return codes, names
    array = np.asarray(given)
    if array.shape != (rows,) or array.dtype.kind not in "UOT":
        raise _wrong_column(param, array, f"a name, {rows} names, or (codes, names)")
    return encode(["" if each is None else str(each) for each in array.tolist()])


def encode(texts: Sequence[str]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Codes int32[N] of texts and what they stand for; "" is -1."""
    index: dict[str, int] = {"": NONE}
    codes = np.fromiter(
        (index.setdefault(each, len(index) - 1) for each in texts), dtype=np.int32, count=len(texts)
    )
    return codes, tuple(index)[1:]


def _choices(given: Any, rows: int, param: str, known: Sequence[str], dtype: Any) -> NDArray[Any]:
    """Codes of an option: one name for all, or a column of codes."""
    if isinstance(given, str):
        if given not in known:
            raise _not_a_choice(param, given, known)
        given = known.index(given)
    return _small(given, rows, param, dtype)


def _small(given: Any, rows: int, param: str, dtype: Any) -> NDArray[Any]:
    """A column of small codes; a number that does not fit is clipped to one that is as wrong."""
    array = np.asarray(given)
    if array.dtype.kind in "iu" and array.dtype != dtype:
        limits = np.iinfo(dtype)
        array = np.clip(array, limits.min, limits.max if limits.max != DEFAULT_BASIS else UNKNOWN)
        if param == "time_basis":
            array = np.where(np.asarray(given) == DEFAULT_BASIS, DEFAULT_BASIS, array)
    return _vector(array, rows, param, dtype, "iu")


def _vector(given: Any, rows: int, param: str, dtype: Any, kinds: str) -> NDArray[Any]:
    array = np.asarray(given)
    if array.dtype.kind not in kinds or array.shape not in ((), (rows,)):
        raise _wrong_column(param, array, f"{np.dtype(dtype)}[{rows}] or one value")
    if array.ndim == 0:
        return np.broadcast_to(array.astype(dtype), (rows,))
    return array.astype(dtype, copy=False)


def _wrong_column(name: str, array: NDArray[Any], expected: str) -> HyperCubeError:
    got = f"{array.dtype}{list(array.shape)}"
    return invalid(
        f"columns.{name} is {got}, expected {expected}.",
        param=f"columns.{name}",
        value=got,
        fix="Convert it, or leave the column out where it may be.",
    )


def _not_a_choice(param: str, value: str, known: Sequence[str]) -> HyperCubeError:
    return invalid(
        f"{param} is {value!r}, which is not a choice.",
        param=param,
        value=value,
        fix=f"Use one of: {', '.join(known)}.",
        choices=list(known),
    )


def _text(local: int, exact: bool) -> str:
    if not FIRST_LOCAL_S <= local < END_LOCAL_S:
        # Still readable as a date where it is one, so that the year can be named.
        return str(np.datetime64(local, "s")) if abs(local) < 10**12 else "NaT"
    return iso(local) if exact else iso(local // _DAY_S * _DAY_S + _NOON_S)[:10]


def _named(known: Sequence[Any], code: int, none: int | None) -> Any:
    if code == none:
        return None
    return known[code] if 0 <= code < len(known) else code
