"""Many clients that mean harm at once, against a server of its own: it lives, serves the others, and keeps nothing.

How long the others wait is measured by `benchmarks.attack`, not here.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import grpc.aio
import httpx
import psutil
import pytest

import hypercube
from benchmarks.attack_waves import (
    Ports,
    Tally,
    bombs,
    disconnects,
    half_open,
    raise_descriptor_limit,
    resets,
)

PATIENCE_S: Final = 120.0
"""Bounds waits for what must come, on the busiest machine."""
BIRTH: Final = {"birth": "1990-05-03T07:20", "place": "Seoul"}
ROOM_FOR_RETENTION: Final = 64 << 20
"""What a wave may leave resident beside what the one before did: 10,000 connections and 10,000 streams that left 4 KiB
each would be over it."""
ROOM_FOR_FIRST: Final = 256 << 20
"""What the first one may leave: it fills the pools of Python and of gRPC's threads."""
OURS: Final = 512
"""Descriptors that a test needs beside the attackers', and a few hundred that are closing."""


async def chart_over_http(url: str, *, patient: bool = False) -> None:
    """On a connection of its own; who is `patient` comes again when told to, as the SDK does."""
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(timeout=PATIENCE_S) as client:
        answer = await client.post(url + "/v1/saju/charts", json=BIRTH)
        while patient and answer.status_code == 429:
            await asyncio.sleep(float(answer.headers["retry-after"]))
            answer = await client.post(url + "/v1/saju/charts", json=BIRTH)
    assert answer.status_code == 200, answer.text
    assert answer.json()["pillars"]["year"]["hangul"] == "경오"


async def others(server: Any, stop: asyncio.Event, *, patient: bool = False) -> int:
    """Charts over both doors until `stop`; how many."""
    answered = 0
    async with hypercube.AsyncClient(server.target) as client:
        while not stop.is_set() or answered < 3:
            await chart_over_http(server.url, patient=patient)
            chart = await client.chart(**BIRTH, timeout=PATIENCE_S)  # type: ignore[arg-type]
            assert chart.pillars.year.hangul == "경오"
            answered += 1
    return answered


async def at_rest(server: Any, process: psutil.Process, descriptors: int) -> None:
    """Wait until nothing is in flight and the descriptors are back."""
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient() as client:
        while True:
            metrics = (await client.get(server.url + "/metrics")).text
            if "\nhypercube_requests_in_flight 0.0\n" in metrics and process.num_fds() <= descriptors:
                return
            await asyncio.sleep(0.1)  # nobody tells of it


async def given_back(process: psutil.Process, bound: int) -> int:
    """The resident bytes once they are within `bound`: what a crowd leaves free goes back after it has gone."""
    until = asyncio.get_running_loop().time() + PATIENCE_S
    while (resident := process.memory_info().rss) > bound:
        assert asyncio.get_running_loop().time() < until, f"{resident >> 20} MB are kept of {bound >> 20}"
        await asyncio.sleep(0.1)  # nobody tells of it
    return resident


async def wave(server: Any, count: int, *, patient: bool) -> Tally:
    """Everything at once; others are served all the while, or, if they are `patient`, within theirs."""
    tally, ports = Tally(), Ports(server.http_port, server.grpc_port)
    stop = asyncio.Event()
    async with half_open(ports, count, tally) as held:
        served = asyncio.create_task(others(server, stop, patient=patient))
        await disconnects(ports, count // 5, tally)
        await bombs(ports, min(count // 10, 200), tally)
        # Every half-open request of HTTP is ended by the server, also those that go on dripping.
        half = [attacker for attacker in held if attacker.port == server.http_port]
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(attacker.over.wait() for attacker in half))
        assert len(half) == count
        stop.set()
        await served
    assert tally.refused == 0
    assert {b"408", b"431", b"200"} <= tally.seen <= {b"200", b"400", b"408", b"429", b"431"}
    return tally


async def withstand(server: Any, count: int, waves: int, *, patient: bool = False) -> list[int]:
    """Some waves; the resident bytes after each."""
    process = psutil.Process(server.process.pid)
    stop = asyncio.Event()
    stop.set()
    await others(server, stop)  # what a first call opens
    # The connection that asks after the server counts, too, and so may a few that are on their way out.
    descriptors = process.num_fds() + 16
    resident = []
    bound = process.memory_info().rss + ROOM_FOR_FIRST
    for _ in range(waves):
        await wave(server, count, patient=patient)
        await at_rest(server, process, descriptors)
        resident.append(await given_back(process, bound))
        bound = resident[-1] + ROOM_FOR_RETENTION
    assert server.process.poll() is None
    said = "".join(server.lines)
    assert "Traceback" not in said
    assert '"level":"error"' not in said.replace(" ", "")
    return resident


async def test_three_hundred_of_each_three_times(serve: Callable[..., Any]) -> None:
    raise_descriptor_limit()
    limits = {
        "HYPERCUBE_SERVER_HEADER_TIMEOUT_S": "4",
        "HYPERCUBE_SERVER_BODY_TIMEOUT_S": "4",
        "HYPERCUBE_SERVER_MESSAGE_TIMEOUT_S": "4",
    }
    with serve("--model", "fake", **limits) as server:
        server.wait_ready(60)
        await withstand(server, 300, 3)


async def test_who_opens_and_resets_calls_costs_nobody_else_theirs(serve: Callable[..., Any]) -> None:
    """gRPC drops newcomers at random from 1,000 calls on that wait to be taken up, unless it is told otherwise."""
    with serve("--model", "none") as server:
        tally = Tally()
        stop = asyncio.Event()
        async with hypercube.AsyncClient(server.target) as client:
            await client.chart(**BIRTH, timeout=PATIENCE_S)  # type: ignore[arg-type]
            served = [asyncio.create_task(others(server, stop)) for _ in range(4)]
            async with resets(server.grpc_port, 4, tally):
                for _ in range(3):
                    await client.chart(**BIRTH, timeout=PATIENCE_S)  # type: ignore[arg-type]
            stop.set()
            await asyncio.gather(*served)
        assert tally.streams == 4 * 2_000
        assert tally.refused == 0


async def test_who_opens_calls_and_leaves_them_so_is_told(serve: Callable[..., Any]) -> None:
    limits = {"HYPERCUBE_SERVER_MAX_CALLS": "3", "HYPERCUBE_SERVER_MESSAGE_TIMEOUT_S": "1"}
    with serve("--model", "none", **limits) as server:
        async with grpc.aio.insecure_channel(server.target) as channel:
            chart = channel.stream_unary("/hypercube.v1.Saju/Chart")
            stream = channel.stream_stream("/hypercube.v1.Saju/PillarsStream")
            kept = [stream() for _ in range(2)]
            for call in kept:
                await call.write(b"")
                await call.read()  # it is open there, too

            with pytest.raises(grpc.aio.AioRpcError) as silent:
                await chart(timeout=PATIENCE_S)
            assert silent.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert "did not come within 1 s" in str(silent.value.details())

            third = stream()
            await third.write(b"")
            await third.read()
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await channel.unary_unary("/hypercube.v1.Saju/Chart")(b"", timeout=PATIENCE_S)
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            trailer = dict(refused.value.trailing_metadata() or ())
            assert b"google.rpc.RetryInfo" in trailer["grpc-status-details-bin"]
            for call in (*kept, third):
                call.cancel()


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_ten_thousand_of_each_three_times(
    serve: Callable[..., Any], record_testsuite_property: Callable[[str, object], None]
) -> None:
    ours = raise_descriptor_limit()
    count = min(
        10_000, (ours - OURS) // 2
    )  # the server is bound by the same limit, with half of it for each door
    assert count >= 300, f"a limit of {ours:,} descriptors is too few for this test"
    with serve("--model", "fake") as server:
        server.wait_ready(60)
        # Thousands of whole requests at once are an overload, of which anybody may be told to come again.
        resident = await withstand(server, count, 3, patient=True)
    record_testsuite_property("half-open connections of HTTP in a wave", count)
    record_testsuite_property("resident MB after each wave", [size >> 20 for size in resident])
