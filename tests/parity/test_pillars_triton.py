"""The Triton kernel without a GPU: parity in Triton's interpreter, and machine code for two GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hypercube.kernels.pillars import DAY_BOUNDARIES

pytest.importorskip("torch")
pytest.importorskip("triton")
CASES = Path(__file__).with_name("triton_cases.py")
COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from hypercube.kernels.pillars import triton as op

pointers = {"utc_pointer": "*i64", "offset_pointer": "*i32", "out_pointer": "*i32",
            "outside_pointer": "*i32", "entries_pointer": "*i32"}
fixed = op.constants(sys.argv[2], True, op.BLOCK)
signature = pointers | {"rows": "i64"} | dict.fromkeys(fixed, "constexpr")
aligned = {(position,): [["tt.divisibility", 16]] for position in range(5)}
source = ASTSource(fn=op.pillars_kernel, signature=signature, constexprs=fixed, attrs=aligned)
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
    assert "3 passed" in done.stdout


@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
@pytest.mark.parametrize("capability", [80, 90])
def test_compiles_ahead_of_time_with_vector_memory_access(
    capability: int, day_boundary: str, tmp_path: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(capability), day_boundary],
        env=environment | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # 16-byte transfers both ways are what the design promises.
    assert "ld.global.v2.b64" in done.stdout
    assert "ld.global.v4.b32" in done.stdout
    assert "st.global.v4.b32" in done.stdout
