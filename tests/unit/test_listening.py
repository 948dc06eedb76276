"""Which addresses are allowed, and what is said when a port is taken."""

import subprocess
import sys

import grpc
import pytest

from hypercube.app.listening import bind_grpc, bind_http, check_listen_address
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.settings import ServerSettings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_flag(host: str) -> None:
    check_listen_address(ServerSettings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.5", "example.org"])
def test_anything_else_needs_the_flag(host: str) -> None:
    with pytest.raises(HyperCubeError, match="--allow-remote") as refused:
        check_listen_address(ServerSettings(host=host))
    assert refused.value.value == host
    check_listen_address(ServerSettings(host=host, allow_remote=True))


FDSIZE = """
from hypercube.app.listening import room_for

def size():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("FDSize:"))

before = size()
room = room_for(500)
assert room == 500, room
assert before < 1_000 <= size(), (before, size())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not say how large the table is")
def test_there_is_a_place_for_each_descriptor_before_a_crowd_comes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FDSIZE], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_taken_http_port_names_the_way_out() -> None:
    with bind_http("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HyperCubeError, match="make run HTTP_PORT=") as refused:
            bind_http("127.0.0.1", port)
    assert refused.value.kind is ErrorKind.FAILED_PRECONDITION
    assert str(port) in refused.value.message


async def test_a_taken_grpc_port_is_not_shared_silently() -> None:
    first, second = grpc.aio.server(), grpc.aio.server()
    port = bind_grpc(first, "127.0.0.1", 0)
    await first.start()
    try:
        with pytest.raises(HyperCubeError, match="make run GRPC_PORT="):
            bind_grpc(second, "127.0.0.1", port)
    finally:
        await first.stop(None)
        await second.stop(None)
