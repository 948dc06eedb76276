"""How the server reads its sockets is a setting that gRPC has under that name, and that does what it says."""

import subprocess
import sys
from typing import Final

import pytest

from hypercube.cli import ONE_POLLER

_SERVE: Final = r"""
import asyncio
from pathlib import Path

import grpc.aio

SETTINGS = b"\0\0\0\4\0\0\0\0\0"

async def main():
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SETTINGS)
    await reader.read(100)
    for _ in range(100):
        writer.write(SETTINGS)
        await reader.read(100)
    woken = 0
    for task in Path("/proc/self/task").iterdir():
        if (task / "comm").read_text().strip() == "event_engine":
            status = (task / "status").read_text()
            woken += int(status.split("voluntary_ctxt_switches:")[1].split()[0])
    print(woken)
    writer.close()
    await server.stop(None)

asyncio.run(main())
"""
_READS: Final = 100


def _woken(experiments: str) -> tuple[int, str]:
    """How often threads of the event engine were woken by a hundred frames, and what gRPC complained of."""
    done = subprocess.run(
        [sys.executable, "-c", _SERVE],
        env={"GRPC_EXPERIMENTS": experiments, "GRPC_VERBOSITY": "ERROR"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(done.stdout), done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="counts a process's switches as Linux tells them")
def test_no_thread_hands_over_what_the_poller_can_read() -> None:
    woken, complaints = _woken(ONE_POLLER)
    assert "Unknown experiment" not in complaints
    assert woken < _READS
    assert _woken("")[0] > 2 * _READS
