"""The official Triton client against a server as users start it.

The client needs protobuf < 7 and brings its own `inference` package, so it lives in an environment of its own
(`make tritonclient`), built by the first run on a machine.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest

from hypercube.kernels.pillars import pillars
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-tritonclient" / "bin" / "python"
JUDGE = Path(__file__).with_name("tritonclient_judge.py")
CASES = ("metadata", "infer_http", "infer_grpc", "stream", "shared")


@pytest.fixture(scope="session")
def judge() -> Path:
    """The python of the client's environment; skips, saying why, where it cannot be had."""
    with filelock.FileLock(ROOT / ".venv-tritonclient.lock"):
        built = subprocess.run(
            ["make", "--no-print-directory", "tritonclient", f"PYTHON={sys.executable}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=280,
        )
    if built.returncode:
        pytest.skip(f"tritonclient could not be installed: {built.stderr.strip()[-300:]}")
    return PYTHON


def judged(judge: Path, server: Any, case: str) -> dict[str, Any]:
    """What the client found; fails with what it printed."""
    ran = subprocess.run(
        [judge, JUDGE, f"127.0.0.1:{server.http_port}", server.target, case],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert said["case"] == case
    return said


def test_the_official_client_asks_for_versions(judge: Path, serve: Any, tmp_path: Path) -> None:
    registry = ModelRegistry(ModelStore(tmp_path))
    for version, alias in (("1.0.0", "production"), ("1.1.0", "canary")):
        registry.store.publish(ModelManifest("tiny", version, "", "MIT", "fake", "none", 4096, 7), {})
        registry.set_alias("tiny", alias, version)
    with serve("--model", "tiny", HYPERCUBE_MODEL_DIR=str(tmp_path)) as server:
        server.wait_ready(60)
        judged(judge, server, "versions")


@pytest.mark.parametrize("case", CASES)
def test_the_official_client(judge: Path, fake_server: Any, case: str) -> None:
    said = judged(judge, fake_server, case)
    if said["charts"]:
        utc = np.random.default_rng(5).integers(-2_208_988_800, 2_556_144_000, 200_000)[:1_000]
        assert np.array_equal(np.array(said["charts"]), pillars(utc, 32_400, backend="reference"))
