"""Cubes over HTTP: who is there, and a call to any of them by name."""

import json
from typing import Any

import httpx


async def test_every_cube_is_listed(http: httpx.AsyncClient) -> None:
    cubes = (await http.get("/v1/cubes")).json()["cubes"]
    assert [(cube["name"], cube["color"], cube["category"], cube["state"]) for cube in cubes] == [
        ("chat", "blue", "feature", "running"),
        ("compatibility", "blue", "feature", "running"),
        ("embeddings", "blue", "feature", "running"),
        ("model-admin", "yellow", "data", "running"),
        ("models", "yellow", "data", "running"),
        ("reading", "blue", "feature", "running"),
        ("saju", "blue", "feature", "running"),
        ("tensors", "blue", "feature", "running"),
        ("tokenizer", "blue", "feature", "running"),
    ]
    assert all(cube["health"] == "healthy" for cube in cubes)


async def test_one_cube_shows_its_schemas_and_its_last_minute(http: httpx.AsyncClient) -> None:
    await http.post("/v1/saju/charts", json={"birth": "1990-05-03"}, headers={"x-request-id": "seen"})
    cube = (await http.get("/v1/cubes/saju")).json()
    assert cube["request_schema"]["properties"].keys() == {"births"}
    assert cube["response_schema"]["properties"].keys() == {"results"}
    assert {"name": "calls_total", "labels": {"outcome": "ok"}, "value": 1.0} in cube["metrics"]
    assert cube["traces"][-1]["request_id"] == "seen"
    assert cube["logs"][-1]["message"] == "saju is running"


async def test_a_cube_answers_by_name(http: httpx.AsyncClient) -> None:
    births = {"births": [{"birth": "1990-05-03T07:20"}]}
    by_name = (await http.post("/v1/cubes/saju:process", json=births)).json()
    by_route = (await http.post("/v1/saju/charts", json=births["births"][0])).json()
    assert by_name["results"][0]["chart"] == by_route
    models = (await http.post("/v1/cubes/models:process", json={})).json()
    assert models["models"][0]["name"] == "small"


async def test_a_streaming_cube_answers_with_events(http: httpx.AsyncClient) -> None:
    body = {"messages": [{"role": "user", "content": "one two"}]}
    answer = await http.post("/v1/cubes/chat:process", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, done = answer.content.split(b"\n\n")[:-1]
    assert done == b"data: [DONE]"
    pieces = [json.loads(event.removeprefix(b"data: ")) for event in events]
    assert [piece["text"] for piece in pieces] == ["one", " two", ""]
    assert pieces[-1]["usage"] == {"prompt_tokens": 2, "completion_tokens": 2}


async def test_a_streaming_cubes_refusal_is_a_status(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/cubes/chat:process", json={"messages": []})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "messages")


async def test_a_stopped_cube_is_unavailable(house: Any, http: httpx.AsyncClient) -> None:
    await house.registry.get("saju").stop()
    answer = await http.post("/v1/saju/charts", json={"birth": "1990-05-03"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    listed = (await http.get("/v1/cubes/saju")).json()
    assert (listed["state"], listed["health"]) == ("stopped", "unhealthy")
    await house.registry.get("saju").start()


async def test_an_unknown_field_of_a_cubes_request_is_named(http: httpx.AsyncClient) -> None:
    body = {"messages": [{"role": "user", "content": "x", "nam": "y"}]}
    error = (await http.post("/v1/cubes/chat:process", json=body)).json()["error"]
    assert error["param"] == "messages[0].nam"
    assert "content, role" in error["fix"]
