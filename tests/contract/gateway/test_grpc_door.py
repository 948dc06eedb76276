"""A method that is crowded refuses calls before their message is read; the others answer."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.door_queue import FEW, Line
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.grpc.server import IN_LINE
from hypercube.gateway.grpc.statuses import DETAILS_METADATA
from hypercube.gateway.request_id import REQUEST_ID

CHART = "/hypercube.v1.Saju/Chart"
STREAM = "/hypercube.v1.Chat/Stream"
BIRTH = b"\x0a\x0a1990-05-03"


@pytest.fixture
def lines() -> dict[str, Line]:
    # The clock stands still: what is crowded stays so.
    return {name: Line(lambda: 0.0) for name in IN_LINE}


@pytest.fixture
async def channel(house: Any, lines: dict[str, Line]) -> AsyncIterator[Any]:
    server = create_grpc_server(house.services, lines=lines)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as made:
            yield made
    finally:
        await server.stop(0)


@pytest.mark.parametrize("name", [CHART, STREAM])
async def test_a_crowded_method_says_when_to_come_back(
    channel: Any, lines: dict[str, Line], name: str
) -> None:
    line = lines[name]
    line.room = FEW
    entered = [line.enter() for _ in range(FEW)]
    call = channel.unary_unary(name) if name == CHART else channel.unary_stream(name)
    for count in range(1, 4):
        answer: Any = call(BIRTH, timeout=60)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await (answer if name == CHART else answer.read())
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.value.details() == "More calls come than this server can answer. Try again in 1 s."
        trailer: dict[str, Any] = dict(refused.value.trailing_metadata() or ())  # type: ignore[arg-type]
        assert b"google.rpc.RetryInfo" in trailer[DETAILS_METADATA]
        assert len(trailer[REQUEST_ID]) == 32
        assert line.refused == count
    assert await channel.unary_unary("/hypercube.v1.Models/List")(b"", timeout=60)
    while entered:
        line.leave(entered.pop(), answered=True)
    if name == CHART:
        assert await channel.unary_unary(CHART)(BIRTH, timeout=60)
    assert line.inside == 0


async def test_what_a_call_came_to_is_counted(
    house: Any, channel: Any, lines: dict[str, Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, call = lines[CHART], channel.unary_unary(CHART)
    assert await call(BIRTH, timeout=60)
    with pytest.raises(grpc.aio.AioRpcError):
        await call(b"\x0a\x041990", timeout=60)  # a wrong date is answered, too
    assert (line.inside, line._arrived, line._answered) == (0, 2, 2)

    def raise_(details: dict[str, Any]) -> None:
        def admit() -> None:
            raise HyperCubeError(ErrorKind.OVERLOADED, "No.", details=details, retry_after_s=1.0)

        monkeypatch.setattr(house.services.traffic, "admit", admit)

    raise_({"quota": "requests"})
    with pytest.raises(grpc.aio.AioRpcError):
        await call(BIRTH, timeout=60)
    assert (line.inside, line._arrived, line._answered) == (0, 3, 3)
    raise_({})
    with pytest.raises(grpc.aio.AioRpcError):
        await call(BIRTH, timeout=60)
    assert (line.inside, line._arrived, line._answered) == (0, 4, 3)
