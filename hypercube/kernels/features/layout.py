"""The feature row: 64 bytes a chart, one cache line, every byte a small code or count.

The layout is a contract: a change of any offset, width, code or rule raises `LAYOUT_VERSION`, and a model
trained on one version must refuse another.
"""

from typing import Final, NamedTuple

from hypercube.kernels.sexagenary import PAIRS, RELATIONS

LAYOUT_VERSION: Final = 1
ROW_BYTES: Final = 64
POSITIONS: Final = ("year", "month", "day", "hour")
POSITION_BYTES: Final = 8

# Inside the eight bytes of a position.
STEM: Final = 0
BRANCH: Final = 1
STEM_GOD: Final = 2
BRANCH_GOD: Final = 3
STAGE: Final = 4
HIDDEN: Final = slice(5, 8)

ELEMENT_COUNTS: Final = slice(32, 37)
YANG: Final = 37
ROOTS: Final = 38
STRENGTH: Final = 39
ELEMENT_POINTS: Final = slice(40, 45)
SUPPORT: Final = 45
SUPPORT_MONTH: Final = 46
SUPPORT_DAY: Final = 47
RELATION_FLAGS: Final = slice(48, 60)
GROUP_FLAGS: Final = slice(60, 62)
SUPPORT_REST: Final = 62
HOUR_KNOWN: Final = 63


class Field(NamedTuple):
    """A run of bytes of the row."""

    name: str
    offset: int
    width: int
    kind: str
    """code (categorical), count (ordered) or flags (bits)."""
    low: int
    high: int
    """Range of a byte; a code may also be 255 where `none` says so."""
    none: bool
    """Whether 255 stands for "there is none, or the hour is not known"."""
    meaning: str


_ELEMENTS: Final = "wood, fire, earth, metal, water"


def _position_fields(index: int, name: str) -> tuple[Field, ...]:
    at, hour = POSITION_BYTES * index, name == "hour"
    god = "10, the day stem itself (일간)" if name == "day" else "ten god 0..9 of the stem"
    low, high = (10, 10) if name == "day" else (0, 9)
    return (
        Field(f"{name}_stem", at + STEM, 1, "code", 0, 9, hour, "stem, 0 = 甲"),
        Field(f"{name}_branch", at + BRANCH, 1, "code", 0, 11, hour, "branch, 0 = 子"),
        Field(f"{name}_stem_god", at + STEM_GOD, 1, "code", low, high, hour, god),
        Field(
            f"{name}_branch_god", at + BRANCH_GOD, 1, "code", 0, 9, hour, "ten god of the main hidden stem"
        ),
        Field(f"{name}_stage", at + STAGE, 1, "code", 0, 11, hour, "life stage of the day stem, 0 = 장생"),
        Field(
            f"{name}_hidden_elements",
            at + HIDDEN.start,
            3,
            "code",
            0,
            4,
            True,
            f"elements of 여기, 중기, 본기: {_ELEMENTS}",
        ),
    )


_WHOLE_CHART: Final = (
    Field("element_counts", 32, 5, "count", 0, 8, False, f"of stems and branches: {_ELEMENTS}"),
    Field("yang", 37, 1, "count", 0, 8, False, "stems and branches of even index; the others are yin"),
    Field("roots", 38, 1, "flags", 0, 15, False, "bit p: the branch at p hides the day stem's element"),
    Field("strength", 39, 1, "code", 0, 4, False, "0 극신약, 1 신약, 2 중화, 3 신강, 4 극신강"),
    Field("element_points", 40, 5, "count", 0, 110, False, f"places and days, rounded half up: {_ELEMENTS}"),
    Field("support", 45, 1, "count", 10, 110, False, "points for the day stem, of 110 (85 without an hour)"),
    Field("support_month", 46, 1, "count", 0, 30, False, "of these the month branch's (득령)"),
    Field("support_day", 47, 1, "count", 0, 15, False, "the day branch's (득지)"),
    *(
        Field(
            f"{POSITIONS[first]}_{POSITIONS[second]}_relations",
            48 + 2 * pair,
            2,
            "flags",
            0,
            255,
            False,
            "bits 0..13 of RELATIONS, 14 the second void by the first, 15 the reverse; low byte first",
        )
        for pair, (first, second) in enumerate(PAIRS)
    ),
    Field("groups", 60, 2, "flags", 0, 255, False, "bits 0..9 of GROUPS (삼합, 방합, 삼형); low byte first"),
    Field("support_rest", 62, 1, "count", 0, 55, False, "the other places' without the day stem (득세)"),
    Field("hour_known", 63, 1, "code", 0, 1, False, "1 = the hour is known"),
)

FIELDS: Final = (
    *(field for index, name in enumerate(POSITIONS) for field in _position_fields(index, name)),
    *_WHOLE_CHART,
)
"""In the order of the row, without gaps."""


def column_names() -> tuple[str, ...]:
    """A name for each of the 64 bytes: the field's, with a number where it is wider than one."""
    return tuple(
        field.name if field.width == 1 else f"{field.name}_{place}"
        for field in FIELDS
        for place in range(field.width)
    )


def flag_names() -> tuple[str, ...]:
    """The 16 bits of a pair of positions."""
    return (*RELATIONS, "second_void", "first_void")
