"""The official Node client as a judge of the OpenAI surface; runs where Node and its package `openai` are."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

SCRIPT: Final = Path(__file__).with_name("openai_node.mjs")
FOLDER: Final = os.environ.get("OPENAI_NODE_FOLDER", "")
"""A folder in which `npm install openai` was run."""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
@pytest.mark.skipif(
    not (Path(FOLDER) / "node_modules" / "openai").is_dir() or not FOLDER,
    reason="OPENAI_NODE_FOLDER names no folder in which `npm install openai` was run",
)
def test_the_official_node_client(fake_server: Any) -> None:
    done = subprocess.run(
        ["node", str(SCRIPT), FOLDER, fake_server.url], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    assert heard["streamed"] == heard["plain"]
    assert len(set(heard["plain"])) == 2
    assert heard["usage"][0] == heard["usage"][1]
    assert heard["called"] == ["tool_calls", "weather"]
    assert heard["text"] == "length"
    assert len(set(heard["responses"])) == 1
    status, param, code, request_id = heard["refused"]
    assert (status, param, code) == (400, "temprature", "invalid_argument")
    assert request_id
