"""Traffic counts what is inside and refuses while draining."""

import asyncio

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.traffic import Traffic


async def test_requests_are_counted_in_and_out() -> None:
    traffic = Traffic()
    with traffic.admit(), traffic.admit():
        assert traffic.in_flight == 2
    assert traffic.in_flight == 0
    assert await traffic.wait_idle(0.01)


async def test_a_request_that_fails_is_counted_out() -> None:
    traffic = Traffic()
    with pytest.raises(ValueError, match="x"), traffic.admit():
        raise ValueError("x")
    assert traffic.in_flight == 0


async def test_draining_refuses_and_says_when_to_come_back() -> None:
    traffic = Traffic(retry_after_s=3)
    with traffic.admit():
        traffic.drain()
        assert traffic.draining
        with pytest.raises(HyperCubeError) as caught, traffic.admit():
            raise AssertionError("admitted")
        assert caught.value.kind is ErrorKind.UNAVAILABLE
        assert caught.value.retry_after_s == 3
        assert traffic.in_flight == 1
        assert not await traffic.wait_idle(0)
    assert await traffic.wait_idle(1)


async def test_a_waiter_wakes_with_the_last_one_out() -> None:
    traffic = Traffic()
    with traffic.admit():
        waiter = asyncio.create_task(traffic.wait_idle(60))
        await asyncio.sleep(0)
        assert not waiter.done()
    assert await waiter
