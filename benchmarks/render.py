"""Tables and a plot of the rows in benchmarks/results.

    python -m benchmarks.render             # writes docs/performance.md and docs/images/performance.png
    python -m benchmarks.render --check     # exit status 1 when the tables are not those of the rows

Of runs of one kind the last counts. The plot needs matplotlib (the dependency group `bench`).
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.tables import CPU_TABLES, TABLES, Row

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "docs" / "performance.md"
PLOT: Final = ROOT / "docs" / "images" / "performance.png"
BEGIN: Final = "<!-- tables of benchmarks/results: begin -->"
END: Final = "<!-- tables of benchmarks/results: end -->"
NO_GPU: Final = "No GPU row is in `benchmarks/results` yet."


def tables(results: Path) -> str:
    """All tables that have rows, as Markdown."""
    made = [text for table in TABLES if (text := table.markdown(results))]
    if not (results / "gpu.jsonl").exists():
        made.append(NO_GPU)
    return "\n\n".join(made)


def page_with_tables(page: str, results: Path) -> str:
    """The page with what lies between its markers made anew; ValueError when a marker is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"docs/performance.md must have the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{tables(results)}\n\n{END}{after}"


def plot(results: Path, target: Path) -> None:
    """A PNG of four bar charts: pillars and their share of a copy, features and search, and the peers."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    shown = {table.title: table.rows(results) for table in CPU_TABLES}
    pillars = [row for row in shown["Four pillars on the CPU"] if row["years"] == "1800-2200"]
    beside = [row for row in shown["Four pillars on the CPU"] if "times_cast_pillars" in row]
    peers = shown["Four pillars by other libraries"]
    features = [row for row in shown["Feature rows on the CPU"] if row["rows_per_s"]]
    search = [
        row
        for row in shown["The best 100 of 10 million on the CPU"]
        if not row["contestant"].startswith("np.")
    ]
    figure, panels = plt.subplots(2, 2, figsize=(11, 7), layout="constrained")
    _bars(
        panels[0][0],
        [(f"{row['backend']}, {_threads(row)}", row["copy_share"]) for row in pillars],
        "Four pillars: share of a copy of as many bytes",
    )
    _bars(
        panels[0][1],
        [
            *((f"features {row['backend']}", row["rows_per_s"] / 1e6) for row in features),
            *((f"search {row['contestant']}", row["candidates_per_s"] / 1e6) for row in search),
        ],
        "Feature rows, and candidates searched: million a second, logarithmic",
        log=True,
    )
    _bars(
        panels[1][0],
        [(row["contestant"], row["median_s"] * 1e3) for row in search],
        "Best 100 of 10 million: milliseconds (short is good)",
    )
    _bars(
        panels[1][1],
        [
            *((f"{row['backend']}, {_threads(row)}", row["charts_per_s"]) for row in beside),
            *((row["backend"], row["charts_per_s"]) for row in peers),
        ],
        "Four pillars: charts a second, logarithmic",
        log=True,
    )
    device = next((row["device"] for row in pillars), "")
    figure.suptitle(f"HyperCube on {device}; rows: benchmarks/results")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _threads(row: Row) -> str:
    return f"{row['threads']} thread{'' if row['threads'] == 1 else 's'}"


def _bars(axes: Any, bars: list[tuple[str, float]], title: str, *, log: bool = False) -> None:
    """Horizontal bars from the top down, each with its value."""
    names, values = [name for name, _ in bars], [value for _, value in bars]
    drawn = axes.barh(range(len(bars)), values, color="#4c72b0")
    axes.bar_label(
        drawn, [f"{value:,.3g}" if value < 1e3 else f"{value:,.0f}" for value in values], padding=3
    )
    axes.set_yticks(range(len(bars)), names)
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, fontsize=10)
    if log:
        axes.set_xscale("log")
        axes.set_xlim(right=max(values, default=1) * 30)


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    made = page_with_tables(page, RESULTS)
    if options.check:
        if made != page:
            print("docs/performance.md is not up to date. Run: python -m benchmarks.render")
        return int(made != page)
    PAGE.write_text(made, encoding="utf-8")
    plot(RESULTS, PLOT)
    print(f"written: {PAGE.relative_to(ROOT)}, {PLOT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
