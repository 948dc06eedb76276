"""Answers kept for idempotency keys: computed once, joined, kept for a while, within bounds."""

import asyncio
from dataclasses import dataclass, field

import pytest

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.idempotency import IdempotentAnswers, key_in

WAIT = 20.0


@dataclass
class Work:
    """Something to compute, when the test lets it."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0
    cancelled: int = 0
    failure: Exception | None = None
    answer: bytes = b"answer"

    async def __call__(self) -> bytes:
        self.begun += 1
        number = self.begun
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return self.answer + b" %d" % number


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def call(key: str | None = "k", tenant: str = "", deadline: float | None = None) -> Call:
    return Call(idempotency_key=key, tenant=tenant, deadline=deadline)


async def turns() -> None:
    """Let every task run as far as it gets."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_first_request_computes_and_the_others_get_its_answer(clock: Clock) -> None:
    answers, work, calls = IdempotentAnswers(clock=clock), Work(), [call() for _ in range(4)]
    calls[0].served_by = "small@1.0.0"
    waiting = [asyncio.ensure_future(answers.once("r", b"q", each, work)) for each in calls[:3]]
    await turns()
    assert (work.begun, len(answers)) == (1, 0)
    work.gate.set()
    assert await asyncio.gather(*waiting) == [b"answer 1"] * 3
    assert await answers.once("r", b"q", calls[3], work) == b"answer 1"
    assert work.begun == 1
    assert [each.replayed for each in calls] == [False, True, True, True]
    assert {each.served_by for each in calls} == {"small@1.0.0"}


async def test_a_key_is_its_callers_and_its_routes(clock: Clock) -> None:
    answers, work = IdempotentAnswers(clock=clock), Work()
    work.gate.set()
    for route, tenant, key in (("r", "", "k"), ("s", "", "k"), ("r", "anna", "k"), ("r", "", "l")):
        mine = call(key, tenant)
        await answers.once(route, b"q", mine, work)
        assert not mine.replayed
    assert work.begun == 4
    for _ in range(2):
        assert await answers.once("r", b"q", call(None), work), "no key: nothing is kept"
    assert work.begun == 6


@pytest.mark.parametrize("running", [True, False])
async def test_another_request_by_the_same_key_is_refused(clock: Clock, running: bool) -> None:
    answers, work = IdempotentAnswers(clock=clock), Work()
    first = asyncio.ensure_future(answers.once("r", b"q", call(), work))
    await turns()
    if not running:
        work.gate.set()
        await first
    with pytest.raises(HyperCubeError) as caught:
        await answers.once("r", b"another", call(), work)
    assert (caught.value.kind, caught.value.param) == (ErrorKind.FAILED_PRECONDITION, "idempotency-key")
    work.gate.set()
    assert await first == b"answer 1"
    assert work.begun == 1


@pytest.mark.parametrize("key", ["", "two words", "k" * 256, "열쇠", "tab\t"])
async def test_what_is_no_key(clock: Clock, key: str) -> None:
    answers, work = IdempotentAnswers(clock=clock), Work()
    with pytest.raises(HyperCubeError) as caught:
        await answers.once("r", b"q", call(key), work)
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "idempotency-key")
    assert work.begun == 0


async def test_work_goes_on_until_the_last_who_waits_has_left(clock: Clock) -> None:
    answers, work = IdempotentAnswers(clock=clock), Work()
    first, second = (asyncio.ensure_future(answers.once("r", b"q", call(), work)) for _ in range(2))
    await turns()
    first.cancel()
    await asyncio.wait((first,))
    assert (first.cancelled(), work.cancelled) == (True, 0)
    work.gate.set()
    assert await second == b"answer 1"

    work = Work()
    first, second = (asyncio.ensure_future(answers.once("s", b"q", call(), work)) for _ in range(2))
    await turns()
    for waiter in (first, second):
        waiter.cancel()
        await asyncio.wait((waiter,))
    assert (work.begun, work.cancelled) == (1, 1), "it was over before the second request was"
    work.gate.set()
    assert await answers.once("s", b"q", call(), work) == b"answer 2"


@pytest.mark.parametrize("kind", [ErrorKind.UNAVAILABLE, ErrorKind.OVERLOADED, ErrorKind.INVALID_ARGUMENT])
async def test_a_failure_is_told_to_all_and_not_kept(clock: Clock, kind: ErrorKind) -> None:
    answers, work = IdempotentAnswers(clock=clock), Work(failure=HyperCubeError(kind, "no"))
    waiting = [asyncio.ensure_future(answers.once("r", b"q", call(), work)) for _ in range(2)]
    await turns()
    work.gate.set()
    for waiter in waiting:
        with pytest.raises(HyperCubeError, match="no"):
            await waiter
    assert work.begun == 1
    work.failure = None
    assert await answers.once("r", b"q", call(), work) == b"answer 2"


async def test_the_deadline_of_the_first_is_not_the_others(clock: Clock) -> None:
    late = HyperCubeError(ErrorKind.DEADLINE_EXCEEDED, "late")
    answers, work, again = IdempotentAnswers(clock=clock), Work(failure=late), Work(answer=b"in time")
    again.gate.set()
    first = asyncio.ensure_future(answers.once("r", b"q", call(deadline=1001.0), work))
    await turns()
    patient = call(deadline=2000.0)
    second = asyncio.ensure_future(answers.once("r", b"q", patient, again))
    await turns()
    work.gate.set()
    with pytest.raises(HyperCubeError, match="late"):
        await first
    assert await second == b"in time 1"
    assert not patient.replayed
    with pytest.raises(HyperCubeError) as caught:
        await answers.once("r", b"q", call(deadline=999.0), again)
    assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED, "its own holds, also for what is kept"


async def test_answers_are_kept_for_a_while_and_within_bounds(clock: Clock) -> None:
    answers = IdempotentAnswers(kept_s=10, max_answers=3, max_bytes=8000, clock=clock)
    work = Work()
    work.gate.set()

    async def computed(key: str) -> bool:
        before = work.begun
        await answers.once("r", b"q", call(key), work)
        return work.begun > before

    assert [await computed(key) for key in "abca"] == [True, True, True, False]
    assert [await computed(key) for key in "dba"] == [True, False, True], "the oldest made room"
    clock.now += 9.9
    assert not await computed("a")
    clock.now += 0.1
    assert await computed("a"), "asking again does not keep it longer"
    assert len(answers) == 1

    work.answer = b"x" * 5000
    assert await computed("long")
    assert not await computed("long")
    assert len(answers) == 2
    work.answer = b"x" * 7000
    assert [await computed("longer") for _ in range(2)] == [True, True], "too long to be kept"
    work.answer = b"x" * 6000
    assert await computed("e")
    assert len(answers) == 1, "the others made room in bytes"

    none = IdempotentAnswers(kept_s=0, clock=clock)
    for _ in range(2):
        await none.once("r", b"q", call(), work)
    assert len(none) == 0


def test_the_first_of_two_headers_counts() -> None:
    assert key_in([(b"host", b"x"), (b"idempotency-key", b"a"), (b"idempotency-key", b"b")]) == "a"
    assert key_in([]) is None


@pytest.mark.parametrize("value", [b"", b"a b", b"\xec\x82\xac", b"x" * 256])
def test_a_header_that_is_no_key_is_told(value: bytes) -> None:
    with pytest.raises(HyperCubeError) as told:
        key_in([(b"idempotency-key", value)])
    assert told.value.kind is ErrorKind.INVALID_ARGUMENT
    assert told.value.param == "idempotency-key"
