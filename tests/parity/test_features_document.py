"""The layout table of docs/kernels-features.md says what `FIELDS` says."""

from pathlib import Path

from hypercube.kernels.compatibility import COMPONENTS, SCORE_VERSION
from hypercube.kernels.features import FIELDS, LAYOUT_VERSION

TEXT = (Path(__file__).parents[2] / "docs" / "kernels-features.md").read_text(encoding="utf-8")


def test_the_layout_table_is_the_layout() -> None:
    want = [
        f"| {field.offset} | {field.width} | `{field.name}` | {field.kind} | {field.low}–{field.high}"
        f"{', 255 = none' if field.none else ''} | {field.meaning} |"
        for field in FIELDS
    ]
    found = [
        line for line in TEXT.splitlines() if line.startswith("| ") and line[2].isdigit() and "`" in line
    ]
    assert found == want


def test_versions_and_components_are_named() -> None:
    assert f"`LAYOUT_VERSION` = {LAYOUT_VERSION}" in TEXT
    assert f"`SCORE_VERSION` = {SCORE_VERSION}" in TEXT
    for name in COMPONENTS:
        assert f"`{name}`" in TEXT
