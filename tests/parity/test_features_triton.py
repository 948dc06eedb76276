"""The Triton kernel of features without a GPU: parity in Triton's interpreter, and machine code for two GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("triton")
CASES = Path(__file__).with_name("triton_features_cases.py")
COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from hypercube.kernels.features import triton as op

pointers = {"charts_pointer": "*i32", "out_pointer": "*i64", "outside_pointer": "*i32",
            "words_pointer": "*i64", "halves_pointer": "*i16", "bytes_pointer": "*u8"}
fixed = {"CHECK": sys.argv[2] == "check", "BLOCK": op.BLOCK}
signature = pointers | {"rows": "i64"} | dict.fromkeys(fixed, "constexpr")
aligned = {(position,): [["tt.divisibility", 16]] for position in range(6)}
source = ASTSource(fn=op.features_kernel, signature=signature, constexprs=fixed, attrs=aligned)
made = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[1]), 32), options={"num_warps": op.WARPS})
assert made.asm["cubin"]
assert made.metadata.shared <= 48 << 10
print(made.asm["ptx"])
"""


def test_parity_in_the_interpreter() -> None:
    command = [sys.executable, "-m", "pytest", str(CASES), "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "23 passed" in done.stdout


@pytest.mark.parametrize("check", ["check", "no check"])
@pytest.mark.parametrize("capability", [80, 90])
def test_compiles_ahead_of_time_with_wide_stores(capability: int, check: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(capability), check],
        env=environment | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # 16 bytes an instruction, of a whole program and of the last one, and no other store of rows.
    assert done.stdout.count("st.global.v2.b64") == 16
    assert "st.global.b" not in done.stdout
    assert ("atom.global" in done.stdout) == (check == "check")
