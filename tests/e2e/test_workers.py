"""`hypercube serve --workers 2` as a user runs it: real processes, ended in every way a process can be."""

import asyncio
import contextlib
import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
import pytest

from hypercube.wire.v1 import chat_pb2, chat_pb2_grpc, saju_pb2, saju_pb2_grpc

BIRTH = {"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"}
CHAT = {"model": "fake", "messages": [{"role": "user", "content": "오늘은 어떤가요?"}]}
CHARTS = "/v1/saju/charts"
WAIT_S = 90.0
"""For things that take a moment, on a machine that does much else; nothing is judged by it."""
PATIENT = {"HYPERCUBE_SERVER_WORKER_SILENCE_S": "600", "HYPERCUBE_SERVER_DRAIN_S": "90"}
RETRIES = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 5,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)


class Family:
    """The processes of a server, as the machine knows them."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.supervisor = psutil.Process(server.process.pid)

    @property
    def engine(self) -> psutil.Process:
        """The one that listens in the server's folder."""
        (engine,) = [child for child in self._children() if self._folders(child)]
        return engine

    @property
    def folder(self) -> Path:
        return self._folders(self.engine)[0]

    @property
    def fronts(self) -> list[psutil.Process]:
        return [child for child in self._children() if not self._folders(child)]

    def front_of(self, client: httpx.Client) -> psutil.Process:
        """Which front-end a client's connection leads to."""
        answer = client.get("/livez")
        port = answer.extensions["network_stream"].get_extra_info("client_addr")[1]
        (front,) = [
            front
            for front in self.fronts
            if any(each.raddr and each.raddr.port == port for each in front.net_connections("tcp"))
        ]
        return front

    def _children(self) -> list[psutil.Process]:
        return [each for each in self.supervisor.children() if each.status() != psutil.STATUS_ZOMBIE]

    def _folders(self, child: psutil.Process) -> list[Path]:
        with contextlib.suppress(psutil.NoSuchProcess):
            named = (Path(str(each.laddr)) for each in child.net_connections("unix"))
            return [path.parent for path in named if path.name == "engine"]
        return []

    @contextlib.contextmanager
    def connections(self) -> Iterator[dict[int, httpx.Client]]:
        """One kept connection to each of the two front-ends, by its process, as soon as both answer."""
        with contextlib.ExitStack() as stack:
            found: dict[int, httpx.Client] = {}

            def both() -> bool:
                client = httpx.Client(base_url=self.server.url, timeout=WAIT_S)
                if found.setdefault(self.front_of(client).pid, client) is client:
                    stack.callback(client.close)
                else:
                    client.close()
                return len(found) == 2

            until(both)
            yield found


def until(found: Callable[[], Any]) -> Any:
    """The first truthy answer."""
    end = time.monotonic() + WAIT_S
    while not (answer := found()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return answer


def in_flight(url: str, least: int) -> Callable[[], bool]:
    """Whether the front-ends together have so many requests inside, this one not counted."""

    def look() -> bool:
        page = httpx.get(url + "/metrics", timeout=WAIT_S).text
        pattern = r"^hypercube_requests_in_flight\{.*\} (\S+)$"
        return sum(map(float, re.findall(pattern, page, re.MULTILINE))) >= least

    return look


@contextlib.contextmanager
def held(process: psutil.Process) -> Iterator[None]:
    """A process that does nothing within the block."""
    process.suspend()
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


@pytest.fixture(scope="module")
def two(serve: Callable[..., Any]) -> Iterator[Family]:
    with serve("--workers", "2", "--model", "fake", **PATIENT) as server:
        server.wait_ready(WAIT_S)
        yield Family(server)


def test_everything_works_through_either_front_end(two: Family) -> None:
    assert "2 front-end processes, one engine process" in "".join(two.server.lines)
    answers = []
    with two.connections() as clients:
        for client in clients.values():
            assert client.get("/readyz").json()["parts"].keys() == {"charts", "model:fake"}
            assert [each["id"] for each in client.get("/v1/models").json()["data"]] == ["fake", "saju"]
            chart = client.post(CHARTS, json=BIRTH)
            chat = client.post("/v1/chat/completions", json=CHAT)
            assert "compute" in chat.headers["server-timing"]
            stream = client.post("/v1/chat/completions", json={**CHAT, "stream": True}).text
            assert stream.rstrip().endswith("data: [DONE]")
            pieces = [json.loads(each[6:]) for each in stream.splitlines() if each.startswith("data: {")]
            streamed = "".join(each["choices"][0]["delta"].get("content") or "" for each in pieces)
            vectors = client.post("/v1/embeddings", json={"model": "fake", "input": ["갑자", "을축"]})
            unknown = client.post("/v1/chat/completions", json={**CHAT, "model": "fak"})
            assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
            said = chat.json()["choices"][0]["message"]["content"]
            assert streamed == said
            answers.append((chart.json()["pillars"], said, vectors.json()["data"]))
        assert answers[0] == answers[1]
        pages = [client.get("/metrics").text for client in clients.values()]
    # Each shows its own numbers as of now, and its neighbour's as of a moment ago.
    assert {worker for page in pages for worker in re.findall(r'_total\{worker="(\d)"', page)} == {"0", "1"}


def test_grpc_works_through_either_front_end(two: Family) -> None:
    fronts: set[int] = set()
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            options = [("grpc.use_local_subchannel_pool", 1)]
            channel = stack.enter_context(grpc.insecure_channel(two.server.target, options))
            chart = saju_pb2_grpc.SajuStub(channel).Chart(
                saju_pb2.Birth(birth="1990-05-03T07:20"), timeout=WAIT_S
            )
            assert chart.pillars.year.hangul == "경오"
            request = chat_pb2.ChatRequest(
                model="fake", messages=[chat_pb2.ChatMessage(role="user", content="hello")]
            )
            pieces = chat_pb2_grpc.ChatStub(channel).Stream(request, timeout=WAIT_S)
            assert "hello" in "".join(piece.text for piece in pieces)
            fronts |= {
                front.pid
                for front in two.fronts
                for each in front.net_connections("tcp")
                if each.status == psutil.CONN_ESTABLISHED and each.laddr.port == two.server.grpc_port
            }
            if len(fronts) == 2:
                return
    raise AssertionError(f"100 channels, all to {fronts}")


def test_an_administrator_acts_for_all_front_ends(two: Family) -> None:
    with two.connections() as clients:
        first, second = clients.values()
        gone = first.post("/v1/models/fake:unload", json={})
        assert gone.status_code == 200, gone.text
        refused = first.post("/v1/chat/completions", json=CHAT)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
        until(lambda: second.get("/readyz").json()["parts"]["model:fake"]["ready"] is False)
        assert second.post("/v1/models/fake:load", json={}).status_code == 200
        assert second.post("/v1/chat/completions", json=CHAT).status_code == 200
        assert first.post("/v1/chat/completions", json=CHAT).status_code == 200


def test_a_killed_front_end_is_replaced_and_nobody_else_notices(two: Family) -> None:
    engine = two.engine.pid
    with two.connections() as clients, ThreadPoolExecutor(1) as pool:
        (lost, _), (kept, neighbour) = clients.items()
        with held(two.engine):
            under_way = pool.submit(neighbour.post, "/v1/chat/completions", json=CHAT)
            until(in_flight(two.server.url, 1))
            psutil.Process(lost).kill()
            until(lambda: {each.pid for each in two.fronts} - {lost, kept})
        assert under_way.result().status_code == 200
        assert neighbour.post(CHARTS, json=BIRTH).status_code == 200
    with two.connections() as clients:
        assert kept in clients
        assert lost not in clients
        for client in clients.values():
            assert client.post("/v1/chat/completions", json=CHAT).status_code == 200
    assert two.engine.pid == engine


def test_neighbours_stand_in_until_a_dead_front_end_has_a_successor(two: Family) -> None:
    lost, kept = two.fronts
    lost.kill()
    (successor,) = until(lambda: [each for each in two.fronts if each.pid not in {lost.pid, kept.pid}])
    with held(successor):  # it is not ready as long as this lasts
        for _ in range(30):
            assert httpx.post(two.server.url + CHARTS, json=BIRTH, timeout=WAIT_S).status_code == 200
    with two.connections() as clients:
        assert clients.keys() == {kept.pid, successor.pid}


def test_a_killed_engine_process_fails_what_it_owed_and_comes_back_while_charts_go_on(two: Family) -> None:
    fronts, engine = {each.pid for each in two.fronts}, two.engine
    with two.connections() as clients, ThreadPoolExecutor(1) as pool:
        client, asking = clients.values()
        with held(two.supervisor):  # so that the time without an engine process is ours to look at
            with held(engine):
                under_way = pool.submit(asking.post, "/v1/chat/completions", json=CHAT)
                until(in_flight(two.server.url, 1))
                engine.kill()
            failed = under_way.result()
            assert (failed.status_code, failed.json()["error"]["code"]) == (502, "engine_failed")
            assert int(failed.headers["retry-after"]) >= 1
            unready = asking.get("/readyz")
            assert unready.status_code == 503
            assert "engine process" in unready.json()["parts"]["model:fake"]["reason"]
            assert unready.json()["parts"]["charts"]["ready"]
            refused = asking.post("/v1/chat/completions", json=CHAT)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            assert asking.post(CHARTS, json=BIRTH).status_code == 200
        while client.get("/readyz").status_code != 200:
            assert client.post(CHARTS, json=BIRTH).status_code == 200
            time.sleep(0.05)
        assert client.post("/v1/chat/completions", json=CHAT).status_code == 200
    assert two.engine.pid != engine.pid
    assert {each.pid for each in two.fronts} == fronts


def test_sigterm_finishes_what_is_in_flight_and_leaves_nothing_behind(serve: Callable[..., Any]) -> None:
    with serve("--workers", "2", "--model", "fake", **PATIENT) as server, ThreadPoolExecutor(2) as pool:
        server.wait_ready(WAIT_S)
        family = Family(server)
        folder, processes = family.folder, [family.engine, *family.fronts]
        with family.connections() as clients:
            with held(family.engine):
                asked = [
                    pool.submit(httpx.post, server.url + "/v1/chat/completions", json=CHAT, timeout=WAIT_S)
                    for _ in range(2)
                ]
                until(in_flight(server.url, 2))
                server.process.send_signal(signal.SIGTERM)
                for client in clients.values():
                    refused = until(
                        lambda c=client: (a := c.post(CHARTS, json=BIRTH)).status_code == 503 and a
                    )
                    assert refused.headers["retry-after"]
            assert [each.result().status_code for each in asked] == [200, 200]
        assert server.process.wait(WAIT_S) == 0
        assert psutil.wait_procs(processes, 0)[1] == []
        assert not folder.exists()


def test_a_killed_supervisor_takes_all_along(serve: Callable[..., Any]) -> None:
    with serve("--workers", "2", "--model", "fake", **PATIENT) as server:
        family = Family(server)
        folder, processes = family.folder, [family.engine, *family.fronts]
        assert len(processes) == 3
        server.process.kill()
        _, left = psutil.wait_procs(processes, WAIT_S)
        assert left == []
        until(lambda: not folder.exists())


@pytest.mark.slow
def test_a_start_that_cannot_be_says_why_and_leaves_nothing_behind(serve: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="fakee"), serve("--workers", "2", "--model", "fakee"):
        pass


@pytest.mark.slow
def test_a_front_end_that_dies_again_and_again_ends_the_server(serve: Callable[..., Any]) -> None:
    with serve("--workers", "2", "--model", "fake", **PATIENT) as server:
        family = Family(server)
        processes = [family.engine, *family.fronts]
        for at in range(4):
            processes = [*processes, *family.fronts]
            # The newest is the one in the place that was emptied before.
            newest = max(family.fronts, key=lambda each: each.create_time())
            newest.kill()
            if at < 3:
                server.wait_for(lambda said, n=at + 1: said.count("it is replaced") >= n, WAIT_S)
                until(lambda: len(family.fronts) == 2)
                with family.connections():
                    pass
        assert server.process.wait(WAIT_S) == 1
        assert "Giving up" in "".join(server.lines)
        assert psutil.wait_procs(processes, WAIT_S)[1] == []


@pytest.mark.slow
@pytest.mark.parametrize("who", ["engine", "front-end"])
def test_a_process_that_hangs_is_replaced(serve: Callable[..., Any], who: str) -> None:
    with serve("--workers", "2", "--model", "fake", HYPERCUBE_SERVER_WORKER_SILENCE_S="4") as server:
        server.wait_ready(WAIT_S)
        family = Family(server)
        hung = family.engine if who == "engine" else family.fronts[0]
        began = time.monotonic()
        hung.suspend()
        server.wait_for(lambda said: f"{hung.pid} showed no sign of life" in said, WAIT_S)
        print(f"noticed after {time.monotonic() - began:.1f} s")
        until(lambda: len(family.fronts) == 2 and not hung.is_running())
        server.wait_ready(WAIT_S)
        with family.connections() as clients:
            for client in clients.values():
                assert client.post("/v1/chat/completions", json=CHAT).status_code == 200


KEPT, NEW, RPC = 150, 50, 40
"""Callers at once: on kept connections, on a new connection each time, by gRPC."""


@pytest.mark.slow
async def test_a_rolling_restart_under_load_loses_no_reply(serve: Callable[..., Any]) -> None:
    with serve("--workers", "2", "--model", "fake", HYPERCUBE_MODEL_SLOTS="64") as server:
        server.wait_ready(WAIT_S)
        family = Family(server)
        engine, fronts = family.engine.pid, {each.pid for each in family.fronts}
        done, lost = {"kept": 0, "new": 0, "chat": 0, "grpc": 0}, []
        over = asyncio.Event()

        async def ask(client: httpx.AsyncClient, kind: str) -> None:
            try:
                if kind == "chat":
                    answer = await client.post("/v1/chat/completions", json={**CHAT, "stream": True})
                    whole = answer.text.rstrip().endswith("data: [DONE]")
                else:
                    answer = await client.post(CHARTS, json=BIRTH)
                    whole = "pillars" in answer.json()
                if answer.status_code == 200 and whole:
                    done[kind] += 1
                else:
                    lost.append((kind, answer.status_code, answer.text[:200]))
            except Exception as error:  # noqa: BLE001 - any of them is a lost reply
                lost.append((kind, repr(error)))

        async def keep(kind: str) -> None:
            async with httpx.AsyncClient(base_url=server.url, timeout=WAIT_S) as client:
                while not over.is_set():
                    await ask(client, kind)

        async def renew() -> None:
            while not over.is_set():
                async with httpx.AsyncClient(base_url=server.url, timeout=WAIT_S) as client:
                    await ask(client, "new")

        async def rpc() -> None:
            options = [
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.enable_retries", 1),
                ("grpc.service_config", RETRIES),
            ]
            request = saju_pb2.Birth(birth="1990-05-03T07:20")
            async with grpc.aio.insecure_channel(server.target, options) as channel:
                stub = saju_pb2_grpc.SajuStub(channel)
                while not over.is_set():
                    try:
                        await stub.Chart(request, timeout=WAIT_S)
                        done["grpc"] += 1
                    except grpc.aio.AioRpcError as error:
                        lost.append(("grpc", error.code(), error.details()))

        callers = [
            *(keep("kept") for _ in range(KEPT)),
            *(keep("chat") for _ in range(KEPT // 5)),
            *(renew() for _ in range(NEW)),
            *(rpc() for _ in range(RPC)),
        ]
        load = asyncio.gather(*callers)
        try:
            async with asyncio.timeout(280):
                while min(done.values()) < 100:  # noqa: ASYNC110 - a count, not an event
                    await asyncio.sleep(0.05)
                server.process.send_signal(signal.SIGHUP)
                said = asyncio.to_thread(
                    server.wait_for, lambda said: "Front-end 2 of 2 replaced" in said, 270
                )
                await said
                after = dict(done)
                while any(done[kind] < after[kind] + 100 for kind in done):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        finally:
            over.set()
            await load
        print(f"answered: {done}; lost: {len(lost)}")
        assert lost == []
        assert family.engine.pid == engine
        until(lambda: not fronts & {each.pid for each in family.fronts})
        assert len(family.fronts) == 2
