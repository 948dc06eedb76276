"""Charts published as worked examples (manseryeok), at its longitude of Seoul, 126.978."""

import pytest

from hypercube.core.chart import Chart
from hypercube.saju import chart

SEOUL = 126.978
CASES = [
    # birth by the clock, day and hour by the clock, the same by the Sun
    ("1988-07-15T12:30", "辛未 甲午", "辛未 癸巳"),
    ("1987-06-01T00:20", "辛巳 戊子", "庚辰 丁亥"),
    ("1995-08-15T15:00", "戊寅 庚申", "戊寅 己未"),
    ("1999-06-11T23:31", "甲午 丙子", "甲午 乙亥"),
]


def day_and_hour(of: Chart) -> str:
    assert of.pillars.hour is not None
    return f"{of.pillars.day.hanja} {of.pillars.hour.hanja}"


@pytest.mark.parametrize(("birth", "by_clock", "by_sun"), CASES)
@pytest.mark.parametrize("time_basis", ["mean_solar", "true_solar"])
def test_the_sun_and_the_clock(birth: str, by_clock: str, by_sun: str, time_basis: str) -> None:
    clock = chart(birth)
    sun = chart(birth, longitude=SEOUL, time_basis=time_basis)
    assert day_and_hour(clock) == by_clock
    assert day_and_hour(sun) == by_sun
    assert not any(note.startswith("By the clock") for note in clock.notes)
    assert sum(note.startswith("By the clock") for note in sun.notes) == 1


@pytest.mark.parametrize(
    ("day_boundary", "expected"),
    [("same_day", "甲午 甲子"), ("zi23", "乙未 丙子"), ("midnight", "甲午 丙子")],
)
def test_half_past_eleven_at_night(day_boundary: str, expected: str) -> None:
    by_clock = chart("1999-06-11T23:31", day_boundary=day_boundary)
    assert day_and_hour(by_clock) == expected
    assert any(note.startswith("Born at 23:00-24:00") for note in by_clock.notes)
    # Mean solar time is 22:58:55, still 亥: the rule no longer matters.
    by_sun = chart("1999-06-11T23:31", longitude=SEOUL, day_boundary=day_boundary)
    assert day_and_hour(by_sun) == "甲午 乙亥"
    assert by_sun.boundary.hour_edge_s == 65


def test_what_the_note_says() -> None:
    assert chart("1995-08-15T15:00", longitude=SEOUL).notes == (
        "By the clock the hour pillar would be 庚申 (경신); mean solar time (-32 min 5 s) gives 己未 (기미).",
    )
    assert chart("1987-06-01T00:20", longitude=SEOUL).notes == (
        "By the clock the day and hour pillars would be 辛巳 (신사) and 戊子 (무자); mean solar time "
        "(-1 h 32 min 5 s) gives 庚辰 (경진) and 丁亥 (정해).",
        "Summer time (서머타임) was in force: the clock ran 1 h ahead, and mean solar time leaves it out.",
    )
