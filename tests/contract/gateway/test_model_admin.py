"""Administration of models over HTTP and gRPC: what it does, who may, and what is written down of it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import httpx
import openai
import pytest
from structlog.testing import capture_logs

from hypercube.client import AsyncClient, CanaryBounds, Client, FailedPrecondition, InvalidArgument
from hypercube.client._models import ADMIN as SDK_METHODS
from hypercube.core.model_admin import ModelAction
from hypercube.core.principal import Principal, Role
from hypercube.gateway.grpc import rpc
from hypercube.gateway.grpc.server import SERVICES, create_grpc_server
from hypercube.gateway.http import endpoint
from hypercube.gateway.http.app import OPERATIONS
from hypercube.wire.convert import ADMIN_METHODS
from hypercube.wire.v1 import models_pb2 as pb
from hypercube.wire.v1 import models_pb2_grpc

ADMIN_ROUTES = [one for one in OPERATIONS if one.role is Role.ADMIN]
ADMIN_CALLS = [
    (service, name, method)
    for service, methods in SERVICES.items()
    for name, method in methods.items()
    if method.role is Role.ADMIN
]
As = Callable[[Principal], None]


@pytest.fixture
def asked_by(monkeypatch: pytest.MonkeyPatch) -> As:
    """Whoever calls from now on, on either door: set where a door has let the caller in."""

    def ask(principal: Principal) -> None:
        whole, call_of = endpoint.Endpoint.__call__, rpc._call

        async def entered(self: Any, scope: Any, receive: Any, send: Any) -> None:
            scope[endpoint.CALL].principal = principal
            await whole(self, scope, receive, send)

        def made(*given: Any, **named: Any) -> Any:
            call = call_of(*given, **named)
            call.principal = principal
            return call

        monkeypatch.setattr(endpoint.Endpoint, "__call__", entered)
        monkeypatch.setattr(rpc, "_call", made)

    return ask


USER = Principal("someone", frozenset({Role.USER}))
ADMIN = Principal("ops", frozenset({Role.ADMIN}))


def path_of(operation: Any) -> str:
    path: str = operation.template
    for parameter, (_, value) in operation.parameters.items():
        path = path.replace(f"{{{parameter}}}", value)
    return path


def test_every_action_has_a_route_and_a_method() -> None:
    assert ADMIN_METHODS.keys() == set(ModelAction)
    assert {name for service, name, _ in ADMIN_CALLS if service == "hypercube.v1.Models"} == {
        method.name for method in ADMIN_METHODS.values()
    }
    assert set(SERVICES["hypercube.v1.Models"]) - {m.name for m in ADMIN_METHODS.values()} == {"List"}
    # Pinning has two routes, the Open Inference Protocol two of its own.
    assert len(ADMIN_ROUTES) >= len(ModelAction) + 3


@pytest.mark.parametrize(
    "operation", ADMIN_ROUTES, ids=[f"{one.method} {one.template}" for one in ADMIN_ROUTES]
)
async def test_a_user_may_do_none_of_it_over_http(
    http: httpx.AsyncClient, house: Any, asked_by: As, operation: Any
) -> None:
    moves = len(house.models.history("my-chat"))
    asked_by(USER)
    answer = await http.request(operation.method, path_of(operation), content=b"{}")
    assert answer.status_code == 403
    if not operation.path.startswith("/v2/"):
        assert answer.json()["error"]["code"] == "permission_denied"
        assert answer.json()["error"]["details"] == {"role": "admin"}
    assert house.engine.commands == []
    assert len(house.models.history("my-chat")) == moves


@pytest.mark.parametrize(
    ("service", "name", "method"), ADMIN_CALLS, ids=[f"{s}/{n}" for s, n, _ in ADMIN_CALLS]
)
async def test_a_user_may_do_none_of_it_over_grpc(
    channel: grpc.aio.Channel, house: Any, asked_by: As, service: str, name: str, method: Any
) -> None:
    asked_by(USER)
    call = channel.unary_unary(f"/{service}/{name}")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(method.request().SerializeToString())
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert house.engine.commands == []


async def test_a_user_may_not_go_round_by_the_cube_either(
    http: httpx.AsyncClient, channel: grpc.aio.Channel, house: Any, asked_by: As
) -> None:
    asked_by(USER)
    with capture_logs() as logs:
        answer = await http.post("/v1/cubes/model-admin:process", json={"action": "unload", "model": "small"})
    assert answer.status_code == 403
    assert house.engine.commands == []
    assert [(line["who"], line["outcome"]) for line in logs] == [("someone", "permission_denied")]
    assert (await http.get("/v1/models")).status_code == 200
    assert (await models_pb2_grpc.ModelsStub(channel).List(pb.ListModelsRequest())).models


async def test_load_unload_and_pin(http: httpx.AsyncClient, house: Any) -> None:
    assert (await http.post("/v1/models/small:unload", json={"drain_s": 2})).json()["state"] == "unloaded"
    assert (await http.post("/v1/models/small:load")).json()["state"] == "ready"
    assert (await http.post("/v1/models/small:pin")).json()["pinned"] is True
    assert (await http.post("/v1/models/small:unpin")).json()["pinned"] is False
    assert house.engine.commands == ["unload 2", "load", "pin True", "pin False"]
    missing = await http.post("/v1/models/none:load")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    for drain in (-1, 1e9):
        wrong = await http.post("/v1/models/small:unload", json={"drain_s": drain})
        assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "drain_s")
    odd = await http.post("/v1/models/small:load", json={"now": True})
    assert (odd.status_code, odd.json()["error"]["param"]) == (400, "now")


async def test_aliases_splits_and_their_history(http: httpx.AsyncClient, asked_by: As) -> None:
    asked_by(ADMIN)
    routes = (await http.get("/v1/models/my-chat/aliases")).json()
    assert routes == {
        "name": "my-chat",
        "aliases": {"production": "1.0.0", "canary": "1.0.0"},
        "split": {},
        "bounds": None,
    }
    moved = await http.post("/v1/models/my-chat/aliases/canary", json={"version": "1.1.0"})
    assert moved.json() | {"time": ""} == {
        "model": "my-chat", "time": "", "who": "ops", "subject": "canary", "action": "move", "from": "1.0.0",
        "to": "1.1.0", "why": "", "bounds": None,
    }  # fmt: skip
    late = await http.post(
        "/v1/models/my-chat/aliases/canary", json={"version": "1.0.0", "expected": "1.0.0"}
    )
    assert (late.status_code, late.json()["error"]["param"]) == (409, "expected")
    split = await http.post("/v1/models/my-chat/split", json={"weights": {"production": 3.0, "canary": 1}})
    assert split.json()["to"] == {"production": 3.0, "canary": 1.0}
    assert (await http.get("/v1/models/my-chat/aliases")).json()["split"] == {
        "production": 0.75,
        "canary": 0.25,
    }
    used = await http.delete("/v1/models/my-chat/aliases/canary")
    assert used.status_code == 409
    assert (await http.delete("/v1/models/my-chat/split")).json()["to"] is None
    undone = await http.post("/v1/models/my-chat:rollback", json={"subject": "canary"})
    assert (undone.json()["from"], undone.json()["to"]) == ("1.1.0", "1.0.0")
    assert (await http.delete("/v1/models/my-chat/aliases/canary")).json()["action"] == "drop"
    moves = (await http.get("/v1/models/my-chat/history")).json()["moves"]
    assert [(move["who"], move["subject"], move["action"]) for move in moves[4:]] == [
        ("ops", "canary", "move"),
        ("ops", "split", "move"),
        ("ops", "split", "drop"),
        ("ops", "canary", "rollback"),
        ("ops", "canary", "drop"),
    ]
    for path in ("/v1/models/nobody/history", "/v1/models/..%2Fx/aliases"):
        assert (await http.get(path)).status_code == 404


async def test_verify_collect_and_remove(http: httpx.AsyncClient, house: Any) -> None:
    whole = await http.post("/v1/models/my-chat@1.1.0:verify")
    assert (whole.json()["reference"], whole.json()["files"], whole.json()["bytes"]) == (
        "my-chat@1.1.0",
        1,
        9,
    )
    store = house.models.store
    spare = store.root / "blobs" / ("0" * 64)
    spare.write_bytes(b"nobody's")
    dry = (await http.post("/v1/models:collect")).json()
    assert (dry["dry_run"], dry["bytes"]) == (True, 8)
    assert dry["items"] == [{"path": f"blobs/{'0' * 64}", "bytes": 8, "reason": "no version has this file"}]
    assert spare.exists()
    assert (await http.post("/v1/models:collect", json={"dry_run": False})).json()["bytes"] == 8
    assert not spare.exists()
    used = await http.delete("/v1/models/my-chat@1.0.0")
    assert (used.status_code, used.json()["error"]["code"]) == (409, "failed_precondition")
    gone = await http.delete("/v1/models/my-chat@1.1.0")
    assert gone.json() == {"name": "my-chat", "version": "1.1.0", "freed_bytes": 9}
    (file,) = house.models.resolve("my-chat@1.0.0").files
    store.path_of(file).write_bytes(b"GGUF1.0.1")
    damaged = await http.post("/v1/models/my-chat@1.0.0:verify")
    assert damaged.status_code == 409
    assert "my-chat.gguf" in damaged.json()["error"]["message"]


async def test_adapters_are_models_beside_their_model(
    http: httpx.AsyncClient, ai: openai.AsyncOpenAI, house: Any
) -> None:
    loaded = await http.post("/v1/models/small/adapters/style", json={"reference": "ko-style@1.0.0"})
    assert (loaded.json()["model"], loaded.json()["reference"]) == ("small:style", "ko-style@1.0.0")
    listed = [model async for model in ai.models.list()]
    assert [model.id for model in listed] == ["small", "small:style"]
    shown = (await http.get("/v1/models/small:style")).json()
    assert (shown["parent"], shown["digest"], shown["licence"]) == ("small", "d" * 64, "MIT")
    assert (await http.get("/v1/models/small/adapters")).json()["adapters"] == [loaded.json()]
    answer = await ai.chat.completions.create(
        model="small:style", messages=[{"role": "user", "content": "a b"}]
    )
    assert (answer.model, answer.choices[0].message.content) == ("small:style", "a b")
    index = (await http.post("/v2/repository/index")).json()
    assert [entry["name"] for entry in index][-2:] == ["small", "small:style"]
    body = {"inputs": [{"name": "text_input", "datatype": "BYTES", "shape": [1], "data": ["x y"]}]}
    inferred = await http.post("/v2/models/small:style/infer", json=body)
    assert inferred.json()["outputs"][0]["data"] == ["x y"]
    assert [request.model for request in house.engine.requests] == ["small:style", "small:style"]
    assert (await http.post("/v2/repository/models/small:style/unload")).status_code == 200
    assert (await http.delete("/v1/models/small/adapters/style")).status_code == 404
    assert house.engine.commands == ["load small:style", "unload small:style", "unload small:style"]


async def test_the_same_over_grpc(channel: grpc.aio.Channel, house: Any) -> None:
    stub = models_pb2_grpc.ModelsStub(channel)
    assert (await stub.Unload(pb.UnloadModelRequest(model="small"))).state == "unloaded"
    assert (await stub.Load(pb.LoadModelRequest(model="small"))).state == "ready"
    assert (await stub.Pin(pb.PinModelRequest(model="small"))).pinned
    assert not (await stub.Pin(pb.PinModelRequest(model="small", pinned=False))).pinned
    move = await stub.SetAlias(pb.SetAliasRequest(model="my-chat", alias="canary", version="1.1.0"))
    assert (move.who, move.before.version, move.after.version) == ("local", "1.0.0", "1.1.0")
    split = await stub.SetSplit(pb.SetSplitRequest(model="my-chat", weights={"canary": 1, "production": 3}))
    assert (split.HasField("before"), dict(split.after.weights)) == (False, {"canary": 1, "production": 3})
    routes = await stub.Routes(pb.ModelRoutesRequest(model="my-chat"))
    assert dict(routes.split) == {"canary": 0.25, "production": 0.75}
    assert not routes.HasField("bounds")
    strict = pb.SetSplitRequest(
        model="my-chat", weights={"canary": 1, "production": 3}, bounds=pb.CanaryBounds(max_error_rate=0.0)
    )
    assert (await stub.SetSplit(strict)).bounds == pb.CanaryBounds(**CanaryBounds(0.0).plain())
    assert (await stub.Routes(pb.ModelRoutesRequest(model="my-chat"))).bounds.min_requests == 20
    assert (await stub.Rollback(pb.RollbackRequest(model="my-chat", subject="split"))).subject == "split"
    history = await stub.History(pb.ModelHistoryRequest(model="my-chat"))
    assert [each.subject for each in history.moves[-4:]] == ["canary", "split", "split", "split"]
    assert [each.HasField("bounds") for each in history.moves[-3:]] == [False, True, False]
    # A message that says nothing deletes nothing.
    assert (await stub.Collect(pb.CollectModelsRequest())).dry_run
    assert (await stub.Verify(pb.VerifyModelRequest(model="my-chat@1.1.0"))).bytes == 9
    adapter = await stub.LoadAdapter(pb.LoadAdapterRequest(model="small", adapter="style"))
    assert adapter.loaded
    listed = await stub.List(pb.ListModelsRequest())
    assert [(model.name, model.parent) for model in listed.models] == [
        ("small", ""),
        ("small:style", "small"),
    ]
    with pytest.raises(grpc.aio.AioRpcError) as missing:
        await stub.UnloadAdapter(pb.UnloadAdapterRequest(model="small", adapter="other"))
    assert missing.value.code() is grpc.StatusCode.NOT_FOUND


async def test_each_command_is_one_line_of_the_audit(http: httpx.AsyncClient, asked_by: As) -> None:
    asked_by(ADMIN)
    with capture_logs() as logs:
        await http.post(
            "/v1/models/my-chat/aliases/canary", json={"version": "1.1.0"}, headers={"x-request-id": "r-1"}
        )
        await http.post("/v1/models/none:load")
        await http.get("/v1/models/my-chat/history")
    lines = [{key: value for key, value in line.items() if key != "request_id"} for line in logs]
    assert logs[0]["request_id"] == "r-1"
    assert lines == [
        {
            "event": "model administration", "log_level": "warning", "action": "set_alias", "who": "ops",
            "outcome": "ok", "model": "my-chat", "alias": "canary", "version": "1.1.0",
        },
        {
            "event": "model administration", "log_level": "warning", "action": "load", "who": "ops",
            "outcome": "model_not_found", "model": "none",
        },
        {
            "event": "model administration", "log_level": "info", "action": "history", "who": "ops",
            "outcome": "ok", "model": "my-chat",
        },
    ]  # fmt: skip
    assert json.dumps(logs)


async def through_the_sdk(target: str, twin: bool, call: Callable[[Any], Any]) -> Any:
    """What a method of either client gives, or raises."""
    if twin:
        async with AsyncClient(target) as client:
            return await call(client)

    def plain() -> Any:
        with Client(target) as client:
            return call(client)

    return await asyncio.to_thread(plain)


@pytest.mark.parametrize("twin", [False, True], ids=["Client", "AsyncClient"])
async def test_the_sdk_has_a_method_for_each(house: Any, twin: bool) -> None:
    server = create_grpc_server(house.services)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()

    async def do(call: Callable[[Any], Any]) -> Any:
        return await through_the_sdk(target, twin, call)

    try:
        assert (await do(lambda c: c.unload_model("small", drain_s=1))).status.state.value == "unloaded"
        assert (await do(lambda c: c.load_model("small"))).status.state.value == "ready"
        assert (await do(lambda c: c.pin_model("small"))).pinned
        assert (
            await do(lambda c: c.set_alias("my-chat", "canary", "1.1.0", expected="1.0.0"))
        ).after == "1.1.0"
        split = await do(lambda c: c.set_split("my-chat", {"canary": 1, "production": 1}))
        assert split.after == {"canary": 1.0, "production": 1.0}
        assert (await do(lambda c: c.model_routes("my-chat"))).split == {"canary": 0.5, "production": 0.5}
        strict = CanaryBounds(max_error_rate=0.02)
        split = await do(lambda c: c.set_split("my-chat", {"canary": 1, "production": 1}, bounds=strict))
        assert split.bounds == strict
        assert (await do(lambda c: c.model_routes("my-chat"))).bounds == strict
        with pytest.raises(InvalidArgument):
            await do(lambda c: c.set_split("my-chat", {"canary": 1}, bounds={"max_error_rate": 0.02}))
        assert (await do(lambda c: c.drop_split("my-chat"))).after is None
        assert (await do(lambda c: c.rollback("my-chat", "canary"))).after == "1.0.0"
        assert (await do(lambda c: c.drop_alias("my-chat", "canary"))).action == "drop"
        assert len(await do(lambda c: c.model_history("my-chat"))) == 10
        assert (await do(lambda c: c.verify_model("my-chat@1.0.0"))).files == 1
        assert (await do(lambda c: c.collect_models())).items == ()
        assert (await do(lambda c: c.remove_model("my-chat@1.1.0"))).freed_bytes == 9
        assert (await do(lambda c: c.load_adapter("small", "style"))).loaded
        assert [a.name for a in await do(lambda c: c.adapters("small"))] == ["style"]
        assert not (await do(lambda c: c.unload_adapter("small", "style"))).loaded
        with pytest.raises(FailedPrecondition):
            await do(lambda c: c.remove_model("my-chat@1.0.0"))
    finally:
        await server.stop(0)


def test_the_sdk_asks_for_each_method_as_the_server_has_it() -> None:
    assert {method.path for method in SDK_METHODS.values()} == {
        f"/{service}/{name}" for service, name, _ in ADMIN_CALLS if service == "hypercube.v1.Models"
    }
    never_twice = {action for action, method in SDK_METHODS.items() if not method.repeatable}
    assert ModelAction.ROLLBACK in never_twice
    assert ModelAction.HISTORY not in never_twice
