"""Bounds of a request over HTTP: body, deadline, draining, ids, and the paths nobody has."""

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest

GOOD = json.dumps({"birth": "1990-05-03T07:20"}).encode()


async def test_a_body_that_says_it_is_too_large_is_refused_unread(house: Any, exchange: Any) -> None:
    app = house.with_limits(max_body_bytes=1000, linger_s=30).app()
    talk = exchange(app, "/v1/saju/charts", None, content_length="200000000")
    status, headers = await talk.head()
    error = json.loads(await talk.chunk())["error"]
    assert (status, error["code"]) == (413, "payload_too_large")
    assert headers["connection"] == "close"
    assert "200,000,000" in error["message"]
    assert error["value"] == 200_000_000
    assert error["details"] == {"limit_bytes": 1000}
    for _ in range(100):  # the rest is read on and thrown away
        talk.send_body(b"x" * 1000, more=True)
    talk.disconnect()
    assert await talk.chunk() == b""
    await talk.task
    assert house.observed == [("http", "unmatched", "payload_too_large")]


async def test_a_chunked_body_is_refused_at_the_byte_that_goes_over(house: Any, exchange: Any) -> None:
    app = house.with_limits(max_body_bytes=1000, linger_s=30).app()
    talk = exchange(app, "/v1/saju/charts", None)
    talk.send_body(b"x" * 1000, more=True)
    talk.send_body(b"x", more=True)
    assert (await talk.head())[0] == 413
    assert b"payload_too_large" in await talk.chunk()
    talk.send_body(b"")
    await talk.task


async def test_a_lying_content_length_is_counted_all_the_same(house: Any, exchange: Any) -> None:
    app = house.with_limits(max_body_bytes=1000, linger_s=30).app()
    talk = exchange(app, "/v1/saju/charts", None, content_length="10")
    talk.send_body(b"x" * 1001)
    assert (await talk.head())[0] == 413
    talk.disconnect()
    await talk.task


async def test_a_sender_that_never_stops_is_cut_off(house: Any, exchange: Any) -> None:
    app = house.with_limits(max_body_bytes=1000, linger_s=0.01).app()
    talk = exchange(app, "/v1/saju/charts", None, content_length="5000")
    await talk.head()
    await talk.chunk()
    assert await talk.chunk() == b""
    await talk.task


async def test_200_megabytes_get_their_answer_through_a_real_socket(house: Any, listen: Any) -> None:
    async def megabytes() -> Any:
        for _ in range(200):
            yield b"x" * 1_000_000

    async with listen(house.app()) as port, httpx.AsyncClient(timeout=30) as client:
        url = f"http://127.0.0.1:{port}/v1/saju/charts"
        chunked = await client.post(url, content=megabytes())
        assert chunked.status_code == 413
        declared = await client.post(url, content=megabytes(), headers={"content-length": "200000000"})
        assert declared.status_code == 413
        assert declared.headers["connection"] == "close"
        assert (await client.post(url, content=GOOD)).status_code == 200


async def test_a_deadline_stops_the_work(house: Any, http: httpx.AsyncClient) -> None:
    body = {"model": "small", "messages": [{"role": "user", "content": "!hang"}]}
    headers = {"x-request-timeout-seconds": "0.02"}
    answer = await http.post("/v1/chat/completions", json=body, headers=headers)
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "deadline_exceeded"
    assert house.engine.active == 0


async def test_a_deadline_ends_a_stream_with_an_error_event(house: Any, exchange: Any) -> None:
    now = 1000.0
    body = {"model": "small", "messages": [{"role": "user", "content": "!wait x"}], "stream": True}
    app = house.with_clock(lambda: now).app()
    talk = exchange(app, "/v1/chat/completions", json.dumps(body).encode(), x_request_timeout_seconds="60")
    assert (await talk.head())[0] == 200
    assert b"assistant" in await talk.chunk()
    assert b"!wait" in await talk.chunk()
    now += 61
    house.engine.release.set()
    assert b'" x"' in await talk.chunk()  # asked for while there was time
    assert b"deadline_exceeded" in await talk.chunk()
    await talk.task
    assert talk.sent.empty()


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon", "", "3601"])
async def test_a_bad_deadline_is_refused(http: httpx.AsyncClient, value: str) -> None:
    answer = await http.post("/v1/saju/charts", content=GOOD, headers={"x-request-timeout-seconds": value})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "x-request-timeout-seconds"
    assert answer.headers["x-request-id"]


async def test_a_sane_request_id_comes_back_and_another_is_replaced(http: httpx.AsyncClient) -> None:
    answer = await http.get("/livez", headers={"x-request-id": "abc-123"})
    assert answer.headers["x-request-id"] == "abc-123"
    for bad in ("a b", "x" * 129, "<script>"):
        given = (await http.get("/livez", headers={"x-request-id": bad})).headers["x-request-id"]
        assert given != bad
        assert len(given) == 32


async def test_draining_refuses_new_work_and_finishes_what_is_inside(house: Any, exchange: Any) -> None:
    app = house.app()
    body = {"model": "small", "messages": [{"role": "user", "content": "!wait end"}], "stream": True}
    inside = exchange(app, "/v1/chat/completions", json.dumps(body).encode())
    await inside.head()
    house.services.traffic.drain()
    assert not await house.services.traffic.wait_idle(0)

    late = exchange(app, "/v1/saju/charts", GOOD)
    status, headers = await late.head()
    assert status == 503
    assert headers["retry-after"] == "5"
    assert json.loads(await late.chunk())["error"]["code"] == "unavailable"

    probes = {}
    for path in ("/livez", "/readyz", "/metrics"):
        probe = exchange(app, path, method="GET")
        probes[path] = (await probe.head())[0]
    assert probes == {"/livez": 200, "/readyz": 503, "/metrics": 200}

    waiter = asyncio.create_task(house.services.traffic.wait_idle(5))
    house.engine.release.set()
    await inside.task
    assert await waiter
    pieces = b"".join([await inside.body() for _ in range(inside.sent.qsize())])
    assert pieces.endswith(b"data: [DONE]\n\n")


async def test_readiness_names_each_part(house: Any, http: httpx.AsyncClient) -> None:
    from hypercube.gateway.services import PartStatus

    assert (await http.get("/readyz")).status_code == 200
    house.parts["model:small"] = PartStatus(False, "downloading, 40 %")
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["model:small"] == {"ready": False, "reason": "downloading, 40 %"}
    assert answer.json()["parts"]["charts"]["ready"] is True


async def test_metrics_are_served_as_they_are(http: httpx.AsyncClient) -> None:
    answer = await http.get("/metrics")
    assert answer.content == b"hypercube_up 1\n"
    assert answer.headers["content-type"].startswith("text/plain; version=")


@pytest.mark.parametrize(
    ("method", "path", "status", "fix"),
    [
        ("POST", "/v1/saju/chart", 404, "/v1/saju/charts"),
        ("GET", "/v1/saju/charts/", 404, "/v1/saju/charts"),
        ("GET", "/v1/saju/charts", 405, "POST"),
        ("DELETE", "/v1/models", 405, "GET"),
        ("POST", "/v1/cubes/saju", 405, "GET"),
        ("GET", "/v1/cubes/sajoo", 404, "'saju'"),
        ("POST", "/v1/cubes/sajoo:process", 404, "'saju'"),
        ("GET", "/docs/assets/../app.py", 404, "/docs"),
    ],
)
async def test_wrong_paths_and_methods_say_what_is_there(
    http: httpx.AsyncClient, method: str, path: str, status: int, fix: str
) -> None:
    answer = await http.request(method, path)
    error = answer.json()["error"]
    assert answer.status_code == status
    assert fix in error["fix"]
    assert error["code"] == ("method_not_allowed" if status == 405 else "not_found")


async def test_a_defect_of_ours_tells_a_number_and_nothing_else(
    house: Any, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"model": "small", "messages": [{"role": "user", "content": "!bug"}]}
    with caplog.at_level(logging.ERROR):
        answer = await http.post("/v1/chat/completions", json=body, headers={"x-request-id": "r-1"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["error"]["details"] == {"request_id": "r-1"}
    assert "ZeroDivisionError: secret path /var/lib" in caplog.text


async def test_every_request_is_observed_under_its_template(house: Any, http: httpx.AsyncClient) -> None:
    await http.get("/v1/models/small")
    await http.get("/v1/models/none")
    await http.get("/nowhere/at/all")
    assert house.observed == [
        ("http", "/v1/models/{name}", "ok"),
        ("http", "/v1/models/{name}", "model_not_found"),
        ("http", "unmatched", "not_found"),
    ]
