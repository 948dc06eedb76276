"""Every parameter of the official client is known here: honoured, or refused by name."""

import json
import typing
from typing import Any

import pytest
from openai import types
from openai.types.chat import ChatCompletionMessage, completion_create_params
from pydantic import BaseModel

from hypercube.core.errors import HyperCubeError
from hypercube.gateway.http.openai_completions import CompletionRequest
from hypercube.gateway.http.openai_embeddings import EmbeddingsRequest
from hypercube.gateway.http.openai_protocol import ChatCompletionRequest, OpenAIMessage
from hypercube.gateway.http.openai_responses import ResponsesRequest
from hypercube.gateway.validation import json_model

MESSAGES = [{"role": "user", "content": "hi"}]
NEUTRAL: dict[str, list[Any]] = {
    "audio": [],
    "function_call": ["none", "auto"],
    "functions": [[]],
    "modalities": [["text"]],
    "moderation": [],
    "prediction": [],
    "prompt_cache_options": [],
    "prompt_cache_retention": [],
    "reasoning_effort": ["none"],
    "service_tier": ["auto", "default"],
    "store": [False],
    "verbosity": ["medium"],
    "web_search_options": [],
}


def read(**fields: Any) -> ChatCompletionRequest:
    request: ChatCompletionRequest = json_model(ChatCompletionRequest).read(
        json.dumps({"messages": MESSAGES, **fields})
    )
    return request


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (completion_create_params.CompletionCreateParamsStreaming, ChatCompletionRequest),
        (types.completion_create_params.CompletionCreateParamsStreaming, CompletionRequest),
        (types.responses.response_create_params.ResponseCreateParamsStreaming, ResponsesRequest),
        (types.embedding_create_params.EmbeddingCreateParams, EmbeddingsRequest),
    ],
)
def test_no_parameter_of_the_official_client_is_unknown(theirs: Any, ours: type[BaseModel]) -> None:
    assert len(typing.get_type_hints(theirs)) > 4
    assert set(typing.get_type_hints(theirs)) <= set(ours.model_fields)


def test_a_turn_can_be_sent_back_as_it_came() -> None:
    assert set(ChatCompletionMessage.model_fields) <= set(OpenAIMessage.model_fields)


@pytest.mark.parametrize("name", NEUTRAL)
def test_what_is_not_built_is_accepted_where_it_asks_for_nothing_and_refused_by_name_elsewhere(
    name: str,
) -> None:
    for value in (None, *NEUTRAL[name]):
        assert read(**{name: value}).to_generation().messages[0].content == "hi"
    for value in ("something", 7, [1], {"x": 1}, True):
        with pytest.raises(HyperCubeError, match="not supported by this server") as caught:
            read(**{name: value})
        assert caught.value.param == name
        assert str(caught.value.fix).startswith("Leave it out, or send ")


@pytest.mark.parametrize("name", ["metadata", "prompt_cache_key", "safety_identifier", "user"])
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
    assert request.names == {"max_tokens": "max_completion_tokens"}
    assert read(max_tokens=5).names == {}


def test_a_seed_has_64_bits() -> None:
    assert read(seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(HyperCubeError) as caught:
        read(seed=2**63)
    assert caught.value.param == "seed"


def test_what_engines_honour_is_converted() -> None:
    asked = read(
        n=3,
        logit_bias={"15": -100, "7": 1.5},
        logprobs=True,
        top_logprobs=4,
        response_format={"type": "json_object"},
    )
    request = asked.to_generation()
    assert asked.choices == 3
    assert request.sampling.logit_bias == ((15, -100.0), (7, 1.5))
    assert request.logprobs == 4
    assert json.loads(request.json_schema or "") == {"type": "object"}
    assert read(logprobs=True).to_generation().logprobs == 0
    assert read(logprobs=False, top_logprobs=0).to_generation().logprobs is None


def test_a_schema_is_taken_whole() -> None:
    schema = {"type": "object", "properties": {"오행": {"enum": ["목", "화"]}}, "required": ["오행"]}
    form = {"type": "json_schema", "json_schema": {"name": "element", "strict": True, "schema": schema}}
    assert json.loads(read(response_format=form).to_generation().json_schema or "") == schema
    assert read(response_format={"type": "text"}).to_generation().json_schema is None


TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("choice", "mode", "name"),
    [
        (None, "auto", ""),
        ("auto", "auto", ""),
        ("none", "none", ""),
        ("required", "required", ""),
        ({"type": "function", "function": {"name": "weather"}}, "required", "weather"),
    ],
)
def test_tools_and_their_choice(choice: Any, mode: str, name: str) -> None:
    request = read(tools=[TOOL], tool_choice=choice, parallel_tool_calls=False).to_generation()
    assert [tool.name for tool in request.tools] == ["weather"]
    assert (request.tool_choice.value, request.tool_name) == (mode, name)
    assert not request.parallel_tool_calls


def test_turns_of_a_conversation_with_tools() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    request = read(
        messages=[
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        ]
    ).to_generation()
    _, called, told = request.messages
    assert (called.content, called.tool_calls[0].name, called.tool_calls[0].id) == ("", "weather", "call_1")
    assert (told.role, told.tool_call_id, told.content) == ("tool", "call_1", "rain")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 0}, "n"),
        ({"n": 17}, "n"),
        ({"n": True}, "n"),
        ({"logit_bias": {"x": 1}}, "logit_bias.x"),
        ({"logit_bias": {"1": "x"}}, "logit_bias.1"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tool_choice": "always"}, "tool_choice"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}]},
            "messages[0].tool_calls[0].function",
        ),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        read(**fields)
    assert caught.value.param == param
    assert caught.value.fix


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(HyperCubeError) as caught:
        read(max_completion_token=3)
    assert caught.value.param == "max_completion_token"
    assert caught.value.details["did_you_mean"] == "max_completion_tokens"
