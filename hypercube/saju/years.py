"""The civil years for which the solar terms are tabulated."""

from typing import Final

FIRST_YEAR: Final = 1800
LAST_YEAR: Final = 2200
