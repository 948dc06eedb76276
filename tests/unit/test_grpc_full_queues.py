"""A full queue is remembered by method, model and credential, and by nothing else."""

from dataclasses import dataclass
from typing import Any

from hypercube.core.errors import ErrorKind, Failure
from hypercube.gateway.grpc.full_queues import FullQueues
from hypercube.gateway.recent_refusals import HELD_S, RecentRefusals
from hypercube.wire.v1 import chat_pb2, saju_pb2

FULL = Failure(ErrorKind.OVERLOADED, "16 requests wait.", details={"waiting": 16}, retry_after_s=1.0)
QUOTA = Failure(ErrorKind.OVERLOADED, "Your requests of this minute are used up.", retry_after_s=1.0)
BIG, LIGHT = chat_pb2.ChatRequest(model="big"), chat_pb2.ChatRequest(model="light")


@dataclass
class Context:
    """What a call says beside its message."""

    metadata: tuple[tuple[str, str], ...] = ()

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self.metadata


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


# All that is asked of gRPC's own.
NOBODY: Any = Context()
ALICE: Any = Context((("authorization", "Bearer a"),))
BOB: Any = Context((("authorization", "Bearer b"),))


def queues(time: Time) -> FullQueues:
    made = FullQueues("hypercube.v1.Chat/Complete", RecentRefusals(time))
    made.ended(BIG, ALICE, FULL)
    return made


def test_only_those_who_would_wait_in_the_same_queue_are_told() -> None:
    recent = RecentRefusals(Time())
    found = FullQueues("hypercube.v1.Chat/Complete", recent)
    found.ended(BIG, ALICE, FULL)
    assert found.told(BIG, ALICE) is FULL
    assert FullQueues("hypercube.v1.Embeddings/Embed", recent).told(BIG, ALICE) is None
    assert found.told(LIGHT, ALICE) is None
    assert found.told(BIG, BOB) is None
    assert found.told(BIG, NOBODY) is None
    assert found.told(saju_pb2.Birth(), ALICE) is None
    assert recent.refused == 1


def test_one_is_let_in_for_each_that_has_its_answer_and_one_now_and_then() -> None:
    time = Time()
    found = queues(time)
    found.ended(BIG, ALICE, None)
    assert [found.told(BIG, ALICE) for _ in range(2)] == [None, FULL]
    time.now += HELD_S
    assert [found.told(BIG, ALICE) for _ in range(2)] == [None, FULL]
    time.now += HELD_S  # and that one was not refused
    assert [found.told(BIG, ALICE) for _ in range(3)] == [None] * 3


def test_what_is_refused_for_another_reason_is_not_remembered() -> None:
    found = FullQueues("hypercube.v1.Chat/Complete", RecentRefusals(Time()))
    found.ended(BIG, ALICE, QUOTA)
    found.ended(BIG, ALICE, Failure(ErrorKind.INTERNAL, "A defect."))
    assert found.told(BIG, ALICE) is None
