"""`python -m benchmarks`: every CPU benchmark, rows appended to benchmarks/results (what `make bench` runs)."""

import runpy
import sys
from pathlib import Path
from typing import Final

SUBJECTS: Final = (
    "pillars",
    "solar_offset",
    "features",
    "compatibility",
    "batching",
    "inference_v2",
    "gateway",
    "reading",
    "pairs",
    "workers",
)


def main() -> None:
    chosen = sys.argv[1:] or list(SUBJECTS)
    unknown = [name for name in chosen if name not in SUBJECTS]
    if unknown:
        raise SystemExit(f"No benchmark {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}.")
    for name in chosen:
        print(f"== {name}")
        rows = Path("benchmarks") / "results" / f"{name.replace('_', '-')}-cpu.jsonl"
        sys.argv = [name, "--output", str(rows)]
        try:
            runpy.run_module(f"benchmarks.{name}", run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main()
