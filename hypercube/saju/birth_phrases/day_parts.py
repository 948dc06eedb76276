"""Parts of the day: which hours of the clock 새벽 3시, 저녁 7시, 밤 1시, "7 in the evening" can be."""

from typing import Final

_WORDS: Final = {
    "am": ("오전", "a.m.", "am", "a.m", "am."),
    "pm": ("오후", "p.m.", "pm", "p.m", "pm."),
    "dawn": (
        "이른 새벽",
        "꼭두새벽",
        "신새벽",
        "새벽녘",
        "새벽",
        "at dawn",
        "in the early morning",
        "early morning",
        "dawn",
    ),
    "morning": ("이른 아침", "아침", "in the morning", "in the late morning", "morning"),
    "day": ("대낮", "한낮", "점심때", "점심", "낮"),
    "afternoon": (
        "in the early afternoon",
        "in the late afternoon",
        "in the afternoon",
        "afternoon",
    ),
    "evening": (
        "초저녁",
        "저녁",
        "in the early evening",
        "in the late evening",
        "in the evening",
        "evening",
    ),
    "night": ("늦은 밤", "한밤중", "한밤", "밤늦게", "심야", "밤", "at night", "night"),
}
_PART_OF: Final = {word: part for part, words in _WORDS.items() for word in words}
PART: Final = "(?:" + "|".join(sorted((w.replace(".", r"\.") for w in _PART_OF), key=len, reverse=True)) + ")"
"""Any of them, as a pattern over canonical text."""
EXPLICIT_HALF: Final = {
    "am": range(12),
    "pm": range(12, 24),
    "dawn": range(7),
    "morning": range(4, 12),
    "day": range(10, 18),
    "afternoon": range(12, 19),
    "evening": range(16, 23),
    "night": (*range(18, 24), *range(4), *range(24, 28)),
}
"""The hours that a part of the day alone, said as an answer, can pick."""
_SHIFTED: Final = {"am": 0, "dawn": 0, "morning": 0, "pm": 12, "afternoon": 12}


def part_of(word: str) -> str:
    """The key of `EXPLICIT_HALF` for a word that `PART` matched."""
    folded = word.strip()
    if folded in _PART_OF:
        return _PART_OF[folded]
    last = folded.split(" ")[-1]  # "this morning"
    return _PART_OF.get(last, "am")


def clock_readings(part: str | None, hour: int, *, padded: bool) -> tuple[int, ...]:
    """The hours of a 24-hour clock that `hour` (0 to 24) of a part of the day can be; empty where none.

    Hours from 24 on belong to the night after the day of birth. `padded`: written 07, as a 24-hour clock does.
    """
    if hour == 24:
        return (0, 24) if part in (None, "night", "am", "pm", "dawn") else ()
    if part is None:
        if padded or hour == 0 or hour > 12:
            return (hour,)
        return (0, 12) if hour == 12 else (hour, hour + 12)
    if hour == 0:
        return {"pm": (), "morning": (), "day": (), "afternoon": (), "evening": ()}.get(part, (0,))
    if hour > 12:
        return (hour,) if hour in EXPLICIT_HALF[part] else ()
    if part in _SHIFTED:
        return _shifted(part, hour)
    if part == "day":
        return (hour,) if hour >= 10 else (hour + 12,) if hour <= 5 else (hour, hour + 12)
    if part == "evening":
        return (0, 24) if hour == 12 else (hour + 12,) if hour >= 4 else ()
    # Night: of 12 and the small hours nobody says which of two nights is meant.
    if hour == 12:
        return (0, 24)
    return (hour + 12,) if hour >= 6 else (hour, hour + 24) if hour <= 4 else (5, 17)


def _shifted(part: str, hour: int) -> tuple[int, ...]:
    if hour == 12:
        # 오전 12시 and 12 am are the day's first hour on every digital clock, 오후 12시 its thirteenth.
        return {"am": (0,), "dawn": (0,), "morning": (0, 12), "pm": (12,), "afternoon": (12,)}[part]
    return (hour + _SHIFTED[part],)
