"""OpenAI's Responses with the fake model: the event grammar, the store, and what goes on without its client."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseStreamEvent

from hypercube.core.engine import ChatMessage
from hypercube.core.errors import HyperCubeError
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.http import create_http_app
from hypercube.gateway.response_store import ResponseStore, StoredResponse
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import EngineOptions
from hypercube.inference.fake import FakeEngine
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore

TOOL: Any = {
    "type": "function",
    "name": "weather",
    "description": "…",
    "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@dataclass
class House:
    """A gateway before a fake model that can be slow."""

    services: GatewayServices
    engine: FakeEngine
    ai: openai.AsyncOpenAI


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    engine = FakeEngine(slots=EngineOptions().slots)
    engines = Hypercluster([lookup("fake")], ModelStore(tmp_path), make=lambda _: engine)
    registry = CubeRegistry()
    for cube in (ChatCube(engines), ModelsCube(engines)):
        registry.register(cube)
    await registry.start_all()
    engines.start()
    await engines.settled()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    services = GatewayServices(registry, readiness, lambda: b"")
    transport = httpx2.ASGITransport(create_http_app(services))
    async with (
        httpx2.AsyncClient(transport=transport) as inner,
        openai.AsyncOpenAI(
            api_key="none",
            base_url="http://gateway/v1",
            http_client=inner,
            max_retries=0,
            _strict_response_validation=True,
        ) as client,
    ):
        yield House(services, engine, client)
    await services.traffic.wait_idle(5)
    assert services.traffic.in_flight == 0
    assert engine.active == 0
    await registry.stop_all()
    await engines.close()


async def at_work(house: House) -> None:
    """Wait until the model is busy."""
    while not house.engine.active:  # noqa: ASYNC110 - the fake model has no event for it
        await asyncio.sleep(0)


def same(response: Response) -> dict[str, Any]:
    """A response without what is new each time."""
    body = response.model_dump(exclude={"id", "created_at", "completed_at"})
    for item in body["output"]:
        del item["id"]
    return body


async def streamed(house: House, **asked: Any) -> tuple[list[ResponseStreamEvent], Response]:
    events = [event async for event in await house.ai.responses.create(**asked, stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete")
    return events, last.response


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"max_output_tokens": 3},
        {"instructions": "Be brief.", "temperature": 0.5, "metadata": {"a": "b"}, "user": "u"},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 2, "max_output_tokens": 5},
        {"tools": [TOOL], "tool_choice": "required"},
        {"tools": [TOOL], "tool_choice": {"type": "function", "name": "weather"}},
        {"text": {"format": {"type": "text"}}},
        {"store": False},
    ],
)
async def test_a_stream_and_a_plain_answer_agree(house: House, more: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"model": "fake", "input": "한 마디만", "extra_body": {"seed": 5}, **more}
    whole = await house.ai.responses.create(**asked)
    events, response = await streamed(house, **asked)
    assert same(response) == same(whole)
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == whole.output_text
    assert whole.status == ("incomplete" if "max_output_tokens" in more else "completed")
    if "max_output_tokens" in more:
        assert whole.incomplete_details is not None
        assert whole.incomplete_details.reason == "max_output_tokens"
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens


async def test_the_grammar_of_a_text_and_of_a_call(house: House) -> None:
    events, _ = await streamed(house, model="fake", input="hi", max_output_tokens=2)
    assert [event.type for event in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    events, _ = await streamed(house, model="fake", input="hi", tools=[TOOL], tool_choice="required")
    kinds = [event.type for event in events]
    assert kinds[:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    assert set(kinds[3:-3]) == {"response.function_call_arguments.delta"}
    assert kinds[-3:] == [
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]


async def test_events_are_named_and_nothing_is_done(house: House) -> None:
    raw = await house.ai.post(
        "/responses", body={"input": "hi", "stream": True, "max_output_tokens": 1}, cast_to=httpx2.Response
    )
    blocks = raw.text.split("\n\n")
    assert blocks.pop() == ""
    for block in blocks:
        name, data = block.split("\n")
        assert name == "event: " + json.loads(data.removeprefix("data: "))["type"]


async def test_a_conversation_goes_on_and_its_calls_are_answered(house: House) -> None:
    first = await house.ai.responses.create(model="fake", input="weather of X?", tools=[TOOL])
    call = first.output[0]
    assert isinstance(call, ResponseFunctionToolCall)
    second = await house.ai.responses.create(
        model="fake",
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "rain"}],
        tools=[TOOL],
    )
    assert "rain" in second.output_text
    assert second.previous_response_id == first.id
    alone = await house.ai.responses.create(
        model="fake",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "weather of X?"}]},
            {
                "type": "function_call",
                "call_id": call.call_id,
                "name": call.name,
                "arguments": call.arguments,
            },
            {"type": "function_call_output", "call_id": call.call_id, "output": "rain"},
        ],
        tools=[TOOL],
    )
    assert alone.output_text == second.output_text, "the same conversation, told at once"
    assert alone.usage == second.usage


async def test_it_is_kept_until_it_is_deleted(house: House) -> None:
    made = await house.ai.responses.create(model="fake", input="hi")
    assert await house.ai.responses.retrieve(made.id) == made
    await house.ai.responses.delete(made.id)
    for again in (house.ai.responses.retrieve(made.id), house.ai.responses.delete(made.id)):
        with pytest.raises(openai.NotFoundError) as missing:
            await again
        assert missing.value.param == "response_id"
    unkept = await house.ai.responses.create(model="fake", input="hi", store=False)
    with pytest.raises(openai.NotFoundError):
        await house.ai.responses.retrieve(unkept.id)
    with pytest.raises(openai.BadRequestError) as gone:
        await house.ai.responses.create(model="fake", input="hi", previous_response_id=unkept.id)
    assert gone.value.param == "previous_response_id"


async def test_in_the_background(house: House) -> None:
    asked = await house.ai.responses.create(model="fake", input="hi", background=True, extra_body={"seed": 1})
    assert asked.status == "queued"
    await house.services.traffic.wait_idle(5)
    kept = house.services.responses.find(asked.id, "")
    assert kept is not None
    if kept.task is not None:
        await kept.task
    done = await house.ai.responses.retrieve(asked.id)
    assert done.status == "completed"
    plain = await house.ai.responses.create(model="fake", input="hi", extra_body={"seed": 1})
    assert done.output_text == plain.output_text
    assert (await house.ai.responses.cancel(asked.id)).status == "completed", "too late"
    with pytest.raises(openai.BadRequestError):
        await house.ai.responses.cancel(plain.id)


@pytest.mark.parametrize("begun", [False, True])
async def test_a_background_response_is_cancelled(house: House, begun: bool) -> None:
    house.engine.token_delay_s = 3600
    asked = await house.ai.responses.create(model="fake", input="hi", background=True)
    if begun:
        await at_work(house)
    assert (await house.ai.responses.cancel(asked.id)).status == "cancelled"
    assert house.engine.active == 0
    assert (await house.ai.responses.retrieve(asked.id)).status == "cancelled"


async def test_deleting_stops_what_is_being_made(house: House) -> None:
    house.engine.token_delay_s = 3600
    asked = await house.ai.responses.create(model="fake", input="hi", background=True)
    await at_work(house)
    await house.ai.responses.delete(asked.id)
    assert house.engine.active == 0
    with pytest.raises(openai.NotFoundError):
        await house.ai.responses.retrieve(asked.id)


async def test_a_background_response_that_fails_says_so(house: House) -> None:
    asked = await house.ai.responses.create(model="fake", input="w " * 5000, background=True)
    kept = house.services.responses.find(asked.id, "")
    assert kept is not None
    assert kept.task is not None
    await kept.task
    failed = await house.ai.responses.retrieve(asked.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error.code == "invalid_prompt"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"input": "x", "max_output_tokens": 0}, "max_output_tokens"),
        ({"input": []}, "input"),
        ({"input": "x", "temperature": 3}, "temperature"),
        ({"input": "x", "text": {"format": {"type": "json_object"}}}, "text.format"),
        ({"input": "x", "text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"input": "x", "tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"input": "x", "tools": [{**TOOL, "name": "a b"}]}, "tools[0].name"),
        (
            {"input": "x", "tools": [TOOL], "tool_choice": {"type": "function", "name": "y"}},
            "tool_choice.name",
        ),
        ({"input": "x", "background": True, "stream": True}, "background"),
        ({"input": "x", "background": True, "store": False}, "background"),
        ({"input": "x", "conversation": "conv_1"}, "conversation"),
        ({"input": "x", "reasoning": {"effort": "low"}}, "reasoning"),
        ({"input": "x", "truncation": "auto"}, "truncation"),
        ({"input": "x", "instruction": "y"}, "instruction"),
    ],
)
async def test_what_is_wrong_is_named(house: House, asked: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await house.ai.post("/responses", body=asked, cast_to=httpx2.Response)
    assert caught.value.param == param
    assert caught.value.code == "invalid_argument"


def test_the_store_is_bounded_in_number_bytes_and_time() -> None:
    now = 0.0
    store = ResponseStore(kept_s=10, max_responses=3, max_bytes=10_000, clock=lambda: now)

    def put(name: str, size: int = 1, tenant: str = "") -> None:
        store.put(name, StoredResponse({}, (ChatMessage("user", "x" * size),), tenant))

    for name in "abcd":
        put(name)
    assert store.find("a", "") is None
    assert store.find("d", "") is not None
    assert store.find("d", "another") is None
    put("long", 2000)
    assert len(store) == 1, "the others made room"
    now = 10.0
    assert len(store) == 0
    put("e")
    store.delete("e")
    store.delete("never")
    assert len(store) == 0


async def test_what_is_being_made_is_never_dropped() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    store = ResponseStore(kept_s=-1, max_responses=1)
    kept = StoredResponse({}, (), "")
    task = kept.task = asyncio.ensure_future(forever())
    store.put("a", kept)
    assert store.find("a", "") is kept
    with pytest.raises(HyperCubeError, match="in the background"):
        store.put("b", StoredResponse({}, (), ""))
    store.delete("a")
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_what_was_asked_comes_back_whole(house: House) -> None:
    # JSON has no largest integer; the encoder has.
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 2**70}}}
    asked = {**TOOL, "parameters": schema}
    response = await house.ai.responses.create(model="fake", input="hi", tools=[asked])
    again = await house.ai.responses.retrieve(response.id)
    for each in (response, again):
        assert each.tools[0].parameters == schema  # type: ignore[union-attr]
    with pytest.raises(openai.BadRequestError) as caught:
        await house.ai.responses.create(model="fake", input="hi", max_output_tokens=2**64)
    assert caught.value.param == "max_output_tokens"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ([{"role": "user", "content": "hi"}, {"type": "song"}], "input[1].type"),
        ([{"role": "king", "content": "hi"}], "input[0].role"),
        ([{"type": "function_call", "call_id": "1", "name": "weather"}], "input[0].arguments"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "input_image", "text": "x"}]}], "input[0].content[0].type"),
        ([], "input"),
        (7, "input"),
    ],
)
async def test_what_is_wrong_in_an_item_is_named(house: House, wrong: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await house.ai.responses.create(model="fake", input=wrong)
    assert (caught.value.param, caught.value.code) == (param, "invalid_argument"), caught.value
