"""Idempotency keys where several real processes serve: servers that share a Redis, and the front-ends of one server.

Behind them stands a model that answers when the test lets it, and counts what it is asked.
"""

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
import pytest

from hypercube.wire.v1 import chat_pb2, chat_pb2_grpc
from tests.contract.gateway import redis_servers
from tests.contract.gateway.redis_servers import VALKEY, Server

WAIT_S = 60.0
CHAT = "/v1/chat/completions"
PATIENT = {"HYPERCUBE_UPSTREAM_SILENCE_S": "600", "HYPERCUBE_SERVER_WORKER_SILENCE_S": "600"}


class Model:
    """An upstream server. A question with "wait" in it is answered once `release` is set."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.asked: list[str] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self._send("application/json", json.dumps({"data": [{"id": "m"}]}).encode())

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                question = body["messages"][-1]["content"]
                if "wait" in question:
                    model.asked.append(question)
                    model.release.wait(WAIT_S)
                pieces: list[Any] = [
                    {"choices": [{"delta": {"content": f"answer {len(model.asked)}"}}]},
                    {"choices": [{"delta": {}, "finish_reason": "stop"}]},
                    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
                ]
                lines = [f"data: {json.dumps(each)}\n\n" for each in pieces]
                with contextlib.suppress(OSError):  # whoever asked may be dead
                    self._send("text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

            def _send(self, kind: str, data: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    made.thread.start()
    yield made
    made.release.set()
    made.server.shutdown()
    made.server.server_close()
    made.thread.join(WAIT_S)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Server]:
    server = redis_servers.made(VALKEY, tmp_path)
    assert server is not None
    server.start()
    yield server
    server.stop()


def upstream(serve: Callable[..., Any], model: Model, *arguments: str, **environment: str) -> Any:
    return serve(
        "--model", "upstream", *arguments, HYPERCUBE_UPSTREAM_URL=model.url, **PATIENT, **environment
    )


def body(content: str = "wait") -> dict[str, Any]:
    return {"model": "upstream", "messages": [{"role": "user", "content": content}]}


def post(url: str, key: str, content: str = "wait") -> httpx.Response:
    return httpx.post(url + CHAT, json=body(content), headers={"Idempotency-Key": key}, timeout=WAIT_S)


def until(found: Callable[[], Any]) -> Any:
    """The first truthy answer."""
    end = time.monotonic() + WAIT_S
    while not (answer := found()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return answer


def in_flight(url: str) -> float:
    """Requests that the server has inside, this one not counted."""
    lines = httpx.get(url + "/metrics", timeout=WAIT_S).text.splitlines()
    return sum(
        float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("hypercube_requests_in_flight")
    )


def test_two_servers_that_share_a_redis_are_one_to_a_key(
    serve: Callable[..., Any], model: Model, valkey: Server
) -> None:
    with (
        upstream(serve, model, REDIS_URL=valkey.url) as one,
        upstream(serve, model, REDIS_URL=valkey.url) as two,
        ThreadPoolExecutor(4) as pool,
    ):
        assert f"every server of {valkey.url}" in "".join(one.lines)
        one.wait_ready(WAIT_S)
        two.wait_ready(WAIT_S)

        first = pool.submit(post, one.url, "a")
        until(lambda: model.asked == ["wait"])
        joined = [pool.submit(post, server.url, "a") for server in (one, two)]
        until(lambda: in_flight(two.url) >= 1)
        refused = post(two.url, "a", "another")
        assert (refused.status_code, refused.json()["error"]["param"]) == (409, "idempotency-key")
        model.release.set()
        answers = [each.result() for each in (first, *joined)]
        answers += [post(two.url, "a"), post(one.url, "a")]
        assert {each.status_code for each in answers} == {200}
        assert len({each.content for each in answers}) == 1, "ids and times with it"
        replayed = [each.headers.get("idempotent-replayed") for each in answers]
        assert replayed == [None, "true", "true", "true", "true"]
        assert model.asked == ["wait"]

        # The same over gRPC.
        request = chat_pb2.ChatRequest(
            model="upstream", messages=[chat_pb2.ChatMessage(role="user", content="wait")]
        )
        replies = []
        for server in (one, two):
            with grpc.insecure_channel(server.target) as channel:
                reply, call = chat_pb2_grpc.ChatStub(channel).Complete.with_call(
                    request, metadata=(("idempotency-key", "a"),), timeout=WAIT_S
                )
                replies.append((reply, "idempotent-replayed" in dict(call.trailing_metadata())))
        assert replies[0][0] == replies[1][0]
        assert [each[1] for each in replies] == [False, True]
        assert len(model.asked) == 2

        # One is killed in the middle: the other takes over what waits there.
        model.release.clear()
        lost = pool.submit(post, one.url, "b")
        until(lambda: len(model.asked) == 3)
        waiting: Future[httpx.Response] = pool.submit(post, two.url, "b")
        until(lambda: in_flight(two.url) >= 1)
        one.process.send_signal(signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            lost.result()
        until(lambda: len(model.asked) == 4)
        model.release.set()
        assert waiting.result().status_code == 200
        assert "idempotent-replayed" not in waiting.result().headers
        assert post(two.url, "b").content == waiting.result().content

        # Redis is gone: each server goes by what it remembers itself, and serves on.
        valkey.stop()
        assert post(two.url, "b").content == waiting.result().content
        assert post(two.url, "c").status_code == 200


def test_closed_a_key_is_refused_while_redis_is_away(
    serve: Callable[..., Any], model: Model, valkey: Server
) -> None:
    model.release.set()
    closed = {"REDIS_URL": valkey.url, "HYPERCUBE_ACCESS_REDIS_AWAY": "closed"}
    with upstream(serve, model, **closed) as server:
        server.wait_ready(WAIT_S)
        first = post(server.url, "a")
        valkey.stop()
        assert post(server.url, "a").content == first.content
        refused = post(server.url, "b")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert httpx.post(server.url + CHAT, json=body("no key"), timeout=WAIT_S).status_code == 200
        valkey.start()
        assert until(lambda: (answer := post(server.url, "b")).status_code == 200 and answer)
    assert model.asked == ["wait"] * 2


@contextlib.contextmanager
def connections(server: Any) -> Iterator[dict[int, httpx.Client]]:
    """One kept connection to each of two front-ends, by its process."""
    fronts = psutil.Process(server.process.pid).children()
    found: dict[int, httpx.Client] = {}
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            client = stack.enter_context(httpx.Client(base_url=server.url, timeout=WAIT_S))
            port = client.get("/livez").extensions["network_stream"].get_extra_info("client_addr")[1]
            (pid,) = [
                front.pid
                for front in fronts
                if any(each.raddr and each.raddr.port == port for each in front.net_connections("tcp"))
            ]
            found.setdefault(pid, client)
            if len(found) == 2:
                yield found
                return
    raise AssertionError(f"100 connections, all to {found.keys()}")


def test_front_ends_of_one_server_are_one_to_a_key(serve: Callable[..., Any], model: Model) -> None:
    with upstream(serve, model, "--workers", "2") as server, ThreadPoolExecutor(4) as pool:
        assert "idempotency keys hold at every front-end" in "".join(server.lines)
        server.wait_ready(WAIT_S)
        with connections(server) as clients:
            (one, first), (_, second) = clients.items()

            def ask(client: httpx.Client, key: str, content: str = "wait") -> httpx.Response:
                return client.post(CHAT, json=body(content), headers={"Idempotency-Key": key})

            begun = pool.submit(ask, first, "a")
            until(lambda: model.asked == ["wait"])
            joined = pool.submit(ask, second, "a")
            until(lambda: in_flight(server.url) >= 2)
            model.release.set()
            answers = [begun.result(), joined.result(), ask(first, "a"), ask(second, "a")]
            assert {each.status_code for each in answers} == {200}
            assert len({each.content for each in answers}) == 1
            assert [each.headers.get("idempotent-replayed") for each in answers] == [None, *["true"] * 3]
            assert ask(second, "a", "another").status_code == 409
            assert model.asked == ["wait"]

            model.release.clear()
            lost = pool.submit(ask, first, "b")
            until(lambda: len(model.asked) == 2)
            waiting = pool.submit(ask, second, "b")
            until(lambda: in_flight(server.url) >= 2)
            psutil.Process(one).kill()
            with pytest.raises(httpx.TransportError):
                lost.result()
            until(lambda: len(model.asked) == 3)
            model.release.set()
            assert waiting.result().status_code == 200
            assert ask(second, "b").content == waiting.result().content
        # Its successor knows what the others answered.
        server.wait_for(lambda said: "it is replaced" in said, WAIT_S)
        until(lambda: len(psutil.Process(server.process.pid).children()) == 3)
        with connections(server) as clients:
            answers = [ask(client, "b") for client in clients.values()]
        assert {each.content for each in answers} == {waiting.result().content}
        assert len(model.asked) == 3
