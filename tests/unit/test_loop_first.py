"""gRPC's threads leave the event loop its share of a core."""

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, os, pathlib, threading
import grpc.aio
from hypercube.app.loop_first import NICE, OF_GRPC, put_loop_first

def threads():
    for task in pathlib.Path("/proc/self/task").iterdir():
        yield (task / "comm").read_text().strip(), os.getpriority(os.PRIO_PROCESS, int(task.name))

async def ask(channel, calls):
    for call in [channel.unary_unary("/a/b")(b"") for _ in range(calls)]:
        try:
            await call
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED, error

async def main():
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await ask(channel, 1)
        async with asyncio.timeout(30):
            while {"lifeguard", "event_engine"} - {name for name, _ in threads()} or put_loop_first() < 4:
                await asyncio.sleep(0.001)
        # What gRPC starts later to serve calls is as nice.
        await ask(channel, 200)
    named = [each for each in threads() if each[0] in OF_GRPC]
    found = [nice for _, nice in named]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours
    await server.stop(None)
    assert set(found) == {ours + NICE}, named

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux only")
def test_grpcs_threads_are_nicer_than_the_loop_and_so_are_those_that_come_later() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
