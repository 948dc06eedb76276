"""From the settings to what is served, `upstream` among it; a key is never repeated."""

from pathlib import Path

import pytest

from hypercube.app.model_choice import chat_manifests, make_engines, served_manifests
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.fake import FakeEngine
from hypercube.inference.transformers.encoder_engine import EncoderEngine
from hypercube.inference.upstream import UpstreamEngine
from hypercube.settings import load_settings

SECRET = "sk-very-secret"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in [name for name in os.environ if name.startswith("HYPERCUBE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_catalogue_none_and_a_wrong_name() -> None:
    assert [m.name for m in served_manifests(load_settings({"model": {"name": "fake"}}))] == ["fake"]
    assert served_manifests(load_settings({"model": {"name": "none"}})) == []
    with pytest.raises(HyperCubeError, match="fake"):
        served_manifests(load_settings({"model": {"name": "fakee"}}))


def test_an_upstream_from_a_file_and_a_key_from_the_environment(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "hypercube.toml").write_text(
        '[model]\nname = "upstream"\n[upstream]\nurl = "https://host:1/v1"\nmodel = "big"\nmax_connections = 9\n'
    )
    monkeypatch.setenv("HYPERCUBE_UPSTREAM_API_KEY", SECRET)
    settings = load_settings()
    (manifest,) = served_manifests(settings)
    engine = make_engines(settings)(manifest)
    assert isinstance(engine, UpstreamEngine)
    assert engine.description == "the upstream server host:1 (big)"
    assert engine.slots == 9
    assert engine.capabilities >= {Capability.GENERATE, Capability.JSON_SCHEMA}
    assert SECRET not in f"{settings!r}{settings.model_dump()}{settings.model_dump_json()}"


def test_an_upstream_without_an_address_is_refused_at_start() -> None:
    with pytest.raises(HyperCubeError) as caught:
        make_engines(load_settings({"model": {"name": "upstream"}}))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "upstream.url")


@pytest.mark.parametrize("line", [f'api_key = ["{SECRET}"]', f'apikey = "{SECRET}"'])
def test_a_key_in_the_wrong_shape_or_place_is_not_repeated(empty_folder: Path, line: str) -> None:
    (empty_folder / "hypercube.toml").write_text(f"[upstream]\n{line}\n")
    with pytest.raises(HyperCubeError) as caught:
        load_settings()
    assert SECRET not in f"{caught.value}{caught.value.failure()}"


def test_a_key_in_a_misspelt_variable_is_not_repeated() -> None:
    with pytest.raises(HyperCubeError) as caught:
        load_settings(environ={"HYPERCUBE_UPSTREAM_APIKEY": SECRET})
    assert SECRET not in f"{caught.value}{caught.value.failure()}"


def test_a_second_model_for_embeddings_has_settings_of_its_own() -> None:
    settings = load_settings(
        {
            "model": {"name": "fake", "precision": "fp32", "slots": 3},
            "embedding": {
                "name": "all-minilm-l6-v2",
                "device": "cpu",
                "precision": "fp32",
                "context_length": 64,
            },
        }
    )
    chat, encoder = served_manifests(settings)
    make = make_engines(settings)
    assert isinstance(make(chat), FakeEngine)
    engine = make(encoder)
    assert isinstance(engine, EncoderEngine)
    assert engine.context_length == 64
    assert [each.name for each in chat_manifests(settings)] == ["fake"]


def test_one_model_for_both_is_served_once() -> None:
    both = {"model": {"name": "all-minilm-l6-v2"}, "embedding": {"name": "all-minilm-l6-v2"}}
    assert [each.name for each in served_manifests(load_settings(both))] == ["all-minilm-l6-v2"]


@pytest.mark.parametrize(
    ("embedding", "kind", "param", "fix"),
    [
        ({"name": "gemma-3-270m"}, ErrorKind.FAILED_PRECONDITION, "embedding.name", "all-minilm-l6-v2"),
        ({"name": "upstream"}, ErrorKind.FAILED_PRECONDITION, "embedding.name", "upstream.embeddings"),
        ({"name": "all-minilm-l6-v3"}, ErrorKind.MODEL_NOT_FOUND, "model", "all-minilm-l6-v2"),
        (
            {"name": "all-minilm-l6-v2", "device": "cpu", "precision": "fp16"},
            ErrorKind.FAILED_PRECONDITION,
            "embedding.precision",
            "embedding.precision",
        ),
        (
            {"name": "all-minilm-l6-v2", "precision": "fp33"},
            ErrorKind.INVALID_ARGUMENT,
            "embedding.precision",
            "fp32",
        ),
    ],
)
def test_what_cannot_make_embeddings_is_refused_at_start(
    embedding: dict[str, str], kind: ErrorKind, param: str, fix: str
) -> None:
    settings = load_settings({"model": {"name": "fake"}, "embedding": embedding})
    with pytest.raises(HyperCubeError) as caught:
        make_engines(settings)
    assert (caught.value.kind, caught.value.param) == (kind, param)
    assert fix in (caught.value.fix or "")
