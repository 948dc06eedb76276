"""Who may come in, over HTTP and over gRPC: the same keys, the same refusals, the right statuses."""

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import httpx2
import openai
import pytest
from starlette.responses import Response

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind
from hypercube.core.principal import Role
from hypercube.gateway.access import keys
from hypercube.gateway.access.audit import Audit
from hypercube.gateway.access.authenticator import Access
from hypercube.gateway.access.guarded_cubes import GuardedCubes
from hypercube.gateway.access.keys import ApiKey
from hypercube.gateway.access.stores import SqliteKeys
from hypercube.gateway.grpc.methods import Packed
from hypercube.gateway.grpc.rpc import handlers
from hypercube.gateway.http import create_http_app
from hypercube.gateway.http.cors import with_cors
from hypercube.gateway.http.door import HttpDoor
from hypercube.gateway.http.endpoint import Endpoint, HttpRequest
from hypercube.gateway.http.responses import json_response
from hypercube.wire import convert
from hypercube.wire.inference import service_pb2 as pb
from hypercube.wire.inference import service_pb2_grpc as pb_grpc
from hypercube.wire.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    error_pb2,
    models_pb2,
    models_pb2_grpc,
    saju_pb2,
    saju_pb2_grpc,
)

BIRTH = {"birth": "1990-05-03T07:20"}
DAY = 86_400.0


@dataclass
class Locked:
    """A gateway that asks for keys, on clocks of the test's."""

    house: Any
    access: Access
    store: SqliteKeys
    times: dict[str, float]

    async def key(self, name: str = "ops", **more: Any) -> tuple[ApiKey, str]:
        key, text = keys.made(name, now=self.times["wall"], pepper=b"pepper", **more)
        await self.store.add(key)
        return key, text

    def later(self, seconds: float) -> None:
        self.times["wall"] += seconds
        self.times["clock"] += seconds


@pytest.fixture
async def locked(house: Any, tmp_path: Path) -> AsyncIterator[Locked]:
    times = {"wall": 1_800_000_000.0, "clock": 50.0}
    store = SqliteKeys(tmp_path / "keys.sqlite3")
    access = Access(
        keys=store, pepper=b"pepper", clock=lambda: times["clock"], wall=lambda: times["wall"], cache_s=1.0
    )
    services = replace(
        house.services,
        access=access,
        cubes=GuardedCubes(house.services.cubes, access),
        audit=Audit(tmp_path / "audit.jsonl"),
    )
    yield Locked(replace(house, services=services), access, store, times)
    await access.close()


@pytest.fixture
async def web(locked: Locked) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(locked.house.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


async def http_outcome(web: httpx.AsyncClient, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    answer = await web.post("/v1/saju/charts", json=BIRTH, headers=headers)
    error = answer.json().get("error", {})
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    return answer.status_code, error


async def grpc_outcome(
    channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...]
) -> tuple[grpc.StatusCode, str]:
    try:
        await saju_pb2_grpc.SajuStub(channel).Chart(
            saju_pb2.Birth(birth="1990-05-03T07:20"), metadata=metadata
        )
    except grpc.aio.AioRpcError as error:
        raw = dict(error.trailing_metadata())["hypercube-error-bin"]  # type: ignore[arg-type]
        assert isinstance(raw, bytes)
        return error.code(), convert.error_from_proto(error_pb2.Error.FromString(raw)).message
    return grpc.StatusCode.OK, ""


async def both(locked: Locked, grpc_listen: Any, web: httpx.AsyncClient, text: str) -> tuple[int, Any, str]:
    status, error = await http_outcome(web, {"authorization": f"Bearer {text}"})
    async with grpc_listen(locked.house) as channel:
        code, message = await grpc_outcome(channel, (("authorization", f"Bearer {text}"),))
    if status != 200:
        assert error["message"].startswith(message)
        assert error["fix"]
        assert text not in json.dumps(error)
    return status, code, message


async def test_a_key_opens_both_doors_under_both_names(
    locked: Locked, web: httpx.AsyncClient, grpc_listen: Any
) -> None:
    _, text = await locked.key()
    for headers in (
        {"authorization": f"Bearer {text}"},
        {"x-api-key": text},
        {"authorization": f"bearer  {text} "},
    ):
        assert (await http_outcome(web, headers))[0] == 200
        async with grpc_listen(locked.house) as channel:
            assert (await grpc_outcome(channel, tuple(headers.items())))[0] is grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({}, "there is none"),
        ({"authorization": "Basic b3BzOnB3"}, "no bearer token"),
        ({"authorization": "Bearer "}, "no bearer token"),
        ({"authorization": "Bearer none"}, "no API key of HyperCube"),
        ({"authorization": "Bearer a.b.c"}, "no API key of HyperCube"),
        ({"x-api-key": "hck_short"}, "checksum"),
        ({"x-api-key": keys.new_secret("a" * 12)}, "not known"),
        ({"x-api-key": "x", "authorization": "Bearer y"}, "different"),
    ],
)
async def test_what_is_no_key_is_refused_at_both_doors(
    locked: Locked, web: httpx.AsyncClient, grpc_listen: Any, headers: dict[str, str], word: str
) -> None:
    await locked.key()
    status, error = await http_outcome(web, headers)
    assert (status, error["code"], error["type"]) == (401, "unauthenticated", "authentication_error")
    assert word in error["message"]
    async with grpc_listen(locked.house) as channel:
        code, message = await grpc_outcome(channel, tuple(headers.items()))
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert word in message


async def test_a_key_with_a_wrong_secret_is_unknown(
    locked: Locked, web: httpx.AsyncClient, grpc_listen: Any
) -> None:
    key, _ = await locked.key()
    assert (await both(locked, grpc_listen, web, keys.new_secret(key.id)))[:2] == (
        401,
        grpc.StatusCode.UNAUTHENTICATED,
    )


async def test_an_expired_key(locked: Locked, web: httpx.AsyncClient, grpc_listen: Any) -> None:
    _, text = await locked.key(lifetime_s=60.0)
    assert (await both(locked, grpc_listen, web, text))[0] == 200
    locked.later(59.9)
    assert (await both(locked, grpc_listen, web, text))[0] == 200
    locked.later(0.1)  # less than a credential is remembered
    status, code, message = await both(locked, grpc_listen, web, text)
    assert (status, code) == (401, grpc.StatusCode.UNAUTHENTICATED)
    assert "expired" in message


async def test_a_revoked_key_is_refused_once_it_is_looked_up_again(
    locked: Locked, web: httpx.AsyncClient, grpc_listen: Any
) -> None:
    key, text = await locked.key()
    assert (await both(locked, grpc_listen, web, text))[0] == 200
    await locked.store.change(key.id, lambda found: replace(found, revoked=1.0))
    assert (await both(locked, grpc_listen, web, text))[0] == 200  # remembered, for a second
    locked.later(1.0)
    status, code, message = await both(locked, grpc_listen, web, text)
    assert (status, code) == (401, grpc.StatusCode.UNAUTHENTICATED)
    assert "revoked" in message


async def test_a_rotated_key_has_two_secrets_for_a_while(
    locked: Locked, web: httpx.AsyncClient, grpc_listen: Any
) -> None:
    key, old = await locked.key()
    texts: list[str] = []

    def change(found: ApiKey) -> ApiKey:
        changed, text = keys.rotated(found, now=locked.times["wall"], overlap_s=60.0, pepper=b"pepper")
        texts.append(text)
        return changed

    await locked.store.change(key.id, change)
    for text in (old, texts[0]):
        assert (await both(locked, grpc_listen, web, text))[0] == 200
    locked.later(60.0)
    status, code, message = await both(locked, grpc_listen, web, old)
    assert (status, code) == (401, grpc.StatusCode.UNAUTHENTICATED)
    assert "rotated" in message
    assert (await both(locked, grpc_listen, web, texts[0]))[0] == 200


async def test_a_scope_on_routes(locked: Locked, web: httpx.AsyncClient, grpc_listen: Any) -> None:
    _, http_only = await locked.key(scopes=["route:/v1/saju/*"])
    status, code, message = await both_doors(locked, grpc_listen, web, http_only)
    assert (status, code) == (200, grpc.StatusCode.PERMISSION_DENIED)
    assert "hypercube.v1.Saju/Chart" in message
    _, grpc_only = await locked.key(scopes=["route:hypercube.v1.Saju/*"])
    status, code, message = await both_doors(locked, grpc_listen, web, grpc_only)
    assert (status, code) == (403, grpc.StatusCode.OK)


async def both_doors(
    locked: Locked, grpc_listen: Any, web: httpx.AsyncClient, text: str
) -> tuple[int, grpc.StatusCode, str]:
    status, _ = await http_outcome(web, {"x-api-key": text})
    async with grpc_listen(locked.house) as channel:
        code, message = await grpc_outcome(channel, (("x-api-key", text),))
    return status, code, message


async def test_a_scope_on_models_holds_on_every_route(
    locked: Locked, web: httpx.AsyncClient, grpc_listen: Any
) -> None:
    _, text = await locked.key(scopes=["model:other*"])
    headers = {"x-api-key": text}
    message = {"role": "user", "content": "hello"}
    for path, body in (
        ("/v1/chat/completions", {"model": "small", "messages": [message]}),
        ("/v1/chat/completions", {"messages": [message]}),  # the default model is no way round
        ("/v1/completions", {"model": "small", "prompt": "hello"}),
        ("/v1/responses", {"model": "small", "input": "hello"}),
        ("/v1/embeddings", {"model": "small", "input": "hello"}),
        ("/v1/cubes/chat:process", {"messages": [message], "model": "small"}),
        ("/v1/cubes/chat:process", {"messages": [message]}),
        ("/v2/models/saju_pillars/infer", {"inputs": []}),
    ):
        answer = await web.post(path, json=body, headers=headers)
        assert answer.status_code in (403, 404, 400), (path, answer.text)
        assert "hello" not in answer.text
    assert locked.house.engine.requests == []
    assert (await web.get("/v1/models", headers=headers)).json()["data"] == []
    async with grpc_listen(locked.house) as channel:
        listed = await models_pb2_grpc.ModelsStub(channel).List(
            models_pb2.ListModelsRequest(), metadata=(("x-api-key", text),)
        )
        assert list(listed.models) == []
        asks = chat_pb2.ChatRequest(
            messages=[chat_pb2.ChatMessage(role="user", content="hello")], model="small"
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await chat_pb2_grpc.ChatStub(channel).Complete(asks, metadata=(("x-api-key", text),))
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    _, fitting = await locked.key(scopes=["model:sm*"])
    answer = await web.post(
        "/v1/chat/completions", json={"messages": [message]}, headers={"x-api-key": fitting}
    )
    assert answer.json()["model"] == "small"


async def test_a_scope_on_cubes(locked: Locked, web: httpx.AsyncClient) -> None:
    _, text = await locked.key(scopes=["cube:saju"])
    headers = {"x-api-key": text}
    assert (await web.post("/v1/saju/charts", json=BIRTH, headers=headers)).status_code == 200
    chat = {"model": "small", "messages": [{"role": "user", "content": "hello"}]}
    assert (await web.post("/v1/chat/completions", json=chat, headers=headers)).status_code == 403
    assert (await web.get("/v1/models", headers=headers)).status_code == 200


async def test_a_scope_on_cubes_holds_for_a_chart_that_needs_no_waiting(
    locked: Locked, grpc_listen: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locked.house.services.cubes.get("saju")._batchers, "_at_once", True)
    _, within = await locked.key(scopes=["cube:saju"])
    _, without = await locked.key(scopes=["cube:chat"])
    async with grpc_listen(locked.house) as channel:
        for _ in range(2):
            code, _ = await grpc_outcome(channel, (("authorization", f"Bearer {within}"),))
            assert code is grpc.StatusCode.OK
            code, _ = await grpc_outcome(channel, (("authorization", f"Bearer {without}"),))
            assert code is grpc.StatusCode.PERMISSION_DENIED


async def test_probes_and_pages_ask_for_no_key_and_numbers_do(locked: Locked, web: httpx.AsyncClient) -> None:
    for path in ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/docs", "/openapi.json"):
        assert (await web.get(path)).status_code == 200, path
    assert (await web.get("/metrics")).status_code == 401
    _, text = await locked.key()
    assert (await web.get("/metrics", headers={"x-api-key": text})).status_code == 200
    opened = Access(keys=locked.store, open_metrics=True)
    app = create_http_app(replace(locked.house.services, access=opened))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/v1/models")).status_code == 401


async def test_every_route_but_the_probes_asks_for_a_key(locked: Locked, web: httpx.AsyncClient) -> None:
    from hypercube.gateway.http.app import OPERATIONS

    asked = 0
    for operation in OPERATIONS:
        if operation.path in locked.access.keyless:
            continue
        path = operation.template.replace("{", "").replace("}", "")
        answer = await web.request(operation.method, path, json={} if operation.method == "POST" else None)
        assert answer.status_code == 401, (operation.method, path, answer.text)
        asked += 1
    assert asked > 20


async def test_every_grpc_method_asks_for_a_key(locked: Locked, grpc_listen: Any) -> None:
    from hypercube.gateway.grpc.methods import Duplex, Streaming
    from hypercube.gateway.grpc.server import SERVICES

    async with grpc_listen(locked.house) as channel:
        for service, methods in SERVICES.items():
            for name, method in methods.items():
                path = f"/{service}/{name}"
                call: Any
                if isinstance(method, Duplex):
                    # Nothing is sent: whoever has no key must not even hold the stream open.
                    call = channel.stream_stream(path)()
                elif isinstance(method, Streaming):
                    call = channel.unary_stream(path)(b"")
                else:
                    call = channel.unary_unary(path)(b"")
                assert await call.code() is grpc.StatusCode.UNAUTHENTICATED, path


async def test_a_stream_ends_its_trust_when_the_key_ends(locked: Locked, grpc_listen: Any) -> None:
    key, text = await locked.key()
    async with grpc_listen(locked.house) as channel:
        stream = pb_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer(metadata=(("x-api-key", text),))
        asks = pb.ModelInferRequest(model_name="none")
        await stream.write(asks)
        first = await stream.read()
        assert "No model 'none'" in first.error_message
        await locked.store.change(key.id, lambda found: replace(found, revoked=1.0))
        locked.later(2.0)
        await stream.write(asks)
        assert "revoked" in (await stream.read()).error_message
        await stream.done_writing()


async def test_the_official_client_sends_its_key(locked: Locked) -> None:
    _, text = await locked.key()
    transport = httpx2.ASGITransport(locked.house.app())
    async with httpx2.AsyncClient(transport=transport) as inner:

        def client(key: str) -> openai.AsyncOpenAI:
            return openai.AsyncOpenAI(
                api_key=key, base_url="http://gateway/v1", http_client=inner, max_retries=0
            )

        answer = await client(text).chat.completions.create(
            model="small", messages=[{"role": "user", "content": "one two"}]
        )
        assert answer.choices[0].message.content == "one two"
        with pytest.raises(openai.AuthenticationError) as refused:
            await client("sk-none").models.list()
        assert refused.value.code == "unauthenticated"
        _, narrow = await locked.key(scopes=["route:/v1/models"])
        with pytest.raises(openai.PermissionDeniedError):
            await client(narrow).embeddings.create(model="small", input="x")


async def admin_only(request: HttpRequest) -> Response:
    return json_response({"done": True})


async def test_administrators_only_and_written_down(locked: Locked, tmp_path: Path) -> None:
    services = locked.house.services
    endpoint = Endpoint(
        services, admin_only, path="/v1/admin", route="/v1/admin", method="POST", default_s=5, role=Role.ADMIN
    )

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("a page was asked for")

    async def do(services: Any, raw: bytes, call: Call) -> pb.ServerLiveResponse:
        return pb.ServerLiveResponse(live=True)

    _, admin = await locked.key("root", roles=["admin"])
    _, user = await locked.key("phone")
    wanted = [(admin, 200), (user, 403), (None, 401)]
    transport = httpx.ASGITransport(HttpDoor(services, [endpoint], nothing))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for key, status in wanted:
            headers = {"x-request-id": f"http-{status}"} | ({"x-api-key": key} if key else {})
            answer = await client.post("/v1/admin?secret=in-the-query", headers=headers, content=b"body")
            assert answer.status_code == status

    server = grpc.aio.server()
    method = Packed(bytes, do, lambda services: 5.0, role=Role.ADMIN)
    made = handlers(services, "test.Admin", {"Do": method})
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Admin", made),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            for key, status in wanted:
                metadata = [("x-request-id", f"grpc-{status}")] + ([("x-api-key", key)] if key else [])
                call = channel.unary_unary("/test.Admin/Do")(b"", metadata=metadata)
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await call
                assert (await call.code()) is {
                    200: grpc.StatusCode.OK,
                    403: grpc.StatusCode.PERMISSION_DENIED,
                    401: grpc.StatusCode.UNAUTHENTICATED,
                }[status]
    finally:
        await server.stop(0)
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [(line["transport"], line["who"], line["outcome"]) for line in lines] == [
        (transport_, who, outcome)
        for transport_ in ("http", "grpc")
        for who, outcome in (
            ("root", "ok"),
            ("phone", "permission_denied"),
            ("(unknown)", "unauthenticated"),
        )
    ]
    assert [line["what"] for line in lines] == ["POST /v1/admin"] * 3 + ["test.Admin/Do"] * 3
    assert [line["request_id"] for line in lines] == [f"{t}-{s}" for t in ("http", "grpc") for _, s in wanted]
    assert all(line["peer"] for line in lines)
    assert "in-the-query" not in (tmp_path / "audit.jsonl").read_text()
    for key in (admin, user):
        assert key[17:] not in (tmp_path / "audit.jsonl").read_text()


async def test_what_asks_for_an_administrator_later_is_written_down_too(
    locked: Locked, tmp_path: Path
) -> None:
    async def inner(request: HttpRequest) -> Response:
        request.call.require(Role.ADMIN)
        return json_response({"done": True})

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("a page was asked for")

    services = locked.house.services
    endpoint = Endpoint(services, inner, path="/v1/x", route="/v1/x", method="POST", default_s=5)
    _, admin = await locked.key("root", roles=["admin"])
    _, user = await locked.key("phone")
    transport = httpx.ASGITransport(HttpDoor(services, [endpoint], nothing))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        found = [
            (await client.post("/v1/x", headers={"x-api-key": key})).status_code for key in (admin, user)
        ]
    assert found == [200, 403]
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [(line["who"], line["outcome"]) for line in lines] == [
        ("root", "ok"),
        ("phone", "permission_denied"),
    ]


async def test_no_secret_in_logs_errors_or_numbers(
    locked: Locked, web: httpx.AsyncClient, grpc_listen: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    key, good = await locked.key("phone", requests=keys.rate_of("3/day"))
    _, other = await locked.key("other")
    wrong = keys.new_secret(key.id)
    revoked, gone = await locked.key("gone")
    await locked.store.change(revoked.id, lambda found: replace(found, revoked=1.0))
    chat = {"model": "small", "messages": [{"role": "user", "content": "!bug"}]}
    for text in (good, other, wrong, gone, good[:-1] + "*"):
        for headers in ({"authorization": f"Bearer {text}"}, {"x-api-key": text}):
            for path, body in (("/v1/saju/charts", BIRTH), ("/v1/chat/completions", chat), ("/nowhere", {})):
                shown.append(str((await web.post(path, json=body, headers=headers)).content))
            async with grpc_listen(locked.house) as channel:
                shown.append(str(await grpc_outcome(channel, tuple(headers.items()))))
    everything = "\n".join([*shown, caplog.text, repr(locked.house.observed)])
    assert "failed unexpectedly" in caplog.text  # a defect was logged, with its traceback
    for text in (good, other, wrong, gone):
        assert text[17:] not in everything
        assert keys.digest_of(text, b"pepper") not in everything


async def test_a_web_page_of_elsewhere_cannot_use_an_open_server(house: Any) -> None:
    transport = httpx.ASGITransport(house.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        for origin, status in (
            ("https://evil.example", 403),
            ("http://127.0.0.1.evil.example", 403),
            ("null", 403),
            ("http://[::1", 403),
            ("http://localhost:3000", 200),
            ("http://127.0.0.1:8080", 200),
            ("http://[::1]:8080", 200),
        ):
            answer = await client.post("/v1/saju/charts", json=BIRTH, headers={"origin": origin})
            assert answer.status_code == status, origin


async def test_pages_are_let_in_by_name_only(locked: Locked) -> None:
    _, text = await locked.key()
    named = with_cors(locked.house.app(), ("https://app.example",))
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "x-api-key"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(named), base_url="http://gateway") as client:
        preflight = await client.options("/v1/saju/charts", headers={"origin": "https://app.example"} | asks)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        assert "x-api-key" in preflight.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in preflight.headers
        other = await client.options("/v1/saju/charts", headers={"origin": "https://evil.example"} | asks)
        assert "access-control-allow-origin" not in other.headers
        answer = await client.post(
            "/v1/saju/charts", json=BIRTH, headers={"origin": "https://app.example", "x-api-key": text}
        )
        assert answer.status_code == 200
        assert "x-request-id" in answer.headers["access-control-expose-headers"]
        refused = await client.post("/v1/saju/charts", json=BIRTH, headers={"origin": "https://app.example"})
        assert refused.status_code == 401
    assert with_cors(named, ()) is named


async def test_a_look_up_is_shared_and_its_first_asker_may_leave(locked: Locked) -> None:
    import asyncio

    from hypercube.gateway.access.authenticator import Credential

    _, text = await locked.key()
    looks = 0
    looking, go = asyncio.Event(), asyncio.Event()
    real = locked.store.get

    async def slow(key_id: str) -> ApiKey | None:
        nonlocal looks
        looks += 1
        looking.set()
        await go.wait()
        return await real(key_id)

    locked.store.get = slow  # type: ignore[method-assign]
    askers = [asyncio.ensure_future(locked.access.identify(Credential(text))) for _ in range(20)]
    await looking.wait()
    askers[0].cancel()
    go.set()
    found = await asyncio.gather(*askers, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {each.name for each in found[1:]} == {"ops"}  # type: ignore[union-attr]
    assert looks == 1


async def test_a_store_that_cannot_be_read_is_no_refusal_of_the_key(
    locked: Locked, web: httpx.AsyncClient, tmp_path: Path
) -> None:
    _, text = await locked.key()
    (tmp_path / "keys.sqlite3").write_bytes(b"broken" * 1000)
    status, error = await http_outcome(web, {"x-api-key": text})
    assert (status, error["code"]) == (503, ErrorKind.UNAVAILABLE.value)
