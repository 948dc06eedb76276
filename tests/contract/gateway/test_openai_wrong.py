"""What a client sends wrong gets OpenAI's error body with `param`, on every route of theirs, streamed or not."""

from typing import Any, Final

import httpx
import pytest

CHAT: Final = "/v1/chat/completions"
TEXT: Final = "/v1/completions"
RESPONSES: Final = "/v1/responses"
EMBEDDINGS: Final = "/v1/embeddings"
GOOD: Final[dict[str, dict[str, Any]]] = {
    CHAT: {"messages": [{"role": "user", "content": "hi"}]},
    TEXT: {"prompt": "hi"},
    RESPONSES: {"input": "hi"},
    EMBEDDINGS: {"input": "hi"},
}
SAMPLED: Final = (CHAT, TEXT, RESPONSES)
TOOL: Final = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
FLAT: Final = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
BELOW: Final = {"type": "object", "properties": {"x": {"type": "string"}}}

# Routes, what is sent beside (or in place of) what is right, and the field that the error has to name.
WRONG: Final[list[tuple[tuple[str, ...], dict[str, Any], str]]] = [
    ((CHAT, TEXT, RESPONSES, EMBEDDINGS), {"mdoel": "x"}, "mdoel"),
    ((CHAT, TEXT, RESPONSES, EMBEDDINGS), {"model": 7}, "model"),
    (SAMPLED, {"temperature": -0.1}, "temperature"),
    (SAMPLED, {"temperature": 2.1}, "temperature"),
    (SAMPLED, {"temperature": "warm"}, "temperature"),
    (SAMPLED, {"temperature": True}, "temperature"),
    (SAMPLED, {"top_p": 1.1}, "top_p"),
    (SAMPLED, {"seed": 1.5}, "seed"),
    (SAMPLED, {"seed": 2**63}, "seed"),
    (SAMPLED, {"stream": "yes"}, "stream"),
    ((CHAT, TEXT), {"top_k": -1}, "top_k"),
    ((CHAT, TEXT), {"min_p": 2}, "min_p"),
    ((CHAT, TEXT), {"frequency_penalty": 2.5}, "frequency_penalty"),
    ((CHAT, TEXT), {"presence_penalty": -2.5}, "presence_penalty"),
    ((CHAT, TEXT), {"max_tokens": 0}, "max_tokens"),
    ((CHAT, TEXT), {"max_tokens": 2**40}, "max_tokens"),
    ((CHAT, TEXT), {"max_tokens": 1.5}, "max_tokens"),
    ((CHAT,), {"max_completion_tokens": -1}, "max_completion_tokens"),
    ((RESPONSES,), {"max_output_tokens": 0}, "max_output_tokens"),
    ((CHAT, TEXT), {"n": 0}, "n"),
    ((CHAT, TEXT), {"n": 17}, "n"),
    ((CHAT, TEXT), {"stop": [""]}, "stop[0]"),
    ((CHAT, TEXT), {"stop": ["x"] * 17}, "stop"),
    ((CHAT, TEXT), {"stop": 7}, "stop"),
    ((CHAT, TEXT), {"logit_bias": {"one": 1}}, "logit_bias.one"),
    ((CHAT, TEXT), {"logit_bias": {"1": 101}}, "logit_bias.1"),
    ((CHAT,), {"logprobs": 3}, "logprobs"),
    ((CHAT,), {"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
    ((CHAT,), {"top_logprobs": 2}, "top_logprobs"),
    ((TEXT,), {"logprobs": 21}, "logprobs"),
    ((CHAT,), {"messages": []}, "messages"),
    ((CHAT,), {"messages": "hi"}, "messages"),
    ((CHAT,), {"messages": [{"role": "king", "content": "hi"}]}, "messages[0].role"),
    ((CHAT,), {"messages": [{"role": "user"}]}, "messages[0].content"),
    ((CHAT,), {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
    (
        (CHAT,),
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        "messages[0].content[0].type",
    ),
    ((CHAT,), {"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    ((CHAT,), {"tools": [{"type": "function"}]}, "tools[0].function"),
    ((CHAT,), {"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ((CHAT,), {"tools": [TOOL, TOOL]}, "tools[1].function.name"),
    ((CHAT,), {"tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice.function"),
    ((CHAT,), {"tool_choice": "required"}, "tool_choice"),
    ((CHAT,), {"tools": [TOOL], "response_format": {"type": "json_object"}}, "response_format"),
    ((CHAT, TEXT), {"response_format": {"type": "xml"}}, "response_format.type"),
    ((CHAT, TEXT), {"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ((CHAT,), {"stream_options": {"include_usag": True}}, "stream_options.include_usag"),
    ((CHAT,), {"audio": {"voice": "x"}}, "audio"),
    ((CHAT,), {"modalities": ["audio"]}, "modalities"),
    ((CHAT, RESPONSES), {"service_tier": "flex"}, "service_tier"),
    ((TEXT,), {"prompt": ""}, "prompt"),
    ((TEXT,), {"prompt": [1, -1]}, "prompt[1]"),
    ((TEXT,), {"echo": True}, "echo"),
    ((TEXT,), {"best_of": 2}, "best_of"),
    ((RESPONSES,), {"input": []}, "input"),
    ((RESPONSES,), {"input": [{"role": "user", "content": "x"}, {"type": "file"}]}, "input[1].type"),
    ((RESPONSES,), {"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ((RESPONSES,), {"tools": [FLAT, FLAT]}, "tools[1].name"),
    ((RESPONSES,), {"text": {"format": {"type": "json_schema", "schema": BELOW}}}, "text.format.name"),
    ((RESPONSES,), {"include": ["file_search_call.results"]}, "include[0]"),
    ((RESPONSES,), {"metadata": {"a": 1}}, "metadata.a"),
    ((RESPONSES,), {"previous_response_id": "resp_none"}, "previous_response_id"),
    ((RESPONSES,), {"truncation": "auto"}, "truncation"),
    ((EMBEDDINGS,), {"input": []}, "input"),
    ((EMBEDDINGS,), {"input": ["a", ""]}, "input[1]"),
    ((EMBEDDINGS,), {"input": [1, 2]}, "input[0]"),
    ((EMBEDDINGS,), {"encoding_format": "hex"}, "encoding_format"),
    ((EMBEDDINGS,), {"dimensions": 0}, "dimensions"),
    ((EMBEDDINGS,), {"dimensions": 7}, "dimensions"),
]
CASES: Final = [
    pytest.param(route, body, param, id=f"{route} {param} {number}")
    for number, (routes, body, param) in enumerate(WRONG)
    for route in routes
]


async def refused(http: httpx.AsyncClient, route: str, body: dict[str, Any], status: int) -> dict[str, Any]:
    """The error of an answer, after everything that is true of any."""
    answer = await http.post(route, json=body, headers={"x-request-id": "mine"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == "mine"
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code", "value", "fix", "details"}
    assert error["type"] == "invalid_request_error"
    assert error["fix"] in error["message"]
    return error


@pytest.mark.parametrize(("route", "body", "param"), CASES)
async def test_it_is_named(http: httpx.AsyncClient, route: str, body: dict[str, Any], param: str) -> None:
    asked = {**GOOD[route], **body}
    error = await refused(http, route, asked, 400)
    assert (error["param"], error["code"]) == (param, "invalid_argument"), error
    if route != EMBEDDINGS and "stream" not in body:
        # A stream that cannot begin is no stream: the same error, with a status.
        assert await refused(http, route, {**asked, "stream": True}, 400) == error


@pytest.mark.parametrize("route", GOOD)
async def test_an_unknown_model_is_not_found(http: httpx.AsyncClient, route: str) -> None:
    error = await refused(http, route, {**GOOD[route], "model": "gpt-9"}, 404)
    assert (error["param"], error["code"]) == ("model", "model_not_found")


@pytest.mark.parametrize("route", SAMPLED)
async def test_a_prompt_over_the_window_is_named(http: httpx.AsyncClient, route: str) -> None:
    long = "word " * 65
    body = {CHAT: {"messages": [{"role": "user", "content": long}]}, TEXT: {"prompt": long}}
    error = await refused(http, route, body.get(route, {"input": long}), 400)
    assert error["code"] == "context_length_exceeded"


@pytest.mark.parametrize("route", GOOD)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"hi"', b"null", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(http: httpx.AsyncClient, route: str, body: bytes) -> None:
    answer = await http.post(route, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["code"] == "invalid_argument"
