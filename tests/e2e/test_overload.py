"""Three times more than a server can answer: what is refused is told so, nothing is lost, and nothing is left over.

Without figures of time: those are `benchmarks.overload_doors`.
"""

from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from benchmarks.door_load import Outcomes, drive
from benchmarks.overload_doors import SUBJECTS

CLIENTS: Final = 16
FEW_PLACES: Final = {"HYPERCUBE_MODEL_SLOTS": "1", "HYPERCUBE_MODEL_MAX_QUEUED": "1"}


def metric(server: Any, line: str) -> float:
    """One figure of the server's."""
    page = httpx.get(server.url + "/metrics", timeout=60).text
    return float(next(each for each in page.splitlines() if each.startswith(line + " ")).split()[1])


def overloaded(server: Any, door: str, subject: str, seconds: float) -> Outcomes:
    """Some seconds at three times the peak."""
    port = server.http_port if door == "http" else server.grpc_port
    request = SUBJECTS[subject].request
    peak = drive(port, request, door, "closed", CLIENTS, 2.0)
    assert peak.accepted
    assert peak.lost == {}
    found = drive(port, request, door, "open", 3 * len(peak.accepted) / peak.seconds, seconds)
    # A refusal without Retry-After, a reset, a wrong status and an answer that never came are all lost ones.
    assert found.lost == {}
    assert found.accepted
    assert found.refused
    assert metric(server, "hypercube_requests_in_flight") == 0
    assert server.process.poll() is None
    said = "".join(server.lines)
    assert "Traceback" not in said
    return found


@pytest.mark.parametrize("door", ["http", "grpc"])
def test_three_times_more_chats_than_a_model_can_take(serve: Callable[..., Any], door: str) -> None:
    with serve("--model", "fake", **FEW_PLACES) as server:
        server.wait_ready(60)
        overloaded(server, door, "chat", 3.0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("door", ["http", "grpc"])
def test_a_minute_of_three_times_too_much(serve: Callable[..., Any], door: str) -> None:
    with serve("--model", "fake", **FEW_PLACES) as server:
        server.wait_ready(60)
        overloaded(server, door, "chat", 60.0)
