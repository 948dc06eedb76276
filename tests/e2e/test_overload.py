"""Three times more than a server can answer: what is refused is told so at once, and nothing is left over.

Without figures of time: those are `benchmarks.overload_http`.
"""

from collections.abc import Callable
from typing import Any, Final

import pytest

from benchmarks.overload_http import CHARTS, CHAT, drive, in_flight
from benchmarks.overload_servers import Serving

FEW_PLACES: Final = {"HYPERCUBE_MODEL_SLOTS": "1", "HYPERCUBE_MODEL_MAX_QUEUED": "1"}


def serving(server: Any) -> Serving:
    return Serving(server.process.pid, server.http_port, server.grpc_port)


def overloaded(server: Any, door: str, subject: str, seconds: float) -> None:
    """Some seconds at three times the peak."""
    at = serving(server)
    peak = len(drive(at, door, subject, "closed", 16, 2.0).accepted) / 2.0
    assert peak > 0
    found = drive(at, door, subject, "open", 3 * peak, seconds)
    # A refusal without Retry-After, a reset, a wrong status and an answer that never came are all lost ones.
    assert +found.lost == {}
    assert found.accepted
    assert found.refused
    assert in_flight(at) == 0
    assert server.process.poll() is None


@pytest.mark.parametrize("door", ["http", "grpc"])
def test_three_times_more_chats_than_a_model_can_take(serve: Callable[..., Any], door: str) -> None:
    with serve("--model", "fake", **FEW_PLACES) as server:
        server.wait_ready(60)
        overloaded(server, door, CHAT, 2.0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("door", "subject"), [("http", CHARTS), ("http", CHAT), ("grpc", CHAT)])
def test_a_minute_of_three_times_too_much(serve: Callable[..., Any], door: str, subject: str) -> None:
    with serve("--model", "fake", **FEW_PLACES) as server:
        server.wait_ready(60)
        overloaded(server, door, subject, 60.0)
