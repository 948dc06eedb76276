"""Every parameter of the official client is known here: honoured, or refused by name."""

import json
import typing
from typing import Any

import pytest
from openai.types.chat import ChatCompletionMessage, completion_create_params

from hypercube.core.errors import HyperCubeError
from hypercube.gateway.http.openai_protocol import ChatCompletionRequest, OpenAIMessage
from hypercube.gateway.validation import json_model

MESSAGES = [{"role": "user", "content": "hi"}]
NEUTRAL: dict[str, list[Any]] = {
    "audio": [],
    "function_call": ["none", "auto"],
    "functions": [[]],
    "logit_bias": [{}],
    "logprobs": [False],
    "modalities": [["text"]],
    "moderation": [],
    "n": [1],
    "prediction": [],
    "prompt_cache_options": [],
    "prompt_cache_retention": [],
    "reasoning_effort": ["none"],
    "response_format": [{"type": "text"}],
    "service_tier": ["auto", "default"],
    "store": [False],
    "tool_choice": ["none", "auto"],
    "tools": [[]],
    "top_logprobs": [0],
    "verbosity": ["medium"],
    "web_search_options": [],
}


def read(**fields: Any) -> ChatCompletionRequest:
    request: ChatCompletionRequest = json_model(ChatCompletionRequest).read(
        json.dumps({"messages": MESSAGES, **fields})
    )
    return request


def test_no_parameter_of_the_official_client_is_unknown() -> None:
    theirs = set(typing.get_type_hints(completion_create_params.CompletionCreateParamsBase)) | {"stream"}
    assert theirs <= set(ChatCompletionRequest.model_fields)
    assert set(ChatCompletionMessage.model_fields) <= set(OpenAIMessage.model_fields)


@pytest.mark.parametrize("name", NEUTRAL)
def test_what_is_not_built_is_accepted_where_it_asks_for_nothing_and_refused_by_name_elsewhere(
    name: str,
) -> None:
    for value in (None, *NEUTRAL[name]):
        assert read(**{name: value}).to_generation().messages[0].content == "hi"
    for value in ("something", 7, [1], {"x": 1}, True):
        with pytest.raises(HyperCubeError, match="not supported by this server yet") as caught:
            read(**{name: value})
        assert caught.value.param == name
        assert str(caught.value.fix).startswith("Leave it out, or send ")


@pytest.mark.parametrize(
    "name", ["metadata", "prompt_cache_key", "safety_identifier", "user", "parallel_tool_calls"]
)
def test_hints_are_accepted(name: str) -> None:
    assert read(**{name: "anything"}).to_generation() == read().to_generation()


def test_stop_comes_alone_or_in_a_list() -> None:
    assert read(stop="a").to_generation().sampling.stop == ("a",)
    assert read(stop=["a", "b"]).to_generation().sampling.stop == ("a", "b")
    assert read(stop=None).to_generation().sampling.stop == ()
    with pytest.raises(HyperCubeError) as caught:
        read(stop=["a", 5])
    assert caught.value.param == "stop[1]"


def test_text_parts_become_text() -> None:
    parts = [{"type": "text", "text": "하나"}, {"type": "text", "text": "둘"}]
    request = read(messages=[{"role": "user", "content": parts}])
    assert request.to_generation().messages[0].content == "하나\n둘"


@pytest.mark.parametrize(
    ("part", "param"),
    [
        ({"type": "image_url", "image_url": {"url": "x"}}, "messages[0].content[1].type"),
        ({"type": "text"}, "messages[0].content[1]"),
        ({"type": "text", "text": 5}, "messages[0].content[1]"),
        ({"type": "text", "text": "x", "more": 1}, "messages[0].content[1]"),
        ("text", "messages[0].content[1]"),
        ({"type": ["x"]}, "messages[0].content[1].type"),
    ],
)
def test_a_part_that_is_no_text_is_named(part: Any, param: str) -> None:
    good = {"type": "text", "text": "x"}
    with pytest.raises(HyperCubeError) as caught:
        read(messages=[{"role": "user", "content": [good, part]}])
    assert caught.value.param == param


def test_the_newer_token_limit_wins_and_keeps_its_name() -> None:
    request = read(max_tokens=5, max_completion_tokens=7)
    assert request.to_generation().max_tokens == 7
    assert request.limit_param == "max_completion_tokens"
    assert read(max_tokens=5).limit_param == "max_tokens"


def test_a_seed_has_64_bits() -> None:
    assert read(seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(HyperCubeError) as caught:
        read(seed=2**63)
    assert caught.value.param == "seed"
