"""Several models in the settings, and a server that has one on demand."""

from pathlib import Path

import pytest

from hypercube.app.application import Application
from hypercube.app.model_choice import lazy_models, make_engines, memory_budget, served_manifests
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState
from hypercube.settings import Settings, load_settings

GEMMA, MINILM = "gemma-3-270m", "all-minilm-l6-v2"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in [name for name in os.environ if name.startswith("HYPERCUBE_MODEL")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HYPERCUBE_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_others_follow_the_default_and_are_lazy(empty_folder: Path) -> None:
    (empty_folder / "hypercube.toml").write_text(
        f'[model]\nname = "fake"\nmemory_budget = "3GB"\n[models]\nalso = ["{GEMMA}", "{MINILM}", "fake"]\n'
        f'[embedding]\nname = "{MINILM}"\n'
    )
    settings = load_settings()
    assert [each.name for each in served_manifests(settings)] == ["fake", MINILM, GEMMA]
    assert lazy_models(settings) == {GEMMA}
    assert memory_budget(settings) == 3_000_000_000


def test_the_environment_names_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYPERCUBE_MODEL_NAME", "none")
    monkeypatch.setenv("HYPERCUBE_MODELS_ALSO", f'["{GEMMA}"]')
    monkeypatch.setenv("HYPERCUBE_MODEL_MEMORY_BUDGET", "6GiB")
    settings = load_settings()
    assert lazy_models(settings) == {GEMMA}
    assert memory_budget(settings) == 6 << 30
    assert memory_budget(Settings()) is not None


def test_without_a_budget_there_is_no_limit() -> None:
    assert memory_budget(load_settings()) is None
    assert memory_budget(load_settings({"model": {"memory_budget": "auto"}})) is None
    with pytest.raises(HyperCubeError, match="memory_budget"):
        load_settings({"model": {"memory_budget": "much"}})


def test_a_name_that_is_not_known_is_refused_with_the_nearest() -> None:
    with pytest.raises(HyperCubeError, match=GEMMA) as caught:
        served_manifests(load_settings({"models": {"also": ["gemma-3-270"]}}))
    assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND


def test_a_model_that_the_budget_cannot_hold_is_refused_before_anything_is_loaded() -> None:
    settings = load_settings(
        {"model": {"name": "fake", "memory_budget": "100MB"}, "models": {"also": [GEMMA]}}
    )
    with pytest.raises(HyperCubeError) as caught:
        make_engines(settings)
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert f"The model {GEMMA!r} needs 0." in caught.value.message
    assert "the memory budget is 0.10 GB" in caught.value.message


async def test_a_server_is_ready_while_its_model_on_demand_is_not_loaded() -> None:
    ports = {"http_port": 0, "grpc_port": 0}
    application = Application(
        load_settings({"model": {"name": "none"}, "models": {"also": ["fake"]}, "server": ports})
    )
    async with application.running():
        await application.warmed_up()
        (model,) = application.engines.models()
        assert (model.status.state, model.on_demand) == (EngineState.IDLE, True)
        readiness = await application.readiness()
        assert readiness.ready
        assert readiness.parts["model:fake"].reason == "not loaded; the first request loads it"
        request = GenerationRequest((ChatMessage("user", "hello"),))
        said = "".join([event.text async for event in application.engines.generate(request, Call())])
        assert "hello" in said
        assert application.engines.status().state is EngineState.READY
        await application.engines.unload("fake")
        assert application.engines.status().state is EngineState.IDLE
