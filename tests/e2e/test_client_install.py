"""The client installs and imports alone, in an empty environment, in under 60 MB."""

import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_BYTES = 60_000_000

PROGRAM = """
import sys
import hypercube
from hypercube.client import Client, ConnectionFailed

client = Client("127.0.0.1:9", max_retries=0)
try:
    client.chart("1990-05-03T07:20", place="Seoul")
except ConnectionFailed as error:
    print("typed:", error)
client.close()
print("file:", hypercube.__file__)
"""


def run(*command: str | Path) -> str:
    # The environment's own PYTHONPATH could lend the new one what it lacks.
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd="/", env=clean)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def installed_bytes(site_packages: Path) -> dict[str, int]:
    """Bytes on disk by what stands in site-packages, pip and setuptools aside."""
    sizes = {}
    for entry in site_packages.iterdir():
        if entry.name.split("-")[0] in ("pip", "setuptools", "_distutils_hack", "distutils", "pkg_resources"):
            continue
        files = [entry] if entry.is_file() else [file for file in entry.rglob("*") if file.is_file()]
        sizes[entry.name] = sum(file.stat().st_size for file in files)
    return sizes


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_client_alone_is_small(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("heal7_hypercube-*.whl")
    home = tmp_path / "alone"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "-c", ROOT / "constraints" / "core.txt", wheel)

    # Imported once, so that the bytecode which pip and Python leave behind is counted too.
    said = run(python, "-W", "error", "-c", PROGRAM)
    assert "typed: No connection to 127.0.0.1:9" in said
    assert "Is the server running?" in said
    assert str(home) in said

    (site_packages,) = home.glob("lib/python*/site-packages")
    sizes = installed_bytes(site_packages)
    total = sum(sizes.values())
    record_property("client_site_packages_bytes", total)
    table = "\n".join(
        f"{size:>12,}  {name}" for name, size in sorted(sizes.items(), key=lambda item: -item[1])
    )
    print(f"{total:>12,}  in all\n{table}")
    assert total < LIMIT_BYTES, table
    assert not {name for name in sizes if name.split("-")[0] in ("numpy", "pydantic", "fastapi", "torch")}
