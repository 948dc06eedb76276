"""The bounds of a split, as administrators set them over HTTP and gRPC: what counts, what is shown, what is refused."""

import re
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from hypercube.client import CanaryBounds
from hypercube.wire.v1 import models_pb2 as pb
from hypercube.wire.v1 import models_pb2_grpc

STRICT = {"max_error_rate": 0.02, "max_latency_ratio": 2.0, "min_requests": 50, "window_s": 300.0}
OUT_OF_RANGE = [
    ("max_error_rate", 1.5, "0 to 1"), ("max_error_rate", -0.01, "0 to 1"), ("max_latency_ratio", 0.99, "from 1"),
    ("min_requests", 0, "1 to 1000"), ("min_requests", 1001, "1 to 1000"), ("window_s", 0.5, "1 to 3600"),
    ("window_s", 3600.5, "1 to 3600"),
]  # fmt: skip


async def test_bounds_of_a_split(http: httpx.AsyncClient, house: Any) -> None:
    weights = {"production": 95.0, "canary": 5.0}
    move = await http.post("/v1/models/my-chat/split", json={"weights": weights, "bounds": STRICT})
    assert (move.status_code, move.json()["bounds"]) == (200, STRICT)
    assert (await http.get("/v1/models/my-chat/aliases")).json()["bounds"] == STRICT
    assert house.models.routes("my-chat").bounds == CanaryBounds(**STRICT)
    one = {"weights": weights, "bounds": {"max_error_rate": 0}}
    assert (await http.post("/v1/models/my-chat/split", json=one)).json()["bounds"]["max_error_rate"] == 0.0
    assert house.models.routes("my-chat").bounds == CanaryBounds(max_error_rate=0.0)
    # Without any, the settings of the servers count, as on the command line.
    for none in ({}, {"bounds": None}, {"bounds": {}}, {"bounds": {"window_s": None}}):
        move = await http.post("/v1/models/my-chat/split", json={"weights": weights, **none})
        assert (move.status_code, move.json()["bounds"]) == (200, None)
    assert house.models.routes("my-chat").bounds is None
    shown = (await http.get("/v1/models/my-chat/history")).json()["moves"]
    assert [each["bounds"] for each in shown if each["subject"] == "split"][:2] == [
        STRICT,
        {"max_error_rate": 0.0, "max_latency_ratio": 3.0, "min_requests": 20, "window_s": 60.0},
    ]


async def test_bounds_are_as_the_page_says(http: httpx.AsyncClient, house: Any) -> None:
    page = (Path(__file__).parents[3] / "docs/models.md").read_text(encoding="utf-8")
    body = page.split("<!-- bounds -->\n```json\n")[1].split("```")[0]
    assert (await http.post("/v1/models/my-chat/split", content=body)).status_code == 200
    assert house.models.routes("my-chat").bounds == CanaryBounds(max_error_rate=0.02, min_requests=50)
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| ([\d.]+) \|$", page, re.MULTILINE))
    assert {name: float(value) for name, value in rows.items()} == CanaryBounds().plain()


@pytest.mark.parametrize(("name", "value", "range_"), OUT_OF_RANGE)
async def test_a_bound_out_of_range_is_named_and_moves_nothing(
    http: httpx.AsyncClient, channel: grpc.aio.Channel, house: Any, name: str, value: float, range_: str
) -> None:
    moves = len(house.models.history("my-chat"))
    body = {"weights": {"production": 1}, "bounds": {name: value}}
    refused = await http.post("/v1/models/my-chat/split", json=body)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (400, "invalid_argument")
    assert (error["param"], error["value"]) == (f"bounds.{name}", value)
    assert range_ in error["fix"]
    call = models_pb2_grpc.ModelsStub(channel).SetSplit(
        pb.SetSplitRequest(
            model="my-chat", weights={"production": 1}, bounds=pb.CanaryBounds(**{name: value})
        )
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"{name} is {value}" in (caught.value.details() or "")
    assert len(house.models.history("my-chat")) == moves


async def test_a_bound_that_there_is_not_or_that_is_no_number_is_named(
    http: httpx.AsyncClient, house: Any
) -> None:
    async def refused(path: str, body: Any) -> Any:
        answer = await http.post(path, json=body)
        assert answer.status_code == 400, answer.text
        return answer.json()["error"]

    weights = {"weights": {"production": 1}}
    error = await refused("/v1/models/my-chat/split", weights | {"bounds": {"max_error": 0.5}})
    assert (error["param"], error["details"]["did_you_mean"]) == ("bounds.max_error", "max_error_rate")
    for wrong in ("0.5", True, [0.5]):
        error = await refused("/v1/models/my-chat/split", weights | {"bounds": {"max_error_rate": wrong}})
        assert error["param"] == "bounds.max_error_rate"
    error = await refused("/v1/models/my-chat/split", weights | {"bounds": {"min_requests": 1.5}})
    assert error["param"] == "bounds.min_requests"
    # The cube behind the doors is asked by name in the same way.
    command = {"action": "set_split", "model": "my-chat", **weights}
    path = "/v1/cubes/model-admin:process"
    error = await refused(path, command | {"bounds": {"max_error": 0.5}})
    assert error["param"] == "bounds.max_error"
    error = await refused(path, command | {"bounds": {"window_s": 0}})
    assert error["value"] == 0
    assert not house.models.routes("my-chat").split
    done = await http.post(path, json=command | {"bounds": {"window_s": 5}})
    assert done.status_code == 200, done.text
    assert house.models.routes("my-chat").bounds == CanaryBounds(window_s=5.0)
