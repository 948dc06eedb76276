"""Nothing a client sends makes a 500: garbage, nearly right requests, and anything between."""

import json
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.gateway.grpc.server import SERVICES
from hypercube.gateway.http.app import OPERATIONS

POSTS = sorted(operation.template for operation in OPERATIONS if operation.method == "POST")
CALLS = sorted(f"/{service}/{method}" for service, methods in SERVICES.items() for method in methods)
FIELDS = [
    "birth", "sex", "place", "longitude", "zone", "time_basis", "day_boundary", "fold", "births", "messages", "role",
    "content", "model", "max_tokens", "temperature", "top_p", "top_k", "min_p", "seed", "stop", "stream",
    "stream_options", "include_usage", "n", "tools", "sampling", "type", "text", "calendar", "leap_month", "include",
    "luck_age", "as_of", "hidden_stems", "life_stages", "blade", "goegang",
]  # fmt: skip
VALUES = [
    "1990-05-03T07:20", "1988-10-09T02:30", "1990-02-31", "0000-00-00", "9999-12-31T23:59:60", "Seoul", "서울", "male",
    "true_solar", "zi23", "Asia/Seoul", "UTC", "user", "system", "small", "", "\u0000", "data: x\n\n", 0, -1, 1, 2**31,
    2**63, 10**40, 1e308, -1e-320, 126.978, 200, True, False, None,
    "lunar", "solar", "facts", "luck", "periods", "ymd", "2026-11-23",
]  # fmt: skip
FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

words = st.sampled_from(FIELDS)
leaves = st.sampled_from(VALUES) | st.text(max_size=12) | st.floats() | st.integers()
documents = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=6), inner, max_size=6)
    ),
    max_leaves=20,
)
births = st.fixed_dictionaries(
    {"birth": st.sampled_from(VALUES) | st.text(max_size=20)},
    optional=dict.fromkeys(
        (
            "sex",
            "place",
            "longitude",
            "zone",
            "time_basis",
            "day_boundary",
            "fold",
            "calendar",
            "leap_month",
            "include",
            "luck_age",
            "as_of",
            "hidden_stems",
            "life_stages",
            "blade",
            "goegang",
        ),
        leaves | st.lists(leaves, max_size=3),
    ),
)
turns = st.fixed_dictionaries({"role": leaves, "content": leaves | documents})
chats = st.fixed_dictionaries(
    {"messages": st.lists(turns, max_size=3)}, optional=dict.fromkeys(FIELDS[11:25], documents)
)
requests = (
    documents | births | chats | st.fixed_dictionaries({"births": st.lists(births | documents, max_size=4)})
)


def field(number: int, value: bytes | int) -> bytes:
    """One protobuf field of a number below 16: length-delimited or a varint below 128."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


texts = st.sampled_from(
    [b"saju", b"chat", b"small", b"user", b"{}", b"1990-05-03T07:20", b"Seoul", b"\xed\xa0\x80", b""]
)
plain = st.builds(field, st.integers(1, 15), texts | st.integers(0, 127))
fields = plain | st.builds(field, st.integers(1, 3), st.lists(plain, max_size=3).map(b"".join))


def paths(template: str) -> list[str]:
    """What a template stands for, with names that exist."""
    v2 = template.startswith("/v2")
    names = ("saju_pillars", "small") if v2 else ("saju", "chat", "models")
    found = template.replace("{version}", "1").replace("{region}", "none")
    return [found.replace("{name}", name) for name in (names if "{name}" in found else ("",))]


def fair(answer: httpx.Response, *, v2: bool = False) -> None:
    """A good answer or a caller's error in the common shape, or in the Open Inference Protocol's."""
    refused = (400, 404, 409, 413) if v2 else (400, 404, 413)
    assert answer.status_code in (200, *refused), (answer.status_code, answer.text)
    if answer.status_code != 200 and v2:
        assert isinstance(answer.json()["error"], str)
    elif answer.status_code != 200:
        error = answer.json()["error"]
        assert error["message"]
        assert error["type"] == "invalid_request_error"
    elif answer.headers["content-type"].startswith("text/event-stream"):
        assert b'"code":"internal"' not in answer.content


@pytest.mark.parametrize("path", POSTS)
@FUZZ
@given(body=requests)
async def test_documents(http: httpx.AsyncClient, path: str, body: Any) -> None:
    for each in paths(path):
        fair(await http.post(each, content=json.dumps(body)), v2=path.startswith("/v2"))


@pytest.mark.parametrize("path", POSTS)
@FUZZ
@given(
    body=st.binary(max_size=200) | st.text(alphabet='{}[]":,0eE-.truefalsn \\u', max_size=60).map(str.encode)
)
async def test_garbage(http: httpx.AsyncClient, path: str, body: bytes) -> None:
    for each in paths(path):
        fair(await http.post(each, content=body), v2=path.startswith("/v2"))


@FUZZ
@given(
    path=st.text(max_size=20) | st.text(alphabet="/abv1:{}%.?*", max_size=20),
    method=st.sampled_from(["GET", "POST", "PUT"]),
)
async def test_paths(house: Any, exchange: Any, path: str, method: str) -> None:
    for start in ("/", "/v1/", "/v1/models/", "/v1/cubes/", "/v2/models/"):
        talk = exchange(house.app(), start + path, method=method)
        assert (await talk.head())[0] in (200, 307, 400, 404, 405)
        await talk.task


@pytest.mark.parametrize("method", CALLS)
@settings(FUZZ, max_examples=40)
@given(message=st.binary(max_size=60) | st.lists(fields, max_size=4).map(b"".join))
async def test_messages(channel: grpc.aio.Channel, method: str, message: bytes) -> None:
    call = (
        channel.unary_stream(method)(message)
        if method.endswith("Stream")
        else channel.unary_unary(method)(message)
    )
    code = await outcome(call)
    allowed = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    if "/Cuda" in method:
        allowed.add(grpc.StatusCode.UNIMPLEMENTED)
    if method.endswith("Unload"):
        allowed.add(grpc.StatusCode.FAILED_PRECONDITION)
    assert code in allowed, code


async def outcome(call: Any) -> grpc.StatusCode:
    """How a call ended, whatever it said."""
    try:
        if hasattr(call, "__aiter__"):
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK
