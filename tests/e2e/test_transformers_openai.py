"""The transformers engine behind the gateway, judged by the official client: a stream says what a plain answer says.

The weights are random: whatever is right in an answer is the grammar's, the sampler's or the gateway's doing.
"""

import importlib.util
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import openai
import pytest
import pytest_asyncio

from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.http import create_http_app
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import EngineOptions
from hypercube.inference.transformers.engine import PACKAGES, TransformersEngine
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in PACKAGES),
        reason="needs the extra `transformers`",
    ),
]
TEMPLATE = (
    "{% for t in tools or [] %}{{ t.function.name }} {% endfor %}"
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "
)
CITY: Any = {
    "type": "object",
    "properties": {"city": {"enum": ["서울", "Busan"]}, "n": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city", "n"],
    "additionalProperties": False,
}
WEATHER: Any = {"type": "function", "function": {"name": "weather", "parameters": CITY, "strict": True}}
ASKED: dict[str, Any] = {
    "model": "fake",
    "messages": [{"role": "user", "content": "hello"}],
    "seed": 11,
    "temperature": 0.0,
    "max_completion_tokens": 120,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of random weights, and a byte-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("tiny")
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator(["the day master is yang wood", "갑목 일간은 큰 나무다"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=0,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


class TinyEngine(TransformersEngine):
    """The engine, whose model is not from the registry."""

    folder: Path

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        await super().load(self.folder, on_status)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ai(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client, strict, before a gateway in this process; the model's process is real."""
    engine = TinyEngine(EngineOptions(context_length=256, slots=4, threads=1, precision="fp32", device="cpu"))
    engine.folder = folder
    engines = Hypercluster(
        [lookup("fake")], ModelStore(tmp_path_factory.mktemp("store")), make=lambda _: engine
    )
    registry = CubeRegistry()
    for cube in (ChatCube(engines), ModelsCube(engines)):
        registry.register(cube)
    await registry.start_all()
    engines.start()
    await engines.settled()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    services = GatewayServices(cubes=registry, readiness=readiness, metrics_text=bytes)
    async with (
        httpx2.AsyncClient(transport=httpx2.ASGITransport(create_http_app(services)), timeout=120) as inner,
        openai.AsyncOpenAI(
            api_key="none",
            base_url="http://gateway/v1",
            http_client=inner,
            max_retries=0,
            _strict_response_validation=True,
        ) as client,
    ):
        yield client
    await registry.stop_all()
    await engines.close()


async def both(ai: openai.AsyncOpenAI, **more: Any) -> Any:
    """The plain answer; the chunks of the streamed one must add up to the same."""
    asked = {**ASKED, **more}
    plain = await ai.chat.completions.create(**asked)
    stream = await ai.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].usage == plain.usage
    for choice in plain.choices:
        pieces = [each for chunk in chunks for each in chunk.choices if each.index == choice.index]
        assert pieces[0].delta.role == choice.message.role
        text = "".join(piece.delta.content or "" for piece in pieces)
        assert text == (choice.message.content or "")
        assert [piece.finish_reason for piece in pieces if piece.finish_reason] == [choice.finish_reason]
        rated = [each for piece in pieces if piece.logprobs for each in piece.logprobs.content or ()]
        whole = [] if choice.logprobs is None else choice.logprobs.content
        assert [(each.token, each.bytes) for each in rated] == [(each.token, each.bytes) for each in whole]
        # What shares a batch, or a cached prompt, moves the last digits.
        assert [each.logprob for each in rated] == pytest.approx([each.logprob for each in whole], abs=1e-4)
        called = [call.function for piece in pieces for call in piece.delta.tool_calls or ()]
        assert [
            "".join(each.name or "" for each in called),
            "".join(each.arguments or "" for each in called),
        ] == [
            "".join(call.function.name for call in choice.message.tool_calls or ()),
            "".join(call.function.arguments for call in choice.message.tool_calls or ()),
        ]
    return plain


async def test_text(ai: openai.AsyncOpenAI) -> None:
    plain = await both(ai, logprobs=True, top_logprobs=2, max_completion_tokens=40)
    assert all(len(each.top_logprobs) == 2 for each in plain.choices[0].logprobs.content)
    drawn = await ai.chat.completions.create(**ASKED | {"temperature": 1.0}, n=2)
    assert len({choice.message.content for choice in drawn.choices}) == 2


async def test_json_of_a_schema(ai: openai.AsyncOpenAI) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": CITY}}
    plain = await both(ai, response_format=form, logprobs=True)
    for choice in plain.choices:
        jsonschema_rs.validate(CITY, json.loads(choice.message.content))
        assert choice.finish_reason == "stop"


async def test_any_object(ai: openai.AsyncOpenAI) -> None:
    # Random weights seldom end an object; how it begins is the grammar's doing.
    plain = await both(ai, response_format={"type": "json_object"}, max_completion_tokens=8)
    assert plain.choices[0].message.content.startswith("{")


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
async def test_a_forced_call(ai: openai.AsyncOpenAI, choice: Any) -> None:
    plain = await both(ai, tools=[WEATHER], tool_choice=choice, parallel_tool_calls=False)
    (call,) = plain.choices[0].message.tool_calls
    assert plain.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "weather"
    jsonschema_rs.validate(CITY, json.loads(call.function.arguments))


async def test_a_plain_text(ai: openai.AsyncOpenAI) -> None:
    loose = openai.AsyncOpenAI(api_key="none", base_url=ai.base_url, http_client=ai._client, max_retries=0)
    asked: dict[str, Any] = {
        "model": "fake", "prompt": "the day", "max_tokens": 12, "seed": 3, "logprobs": 2,
    }  # fmt: skip
    plain = (await ai.completions.create(**asked)).choices[0]
    # Its own types allow no chunk without a finish reason, though OpenAI sends them: not strict here.
    chunks = [chunk async for chunk in await loose.completions.create(**asked, stream=True)]
    pieces = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(piece.text for piece in pieces) == plain.text
    assert pieces[-1].finish_reason == plain.finish_reason
    tokens = [token for piece in pieces if piece.logprobs for token in piece.logprobs.tokens or ()]
    assert plain.logprobs is not None
    assert tokens == plain.logprobs.tokens


async def test_a_response(ai: openai.AsyncOpenAI) -> None:
    form: Any = {"format": {"type": "json_schema", "name": "city", "strict": True, "schema": CITY}}
    plain = await ai.responses.create(model="fake", input="hi", text=form, temperature=0.0)
    jsonschema_rs.validate(CITY, json.loads(plain.output_text))
    async with ai.responses.stream(model="fake", input="hi", text=form, temperature=0.0) as stream:
        finished = await stream.get_final_response()
    assert (finished.output_text, finished.usage) == (plain.output_text, plain.usage)


async def test_a_schema_that_nothing_can_keep(ai: openai.AsyncOpenAI) -> None:
    schema = {"type": "string", "pattern": "(?=x)x"}
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as caught:
            await ai.chat.completions.create(
                **ASKED,
                response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
                stream=stream,
            )  # type: ignore[call-overload]
        assert caught.value.param == "response_format"
