"""`python -m benchmarks`: every CPU benchmark, rows appended to benchmarks/results (what `make bench` runs)."""

import runpy
import sys
from pathlib import Path
from typing import Final

SUBJECTS: Final = ("pillars", "features", "compatibility", "batching")


def main() -> None:
    chosen = sys.argv[1:] or list(SUBJECTS)
    unknown = [name for name in chosen if name not in SUBJECTS]
    if unknown:
        raise SystemExit(f"No benchmark {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}.")
    for name in chosen:
        print(f"== {name}")
        sys.argv = [name, "--output", str(Path("benchmarks") / "results" / f"{name}-cpu.jsonl")]
        try:
            runpy.run_module(f"benchmarks.{name}", run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise


if __name__ == "__main__":
    main()
