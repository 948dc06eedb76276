"""Versions, aliases and signatures of the registry through the Open Inference Protocol, over both doors."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from hypercube.app.application import Application
from hypercube.core.served_models import Capability, EngineState
from hypercube.core.tensors import pack_bytes
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.signature import Signature, Tensor
from hypercube.model_registry.store import ModelStore
from hypercube.settings import load_settings
from hypercube.wire.inference import service_pb2 as pb
from hypercube.wire.inference import service_pb2_grpc

SIGNED = Signature((Tensor("question", "BYTES", (-1,)),), (Tensor("answer", "BYTES", (1,)),))
ODD = Signature((Tensor("ids", "INT64", (-1,)), Tensor("mask", "INT64", (-1,))), ())
WIDE = Signature((Tensor("sentences", "BYTES", (2,)),), (Tensor("vectors", "FP32", (-1, 16)),))


def tiny(version: str, signature: Signature | None = None) -> ModelManifest:
    return ModelManifest("tiny", version, "", "MIT", "fake", "none", 4096, 7, signature=signature)


def text(*texts: str, name: str = "text_input") -> dict[str, Any]:
    return {
        "inputs": [{"name": name, "datatype": "BYTES", "shape": [len(texts)], "data": list(texts)}],
        "parameters": {"max_tokens": 3},
    }


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[Application]:
    """Serves `tiny` (three versions and an alias), and the encoder `vec`."""
    operator = ModelRegistry(ModelStore(tmp_path), poll_s=0)
    for manifest in (tiny("1.0.0"), tiny("1.1.0", SIGNED), tiny("2.0.0", ODD)):
        operator.store.publish(manifest, {})
    vec = ModelManifest(
        "vec", "0.1.0", "", "MIT", "fake", "none", 4096, 7, capabilities=(Capability.EMBED,), signature=WIDE
    )
    operator.store.publish(vec, {})
    operator.set_alias("tiny", "production", "1.0.0")
    operator.set_alias("tiny", "canary", "1.1.0")
    settings = load_settings(
        {
            "model": {"name": "tiny", "dir": str(tmp_path)},
            "models": {"also": ["vec"]},
            "server": {"http_port": 0, "grpc_port": 0},
            "kernels": {"backend": "reference"},
        }
    )
    application = Application(settings)
    async with application.running():
        assert (await application.engines.settled("tiny")).state is EngineState.READY
        yield application


@pytest.fixture
async def http(application: Application) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{application.http_port}/v2", timeout=60
    ) as client:
        yield client


@pytest.fixture
async def stub(application: Application) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{application.grpc_port}") as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def asks(name: str, version: str, *texts: str, tensor: str = "text_input") -> pb.ModelInferRequest:
    return pb.ModelInferRequest(
        model_name=name,
        model_version=version,
        inputs=[pb.ModelInferRequest.InferInputTensor(name=tensor, datatype="BYTES", shape=[len(texts)])],
        parameters={"max_tokens": pb.InferParameter(int64_param=3)},
        raw_input_contents=[bytes(pack_bytes([each.encode() for each in texts]))],
    )


async def test_metadata_names_the_versions_that_can_be_asked_for(http: httpx.AsyncClient, stub: Any) -> None:
    for name, path, versions in (
        ("tiny", "", ["2.0.0", "1.1.0", "1.0.0"]),
        ("tiny", "/versions/1.0.0", ["1.0.0"]),
        ("tiny@production", "", ["1.0.0"]),
        ("tiny@1.1.0", "", ["1.1.0"]),
        ("tiny@latest", "", ["2.0.0"]),
        ("tiny@canary", "/versions/1.1.0", ["1.1.0"]),
        ("saju_pillars", "/versions/1", ["1"]),
        ("saju_pillars@1", "", ["1"]),
    ):
        shown = (await http.get(f"/models/{name}{path}")).json()
        assert (shown["name"], shown["versions"]) == (name, versions)
        version = path.removeprefix("/versions/")
        same = await stub.ModelMetadata(pb.ModelMetadataRequest(name=name, version=version))
        assert (same.name, list(same.versions), same.platform) == (name, versions, shown["platform"])
        assert [each["name"] for each in shown["inputs"]] == [each.name for each in same.inputs]
        assert (await http.get(f"/models/{name}{path}/config")).json()["name"] == name


async def test_a_version_is_asked_in_the_path_or_behind_the_name(http: httpx.AsyncClient, stub: Any) -> None:
    for name, version, answered, tensor in (
        ("tiny", "", "1.0.0", "text_input"),
        ("tiny", "1.0.0", "1.0.0", "text_input"),
        ("tiny@production", "", "1.0.0", "text_input"),
        ("tiny", "1.1.0", "1.1.0", "question"),
        ("tiny@1.1.0", "", "1.1.0", "question"),
        ("tiny@canary", "", "1.1.0", "question"),
        ("tiny@canary", "1.1.0", "1.1.0", "question"),
    ):
        path = f"/models/{name}" + (f"/versions/{version}" if version else "")
        answer = await http.post(f"{path}/infer", json=text("하나 둘 셋 넷", name=tensor))
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert (said["model_name"], said["model_version"]) == (name, answered)
        assert answer.headers["x-hypercube-model"] == f"tiny@{answered}"
        reply = await stub.ModelInfer(asks(name, version, "하나 둘 셋 넷", tensor=tensor))
        assert (reply.model_name, reply.model_version) == (name, answered)
        assert reply.outputs[0].name == said["outputs"][0]["name"]
        pieces = [
            each.infer_response
            async for each in stub.ModelStreamInfer(iter([asks(name, version, "하나 둘", tensor=tensor)]))
        ]
        assert {(each.model_name, each.model_version) for each in pieces} == {(name, answered)}
    stats = (await http.get("/models/tiny/stats")).json()["model_stats"]
    assert [(each["version"], each["inference_count"]) for each in stats] == [
        ("2.0.0", 0),
        ("1.1.0", 12),
        ("1.0.0", 9),
    ]
    one = await stub.ModelStatistics(pb.ModelStatisticsRequest(name="tiny@canary"))
    assert [(each.name, each.version, each.inference_count) for each in one.model_stats] == [
        ("tiny@canary", "1.1.0", 12)
    ]


async def test_a_version_is_ready_when_it_is_loaded(http: httpx.AsyncClient, stub: Any) -> None:
    async def ready(name: str, version: str = "") -> bool:
        path = f"/models/{name}" + (f"/versions/{version}" if version else "") + "/ready"
        answer = await http.get(path)
        assert answer.status_code == (200 if answer.json()["ready"] else 400)
        reply = await stub.ModelReady(pb.ModelReadyRequest(name=name, version=version))
        assert reply.ready == answer.json()["ready"]
        return bool(reply.ready)

    assert await ready("tiny")
    assert await ready("tiny", "1.0.0")
    assert await ready("tiny@production")
    # Nobody has asked for it: its first request loads it, and a question about it does not.
    assert not await ready("tiny", "1.1.0")
    assert not await ready("tiny@canary")
    assert (
        await http.post("/models/tiny@canary/infer", json=text("하나", name="question"))
    ).status_code == 200
    assert await ready("tiny", "1.1.0")
    assert await ready("tiny@canary")
    index = (await http.post("/repository/index")).json()
    mine = {each["version"]: each["state"] for each in index if each["name"] == "tiny"}
    assert mine == {"1.0.0": "READY", "2.0.0": "UNAVAILABLE", "1.1.0": "READY"}
    rows = (await stub.RepositoryIndex(pb.RepositoryIndexRequest(ready=True))).models
    assert [each.version for each in rows if each.name == "tiny"] == ["1.0.0", "1.1.0"]


async def test_a_version_is_loaded_and_unloaded_by_its_reference(http: httpx.AsyncClient) -> None:
    assert (await http.post("/repository/models/tiny@1.1.0/load", json={})).status_code == 200
    assert (await http.get("/models/tiny/versions/1.1.0/ready")).status_code == 200
    assert (await http.post("/repository/models/tiny@canary/unload", json={})).status_code == 200
    assert (await http.get("/models/tiny/versions/1.1.0/ready")).status_code == 400
    assert (await http.get("/models/tiny/ready")).status_code == 200
    assert (await http.post("/repository/models/tiny@9.9.9/load", json={})).status_code == 404


@pytest.mark.parametrize(
    ("name", "version", "known"),
    [
        ("tiny", "9.9.9", "Known: 2.0.0, 1.1.0, 1.0.0."),
        ("tiny", "1", "Known: 2.0.0, 1.1.0, 1.0.0."),
        ("tiny", "canary", "Known: 2.0.0, 1.1.0, 1.0.0."),
        ("tiny@canery", "", "Did you mean 'canary'? Known: production, canary, latest, 2.0.0, 1.1.0, 1.0.0."),
        ("tiny@9.9.9", "", "Known: production, canary, latest, 2.0.0, 1.1.0, 1.0.0."),
        ("tiny@canary", "1.0.0", "tiny@canary is version 1.1.0, not 1.0.0"),
        ("saju_pillars", "2", "Known: 1."),
        ("saju_pillars@2", "", "Known: 1."),
        ("tinny@canary", "", "Did you mean 'tiny'?"),
    ],
)
async def test_an_unknown_version_is_refused_with_the_known_ones(
    http: httpx.AsyncClient, stub: Any, name: str, version: str, known: str
) -> None:
    path = f"/models/{name}" + (f"/versions/{version}" if version else "")
    for answer in (
        await http.get(path),
        await http.get(f"{path}/ready"),
        await http.get(f"{path}/config"),
        await http.get(f"{path}/stats"),
        await http.post(f"{path}/infer", json=text("하나")),
    ):
        assert answer.status_code == 404
        assert known in answer.json()["error"]
    for call in (
        stub.ModelMetadata(pb.ModelMetadataRequest(name=name, version=version)),
        stub.ModelReady(pb.ModelReadyRequest(name=name, version=version)),
        stub.ModelConfig(pb.ModelConfigRequest(name=name, version=version)),
        stub.ModelStatistics(pb.ModelStatisticsRequest(name=name, version=version)),
        stub.ModelInfer(asks(name, version, "하나")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert known in (caught.value.details() or "")
    (streamed,) = [each async for each in stub.ModelStreamInfer(iter([asks(name, version, "하나")]))]
    assert known in streamed.error_message


async def test_counters_of_versions_that_there_are_not_are_not_kept(
    http: httpx.AsyncClient, application: Application
) -> None:
    for version in ("9.9.9", "9.9.8"):
        await http.post(f"/models/tiny/versions/{version}/infer", json=text("하나"))
    every = (await http.get("/models/stats")).json()["model_stats"]
    assert {(each["name"], each["version"]) for each in every} == {
        ("saju_pillars", "1"),
        ("saju_features", "1"),
        ("saju_compatibility", "1"),
        ("saju", "1"),
        ("tiny", "1.0.0"),
        ("tiny", "1.1.0"),
        ("tiny", "2.0.0"),
        ("vec", "0.1.0"),
    }
    assert not any(each["inference_stats"]["fail"]["count"] for each in every)


async def refusals(
    http: httpx.AsyncClient, stub: Any, name: str, body: dict[str, Any]
) -> list[tuple[object, str]]:
    """Status and words of a refusal, of HTTP and of gRPC."""
    answer = await http.post(f"/models/{name}/infer", json=body)
    given = body["inputs"][0]
    message = asks(name, "", *given["data"], tensor=given["name"])
    message.inputs[0].datatype = given["datatype"]
    message.outputs.extend(
        pb.ModelInferRequest.InferRequestedOutputTensor(name=each["name"]) for each in body.get("outputs", [])
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ModelInfer(message)
    return [
        (answer.status_code, answer.json()["error"]),
        (caught.value.code(), caught.value.details() or ""),
    ]


async def test_the_tensors_of_a_signature_are_what_a_version_takes_and_gives(
    http: httpx.AsyncClient, stub: Any
) -> None:
    shown = (await http.get("/models/tiny@canary")).json()
    # Of a text an engine takes one; the signature that leaves their number open does not change that.
    assert shown["inputs"] == [{"name": "question", "datatype": "BYTES", "shape": [1]}]
    assert shown["outputs"] == [{"name": "answer", "datatype": "BYTES", "shape": [1]}]
    assert (await http.get("/models/tiny@canary/config")).json()["input"][0]["name"] == "question"
    body = text("하나 둘 셋 넷", name="question")
    answer = (await http.post("/models/tiny@canary/infer", json=body)).json()
    named = (
        await http.post("/models/tiny@canary/infer", json=body | {"outputs": [{"name": "answer"}]})
    ).json()
    assert answer["outputs"] == named["outputs"]
    assert [each["name"] for each in answer["outputs"]] == ["answer"]
    # It is the text that the version without a signature is given by the engine's own names.
    plain = (await http.post("/models/tiny/infer", json=text("하나 둘 셋 넷"))).json()
    assert plain["outputs"][0]["data"] == answer["outputs"][0]["data"]


async def test_a_name_that_is_not_of_the_signature_is_refused_with_the_right_ones(
    http: httpx.AsyncClient, stub: Any
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        (text("하나"), "tiny@canary has no input 'text_input'. It takes: question BYTES[1]."),
        (text("하나", name="qestion"), "Did you mean 'question'? It takes: question BYTES[1]."),
        (text("하나", "둘", name="question"), "question has shape [2]. Send [1], where -1 is any."),
        (
            text("하나", name="question") | {"outputs": [{"name": "text_output"}]},
            "tiny@canary has no output 'text_output'. It gives: answer.",
        ),
    ]
    for body, words in wrong:
        (status, said), (code, told) = await refusals(http, stub, "tiny@canary", body)
        assert (status, code) == (400, grpc.StatusCode.INVALID_ARGUMENT)
        assert words in said
        assert words in told
    other = {**text("하나", name="question")["inputs"][0], "datatype": "FP32", "data": [1.0]}
    refused = await http.post("/models/tiny@canary/infer", json={"inputs": [other]})
    assert (refused.status_code, "Send BYTES." in refused.json()["error"]) == (400, True)
    missing = await http.post("/models/tiny@canary/infer", json={"inputs": []})
    assert (missing.status_code, "Send question as BYTES[1]." in missing.json()["error"]) == (400, True)
    # The other way round: the version that production means has no signature.
    (status, said), (code, _) = await refusals(http, stub, "tiny", text("하나", name="question"))
    assert (status, code) == (400, grpc.StatusCode.INVALID_ARGUMENT)
    assert "It takes: text_input BYTES[1]." in said


async def test_a_signature_that_the_engine_cannot_take_is_told_and_not_guessed_at(
    http: httpx.AsyncClient, stub: Any
) -> None:
    shown = (await http.get("/models/tiny@2.0.0")).json()
    assert [each["name"] for each in shown["inputs"]] == ["ids", "mask"]
    words = (
        "takes ids INT64[-1], mask INT64[-1] and gives text_output BYTES[1], but its engine takes text_input"
    )
    for status, said in await refusals(http, stub, "tiny@2.0.0", text("하나")):
        assert status in (409, grpc.StatusCode.FAILED_PRECONDITION)
        assert words in said
    (streamed,) = [each async for each in stub.ModelStreamInfer(iter([asks("tiny@2.0.0", "", "하나")]))]
    assert words in streamed.error_message


async def test_the_signature_of_an_encoder_is_taken_where_its_engine_generates_too(
    http: httpx.AsyncClient,
) -> None:
    texts = {"inputs": [{"name": "sentences", "datatype": "BYTES", "shape": [2], "data": ["하나", "둘"]}]}
    # The second request finds the engine loaded, and so all that it can do.
    for _ in range(2):
        answer = await http.post("/models/vec/infer", json=texts)
        assert answer.status_code == 200, answer.text
        (vectors,) = answer.json()["outputs"]
        assert (vectors["name"], vectors["datatype"], vectors["shape"]) == ("vectors", "FP32", [2, 16])
    shown = (await http.get("/models/vec")).json()
    assert [each["name"] for each in shown["outputs"]] == ["vectors"]
