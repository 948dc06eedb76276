"""What a supervisor refuses before it starts anything."""

import sys
from pathlib import Path

import pytest

from hypercube.app.listening import bind_http
from hypercube.app.workers.supervisor import Supervisor
from hypercube.app.workers.task import Role, Task, read_task, write_task
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.settings import Settings, load_settings


def supervisor(**server: object) -> Supervisor:
    settings = load_settings({"server": {"workers": 2, **server}, "model": {"name": "none"}})
    return Supervisor(settings, on_status=lambda *_: None, on_line=lambda _: None)


@pytest.mark.parametrize("name", ["http_socket", "grpc_socket"])
def test_a_unix_socket_is_one_process_s(tmp_path: Path, name: str) -> None:
    with pytest.raises(HyperCubeError, match="--workers 1") as refused:
        supervisor(**{name: tmp_path / "socket"})
    assert refused.value.param == f"server.{name}"


def test_a_foreign_address_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HyperCubeError, match="--allow-remote"):
        supervisor(host="0.0.0.0")


def test_elsewhere_than_on_linux_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(HyperCubeError, match="Linux") as refused:
        supervisor()
    assert refused.value.kind is ErrorKind.FAILED_PRECONDITION


@pytest.mark.parametrize("what", ["http", "grpc"])
async def test_a_taken_port_is_not_shared_silently(what: str) -> None:
    with bind_http("127.0.0.1", 0, share=True) as taken:  # as another server with several processes holds it
        port = taken.getsockname()[1]
        with pytest.raises(HyperCubeError, match=str(port)) as refused:
            async with supervisor(**{"http_port": 0, "grpc_port": 0, f"{what}_port": port}).running():
                pass
    assert refused.value.kind is ErrorKind.FAILED_PRECONDITION


def test_a_process_hears_of_all_settings_secrets_included(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    file = tmp_path / "hypercube.toml"
    file.write_text('[server]\nworkers = 3\n[upstream]\napi_key = "secret"\n[model]\nmemory_budget = "1GB"\n')
    settings = load_settings({"model": {"name": "fake"}}, file=file)
    monkeypatch.setenv("HYPERCUBE_MODEL_NAME", "none")  # the supervisor has decided
    ours, theirs = socket.socketpair()
    with ours, theirs:
        write_task(ours, Task(Role.FRONT, settings, tmp_path, 1, (4, 5), 80, 90))
        task = read_task(theirs)
    assert task.settings.model_dump() == settings.model_dump()
    assert type(task.settings) is Settings
    assert task.settings.upstream.api_key.get_secret_value() == "secret"
    assert (task.worker, task.listeners, task.http_port, task.grpc_port) == (1, (4, 5), 80, 90)
