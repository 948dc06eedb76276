"""gRPC's wake-ups are gathered, and nothing that it tells is lost by it."""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio

from hypercube.gateway.grpc.wakeups import Gathered, gathered_wakeups


async def test_one_turn_for_all_that_is_there() -> None:
    loop = asyncio.get_running_loop()
    read, write = socket.socketpair()
    with read, write:
        left: list[int] = []
        called = asyncio.Event()

        def callback() -> None:
            read.recv(1)
            left.append(len(_waiting(read)))
            called.set()

        with gathered_wakeups():
            loop.add_reader(read, callback)
        try:
            for count in (1, 2, 40):
                write.send(b"1" * count)
                await called.wait()
                called.clear()
                assert left == [0]
                left.clear()
        finally:
            loop.remove_reader(read)


async def test_everything_queued_before_its_byte_is_told() -> None:
    loop = asyncio.get_running_loop()
    read, write = socket.socketpair()
    with read, write:
        queue: deque[int] = deque()
        told: list[int] = []
        done = loop.create_future()

        def callback() -> None:
            read.recv(1)
            while queue:
                told.append(queue.popleft())
            if told and told[-1] == 9_999 and not done.done():
                done.set_result(None)

        def fill() -> None:
            for number in range(10_000):
                queue.append(number)
                write.send(b"1")

        with gathered_wakeups():
            loop.add_reader(read, callback)
        try:
            filling = asyncio.ensure_future(asyncio.to_thread(fill))
            async with asyncio.timeout(30):
                await done
            await filling
            assert told == list(range(10_000))
        finally:
            loop.remove_reader(read)


async def test_a_byte_that_is_gone_wakes_nobody() -> None:
    read, write = socket.socketpair()
    with read, write:
        called: list[None] = []
        Gathered(read, lambda: called.append(None))()
        assert not called


async def test_grpc_is_caught_and_the_loop_is_left_as_it_was() -> None:
    loop: Any = asyncio.get_running_loop()
    seen: list[Callable[..., object]] = []
    plain = loop.add_reader

    def spy(file: Any, callback: Callable[..., object], *args: Any) -> None:
        seen.append(callback)
        plain(file, callback, *args)

    loop.add_reader = spy
    try:
        with gathered_wakeups():
            server = grpc.aio.server()
        assert loop.add_reader is spy
    finally:
        loop.add_reader = plain
    assert [type(callback) for callback in seen] == [Gathered]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            async with asyncio.timeout(10):
                await channel.channel_ready()
    finally:
        await server.stop(None)


def _waiting(read: socket.socket) -> bytes:
    try:
        return read.recv(100, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""
