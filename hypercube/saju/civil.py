"""Civil times that a zone's clock did not show exactly once: what to tell the caller."""

from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.saju.zones import AMBIGUOUS, Zone, resolve

_EPOCH: Final = datetime(1970, 1, 1)


def iso(seconds: int) -> str:
    """ISO 8601 of seconds since 1970-01-01T00:00, without an offset."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def unsettled_time(text: str, local_seconds: int, zone: Zone) -> HyperCubeError:
    """The error for a clock time that came twice or never, with both ways to read it."""
    both = resolve(np.array([local_seconds] * 2, dtype=np.int64), zone, np.array([0, 1], dtype=np.int8))
    choices: list[dict[str, Any]] = [
        {"fold": fold, "utc": iso(utc) + "Z", "offset_s": offset}
        for fold, utc, offset in zip(
            (0, 1), both.utc_seconds.tolist(), both.offset_seconds.tolist(), strict=True
        )
    ]
    happened = "came twice" if both.status[0] == AMBIGUOUS else "was skipped by the clock"
    readings = " or ".join(
        f"fold {each['fold']} for {each['utc']} ({_utc_offset(each['offset_s'])})" for each in choices
    )
    return invalid(
        f"birth {text!r} {happened} in {zone.name}.",
        param="birth",
        value=text,
        fix=f"Give {readings}.",
        choices=choices,
    )


def vanished_date(text: str, local_seconds: int, zone: Zone) -> HyperCubeError:
    """The error for a date that a zone left out when it crossed the date line."""
    day = timedelta(days=1)
    noon = _EPOCH + timedelta(seconds=local_seconds)
    return invalid(
        f"birth {text!r} is a date that {zone.name} skipped.",
        param="birth",
        value=text,
        fix=f"The day before was {(noon - day).date()}, the day after {(noon + day).date()}.",
    )


def _utc_offset(seconds: int) -> str:
    hours, rest = divmod(abs(seconds), 3_600)
    minutes, left = divmod(rest, 60)
    return f"UTC{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}" + (f":{left:02}" if left else "")
