"""`python -m benchmarks.gpu`; the package's docstring says what it measures."""

import argparse
import sys
from pathlib import Path

from benchmarks.gpu import __doc__ as about
from benchmarks.gpu.machine import machine, without_device

RESULTS = Path(__file__).parents[1] / "results"


def main() -> int:
    """Check, measure, print, append; 3 without a device, 1 when something was red or failed."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0] if about else None)
    sections = ("resident", "small", "transfers", "encoder", "decode")
    parser.add_argument("--sections", nargs="+", choices=sections, default=list(sections))
    parser.add_argument("--ops", nargs="+", help="only these operations (pillars, features, ...)")
    parser.add_argument("--rows", type=int, nargs="+", help="instead of each operation's sizes")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--size", choices=["tiny", "130m", "1.5b"], default="130m", help="of the causal LM")
    parser.add_argument("--quick", action="store_true", help="smallest sizes: does it run?")
    parser.add_argument("--profile", action="store_true", help="also rows of the kernels that take the time")
    parser.add_argument(
        "--device", choices=["cuda", "cpu"], default="cuda", help="cpu: a dry run, no figures"
    )
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    if options.device == "cpu" and options.output and RESULTS in options.output.resolve().parents:
        parser.error("rows of a dry run are no results: give another --output")
    if options.device == "cuda" and (reason := without_device()) is not None:
        print(f"No GPU figures: {reason}.")
        return 3
    from benchmarks.gpu.suite import Suite

    chosen = machine(options.device)
    return Suite(machine=chosen, options=options, common=chosen.environment()).run()


if __name__ == "__main__":
    sys.exit(main())
