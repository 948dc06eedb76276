"""Both clients, and the server of the tests' own that they call."""

import socket
from collections.abc import AsyncIterator

import pytest

from tests.contract.client_server import Server, Twin


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.grpc.start()
    yield made
    await made.grpc.stop(None)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


@pytest.fixture(params=["sync", "async"])
async def twin(request: pytest.FixtureRequest) -> AsyncIterator[Twin]:
    made = Twin(request.param)
    yield made
    for client in made.made:
        await made.do(client.close)
