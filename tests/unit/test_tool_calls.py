"""Calls of tools in the text of a model: found however the text is cut, and never taken where there are none."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    TokenLogprob,
    Tool,
    ToolChoice,
    Usage,
)
from hypercube.inference.generated_text import RatedTokens
from hypercube.inference.tool_calls import ToolCallReader, forced_schema, joined, read_calls

TOOLS = (Tool("weather", parameters='{"type": "object", "properties": {"city": {}}}'), Tool("time"))


def request(**more: Any) -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", "?"),), tools=TOOLS, **more)


def call(name: str, **arguments: str) -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {json.dumps(arguments)}}}\n</tool_call>'


def read(text: str, cuts: list[int], **more: Any) -> tuple[str, list[tuple[str, Any]], bool]:
    reader = ToolCallReader(request(**more))
    edges = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    pieces = [reader.feed(text[a:b]) for a, b in itertools.pairwise(edges)]
    whole = joined(*pieces, reader.flush())
    assert [each.index for each in whole.calls] == list(range(len(whole.calls)))
    assert len({each.id for each in whole.calls}) == len(whole.calls)
    return whole.text, [(each.name, json.loads(each.arguments)) for each in whole.calls], reader.called


@pytest.mark.parametrize(
    ("text", "shown", "calls"),
    [
        ("plain <b>text</b>", "plain <b>text</b>", []),
        (call("weather", city="서울"), "", [("weather", {"city": "서울"})]),
        ("So: " + call("time"), "So: ", [("time", {})]),
        (call("time") + "\n" + call("weather", city="x"), "", [("time", {}), ("weather", {"city": "x"})]),
        (call("unknown"), call("unknown"), []),
        ("<tool_call>no json</tool_call>", "<tool_call>no json</tool_call>", []),
        (call("time").removesuffix("</tool_call>"), "", [("time", {})]),
        ('<tool_call>{"name": "ti', '<tool_call>{"name": "ti', []),
        ("a <tool_ca", "a <tool_ca", []),
        ("<tool_call>[1]</tool_call>", "<tool_call>[1]</tool_call>", []),
        ('<tool_call>{"name": ["x"]}</tool_call>', '<tool_call>{"name": ["x"]}</tool_call>', []),
    ],
)
@given(cuts=st.lists(st.integers(0, 120), max_size=12))
def test_calls_are_found_however_the_text_is_cut(
    text: str, shown: str, calls: list[Any], cuts: list[int]
) -> None:
    assert read(text, cuts) == (shown, calls, bool(calls))


@given(cuts=st.lists(st.integers(0, 120), max_size=12))
def test_without_parallel_calls_the_first_is_the_only_one(cuts: list[int]) -> None:
    text = call("time") + call("weather", city="x")
    assert read(text, cuts, parallel_tool_calls=False) == ("", [("time", {})], True)


def test_where_no_call_is_allowed_all_is_text() -> None:
    assert read(call("time"), [3], tool_choice=ToolChoice.NONE) == (call("time"), [], False)


@given(cuts=st.lists(st.integers(0, 80), max_size=8))
def test_a_forced_call_is_json(cuts: list[int]) -> None:
    said = '[{"name": "time", "arguments": {}}, {"name": "weather", "arguments": {"city": "x"}}]'
    found = read(said, cuts, tool_choice=ToolChoice.REQUIRED)
    assert found == ("", [("time", {}), ("weather", {"city": "x"})], True)
    assert read(said[:30], cuts, tool_choice=ToolChoice.REQUIRED) == (said[:30], [], False)


def test_the_schema_of_a_forced_call() -> None:
    assert forced_schema(request()) is None
    schema = json.loads(forced_schema(request(tool_choice=ToolChoice.REQUIRED)) or "")
    assert [each["properties"]["name"]["enum"] for each in schema["items"]["anyOf"]] == [
        ["weather"],
        ["time"],
    ]
    assert "maxItems" not in schema
    named = json.loads(forced_schema(request(tool_choice=ToolChoice.REQUIRED, tool_name="time")) or "")
    assert len(named["items"]["anyOf"]) == 1
    assert named["maxItems"] == 1


def test_an_event_with_calls_says_why_it_ended() -> None:
    reader = ToolCallReader(request(tool_choice=ToolChoice.REQUIRED))
    assert read_calls(GenerationEvent('[{"name": "time",'), reader).empty
    usage = Usage(1, 2)
    last = read_calls(GenerationEvent(' "arguments": {}}]', FinishReason.STOP, usage), reader)
    assert (last.finish_reason, last.usage, last.tool_calls[0].name) == (
        FinishReason.TOOL_CALLS,
        usage,
        "time",
    )
    cut = read_calls(
        GenerationEvent("[{", FinishReason.LENGTH, usage),
        ToolCallReader(request(tool_choice=ToolChoice.REQUIRED)),
    )
    assert (cut.text, cut.finish_reason, cut.tool_calls) == ("[{", FinishReason.LENGTH, ())


def test_log_probabilities_go_with_the_text_that_is_shown() -> None:
    tokens = [TokenLogprob(text, -1.0, tuple(text.encode())) for text in ("ab", "c", "de")]
    rated = RatedTokens()
    for token in tokens[:2]:
        rated.add(token)
    assert rated.shown() == tuple(tokens[:2])
    assert rated.shown() == ()
    for token in tokens:
        rated.add(token)
    assert rated.cut("abc") == tuple(tokens[:2]), "the stop sequence hides the last"
    assert rated.shown() == ()
