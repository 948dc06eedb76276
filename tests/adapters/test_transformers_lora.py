"""LoRA in the transformers engine: each request has its own adapter, whatever changes beside it."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import EngineOptions
from hypercube.inference.transformers.engine import TransformersEngine
from hypercube.inference.transformers.program import CausalProgram

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOKENS = 8
LIMIT = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(model: Path) -> AsyncIterator[CausalProgram]:
    program = CausalProgram()
    settings = {
        "path": str(model),
        "context_length": 256,
        "slots": 4,
        "threads": 1,
        "device": "cpu",
        "precision": "fp32",
        "tensor_parallel": 1,
        "max_adapters": LIMIT,
    }
    await program.load(settings, lambda _: None)
    yield program
    assert program._batching is not None
    await asyncio.to_thread(program._batching.stop, True)
    await program.close()


async def say(program: CausalProgram, text: str, adapter: str, tokens: int = TOKENS) -> str:
    request = GenerationRequest(
        (ChatMessage("user", text),), max_tokens=tokens, sampling=Sampling(temperature=0.0), adapter=adapter
    )
    async with aclosing(program.generate(request)) as events:
        return "".join([event.text async for event in events])


async def refusal(work: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


@pytest.mark.parametrize("seed", range(3))
async def test_reloading_one_adapter_never_changes_anothers_answers(
    program: CausalProgram,
    adapters: dict[str, Path],
    texts: list[str],
    expected: dict[tuple[str, str], str],
    seed: int,
) -> None:
    """Loads, replacements, unloads and requests in random order; every answer is that of the merged weights.

    Requests run beside one another, with different adapters in one batch, and end with what they began with.
    """
    rng = random.Random(seed)
    loaded: dict[str, str] = {}
    running: list[tuple[str, str, asyncio.Task[str]]] = []
    seen: set[str] = set()
    try:
        for _ in range(60):
            act = rng.choice(("ask", "ask", "ask", "load", "unload"))
            name = rng.choice("abcd")
            if act == "load":
                content = rng.choice(tuple(adapters))
                await program.load_adapter(name, str(adapters[content]))
                loaded[name] = content
            elif act == "unload" and name in loaded:
                await program.unload_adapter(name)
                del loaded[name]
            elif act == "ask":
                asked = rng.choice(("", *loaded))
                content, text = loaded.get(asked, ""), rng.choice(texts)
                running.append((content, text, asyncio.ensure_future(say(program, text, asked))))
                seen.add(content)
                # It takes its adapter before it first waits, and that is now.
                await asyncio.sleep(0)
            if len(running) > 6:
                content, text, task = running.pop(rng.randrange(len(running)))
                assert await task == expected[content, text], f"adapter {content or 'none'}"
        for content, text, task in running:
            assert await task == expected[content, text], f"adapter {content or 'none'}"
    finally:
        for *_, task in running:
            task.cancel()
        await asyncio.gather(*(task for *_, task in running), return_exceptions=True)
        for name in loaded:
            await program.unload_adapter(name)
    assert len(seen) >= 4, "the model alone and three adapters were asked"


async def test_a_prefix_is_shared_by_requests_with_the_same_adapter_only(
    program: CausalProgram,
    adapters: dict[str, Path],
    texts: list[str],
    expected: dict[tuple[str, str], str],
) -> None:
    assert program._batching is not None
    (allocator,) = program._batching.batch_processor.cache.cache_allocators.values()
    await program.load_adapter("first", str(adapters["0"]))
    await program.load_adapter("second", str(adapters["1"]))
    text = texts[0]
    assert await say(program, text, "first") == expected["0", text]
    known = set(allocator.ledger.hash_to_block)
    assert await say(program, text, "first") == expected["0", text]
    assert set(allocator.ledger.hash_to_block) == known, "the second time, its blocks were there"
    allocator.ledger.evict_cached_blocks()
    assert await say(program, text, "first") == expected["0", text]
    own = set(allocator.ledger.hash_to_block)
    assert own
    assert await say(program, text, "second") == expected["1", text]
    assert await say(program, text, "") == expected["", text]
    others = set(allocator.ledger.hash_to_block) - own
    assert len(others) >= 2 * len(own) - 2, "each has blocks of its own"
    for name in ("first", "second"):
        await program.unload_adapter(name)


async def test_too_many_are_refused_and_unknown_ones_named(
    program: CausalProgram, adapters: dict[str, Path]
) -> None:
    for at in range(LIMIT):
        await program.load_adapter(f"n{at}", str(adapters["0"]))
    full = await refusal(program.load_adapter("more", str(adapters["1"])))
    assert full.kind is ErrorKind.FAILED_PRECONDITION
    assert "n0, n1, n2, n3" in str(full)
    await program.load_adapter("n0", str(adapters["1"]))
    for at in range(LIMIT):
        await program.unload_adapter(f"n{at}")
    gone = await refusal(program.unload_adapter("n0"))
    assert (gone.kind, gone.param) == (ErrorKind.INVALID_ARGUMENT, "adapter")
    assert (await refusal(say(program, "hello", "n0"))).kind is ErrorKind.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "whole modules"),
        ({"bias": "all"}, "biases"),
        ({"peft_type": "IA3"}, "IA3"),
        ({"fan_in_fan_out": True}, "transposed"),
    ],
)
async def test_what_is_more_than_lora_is_refused(
    program: CausalProgram,
    write: Callable[..., Path],
    tmp_path: Path,
    change: dict[str, Any],
    said: str,
) -> None:
    folder = write(tmp_path / "odd", 1, {"rank": 2, "targets": ("self_attn.q_proj",), "config": change})
    error = await refusal(program.load_adapter("odd", str(folder)))
    assert error.kind is ErrorKind.INVALID_ARGUMENT
    assert said in error.message


async def test_matrices_for_another_model_are_refused(
    program: CausalProgram, model: Path, write: Callable[..., Path], tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import save_file

    wide = write(tmp_path / "wide", 1, {"rank": 2, "targets": ("self_attn.q_proj",), "config": {}}, width=128)
    error = await refusal(program.load_adapter("wide", str(wide)))
    assert error.kind is ErrorKind.INVALID_ARGUMENT
    assert "[64, 64]" in error.message
    vocabulary = json.loads(model.joinpath("config.json").read_text())["vocab_size"]
    deep = tmp_path / "deep"
    deep.mkdir()
    deep.joinpath("adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 2}))
    for path, tensors, said in (
        ("model.layers.7.self_attn.q_proj", ("A", "B"), "no such linear layer"),
        ("lm_head", ("A", "B"), "computes that layer apart"),
        ("model.layers.0.self_attn.q_proj", ("A",), "outputs were expected"),
    ):
        shapes = {"A": (2, 64), "B": (vocabulary if path == "lm_head" else 64, 2)}
        save_file(
            {f"base_model.model.{path}.lora_{each}.weight": torch.zeros(shapes[each]) for each in tensors},
            deep / "adapter_model.safetensors",
        )
        assert said in (await refusal(program.load_adapter("deep", str(deep)))).message


async def test_ranks_and_adapters_do_not_go_together() -> None:
    with pytest.raises(HyperCubeError) as caught:
        TransformersEngine(EngineOptions(tensor_parallel=2, adapters=1, device="cpu"))
    assert caught.value.param == "model.adapters"
