"""The recipes of docs/security.md for TLS and mTLS, run as they stand; only the ports are those of the test."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "security.md"
_BLOCK: Final = re.compile(r"```(sh|python)\n(.*?)```", re.DOTALL)
PATIENCE_S: Final = 60


def recipe(heading: str) -> list[str]:
    """The blocks below a heading: certificates, server, curl, Python."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text.partition(f"\n{heading}\n")[2]
    section = re.split(r"\n##+ ", section)[0]
    blocks = _BLOCK.findall(section)
    assert [kind for kind, _ in blocks] == ["sh", "sh", "sh", "python"]
    return [code for _, code in blocks]


class Place:
    """A folder with the reader's files, and the commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def shell(self, commands: str) -> "subprocess.CompletedProcess[str]":
        return self._run(["bash", "-euo", "pipefail", "-c", commands])

    def python(self, code: str) -> "subprocess.CompletedProcess[str]":
        return self._run([sys.executable, "-c", code])

    def _run(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )

    def serve(self, line: str, serve: Callable[..., Any]) -> Any:
        """The server of a line such as `NAME=value hypercube serve …`, on free ports."""
        words = shlex.split(line)
        at = words.index("hypercube")
        settings = dict(word.split("=", 1) for word in words[:at])
        assert words[at + 1] == "serve"
        paths = {name: str(self.folder / value) for name, value in settings.items()}
        return serve(*words[at + 2 :], **paths)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    missing = [name for name in ("openssl", "curl") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not installed here")
    monkeypatch.setenv("PYTHONPATH", str(DOCUMENT.parents[1]) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    return Place(tmp_path)


def on(ports: Any, text: str) -> str:
    changed = text.replace("localhost:8080", f"localhost:{ports.http_port}")
    changed = changed.replace("localhost:50051", f"localhost:{ports.grpc_port}")
    assert changed != text
    return changed


def made(place: Place, commands: str) -> None:
    done = place.shell(commands)
    assert done.returncode == 0, done.stderr


def test_the_recipe_for_tls(place: Place, serve: Callable[..., Any]) -> None:
    certificates, server_line, curl, code = recipe("## TLS")
    made(place, certificates)
    with place.serve(server_line, serve) as server:
        answer = place.shell(on(server, curl))
        assert answer.returncode == 0, answer.stderr
        assert '"charts"' in answer.stdout
        chart = place.python(on(server, code))
        assert chart.returncode == 0, chart.stderr
        assert "경오" in chart.stdout

        clear = place.shell(f"curl --fail --silent http://localhost:{server.http_port}/readyz")
        assert clear.returncode != 0
        stranger = place.shell(f"curl --fail --silent https://localhost:{server.http_port}/readyz")
        assert stranger.returncode == 60, "the certificate is nobody's that curl knows"


def test_the_recipe_for_mtls(place: Place, serve: Callable[..., Any]) -> None:
    certificates, *_ = recipe("## TLS")
    for_clients, server_line, curl, code = recipe("### Clients with certificates (mTLS)")
    made(place, certificates + for_clients)
    with place.serve(server_line, serve) as server:
        answer = place.shell(on(server, curl))
        assert answer.returncode == 0, answer.stderr
        assert '"charts"' in answer.stdout
        chart = place.python(on(server, code))
        assert chart.returncode == 0, chart.stderr
        assert "경오" in chart.stdout

        without = place.shell(on(server, curl.replace("--cert client.pem --key client.key ", "")))
        assert without.returncode != 0
        assert without.stdout == ""
