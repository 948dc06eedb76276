"""The vLLM engine for real, on a tiny random model: one start for all that leaves it whole."""

import asyncio
import importlib.util
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hypercube.core.cube import Call, Priority
from hypercube.core.engine import ChatMessage, FinishReason, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.engine import EngineOptions
from hypercube.inference.vllm import VllmEngine

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="needs vLLM: make test-vllm"),
]
SLOTS = 16
CONTEXT = 8192
"""Long, so that an answer without a limit is still under way after whatever a busy machine does in between."""
WriteAdapter = Callable[..., Path]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(model: Path) -> AsyncIterator[VllmEngine]:
    options = EngineOptions(
        context_length=CONTEXT, slots=SLOTS, device="cpu", precision="fp32", threads=2, adapters=2
    )
    engine = VllmEngine(options)
    engine._program = "observed_vllm:Observed"
    engine._environment["PYTHONPATH"] = os.pathsep.join((str(model), os.environ.get("PYTHONPATH", "")))
    await engine.load(model, lambda _: None)
    yield engine
    await engine.unload()


def chat(text: str, max_tokens: int | None = 16, **rest: Any) -> GenerationRequest:
    sampling = Sampling(**{"temperature": 0.0, **rest.pop("sampling", {})})
    return GenerationRequest((ChatMessage("user", text),), max_tokens=max_tokens, sampling=sampling, **rest)


async def answer(engine: VllmEngine, request: GenerationRequest) -> str:
    return "".join([event.text async for event in engine.generate(request, Call())])


async def failure_of(work: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def unfinished(engine: VllmEngine) -> int:
    (found,) = await engine.embed([""])
    return int(found.vector[0])


@pytest.fixture(scope="module")
def reference(model: Path) -> Callable[[GenerationRequest], tuple[str, int]]:
    """Answers and prompt lengths of the same weights under the transformers library's own greedy `generate`."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    whole = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)

    def generate(request: GenerationRequest) -> tuple[str, int]:
        turns = [{"role": m.role, "content": m.content} for m in request.messages]
        rendered = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        prompt = tokenizer(rendered, add_special_tokens=False, return_tensors="pt")
        found = whole.generate(**prompt, max_new_tokens=request.max_tokens, do_sample=False, pad_token_id=0)
        length = prompt["input_ids"].shape[1]
        return tokenizer.decode(found[0, length:], skip_special_tokens=True), length

    return generate


# -- answers


async def test_it_says_what_it_can(engine: VllmEngine) -> None:
    assert engine.capabilities >= {Capability.GENERATE, Capability.JSON_SCHEMA, Capability.ADAPTERS}
    assert engine.description == f"vLLM on the CPU, float32, {SLOTS} slots of {CONTEXT} tokens"
    assert (engine.context_length, engine.slots) == (CONTEXT, SLOTS)


async def test_an_answer_streams_token_by_token_and_is_the_models_own(
    engine: VllmEngine, reference: Callable[[GenerationRequest], tuple[str, int]]
) -> None:
    request = chat("day master 갑목", 24)
    events = [event async for event in engine.generate(request, Call())]
    events = [event for event in events if event.text or event.finish_reason]
    text, length = reference(request)
    assert "".join(event.text for event in events) == text
    # Some tokens wait for the rest of a character or a word, most stand alone.
    assert len(events) > 12
    assert [event.finish_reason for event in events[:-1]] == [None] * (len(events) - 1)
    assert events[-1].finish_reason is FinishReason.LENGTH
    usage = events[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (length, 24)


async def test_a_stop_sequence_ends_the_answer_and_is_not_part_of_it(engine: VllmEngine) -> None:
    whole = await answer(engine, chat("stop here", 32))
    stop = whole[9:12]
    at = whole.index(stop)
    events = [
        event async for event in engine.generate(chat("stop here", 32, sampling={"stop": (stop,)}), Call())
    ]
    assert "".join(event.text for event in events) == whole[:at]
    assert events[-1].finish_reason is FinishReason.STOP
    assert events[-1].usage is not None
    assert events[-1].usage.completion_tokens < 32


async def test_a_prompt_that_leaves_no_room_is_refused_with_its_counts(engine: VllmEngine) -> None:
    error = await failure_of(answer(engine, chat("wood " * CONTEXT)))
    assert error.kind is ErrorKind.CONTEXT_LENGTH_EXCEEDED
    assert str(CONTEXT) in error.message
    assert error.details["context_length"] == CONTEXT
    assert error.details["prompt_tokens"] > CONTEXT


async def test_an_answer_without_a_limit_ends_with_the_context(engine: VllmEngine) -> None:
    asked = chat("wood " * (CONTEXT - 300), None)
    events = [event async for event in engine.generate(asked, Call())]
    usage = events[-1].usage
    assert usage is not None
    assert usage.total_tokens == CONTEXT
    assert events[-1].finish_reason is FinishReason.LENGTH


async def test_a_seed_repeats_an_answer_and_another_changes_it(engine: VllmEngine) -> None:
    def drawn(seed: int) -> GenerationRequest:
        return chat("draw", 24, sampling={"temperature": 2.0, "seed": seed})

    first, again, other = [await answer(engine, drawn(seed)) for seed in (7, 7, 2**64 + 8)]
    assert first == again
    assert first != other


async def test_sixteen_at_once_get_their_own_answers(engine: VllmEngine) -> None:
    requests = [chat(f"question {number} " + "wood " * (number % 5), 20) for number in range(SLOTS)]
    alone = [await answer(engine, request) for request in requests]
    assert len(set(alone)) == SLOTS
    assert await asyncio.gather(*(answer(engine, request) for request in requests)) == alone
    assert engine.in_flight == 0
    assert await unfinished(engine) == 0


# -- leaving


async def test_closing_the_stream_aborts_at_once(engine: VllmEngine) -> None:
    streams = [engine.generate(chat(f"long {number}", None), Call()) for number in range(SLOTS)]
    # All at once: one after the other, the first could have come to their end on a busy machine.
    await asyncio.gather(*[anext(events) for events in streams])
    assert await unfinished(engine) == SLOTS
    # They would go on for most of a minute, so who waits for their end is told from who aborts.
    async with asyncio.timeout(5):
        for events in streams:
            await events.aclose()
        assert engine.in_flight == 0
        # The child handles frames in their order, so it knows of every leave before it counts.
        while await unfinished(engine):
            pass
        # The slots are free.
        assert await answer(engine, chat("next", 4))


async def test_urgent_overtakes_low_in_the_queue(engine: VllmEngine) -> None:
    finished: list[str] = []

    async def run(name: str, tokens: int, priority: Priority) -> None:
        call = Call(priority=priority)
        async for _ in engine.generate(chat(f"{name} goes", tokens), call):
            pass
        finished.append(name)

    # Slots become free one after another, far apart, so that those who wait enter one by one.
    holders = [asyncio.create_task(run(f"holder {i}", 500 + 20 * i, Priority.NORMAL)) for i in range(SLOTS)]
    while await unfinished(engine) < SLOTS:
        pass
    low = []
    for i in range(3):
        low.append(asyncio.create_task(run(f"low {i}", 4, Priority.LOW)))
        while await unfinished(engine) < SLOTS + len(low):
            pass
    urgent = asyncio.create_task(run("urgent", 4, Priority.URGENT))
    while await unfinished(engine) < SLOTS + 4:
        pass
    assert finished == []
    await asyncio.gather(urgent, *low)
    for holder in holders:
        holder.cancel()
    await asyncio.gather(*holders, return_exceptions=True)
    waited = [name for name in finished if not name.startswith("holder")]
    assert waited[0] == "urgent"
    assert sorted(waited[1:]) == ["low 0", "low 1", "low 2"]


# -- structure


async def test_an_answer_keeps_to_its_schema(engine: VllmEngine) -> None:
    schema = json.dumps({"type": "string", "enum": ["yang wood", "yin fire"]})
    text = await answer(engine, chat("element?", 64, json_schema=schema))
    assert json.loads(text) in {"yang wood", "yin fire"}


@pytest.mark.parametrize(
    "schema",
    [{"type": "no such type"}, {"type": "object", "properties": 3}, {"type": "string", "pattern": "("}],
)
async def test_a_schema_that_is_none_is_refused_by_name(engine: VllmEngine, schema: dict[str, Any]) -> None:
    error = await failure_of(answer(engine, chat("element?", json_schema=json.dumps(schema))))
    assert (error.kind, error.param) == (ErrorKind.INVALID_ARGUMENT, "response_format")
    assert await answer(engine, chat("still here", 4))


# -- adapters


async def test_adapters_come_change_and_go_without_touching_others(
    engine: VllmEngine, write_adapter: WriteAdapter, tmp_path: Path
) -> None:
    def asked(adapter: str = "") -> GenerationRequest:
        # Longer than a block of vLLM's cache, so that it keeps the prompt.
        return chat("who am I? " + "wood " * 60, 16, adapter=adapter)

    plain = await answer(engine, asked())
    fire, water = write_adapter(tmp_path / "fire", 1), write_adapter(tmp_path / "water", 2)
    await engine.load_adapter("fire", fire)
    await engine.load_adapter("water", water)
    try:
        of_fire, of_water = await answer(engine, asked("fire")), await answer(engine, asked("water"))
        assert len({plain, of_fire, of_water}) == 3
        mixed = await asyncio.gather(*(answer(engine, asked(name)) for name in ("", "fire", "water", "fire")))
        assert mixed == [plain, of_fire, of_water, of_fire]

        third = await failure_of(engine.load_adapter("earth", fire))
        assert (third.kind, third.param) == (ErrorKind.FAILED_PRECONDITION, "adapter")

        # Replaced from the same folder, while an answer of the old one is under way.
        running = engine.generate(chat("who am I? " + "wood " * 60, 200, adapter="fire"), Call())
        began = (await anext(running)).text
        write_adapter(fire, 3)
        await engine.load_adapter("fire", fire)
        replaced = await answer(engine, asked("fire"))
        assert replaced != of_fire
        async for event in running:
            began += event.text
        assert began.startswith(of_fire)
        assert await answer(engine, asked("water")) == of_water
        assert await answer(engine, asked()) == plain
    finally:
        await engine.unload_adapter("fire")
        await engine.unload_adapter("water")
    gone = await failure_of(answer(engine, asked("fire")))
    assert (gone.kind, gone.param) == (ErrorKind.INVALID_ARGUMENT, "adapter")
    assert (await failure_of(engine.unload_adapter("fire"))).param == "adapter"
    assert await answer(engine, asked()) == plain


async def test_a_folder_that_holds_no_fitting_adapter_is_refused(
    engine: VllmEngine, write_adapter: WriteAdapter, tmp_path: Path
) -> None:
    wrong = write_adapter(tmp_path / "wrong", 1, hidden=64)
    large = write_adapter(tmp_path / "large", 1, rank=128)
    empty = tmp_path / "empty"
    empty.mkdir()
    no_weights = write_adapter(tmp_path / "no weights", 1)
    (no_weights / "adapter_model.safetensors").unlink()
    for folder in (tmp_path / "nowhere", empty, no_weights, large, wrong):
        error = await failure_of(engine.load_adapter("bad", folder))
        assert (error.kind, error.param, error.value) == (ErrorKind.INVALID_ARGUMENT, "adapter", "bad"), (
            folder
        )
    assert await answer(engine, chat("still here", 4))
