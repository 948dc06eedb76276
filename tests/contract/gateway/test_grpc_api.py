"""gRPC: the same answers as HTTP, typed errors, cancellation, deadlines, health and reflection."""

import asyncio
import json
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from hypercube.core.chart import BirthInput, Chart, Sex
from hypercube.core.errors import ErrorKind, Failure
from hypercube.gateway.grpc.health import KNOWN
from hypercube.gateway.services import PartStatus
from hypercube.gateway.validation import json_model
from hypercube.wire import convert
from hypercube.wire.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    cubes_pb2,
    cubes_pb2_grpc,
    error_pb2,
    models_pb2,
    models_pb2_grpc,
    saju_pb2,
    saju_pb2_grpc,
)

GOOD = saju_pb2.Birth(birth="1990-05-03T07:20", sex=saju_pb2.SEX_MALE, place="Seoul")


def asks(content: str, **more: Any) -> chat_pb2.ChatRequest:
    return chat_pb2.ChatRequest(
        model="small", messages=[chat_pb2.ChatMessage(role="user", content=content)], **more
    )


def failure(error: grpc.aio.AioRpcError) -> Failure:
    for key, value in error.trailing_metadata():
        if key == "hypercube-error-bin":
            assert isinstance(value, bytes)
            return convert.error_from_proto(error_pb2.Error.FromString(value))
    raise AssertionError(f"no typed error beside {error}")


async def test_a_chart_is_the_one_that_http_gives(channel: grpc.aio.Channel, http: httpx.AsyncClient) -> None:
    reply = await saju_pb2_grpc.SajuStub(channel).Chart(GOOD)
    chart = convert.chart_from_proto(reply)
    assert chart.pillars.indices() == (6, 16, 4, 51)
    shown = (
        await http.post("/v1/saju/charts", json={"birth": GOOD.birth, "sex": "male", "place": "Seoul"})
    ).json()
    assert json_model(Chart).read(json.dumps(shown)) == chart


async def test_options_that_came_before_change_nothing(
    channel: grpc.aio.Channel, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second chart of a kind is read, computed and written around what the first one left."""
    monkeypatch.setattr(house.services.cubes.get("saju")._batchers, "_at_once", True)
    stub = saju_pb2_grpc.SajuStub(channel)
    first = await stub.Chart(GOOD)
    before = len(house.services.cubes.get("saju").traces())
    call = stub.Chart(GOOD, metadata=(("x-request-id", "r-1"),))
    assert await call == first
    told: dict[Any, Any] = dict(await call.trailing_metadata() or ())
    assert told["x-request-id"] == "r-1"
    assert told["server-timing"].startswith("compute;dur=")
    assert 'items;desc="1"' in told["server-timing"]
    traces = house.services.cubes.get("saju").traces()
    assert (len(traces), traces[-1].request_id) == (before + 1, "r-1")
    wrong = saju_pb2.Birth()
    wrong.CopyFrom(GOOD)
    wrong.birth = "1990-02-30T07:20"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Chart(wrong)
    assert failure(caught.value).param == "birth"
    assert house.services.traffic.in_flight == 0
    house.services.traffic.drain()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Chart(GOOD)
    assert failure(caught.value).kind is ErrorKind.UNAVAILABLE


async def test_a_batch_keeps_order_and_errors_apart(channel: grpc.aio.Channel) -> None:
    births = [
        GOOD,
        saju_pb2.Birth(birth="1990-02-31T07:20"),
        saju_pb2.Birth(birth="1990-05-03", sex=9),  # type: ignore[arg-type]
        saju_pb2.Birth(birth="1990-05-03T07:20", longitude=200),
    ]
    reply = await saju_pb2_grpc.SajuStub(channel).Charts(saju_pb2.ChartsRequest(births=births))
    results = [convert.result_from_proto(result) for result in reply.results]
    assert [result.error and result.error.param for result in results] == [
        None,
        "births[1].birth",
        "births[2].sex",
        "births[3].longitude",
    ]
    assert results[0].chart is not None
    assert results[0].chart.options.sex is Sex.MALE


async def test_ten_thousand_births_fit_one_message(channel: grpc.aio.Channel) -> None:
    births = [convert.birth_to_proto(BirthInput(f"{1900 + row % 150}-02-10T12:00")) for row in range(10_000)]
    reply = await saju_pb2_grpc.SajuStub(channel).Charts(saju_pb2.ChartsRequest(births=births))
    assert len(reply.results) == 10_000
    years = [result.chart.instant.local[:4] for result in reply.results]
    assert years == [birth.birth[:4] for birth in births]


async def test_chat_whole_and_streamed(channel: grpc.aio.Channel) -> None:
    stub = chat_pb2_grpc.ChatStub(channel)
    whole = await stub.Complete(asks("one two three", max_tokens=2))
    assert (whole.content, whole.finish_reason, whole.usage.total_tokens) == ("one two", "length", 5)
    events = [event async for event in stub.Stream(asks("one two"))]
    assert [event.text for event in events] == ["one", " two", ""]
    assert events[-1].finish_reason == "stop"
    assert events[-1].usage.prompt_tokens == 2
    assert {(event.model, event.id[:9]) for event in events} == {("small", "chatcmpl-")}


async def test_models_and_cubes(channel: grpc.aio.Channel) -> None:
    models = await models_pb2_grpc.ModelsStub(channel).List(models_pb2.ListModelsRequest())
    assert [(model.name, model.state, model.context_length) for model in models.models] == [
        ("small", "ready", 64)
    ]
    stub = cubes_pb2_grpc.CubesStub(channel)
    cubes = await stub.List(cubes_pb2.ListCubesRequest())
    assert [(cube.name, cube.health) for cube in cubes.cubes] == [
        ("chat", "healthy"),
        ("compatibility", "healthy"),
        ("embeddings", "healthy"),
        ("model-admin", "healthy"),
        ("models", "healthy"),
        ("reading", "healthy"),
        ("saju", "healthy"),
        ("tensors", "healthy"),
        ("tokenizer", "healthy"),
    ]
    saju = await stub.Get(cubes_pb2.GetCubeRequest(name="saju"))
    assert json.loads(saju.request_schema_json)["properties"].keys() == {"births"}
    body = json.dumps({"births": [{"birth": "1990-05-03"}]})
    reply = await stub.Process(cubes_pb2.ProcessRequest(name="saju", request_json=body))
    assert json.loads(reply.response_json)["results"][0]["error"] is None
    body = json.dumps({"messages": [{"role": "user", "content": "a b"}]})
    reply = await stub.Process(cubes_pb2.ProcessRequest(name="chat", request_json=body))
    assert [piece["text"] for piece in json.loads(reply.response_json)] == ["a", " b", ""]


async def test_bytes_that_are_no_message_and_fields_from_nowhere(channel: grpc.aio.Channel) -> None:
    raw = channel.unary_unary("/hypercube.v1.Saju/Chart")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await raw(b"\xff\xff\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "no hypercube.v1.Birth message" in failure(caught.value).message
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await raw(GOOD.SerializeToString() + b"\x98\x06\x05")
    assert failure(caught.value).value == "99"
    nested = b"\x0a" + bytes([GOOD.ByteSize() + 3]) + GOOD.SerializeToString() + b"\x98\x06\x05"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary("/hypercube.v1.Saju/Charts")(nested)
    assert failure(caught.value).param == "births[0]"


async def test_cancelling_a_call_stops_the_model(channel: grpc.aio.Channel, house: Any) -> None:
    call = chat_pb2_grpc.ChatStub(channel).Stream(asks("!wait two"))
    event = await call.read()
    assert event.text == "!wait"
    assert house.services.traffic.in_flight == 1
    call.cancel()
    await asyncio.wait_for(house.engine.closed.wait(), 5)


async def test_cancelling_a_unary_call_stops_the_model(channel: grpc.aio.Channel, house: Any) -> None:
    call = chat_pb2_grpc.ChatStub(channel).Complete(asks("!hang"))
    waiting = asyncio.ensure_future(call)
    await house.engine.started.wait()
    call.cancel()
    await asyncio.wait_for(house.engine.closed.wait(), 5)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_the_clients_deadline_stops_the_model(channel: grpc.aio.Channel) -> None:
    """That nothing is left at work is asserted when the house is torn down."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await chat_pb2_grpc.ChatStub(channel).Complete(asks("!hang"), timeout=0.1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_the_servers_default_deadline_is_typed(house: Any, grpc_listen: Any) -> None:
    now = 1000.0
    async with grpc_listen(house.with_clock(lambda: now)) as channel:
        call = chat_pb2_grpc.ChatStub(channel).Stream(asks("!wait two"))
        assert (await call.read()).text == "!wait"
        now += 601
        house.engine.release.set()
        assert (await call.read()).text == " two"  # asked for while there was time
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failure(caught.value).kind is ErrorKind.DEADLINE_EXCEEDED


async def test_a_failure_in_a_stream_ends_it_with_a_status(channel: grpc.aio.Channel) -> None:
    call = chat_pb2_grpc.ChatStub(channel).Stream(asks("!break two"))
    assert (await call.read()).text == "!break"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert failure(caught.value).kind is ErrorKind.ENGINE_FAILED


async def test_a_defect_of_ours_tells_a_number_and_nothing_else(
    channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await chat_pb2_grpc.ChatStub(channel).Complete(asks("!bug"), metadata=(("x-request-id", "r-9"),))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value.details())
    assert failure(caught.value).details == {"request_id": "r-9"}
    assert "ZeroDivisionError: secret" in caplog.text


async def test_draining_refuses_calls_and_health_says_so(channel: grpc.aio.Channel, house: Any) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    house.services.traffic.drain()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await saju_pb2_grpc.SajuStub(channel).Chart(GOOD)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert failure(caught.value).retry_after_s == 5.0
    reply = await health.Check(health_pb2.HealthCheckRequest(service="hypercube.v1.Models"))
    assert reply.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_health_follows_the_parts(channel: grpc.aio.Channel, house: Any) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    house.parts["model:small"] = PartStatus(False, "loading")
    status = {}
    for name in KNOWN:
        reply = await health.Check(health_pb2.HealthCheckRequest(service=name))
        status[name] = health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status)
    listed = await health.List(health_pb2.HealthListRequest())
    assert {name: one.status for name, one in listed.statuses.items()} == {
        name: health_pb2.HealthCheckResponse.ServingStatus.Value(word) for name, word in status.items()
    }
    assert status.pop("hypercube.v1.Chat") == "NOT_SERVING"
    assert set(status.values()) == {"SERVING"}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health.Check(health_pb2.HealthCheckRequest(service="nobody"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_hears_of_a_change(channel: grpc.aio.Channel, house: Any) -> None:
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=""))
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    house.parts["charts"] = PartStatus(False, "wrong")
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()


async def test_reflection_lists_the_services_and_their_files(channel: grpc.aio.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    questions = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="hypercube.v1.Saju"),
    ]
    listed, file = [reply async for reply in stub.ServerReflectionInfo(iter(questions))]
    assert {service.name for service in listed.list_services_response.service} == {
        "hypercube.v1.Saju",
        "hypercube.v1.Reading",
        "hypercube.v1.Chat",
        "hypercube.v1.Embeddings",
        "hypercube.v1.Models",
        "hypercube.v1.Cubes",
        "inference.GRPCInferenceService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert file.file_descriptor_response.file_descriptor_proto


async def test_a_message_over_the_limit_is_refused(house: Any, grpc_listen: Any) -> None:
    async with grpc_listen(house.with_limits(max_message_bytes=10_000)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await saju_pb2_grpc.SajuStub(channel).Charts(saju_pb2.ChartsRequest(births=[GOOD] * 1000))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_every_call_is_observed(channel: grpc.aio.Channel, house: Any) -> None:
    stub = saju_pb2_grpc.SajuStub(channel)
    await stub.Chart(GOOD)
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.Chart(saju_pb2.Birth(birth="never"))
    assert house.observed == [
        ("grpc", "hypercube.v1.Saju/Chart", "ok"),
        ("grpc", "hypercube.v1.Saju/Chart", "invalid_argument"),
    ]


async def test_an_error_with_long_words_still_fits_the_metadata(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await cubes_pb2_grpc.CubesStub(channel).Get(cubes_pb2.GetCubeRequest(name="없는큐브" * 5000))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert failure(caught.value).kind is ErrorKind.NOT_FOUND
