"""A run of births to instants and offsets: checks, zone, solar time, nearest 절, as in `preparation`."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.solar_offset import solar_offset
from hypercube.saju.bulk import status as st
from hypercube.saju.bulk.births import (
    DAY_BOUNDARIES,
    DEFAULT_BASIS,
    END_LOCAL_S,
    FIRST_LOCAL_S,
    NONE,
    TIME_BASES,
    Births,
    uniform,
)
from hypercube.saju.bulk.instants import Civil, Jie, around, to_utc
from hypercube.saju.bulk.sites import Sites
from hypercube.saju.luck import FEMALE, SEX_MISSING
from hypercube.saju.preparation import TERM_MARGIN_S
from hypercube.saju.zones import FOLD_NOT_GIVEN, OK, load_zone, resolve

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]

_DAY_S: Final = 86_400
_NOON_S: Final = 43_200
_DATE_LINE_S: Final = 75_600
"""A longitude correction beyond 21 h: the zone keeps the date of the other side of the date line."""
_CIVIL, _MEAN_SOLAR, _TRUE_SOLAR = range(len(TIME_BASES))


@dataclass(frozen=True, eq=False, slots=True)
class Instants:
    """What precedes the pillars, all [N]. Rows whose status is not 0 hold the values of some other birth."""

    status: NDArray[np.uint8]
    local_seconds: Int64
    utc_seconds: Int64
    utc_offset: Int32
    """Civil time minus UTC."""
    offset: Int32
    """Deciding local time minus UTC: what the kernel is given."""
    jie: Jie
    nearest: Int32
    """Index of the nearest 절 in the term table."""
    since: Int32
    """Seconds since it, negative = still to come."""
    ambiguous: Bool
    clock: NDArray[np.uint8]
    """`zones.OK`, `AMBIGUOUS` or `SKIPPED`."""


def reckon(births: Births, sites: Sites) -> Instants:
    """Instants of a run of births; never raises for a row."""
    status, basis, longitude = _checked(births, sites)
    local, exact = births.local_seconds, births.exact
    dated = not bool(exact[0] if uniform(exact) else exact.all())
    if dated:
        local = np.where(exact, local, local // _DAY_S * _DAY_S + _NOON_S)
    if status.any():
        local = np.where(status == st.OK, local, 0)
    civil = _civil(births, sites, local)
    start = end = civil.utc_seconds
    unsettled = (civil.status != OK) & (births.fold == FOLD_NOT_GIVEN)
    if dated:
        unsettled &= exact
        start, end = _civil_days(births, sites, local)
        _refuse(status, ~exact & (end <= start), st.VANISHED_DATE)
    _refuse(status, unsettled, st.UNSETTLED_TIME)
    offset = civil.offset_seconds
    if basis is not None:
        offset = _solar(civil, np.where(exact, basis, _CIVIL) if dated else basis, longitude)
    jie = around(civil.utc_seconds)
    later = jie.until < jie.since
    since = np.where(later, -jie.until, jie.since)
    ambiguous = np.abs(since) <= TERM_MARGIN_S
    if dated:
        instant = civil.utc_seconds - since
        ambiguous = np.where(exact, ambiguous, (start < instant) & (instant < end))
    return Instants(
        status=status,
        local_seconds=local,
        utc_seconds=civil.utc_seconds,
        utc_offset=civil.offset_seconds,
        offset=offset,
        jie=jie,
        nearest=(jie.row + later).astype(np.int32),
        since=since.astype(np.int32),
        ambiguous=ambiguous,
        clock=civil.status,
    )


def _refuse(status: NDArray[np.uint8], wrong: Bool, code: int) -> None:
    """Mark the rows that nothing was wrong with before."""
    if wrong.any():
        status[wrong & (status == st.OK)] = code


def _checked(births: Births, sites: Sites) -> tuple[NDArray[np.uint8], Any, Any]:
    """Status of every row; basis and longitude, or None where all go by the clock."""
    status = np.zeros(len(births), dtype=np.uint8)
    local = births.local_seconds
    _refuse(status, (local < FIRST_LOCAL_S) | (local >= END_LOCAL_S), st.BAD_BIRTH)
    if births.places:
        _refuse(status, ~sites.place_known[births.place], st.BAD_PLACE)
    longitude = _one(births.longitude)
    unknown = np.isnan(longitude)
    _refuse(status, _wide(~(unknown | (np.abs(longitude) <= 180)), status), st.BAD_LONGITUDE)
    if births.zones:
        _refuse(status, ~sites.zone_known[births.zone], st.BAD_ZONE)
    if births.places:
        longitude = np.where(unknown, sites.place_longitude[births.place], longitude)
        unknown = np.isnan(longitude)
    basis = _one(births.time_basis)
    wrong = (basis != DEFAULT_BASIS) & ((basis >= len(TIME_BASES)) | (unknown & (basis != _CIVIL)))
    _refuse(status, _wide(wrong, status), st.BAD_TIME_BASIS)
    sex, boundary, fold = _one(births.sex), _one(births.day_boundary), _one(births.fold)
    _refuse(status, _wide((sex < SEX_MISSING) | (sex > FEMALE), status), st.BAD_SEX)
    _refuse(status, _wide(boundary >= len(DAY_BOUNDARIES), status), st.BAD_DAY_BOUNDARY)
    _refuse(status, _wide((fold < FOLD_NOT_GIVEN) | (fold > 1), status), st.BAD_FOLD)
    basis = np.where(basis == DEFAULT_BASIS, np.where(unknown, _CIVIL, _MEAN_SOLAR), basis)
    if not basis.any():
        return status, None, None
    good = status == st.OK
    # Rows that are refused go by the clock, so that no longitude can be out of range below.
    return status, np.where(good, basis, _CIVIL), np.broadcast_to(longitude, status.shape)


def _one(array: NDArray[Any]) -> NDArray[Any]:
    """A uniform column as an array of one: the checks then cost nothing."""
    return array[:1] if uniform(array) else array


def _wide(mask: Bool, like: NDArray[Any]) -> Bool:
    return np.broadcast_to(mask, like.shape)


def _zone_rows(births: Births, sites: Sites) -> NDArray[np.intp] | int:
    """Index into `sites.names`, one for all where there is one."""
    by_place = sites.place_zone[_one(births.place)] if births.places else np.zeros(1, dtype=np.intp)
    if not births.zones:
        found = by_place
    else:
        given = sites.zone_name[_one(births.zone)]
        found = np.where(given == NONE, by_place, given)
    return int(found[0]) if len(found) == 1 else found


def _civil(births: Births, sites: Sites, local: Int64) -> Civil:
    return _by_zone(births, sites, local, births.fold)


def _by_zone(births: Births, sites: Sites, local: Int64, fold: NDArray[np.int8]) -> Civil:
    zone = _zone_rows(births, sites)
    if isinstance(zone, int):
        return to_utc(local, sites.names[zone], fold)
    n = len(local)
    found = Civil(np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.uint8))
    for name, rows in _runs(zone):
        part = to_utc(local[rows], sites.names[name], fold[rows])
        found.utc_seconds[rows], found.offset_seconds[rows] = part.utc_seconds, part.offset_seconds
        found.dst_seconds[rows], found.status[rows] = part.dst_seconds, part.status
    return found


def _runs(zone: NDArray[np.intp]) -> list[tuple[int, NDArray[np.intp]]]:
    order = np.argsort(zone, kind="stable")
    names, starts = np.unique(zone[order], return_index=True)
    return list(zip(names.tolist(), np.split(order, starts[1:]), strict=True))


def _civil_days(births: Births, sites: Sites, noon: Int64) -> tuple[Int64, Int64]:
    """First and last + 1 second of the civil days; fold 0, as in the single path."""
    zone = _zone_rows(births, sites)
    midnight = noon // _DAY_S * _DAY_S
    start, end = np.empty_like(noon), np.empty_like(noon)
    whole = [(zone, np.arange(len(noon)))] if isinstance(zone, int) else _runs(zone)
    for name, rows in whole:
        data, first = load_zone(sites.names[name]), np.zeros(len(rows), dtype=np.int8)
        start[rows] = resolve(midnight[rows], data, first).utc_seconds
        end[rows] = resolve(midnight[rows] + _DAY_S, data, first).utc_seconds
    return start, end


def _solar(civil: Civil, basis: NDArray[Any], longitude: NDArray[np.float64]) -> Int32:
    """Deciding offset: standard time, the longitude's share, and the equation of time where it is asked for."""
    offset = civil.offset_seconds.astype(np.int64)
    rows = np.flatnonzero(basis)
    utc, standard = civil.utc_seconds[rows], offset[rows] - civil.dst_seconds[rows]
    mean = solar_offset(utc, longitude[rows], apparent=False).astype(np.int64)
    part = mean - standard
    mean -= _DAY_S * (part > _DATE_LINE_S)
    mean += _DAY_S * (part < -_DATE_LINE_S)
    apparent = np.flatnonzero(basis[rows] == _TRUE_SOLAR)
    if len(apparent):
        # At longitude 0 the solar offset is the equation of time alone.
        mean[apparent] += solar_offset(utc[apparent], 0.0, apparent=True)
    offset[rows] = mean
    return offset.astype(np.int32)
