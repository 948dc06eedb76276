"""The rendered tables: of the committed rows, the last of each kind, and a plot that can be drawn."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.render import BEGIN, END, NO_GPU, PAGE, RESULTS, page_with_tables, plot, tables
from benchmarks.tables import TABLES, Table, of


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_page_is_that_of_the_committed_rows() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page_with_tables(page, RESULTS) == page, "Run: python -m benchmarks.render"


def test_the_last_row_of_each_key_counts_and_only_the_largest_size(tmp_path: Path) -> None:
    table = Table(
        title="T",
        note="N.",
        file="t.jsonl",
        key=("backend",),
        largest="rows",
        order=("backend",),
        columns={"Backend": of("backend"), "M/s": of("rate", ",.1f", 1e-6)},
    )
    write(
        tmp_path / "t.jsonl",
        {"backend": "b", "rows": 10, "rate": 1e6},
        {"backend": "b", "rows": 10, "rate": 2.25e9},
        {"backend": "a", "rows": 10},
        {"backend": "c", "rows": 9, "rate": 3e6},
        {"backend": "d", "missing": "not installed"},
    )
    assert table.markdown(tmp_path).splitlines()[4:] == [
        "| Backend | M/s |",
        "|---|---|",
        "| a | – |",
        "| b | 2,250.0 |",
    ]


def test_a_gpu_row_is_rendered_and_no_claim_is_made_without_one(tmp_path: Path) -> None:
    assert tables(tmp_path) == NO_GPU
    write(
        tmp_path / "gpu.jsonl",
        {
            "section": "resident",
            "op": "pillars",
            "rows": 1 << 30,
            "backend": "triton",
            "median_s": 0.0071,
            "items_per_s": 1.5e11,
            "copy_share": 0.81,
            "device": "NVIDIA H100",
        },
        {"section": "resident", "op": "pillars", "rows": 1 << 31, "left_out": "does not fit"},
    )
    made = tables(tmp_path)
    assert "| pillars | 1,073,741,824 | triton | 7.100 | 150.00 | – | 0.810 | NVIDIA H100 | – |" in made
    assert "left_out" not in made
    assert NO_GPU not in made


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must have the lines"):
        page_with_tables(f"# Page\n{BEGIN}\n", tmp_path)
    assert page_with_tables(f"a\n{BEGIN}\nold\n{END}\nb", tmp_path) == f"a\n{BEGIN}\n\n{NO_GPU}\n\n{END}\nb"


def test_every_table_with_rows_has_them_in_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for table in TABLES:
        assert (f"## {table.title}\n" in page) == bool(table.rows(RESULTS))


def test_the_plot_can_be_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    target = tmp_path / "images" / "performance.png"
    plot(RESULTS, target)
    assert target.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert target.stat().st_size > 20_000
