"""Zones and places of a table, looked up once a name."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypercube.core.chart import BirthInput
from hypercube.core.errors import HyperCubeError
from hypercube.saju.births import read_birth
from hypercube.saju.bulk.births import NONE, Births
from hypercube.saju.zones import DEFAULT_ZONE, load_zone


@dataclass(frozen=True, eq=False, slots=True)
class Sites:
    """What the names of `Births` stand for. Code -1, not given, reads the last element of every array."""

    names: tuple[str, ...]
    """The IANA zones that occur; the first is the default."""
    zone_name: NDArray[np.intp]
    """[zones + 1] index into `names`; -1 = no such zone, or not given."""
    zone_known: NDArray[np.bool_]
    """[zones + 1]"""
    place_zone: NDArray[np.intp]
    """[places + 1] index into `names`."""
    place_longitude: NDArray[np.float64]
    """[places + 1] NaN where there is none."""
    place_known: NDArray[np.bool_]
    """[places + 1]"""

    @classmethod
    def of(cls, births: Births) -> "Sites":
        """Look up every name; one that is not known stays in the arrays as such."""
        index = {DEFAULT_ZONE: 0}
        zone_name = [_zone(each, index) for each in births.zones]
        places = [_place(each, index) for each in births.places]
        return cls(
            names=tuple(index),
            zone_name=np.array(
                [*(NONE if each is None else each for each in zone_name), NONE], dtype=np.intp
            ),
            zone_known=np.array([*(each is not None for each in zone_name), True]),
            place_zone=np.array([*(0 if each is None else each[0] for each in places), 0], dtype=np.intp),
            place_longitude=np.array([*(np.nan if each is None else each[1] for each in places), np.nan]),
            place_known=np.array([*(each is not None for each in places), True]),
        )


def _zone(name: str, index: dict[str, int]) -> int | None:
    try:
        return index.setdefault(load_zone(name).name, len(index))
    except HyperCubeError:
        return None


def _place(name: str, index: dict[str, int]) -> tuple[int, float] | None:
    try:
        _, site = read_birth(BirthInput("2000-01-01T12:00", place=name))
    except HyperCubeError:
        return None
    assert site.longitude is not None
    return index.setdefault(site.zone, len(index)), site.longitude
