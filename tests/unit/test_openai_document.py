"""docs/openai.md says of every field what the code does with it, engine by engine."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel

from hypercube.core.served_models import Capability
from hypercube.gateway.http.openai_completions import (
    CompletionRequest,
    DetokenizeBodyRequest,
    TokenizeBodyRequest,
)
from hypercube.gateway.http.openai_embeddings import EmbeddingsRequest
from hypercube.gateway.http.openai_protocol import ChatCompletionRequest, Neutral
from hypercube.gateway.http.openai_responses import ResponsesRequest
from hypercube.inference.engine import ENGINES_ABLE, EngineOptions
from hypercube.inference.fake import FakeEngine
from hypercube.inference.llama_cpp import LlamaCppEngine
from hypercube.inference.transformers.engine import TransformersEngine
from hypercube.inference.upstream import UpstreamEngine, UpstreamOptions
from hypercube.inference.vllm.engine import VllmEngine

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "openai.md"
ENGINES: Final = ("fake", "llama.cpp", "transformers", "vllm", "upstream")
MODELS: Final[dict[str, type[BaseModel]]] = {
    "POST /v1/chat/completions": ChatCompletionRequest,
    "POST /v1/completions": CompletionRequest,
    "POST /v1/responses": ResponsesRequest,
    "POST /v1/embeddings": EmbeddingsRequest,
    "POST /tokenize": TokenizeBodyRequest,
    "POST /detokenize": DetokenizeBodyRequest,
}
NEEDS: Final = {
    "logit_bias": Capability.LOGIT_BIAS,
    "logprobs": Capability.LOGPROBS,
    "top_logprobs": Capability.LOGPROBS,
    "include": Capability.LOGPROBS,
    "response_format": Capability.JSON_SCHEMA,
    "text": Capability.JSON_SCHEMA,
    "tools": Capability.TOOLS,
    "parallel_tool_calls": Capability.TOOLS,
    "tool_choice": Capability.TOOL_CHOICE,
}
ROUTES: Final = {
    "POST /v1/completions": Capability.COMPLETE,
    "POST /v1/embeddings": Capability.EMBED,
    "POST /tokenize": Capability.TOKENIZE,
    "POST /detokenize": Capability.TOKENIZE,
}
STICKY: Final = {"user", "safety_identifier"}
"""Of any type, and used where it names somebody."""
OF_THE_FAKE: Final = {"temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty"}
"""Its answers are not drawn, so what says how to draw has no effect."""


def cells(route: str, name: str) -> list[str]:
    """What the table has to say of a field: one cell an engine."""
    field = MODELS[route].model_fields[name]
    if any(isinstance(each, Neutral) for each in field.metadata):
        return ["refused"] * len(ENGINES)
    if field.annotation is Any and name not in STICKY:
        return ["ignored"] * len(ENGINES)
    able = {each for each in ENGINES if each in ENGINES_ABLE[ROUTES.get(route, Capability.GENERATE)]}
    if name in NEEDS:
        able &= set(ENGINES_ABLE[NEEDS[name]])
    found = ["supported" if each in able else "refused" for each in ENGINES]
    if name in OF_THE_FAKE:
        found[0] = "ignored"
    return found


def tables() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    route = ""
    for line in DOCUMENT.read_text("utf-8").splitlines():
        if heading := re.fullmatch(r"## `(.+)`", line):
            route = heading[1]
            found[route] = {}
        elif row := re.fullmatch(r"\| `(\w+)` \|(.+)\|", line):
            found[route][row[1]] = [cell.strip() for cell in row[2].split("|")[: len(ENGINES)]]
    return found


@pytest.mark.parametrize("route", MODELS)
def test_every_field_has_a_row_and_every_cell_is_true(route: str) -> None:
    table = tables()[route]
    assert list(table) == sorted(MODELS[route].model_fields)
    for name, row in table.items():
        assert row == cells(route, name), name


def test_what_engines_are_said_to_do_is_what_they_say() -> None:
    options = EngineOptions()
    upstream = UpstreamOptions("http://127.0.0.1:1/v1")
    vllm = VllmEngine(EngineOptions(device="cuda", adapters=1)).capabilities
    said = {
        "fake": FakeEngine.capabilities,
        "llama.cpp": LlamaCppEngine.capabilities,
        "transformers": TransformersEngine(EngineOptions(device="cpu", adapters=1)).capabilities
        | {Capability.EMBED, Capability.SCORE},
        "vllm": vllm,
        "upstream": UpstreamEngine(upstream, options).capabilities | {Capability.EMBED},
    }
    assert said == {name: {each for each, able in ENGINES_ABLE.items() if name in able} for name in ENGINES}
    assert set(ENGINES_ABLE) == set(Capability)
