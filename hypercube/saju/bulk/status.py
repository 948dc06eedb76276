"""Why a row has no chart: one code a row, in the order in which the single path finds fault."""

from types import MappingProxyType
from typing import Final

OK: Final = 0
BAD_BIRTH: Final = 1
"""Not a date and time, no such date, or outside the years of the solar-term table."""
BAD_PLACE: Final = 2
BAD_LONGITUDE: Final = 3
BAD_ZONE: Final = 4
BAD_TIME_BASIS: Final = 5
"""Not a choice, or a solar basis without a place or longitude."""
BAD_SEX: Final = 6
BAD_DAY_BOUNDARY: Final = 7
BAD_FOLD: Final = 8
UNSETTLED_TIME: Final = 9
"""The clock showed that time twice or never, and `fold` is not given."""
VANISHED_DATE: Final = 10
"""A date without an hour that the zone left out when it crossed the date line."""
NO_SEX: Final = 11
"""Luck pillars are asked for, and their direction depends on the sex."""

NAMES: Final = MappingProxyType(
    {
        OK: "ok",
        BAD_BIRTH: "bad_birth",
        BAD_PLACE: "bad_place",
        BAD_LONGITUDE: "bad_longitude",
        BAD_ZONE: "bad_zone",
        BAD_TIME_BASIS: "bad_time_basis",
        BAD_SEX: "bad_sex",
        BAD_DAY_BOUNDARY: "bad_day_boundary",
        BAD_FOLD: "bad_fold",
        UNSETTLED_TIME: "unsettled_time",
        VANISHED_DATE: "vanished_date",
        NO_SEX: "no_sex",
    }
)
"""What files call the codes."""
