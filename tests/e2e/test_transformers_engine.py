"""The transformers engine with a tiny random model: answers, cancellation, faults; the child process is real.

Some tests run a program that is the engine's own but for one fault, switched on by a word in the prompt.
"""

# ruff: noqa: ASYNC240 - /proc is no disk

import asyncio
import dataclasses
import importlib.util
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import pytest_asyncio

from hypercube.core.cube import Call
from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationRequest,
    Tool,
    ToolChoice,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import EngineOptions
from hypercube.inference.transformers import engine as engine_module
from hypercube.inference.transformers.engine import PACKAGES, TransformersEngine
from tests.e2e.causal_models import CONTEXT, OPTIONS, answer, chat, events_of, failure_of, faulty_engine, save

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in PACKAGES),
        reason="needs the extra `transformers`",
    ),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    save(folder)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(model: Path) -> AsyncIterator[TransformersEngine]:
    """One engine for all tests that leave it whole."""
    engine = TransformersEngine(OPTIONS)
    await engine.load(model, lambda _: None)
    yield engine
    await engine.unload()


@pytest.fixture(scope="module")
def reference(model: Path) -> Any:
    """The same model's own greedy `generate`, in this process."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    whole = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)

    def generate(request: GenerationRequest) -> tuple[str, int, int]:
        turns = [{"role": m.role, "content": m.content} for m in request.messages]
        prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt")[
            "input_ids"
        ]
        found = whole.generate(prompt, max_new_tokens=request.max_tokens, do_sample=False, pad_token_id=0)
        made = found[0, prompt.shape[1] :]
        return tokenizer.decode(made, skip_special_tokens=True), prompt.shape[1], len(made)

    return generate


async def test_it_says_what_the_model_can(engine: TransformersEngine) -> None:
    assert engine.context_length == CONTEXT
    assert engine.description == "transformers on the CPU, float32, 1 thread, 8 slots of 256 tokens"


async def test_greedy_answers_are_the_models_own_alone_and_eight_at_once(
    engine: TransformersEngine, reference: Any
) -> None:
    requests = [chat("q" * number + " 물", max_tokens=4 + 3 * number) for number in range(1, 9)]
    together = await asyncio.gather(*(events_of(engine, request) for request in requests))
    for request, events in zip(requests, together, strict=True):
        text, prompt, made = reference(request)
        assert "".join(event.text for event in events) == text
        usage = events[-1].usage
        assert usage is not None
        assert (usage.prompt_tokens, usage.completion_tokens) == (prompt, made)
        assert await answer(engine, request) == text
    assert engine.in_flight == 0


async def test_it_streams_and_ends_for_length(engine: TransformersEngine) -> None:
    events = await events_of(engine, chat("hello", max_tokens=12))
    assert len([event for event in events if event.text]) > 3
    assert [event.finish_reason for event in events[:-1]] == [None] * (len(events) - 1)
    assert events[-1].finish_reason is FinishReason.LENGTH


async def test_an_answer_fills_the_window_and_no_more(engine: TransformersEngine) -> None:
    usage = (await events_of(engine, chat("hello", max_tokens=None)))[-1].usage
    assert usage is not None
    assert usage.total_tokens == CONTEXT


async def test_a_stop_sequence_across_tokens_is_not_shown(engine: TransformersEngine) -> None:
    events = await events_of(engine, chat("hello", max_tokens=40))
    whole = "".join(event.text for event in events)
    # Half of one event's text and half of the next one's.
    shown = [event.text for event in events if event.text]
    at = len(shown[0] + shown[1]) - 1
    stop = whole[at : at + 2]
    stopped = await events_of(engine, chat("hello", max_tokens=40, stop=(stop,)))
    assert "".join(event.text for event in stopped) == whole[: whole.index(stop)]
    assert stopped[-1].finish_reason is FinishReason.STOP
    assert stopped[-1].usage is not None
    assert stopped[-1].usage.completion_tokens < 40
    assert engine.in_flight == 0


async def test_a_prompt_that_does_not_fit_is_refused_with_the_counts(engine: TransformersEngine) -> None:
    error = await failure_of(events_of(engine, chat("z" * 500)))
    assert error.kind is ErrorKind.CONTEXT_LENGTH_EXCEEDED
    assert error.details["context_length"] == CONTEXT
    assert error.details["prompt_tokens"] > 500


async def test_a_template_that_refuses_the_turns_is_the_callers_error(engine: TransformersEngine) -> None:
    request = GenerationRequest((ChatMessage("assistant", "hi"),), max_tokens=1)
    error = await failure_of(events_of(engine, request))
    assert (error.kind, error.param) == (ErrorKind.INVALID_ARGUMENT, "messages")
    assert "the first turn is the user's" in error.message


SCHEMA = {
    "type": "object",
    "properties": {
        "element": {"enum": ["wood", "목", "fire"]},
        "strength": {"type": "integer", "minimum": 0, "maximum": 99},
        "yang": {"type": "boolean"},
        "notes": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[a-z가-힣]{1,4}$"},
            "maxItems": 2,
        },
        "more": {"$ref": "#/$defs/more"},
    },
    "required": ["element", "strength", "yang", "notes", "more"],
    "additionalProperties": False,
    "$defs": {"more": {"anyOf": [{"type": "null"}, {"const": "yes"}]}},
}
LIMIT = 200
TOOLS = (
    Tool("weather", "", json.dumps({"type": "object", "properties": {"city": {"enum": ["서울", "Busan"]}},
                                    "required": ["city"], "additionalProperties": False})),
    Tool("day", "", json.dumps({"type": "object", "properties": {"n": {"enum": [1, 2]}},
                                "required": ["n"], "additionalProperties": False})),
)  # fmt: skip


def kept(schema: Any, text: str, **sampling: Any) -> GenerationRequest:
    return dataclasses.replace(chat(text, LIMIT, **sampling), json_schema=json.dumps(schema))


async def test_random_weights_keep_to_a_schema_alone_and_beside_others(engine: TransformersEngine) -> None:
    free = chat("hello", max_tokens=24)
    plain = await answer(engine, free)
    held = [kept(SCHEMA, f"question {seed}", temperature=1.0, seed=seed) for seed in range(6)]
    together = await asyncio.gather(
        *(events_of(engine, request) for request in (*held, kept(SCHEMA, "x"), free))
    )
    assert "".join(event.text for event in together.pop()) == plain
    texts = ["".join(event.text for event in events) for events in together]
    for events, text in zip(together, texts, strict=True):
        found = json.loads(text)
        jsonschema_rs.validate(SCHEMA, found)
        assert text == json.dumps(found, ensure_ascii=False), "white space as json.dumps writes it"
        assert events[-1].finish_reason is FinishReason.STOP
    assert len(set(texts)) > 3, "the draws are still drawn"
    assert await answer(engine, held[2]) == texts[2], "the same seed, alone"


async def test_a_schema_that_was_cut_short_says_so(engine: TransformersEngine) -> None:
    events = await events_of(engine, dataclasses.replace(kept(SCHEMA, "x"), max_tokens=3))
    assert events[-1].finish_reason is FinishReason.LENGTH
    whole = "".join(event.text for event in await events_of(engine, kept(SCHEMA, "x")))
    assert whole.startswith("".join(event.text for event in events))


@pytest.mark.parametrize(("name", "parallel"), [("day", True), ("weather", False), ("", False)])
async def test_a_call_is_forced(engine: TransformersEngine, name: str, parallel: bool) -> None:
    asked = dataclasses.replace(
        chat("x", LIMIT),
        tools=TOOLS,
        tool_choice=ToolChoice.REQUIRED,
        tool_name=name,
        parallel_tool_calls=parallel,
    )
    events = await events_of(engine, asked)
    assert "".join(event.text for event in events) == ""
    (call,) = [call for event in events for call in event.tool_calls]
    assert events[-1].finish_reason is FinishReason.TOOL_CALLS
    tool = next(tool for tool in TOOLS if tool.name == call.name)
    assert call.name == (name or call.name)
    jsonschema_rs.validate(json.loads(tool.parameters), json.loads(call.arguments))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"type": "string", "pattern": "(?=lookahead)x"},
        {"$ref": "#/$defs/none"},
        {"type": "object", "properties": {"a": 7}},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
    ],
)
async def test_a_schema_that_nothing_can_keep_is_the_callers_error(
    engine: TransformersEngine, schema: Any
) -> None:
    error = await failure_of(events_of(engine, kept(schema, "x")))
    assert (error.kind, error.param) == (ErrorKind.INVALID_ARGUMENT, "response_format"), error
    assert await answer(engine, chat("x", max_tokens=2))


async def test_sampling_is_each_requests_own(engine: TransformersEngine) -> None:
    greedy = chat("hello", max_tokens=24)
    drawn = [chat("hello", max_tokens=24, temperature=1.5, seed=seed) for seed in (1, 2)]
    narrow = chat("hello", max_tokens=24, temperature=1.5, seed=3, top_k=1)
    nucleus = chat("hello", max_tokens=24, temperature=1.5, seed=3, top_p=0.0)
    least = chat("hello", max_tokens=24, temperature=1.5, seed=3, min_p=1.0)
    requests = [greedy, *drawn, *drawn, narrow, nucleus, least]
    texts = await asyncio.gather(*(answer(engine, request) for request in requests))
    assert texts[1:3] == texts[3:5]
    assert len({texts[0], texts[1], texts[2]}) == 3
    assert texts[0] == texts[5] == texts[6] == texts[7]
    free = chat("hello", max_tokens=24, temperature=1.5)
    assert await answer(engine, free) != await answer(engine, free)


async def test_penalties_keep_tokens_from_coming_again(engine: TransformersEngine) -> None:
    plain = await answer(engine, chat("hello", max_tokens=60))
    spread = await answer(engine, chat("hello", max_tokens=60, frequency_penalty=2.0, presence_penalty=2.0))
    assert len(set(spread)) > len(set(plain))


async def test_a_closed_stream_frees_its_slot_at_once(engine: TransformersEngine) -> None:
    streams = [engine.generate(chat(f"{number}", max_tokens=200), Call()) for number in range(8)]
    for stream in streams:
        await anext(stream)
    began = time.monotonic()
    for stream in streams:
        await stream.aclose()
    assert engine.in_flight == 0
    # All eight slots are taken by the next eight, which would wait for 200 tokens otherwise.
    await asyncio.gather(*(answer(engine, chat(f"{number}", max_tokens=1)) for number in range(8)))
    assert time.monotonic() - began < 1.0


async def test_running_out_of_memory_is_named_with_figures(model: Path) -> None:
    async with faulty_engine(model) as engine:
        error = await failure_of(events_of(engine, chat("Ⓜ")))
        assert error.kind is ErrorKind.ENGINE_FAILED
        assert "out of memory" in error.message
        assert "4000000000000000 bytes" in error.message
        assert "GB are free" in error.message
        async with asyncio.timeout(2):
            assert "out of memory" in (await engine.died()).message


async def test_a_fault_in_one_request_is_its_own_and_one_in_a_step_is_everybodys(model: Path) -> None:
    async with faulty_engine(model) as engine:
        whole = await answer(engine, chat("hello", max_tokens=30))
        for _ in range(2):
            good = asyncio.ensure_future(answer(engine, chat("hello", max_tokens=30)))
            error = await failure_of(events_of(engine, chat("Ⓝ")))
            assert error.kind is ErrorKind.ENGINE_FAILED
            assert "logits are not numbers" in error.message
            assert await good == whole

        neighbour = engine.generate(chat("hello", max_tokens=200), Call())
        await anext(neighbour)
        error = await failure_of(events_of(engine, chat("Ⓡ")))
        assert error.kind is ErrorKind.ENGINE_FAILED
        assert "ValueError: a kernel is missing" in error.message
        with pytest.raises(HyperCubeError, match="a kernel is missing"):
            async for _ in neighbour:
                pass
        async with asyncio.timeout(2):
            assert "a kernel is missing" in (await engine.died()).message


async def test_a_model_that_only_makes_nonsense_is_broken(model: Path) -> None:
    async with faulty_engine(model) as engine:
        for _ in range(3):
            await failure_of(events_of(engine, chat("Ⓝ")))
        async with asyncio.timeout(2):
            assert "logits are not numbers" in (await engine.died()).message


async def test_a_step_that_hangs_is_noticed_within_five_seconds(model: Path) -> None:
    async with faulty_engine(model) as engine:
        began = time.monotonic()
        error = await failure_of(events_of(engine, chat("Ⓗ")))
        assert "no progress" in error.message
        assert time.monotonic() - began < 5.0
        await engine.died()


@pytest.mark.parametrize(
    ("wrong", "kind", "fix"),
    [
        ({"precision": "bfloat16"}, ErrorKind.INVALID_ARGUMENT, "Did you mean 'bf16'"),
        ({"precision": "int4", "device": "cpu"}, ErrorKind.FAILED_PRECONDITION, "llama.cpp"),
        ({"device": "npu"}, ErrorKind.FAILED_PRECONDITION, "cuda:0"),
    ],
)
async def test_wrong_settings_are_refused_at_once(wrong: dict[str, Any], kind: ErrorKind, fix: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        TransformersEngine(EngineOptions(**wrong))
    assert caught.value.kind is kind
    assert fix in str(caught.value)


async def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    error = await failure_of(TransformersEngine(OPTIONS).load(tmp_path, lambda _: None))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert "config.json" in error.message


async def test_a_missing_package_names_the_extra(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "PACKAGES", ("torch", "no_such_package_at_all"))
    error = await failure_of(TransformersEngine(OPTIONS).load(model, lambda _: None))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert "heal7-hypercube[transformers]" in str(error)


async def test_unloading_gives_the_process_back(model: Path) -> None:
    engine = TransformersEngine(OPTIONS)
    await engine.load(model, lambda _: None)
    stream = engine.generate(chat("hello", max_tokens=200), Call())
    await anext(stream)
    pid = engine.pid
    began = time.monotonic()
    await engine.unload()
    assert time.monotonic() - began < 3.0
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(HyperCubeError, match="unloaded"):
        async for _ in stream:
            pass


async def test_a_killed_child_is_noticed_and_fails_its_requests(engine: TransformersEngine) -> None:
    # The last test: the engine that the others share is gone after it.
    stream = engine.generate(chat("hello", max_tokens=200), Call())
    await anext(stream)
    pid = engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(HyperCubeError) as caught:
        async for _ in stream:
            pass
    assert caught.value.kind is ErrorKind.ENGINE_FAILED
    async with asyncio.timeout(1):
        assert "SIGKILL" in (await engine.died()).message
    await engine.unload()
    assert not Path(f"/proc/{pid}").exists()
