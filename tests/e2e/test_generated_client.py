"""Clients that are not ours, and our SDK, on both protobuf generations that it promises to work with.

`tests/e2e/generated_client_judge.py` runs in an environment with gRPC alone, built by the first run on a machine
(`make protobuf6 protobuf7`): it makes stubs of proto/ with that environment's own compiler, and calls every
service with them; and it calls the server by the SDK, from the source, on that protobuf.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import filelock
import httpx
import numpy as np
import pytest

from hypercube.kernels.pillars import pillars

ROOT: Final = Path(__file__).resolve().parents[2]
JUDGE: Final = Path(__file__).with_name("generated_client_judge.py")
UTC: Final = (641_686_800, -1_000_000_000)
BIRTH: Final = {"birth": "1990-05-03T07:20", "place": "Seoul"}


@pytest.fixture(scope="session", params=["6", "7"])
def python(request: Any) -> tuple[str, Path]:
    """A protobuf generation and the Python of its environment; skips, saying why, where it cannot be had."""
    name = f"protobuf{request.param}"
    with filelock.FileLock(ROOT / f".venv-{name}.lock"):
        built = subprocess.run(
            ["make", "--no-print-directory", name, f"PYTHON={sys.executable}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=280,
        )
    if built.returncode:
        pytest.skip(f"{name} could not be installed: {(built.stderr or built.stdout).strip()[-300:]}")
    return request.param, ROOT / f".venv-{name}" / "bin" / "python"


def said(python: Path, target: str, mode: str, folder: Path) -> dict[str, Any]:
    """What the judge heard; the environment cannot see ours."""
    ran = subprocess.run(
        [python, "-I", JUDGE, ROOT / "proto", folder, target, mode, ROOT],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=folder,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def indices(url: str) -> list[int]:
    """The chart of BIRTH over HTTP."""
    chart = httpx.post(url + "/v1/saju/charts", json=BIRTH).json()
    return [chart["pillars"][each]["index"] for each in ("year", "month", "day", "hour")]


def text_of(url: str) -> str:
    """The chat over HTTP."""
    asked = {"model": "fake", "seed": 5, "messages": [{"role": "user", "content": "hello"}]}
    answer = httpx.post(url + "/v1/chat/completions", json=asked).json()
    return str(answer["choices"][0]["message"]["content"])


def test_stubs_made_by_anybody(python: tuple[str, Path], fake_server: Any, tmp_path: Path) -> None:
    generation, interpreter = python
    found = said(interpreter, fake_server.target, "generated", tmp_path)
    assert found["protobuf"].split(".")[0] == generation
    assert found["pillars"] == indices(fake_server.url)
    assert found["text"] == found["streamed"] == text_of(fake_server.url)
    assert found["finish"] == ["stop", "stop"]
    assert all(found[each] for each in ("same", "lunar", "usage", "live", "ready", "infer_streamed"))
    assert (found["terms"], found["processed"], found["row_error"]) == (24, 1, "births[1].birth")
    assert {"saju", "chat", "models"} <= set(found["cubes"])
    assert (found["cube"], found["models"]) == ("saju", ["fake", "saju"])
    assert found["metadata"] == ["utc_seconds", "offset_seconds"]
    wanted = pillars(np.array(UTC), 32_400, backend="reference")
    assert found["inferred"] == ["7", wanted.reshape(-1).tolist()]
    assert found["refused"][0] == "INVALID_ARGUMENT"
    assert "YYYY-MM-DD" in found["refused"][1]
    assert found["unknown"][0] == "NOT_FOUND"


def test_the_sdk(python: tuple[str, Path], fake_server: Any, tmp_path: Path) -> None:
    generation, interpreter = python
    found = said(interpreter, fake_server.target, "sdk", tmp_path)
    assert found["protobuf"].split(".")[0] == generation
    assert Path(found["file"]).is_relative_to(ROOT)
    assert found["pillars"] == indices(fake_server.url)
    assert found["text"] == found["streamed"] == text_of(fake_server.url)
    assert "YYYY-MM-DD" in found["refused"]
