"""Every kind of bad input that we promise to name, over HTTP and over gRPC alike: the same typed error."""

import json
from dataclasses import dataclass
from typing import Any

import grpc.aio
import httpx
import pytest

from hypercube.core.errors import ErrorKind
from hypercube.gateway.errors import GRPC, HTTP
from hypercube.wire import convert
from hypercube.wire.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    cubes_pb2,
    cubes_pb2_grpc,
    error_pb2,
    saju_pb2,
    saju_pb2_grpc,
)


@dataclass(frozen=True)
class Bad:
    """A wrong request, as JSON and as a call, and what must be said about it."""

    name: str
    path: str
    json: Any
    method: str
    message: Any
    param: str | None
    value: Any
    fix: str
    """Words that the advice must hold."""
    kind: ErrorKind = ErrorKind.INVALID_ARGUMENT


def birth(name: str, param: str, value: Any, fix: str, **fields: Any) -> Bad:
    given = {"birth": "1990-05-03T07:20", **fields}
    message = saju_pb2.Birth(**given)
    return Bad(name, "/v1/saju/charts", given, "Saju/Chart", message, param, value, fix)


def chat(
    name: str, param: str, value: Any, fix: str, kind: ErrorKind = ErrorKind.INVALID_ARGUMENT, **fields: Any
) -> Bad:
    given = {"model": "small", "messages": [{"role": "user", "content": "hi"}], **fields}
    return Bad(
        name,
        "/v1/chat/completions",
        given,
        "Chat/Complete",
        chat_pb2.ChatRequest(**given),
        param,
        value,
        fix,
        kind,
    )


LONG = " ".join(["word"] * 65)
BIRTH = {"birth": "1990-05-03"}

CASES = [
    birth("31 February", "birth", "1990-02-31T07:20", "28", birth="1990-02-31T07:20"),
    birth("year 1200", "birth", "1200-05-03T07:20", "1800", birth="1200-05-03T07:20"),
    birth("not a date", "birth", "yesterday", "YYYY-MM-DD", birth="yesterday"),
    birth("a skipped clock time", "birth", "1988-05-08T02:30", "fold", birth="1988-05-08T02:30"),
    birth("a repeated clock time", "birth", "1988-10-09T02:30", "fold", birth="1988-10-09T02:30"),
    birth("an unknown place", "place", "Seuol", "Seoul", place="Seuol"),
    birth("longitude 200", "longitude", 200.0, "degrees east", longitude=200.0),
    birth("longitude NaN", "longitude", "nan", "degrees east", longitude=float("nan")),
    birth("an unknown zone", "zone", "Asia/Seol", "Asia/Seoul", zone="Asia/Seol"),
    birth("fold 2", "fold", 2, "0", fold=2),
    Bad(
        "a batch of 0",
        "/v1/saju/charts:batch",
        {"births": []},
        "Saju/Charts",
        saju_pb2.ChartsRequest(),
        "births",
        0,
        "1 to 10,000",
    ),
    Bad(
        "a batch of 10,001",
        "/v1/saju/charts:batch",
        {"births": [BIRTH] * 10_001},
        "Saju/Charts",
        saju_pb2.ChartsRequest(births=[saju_pb2.Birth(**BIRTH)] * 10_001),
        "births",
        10_001,
        "1 to 10,000",
    ),
    chat("an unknown model", "model", "smal", "small", ErrorKind.MODEL_NOT_FOUND, model="smal"),
    chat("an empty message list", "messages", "[]", "at least one", messages=[]),
    chat("max_tokens -1", "max_tokens", -1, "from 1", max_tokens=-1),
    chat(
        "a prompt over the context window",
        "messages",
        65,
        "shorter",
        ErrorKind.CONTEXT_LENGTH_EXCEEDED,
        messages=[{"role": "user", "content": LONG}],
    ),
    chat(
        "an unknown role", "messages[0].role", "robot", "user", messages=[{"role": "robot", "content": "x"}]
    ),
    chat("temperature 9", "temperature", 9.0, "0 to 2", temperature=9.0),
]


def text(value: Any) -> str | None:
    """A value as gRPC carries it."""
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
async def test_over_http(http: httpx.AsyncClient, bad: Bad) -> None:
    answer = await http.post(bad.path, content=json.dumps(bad.json), timeout=60)
    assert answer.status_code == HTTP[bad.kind].code, answer.text
    error = answer.json()["error"]
    assert error["code"] == bad.kind.value
    assert error["param"] == bad.param
    assert error["value"] == bad.value
    assert bad.fix in error["fix"]
    assert error["message"]
    assert error["type"] == HTTP[bad.kind].type


@pytest.mark.parametrize("bad", CASES, ids=lambda bad: bad.name)
async def test_over_grpc(channel: grpc.aio.Channel, bad: Bad) -> None:
    call = channel.unary_unary(f"/hypercube.v1.{bad.method}")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(bad.message.SerializeToString())
    assert caught.value.code() is GRPC[bad.kind]
    metadata = dict(caught.value.trailing_metadata())
    failure = convert.error_from_proto(error_pb2.Error.FromString(metadata["hypercube-error-bin"]))
    assert failure.kind is bad.kind
    assert failure.param == bad.param
    assert failure.fix is not None
    assert bad.fix in failure.fix
    assert failure.message in caught.value.details()
    assert failure.value == text(bad.value)


@pytest.mark.parametrize("path", ["/v1/saju/charts", "/v1/saju/charts:batch", "/v1/chat/completions"])
@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"birth": "1990-05-03T07:20",}', "line 1 column 30"),
        (b'{"birth":\n  nope}', "line 2 column 4"),
        (b"", "empty"),
        (b"\xff\xfe\x00", "line 1 column 1"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"birth": "\\ud800"}', "line 1 column"),
        (b'{"birth": "x', "line 1 column 12"),
    ],
    ids=["comma", "word", "empty", "bytes", "deep", "surrogate", "cut"],
)
async def test_malformed_json_says_where(http: httpx.AsyncClient, path: str, body: bytes, where: str) -> None:
    answer = await http.post(path, content=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert where in error["message"]
    assert error["param"] is None


async def test_malformed_json_for_a_cube_over_grpc(channel: grpc.aio.Channel) -> None:
    request = cubes_pb2.ProcessRequest(name="saju", request_json='{"births": [}')
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await cubes_pb2_grpc.CubesStub(channel).Process(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "line 1 column 13" in str(caught.value.details())


@pytest.mark.parametrize(
    ("path", "body", "param", "like"),
    [
        ("/v1/saju/charts", {"birth": "1990-05-03", "plase": "Seoul"}, "plase", "'place'"),
        ("/v1/saju/charts:batch", {"birth": [BIRTH]}, "birth", "'births'"),
        ("/v1/chat/completions", {"mesages": []}, "mesages", "'messages'"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "contents": "x"}]},
            "messages[0].contents",
            "'content'",
        ),
        (
            "/v1/chat/completions",
            {"messages": [], "stream_options": {"include_usages": True}},
            "stream_options.include_usages",
            "'include_usage'",
        ),
    ],
)
async def test_an_unknown_field_is_named_with_the_nearest_known(
    http: httpx.AsyncClient, path: str, body: Any, param: str, like: str
) -> None:
    answer = await http.post(path, json=body)
    errors = answer.json()["error"]
    assert answer.status_code == 400
    others = (errors["details"] or {}).get("others", [])
    assert param in (errors["param"], *(other["param"] for other in others))
    if errors["param"] == param:
        assert f"Did you mean {like}?" in errors["fix"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"longitude": "127"}, "longitude"),
        ({"fold": True}, "fold"),
        ({"sex": "man"}, "sex"),
        ({"day_boundary": "noon"}, "day_boundary"),
        ({"time_basis": 3}, "time_basis"),
        ({"birth": 19900503}, "birth"),
        ({"birth": None}, "birth"),
        ({"fold": 10**400}, "fold"),
        ({"place": ["Seoul"]}, "place"),
        ({"place": "\u0000"}, "place"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"zone": "x" * 100_000}, "zone"),
        ({"birth": "9" * 100_000}, "birth"),
        ({"birth": "1990-05-03T07:20Z"}, "birth"),
        ({"birth": "-0001-01-01"}, "birth"),
        ({"birth": "１９９０-05-03"}, "birth"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_wrong_types_and_hostile_values_are_named(
    http: httpx.AsyncClient, fields: dict[str, Any], param: str
) -> None:
    answer = await http.post("/v1/saju/charts", json={"birth": "1990-05-03T07:20", **fields})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert len(answer.content) < 3000, "a client's value is cut before it is echoed"


async def test_an_enum_number_from_nowhere(channel: grpc.aio.Channel) -> None:
    request = saju_pb2.Birth(birth="1990-05-03", time_basis=17)  # type: ignore[arg-type]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await saju_pb2_grpc.SajuStub(channel).Chart(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "1 = civil" in str(caught.value.details())


async def test_a_chat_stream_refuses_before_its_first_event(channel: grpc.aio.Channel) -> None:
    request = chat_pb2.ChatRequest(messages=[])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await chat_pb2_grpc.ChatStub(channel).Stream(request).read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
