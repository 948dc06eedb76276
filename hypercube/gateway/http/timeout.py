"""How long a client allows its request to take."""

import math
from typing import Final

from hypercube.core.errors import invalid

TIMEOUT_HEADER: Final = "x-request-timeout-seconds"


def read_timeout(given: str, longest_s: float) -> float:
    """The seconds of the timeout header.

    Raises:
        HyperCubeError: INVALID_ARGUMENT.
    """
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= longest_s:
        raise invalid(
            f"{TIMEOUT_HEADER} is {given[:40]!r}, which is no time to wait.",
            param=TIMEOUT_HEADER,
            value=given,
            fix=f"Send a number of seconds over 0 and up to {longest_s:g}, such as 2.5.",
        )
    return seconds
