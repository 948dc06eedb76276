"""The client needs no part of the server, and says so by what it imports."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "pydantic", "fastapi", "torch", "numba", "httpx", "orjson", "uvicorn", "typer", "tzdata")
SERVER = (
    "hypercube.gateway",
    "hypercube.cubes",
    "hypercube.saju",
    "hypercube.kernels",
    "hypercube.inference",
    # A process that also speaks to Triton has a package `inference` of its own.
    "hypercube.wire.inference",
)


@pytest.mark.parametrize(
    ("statement", "clean_of"),
    [
        ("import hypercube", (*HEAVY, *SERVER, "grpc", "google.protobuf", "hypercube.client")),
        ("import hypercube; hypercube.Client", (*HEAVY, *SERVER)),
        ("import hypercube; hypercube.AsyncClient('127.0.0.1:1')", (*HEAVY, *SERVER)),
        ("from hypercube.client import exceptions", (*HEAVY, *SERVER)),
    ],
)
def test_what_an_import_pulls_in(statement: str, clean_of: tuple[str, ...]) -> None:
    program = f"import sys\n{statement}\nprint(*sorted(set(sys.modules) & {set(clean_of)!r}))"
    ran = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []
