"""Age in full years (만 나이)."""

import datetime as dt


def full_years(born: str, now: str) -> int:
    """Full years (만 나이) between two civil days, YYYY-MM-DD; below 0 before the birth."""
    birth, day = dt.date.fromisoformat(born), dt.date.fromisoformat(now)
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
