"""The Triton kernels of `compatibility` without a GPU: parity in the interpreter, machine code for two GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("triton")
CASES = Path(__file__).with_name("triton_compatibility_cases.py")
COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from hypercube.kernels.compatibility import tables
from hypercube.kernels.compatibility import triton as op

types = {"charts_pointer": "*i32", "rows": "i64", "tables_pointer": "*i32", "queries": "i32", "tiles": "i64",
         "taken": "i64", "tile_keys_pointer": "*i64", "wrong_pointer": "*i32", "keys_pointer": "*i64",
         "out_pointer": "*i16", "BIAS": "constexpr", "BLOCK": "constexpr", "TILES": "constexpr"}
values = {"BIAS": tables.BIAS, "BLOCK": op.TILES_A_PROGRAM * op.TILE, "TILES": op.TILES_A_PROGRAM}
kernel = getattr(op, sys.argv[2])
names = kernel.arg_names
aligned = {(i,): [["tt.divisibility", 16]] for i, name in enumerate(names) if types[name].startswith("*")}
source = ASTSource(
    fn=kernel,
    signature={name: types[name] for name in names},
    constexprs={name: values[name] for name in names if types[name] == "constexpr"},
    attrs=aligned,
)
made = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[1]), 32), options={"num_warps": op.WARPS})
assert made.asm["cubin"]
print(made.asm["ptx"])
"""


def run_cases(selection: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", str(CASES), "-q", "-m", selection, "-p", "no:cacheprovider"]
    return subprocess.run(
        command, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=280
    )


def test_parity_in_the_interpreter() -> None:
    done = run_cases("not slow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.slow
def test_parity_in_the_interpreter_over_a_million() -> None:
    done = run_cases("slow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("kernel", ["all_scores_kernel", "tile_maxima_kernel", "row_keys_kernel"])
@pytest.mark.parametrize("capability", [80, 90])
def test_compiles_ahead_of_time(capability: int, kernel: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(capability), kernel],
        env=environment | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    if kernel == "tile_maxima_kernel":  # the pass over all candidates reads 16 bytes at once
        assert "ld.global.v4.b32" in done.stdout
