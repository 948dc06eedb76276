"""Every example of the README and of docs/client.md runs as it stands, against a real server."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def blocks(text: str) -> list[Any]:
    """Each block with its language, named by the heading above it."""
    found = []
    for match in _BLOCK.finditer(text):
        if text[: match.start()].endswith("-->\n"):
            continue  # needs files of its own: tests/e2e/test_models_command.py runs it
        heading = _HEADING.findall(text[: match.start()])[-1]
        found.append(pytest.param(match[1], match[2], id=f"{heading.lower().replace(' ', '-')}-{len(found)}"))
    return found


def run(language: str, code: str, server: Any) -> "subprocess.CompletedProcess[str]":
    code = code.replace("127.0.0.1:8080", f"127.0.0.1:{server.http_port}")
    code = code.replace("127.0.0.1:50051", server.target)
    code = code.replace("Client()", f'Client("{server.target}")')
    code = code.replace(".venv/bin/hypercube", f"{sys.executable} -m hypercube")
    command = (
        ["bash", "-euo", "pipefail", "-c", code]
        if language == "bash"
        else [sys.executable, "-W", "error", "-c", code]
    )
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.real_model
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("language", "code"), blocks(README))
def test_a_readme_block_runs(language: str, code: str, real_server: Any) -> None:
    done = run(language, code, real_server)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("language", "code"), blocks((ROOT / "docs" / "client.md").read_text(encoding="utf-8"))
)
def test_a_client_block_runs(language: str, code: str, fake_server: Any) -> None:
    done = run(language, code, fake_server)
    assert done.returncode == 0, done.stderr


def test_the_commands_it_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\$ make ([a-z-]+)", texts, re.MULTILINE)) | set(
        re.findall(r"`make ([a-z-]+)", texts)
    )
    assert {"run", "test", "check"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_paths_it_names_exist() -> None:
    for path in re.findall(r"`((?:docs|benchmarks|tests|scripts)/[\w./-]*|[A-Z]+\.md)`", README):
        assert (ROOT / path).exists(), path


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README


def test_the_readme_never_installs_somebody_elses_package() -> None:
    assert not re.search(r"pip install ['\"]?hypercube", README)
