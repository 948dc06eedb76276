"""Births in conversations, phrase by phrase: tests/golden/birth_phrases/*.tsv, exactly as written there.

Columns: the turns, separated by ` || `; then of the draft after the last turn the date (`?` for what is not known),
the calendar (`+leap`, `+plain` where the leap month was told), the time (`+0`, `+1`: the fold), the sex, the place, the
doubts (`field:reading|reading`), and the other people as `role=date,calendar,time,sex,place,doubts`, after `@role`
where the draft's own person has one. A dot is nothing.
"""

import csv
import datetime as dt
from pathlib import Path

import pytest

from hypercube.saju.birth_phrases import EMPTY_DRAFT, BirthDraft, read_birth

FOLDER = Path(__file__).parent / "birth_phrases"
TODAY = dt.date(2026, 11, 27)
FILES = (
    "korean",
    "english",
    "ambiguous",
    "nothing",
    "corrections",
    "people",
    "somebody",
    "held_out",
    "unseen",
)
COLUMNS = ("date", "calendar", "time", "sex", "place", "doubts")


def phrases(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def told(turns: str) -> BirthDraft:
    draft = EMPTY_DRAFT
    for turn in turns.split(" || "):
        draft = read_birth(turn, today=TODAY, earlier=draft)
    return draft


def written(draft: BirthDraft) -> dict[str, str]:
    calendar = "." if draft.calendar is None else draft.calendar.value
    if draft.leap_month is not None:
        calendar += "+leap" if draft.leap_month else "+plain"
    time = "unknown" if draft.time_unknown else draft.hour_range.name if draft.hour_range else "."
    if draft.time is not None:
        time = draft.time.iso() + ("" if draft.fold is None else f"+{draft.fold}")
    return {
        "date": draft.date.iso().replace("????-??-??", "."),
        "calendar": calendar,
        "time": time,
        "sex": "." if draft.sex is None else draft.sex.value[0],
        "place": draft.place or ".",
        "doubts": ";".join(f"{d.field.value}:{'|'.join(d.readings)}" for d in draft.doubts) or ".",
    }


def everybody(draft: BirthDraft) -> dict[str, str]:
    own = [f"@{draft.role}"] if draft.role else []
    others = [f"{each.role}={','.join(written(each).values())}" for each in draft.others]
    return {**written(draft), "people": ";".join(own + others) or "."}


@pytest.mark.parametrize("name", FILES)
def test_every_phrase_is_read_as_written(name: str) -> None:
    wrong = []
    for row in phrases(name):
        expected = {column: row[column].replace("????-??-??", ".") for column in (*COLUMNS, "people")}
        got = everybody(told(row["turns"]))
        if got != expected:
            wrong.append((row["turns"], {k: (expected[k], got[k]) for k in got if got[k] != expected[k]}))
    assert wrong == [], f"{len(wrong)} of {len(phrases(name))} phrases (expected, got)"


def test_the_set_is_as_large_as_promised() -> None:
    rows = [row for name in FILES for row in phrases(name)]
    turns = [row["turns"] for row in rows]
    nothing = [row for row in rows if all(row[column] == "." for column in (*COLUMNS, "people"))]
    asking = [row for row in rows if row["doubts"] != "."]
    over_turns = [row for row in phrases("corrections") + phrases("people") if " || " in row["turns"]]
    assert len(turns) == len(set(turns))
    assert len(turns) >= 650
    assert len(asking) >= 60
    assert len(nothing) >= 60
    assert len(over_turns) >= 40
