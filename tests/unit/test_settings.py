"""The settings tree: file, then environment, then flags; unknown keys name the nearest known one."""

from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.settings import known_keys, load_settings


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in [name for name in os.environ if name.startswith("HYPERCUBE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_with_nothing_set_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.server.host, settings.server.http_port, settings.server.grpc_port) == (
        "127.0.0.1",
        8080,
        50051,
    )
    assert (settings.batching.max_items, settings.batching.window_ms) == (128, 10.0)


def test_flags_beat_the_environment_and_the_environment_beats_the_file(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "hypercube.toml").write_text(
        '[server]\nhttp_port = 1\ngrpc_port = 2\nhost = "localhost"\n[model]\nname = "fake"\n'
    )
    monkeypatch.setenv("HYPERCUBE_SERVER_HTTP_PORT", "3")
    monkeypatch.setenv("HYPERCUBE_SERVER_GRPC_PORT", "4")
    monkeypatch.setenv("HYPERCUBE_MODEL_CONTEXT_LENGTH", "512")
    settings = load_settings({"server": {"http_port": 5}})
    assert (settings.server.http_port, settings.server.grpc_port, settings.server.host) == (5, 4, "localhost")
    assert (settings.model.name, settings.model.context_length) == ("fake", 512)


def test_a_named_file_is_read_and_a_missing_one_is_an_error(empty_folder: Path) -> None:
    (empty_folder / "other.toml").write_text("[batching]\nmax_items = 7\n")
    assert load_settings(file=Path("other.toml")).batching.max_items == 7
    with pytest.raises(HyperCubeError, match=r"no settings file 'gone\.toml'"):
        load_settings(file=Path("gone.toml"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nhttp_prot = 1\n", ["server.http_prot", "Did you mean server.http_port?"]),
        ("[sever]\nhttp_port = 1\n", ["sever is not a setting", "Did you mean server?"]),
        ('[server]\nhttp_port = "many"\n', ["server.http_port = 'many'"]),
        ("[server]\nhttp_port = 65536\n", ["server.http_port = 65536", "65535"]),
        ("[server\n", ["not valid TOML"]),
    ],
    ids=["key", "section", "type", "range", "syntax"],
)
def test_a_wrong_file_is_refused_by_key(empty_folder: Path, text: str, words: list[str]) -> None:
    (empty_folder / "hypercube.toml").write_text(text)
    with pytest.raises(HyperCubeError) as refused:
        load_settings()
    assert refused.value.kind is ErrorKind.INVALID_ARGUMENT
    assert all(word in str(refused.value) for word in words), str(refused.value)


def test_an_unknown_variable_is_refused_with_the_nearest() -> None:
    with pytest.raises(HyperCubeError, match=r"Did you mean HYPERCUBE_SERVER_HTTP_PORT\?"):
        load_settings(environ={"HYPERCUBE_SERVER_HTTPPORT": "1"})


def test_the_tree_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().server.http_port = 1  # type: ignore[misc]


def test_every_leaf_is_known_once() -> None:
    keys = known_keys()
    assert len(keys) == len(set(keys))
    assert "server.max_body_bytes" in keys
