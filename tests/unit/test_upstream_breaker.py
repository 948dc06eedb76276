"""The breaker, the retry budget and their figures, under Hypothesis and an injected clock."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hypercube.inference.upstream.breaker import Breaker, BreakerState, Outcome, Pass
from hypercube.inference.upstream.errors import retry_after_s
from hypercube.inference.upstream.retry_budget import RESERVE, SHARE, WINDOW_S, RetryBudget, pause_s

OPEN, CLOSED, HALF_OPEN = BreakerState.OPEN, BreakerState.CLOSED, BreakerState.HALF_OPEN


class Hands:
    """A clock whose hands the test holds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def call(breaker: Breaker, outcome: Outcome) -> None:
    given_ = breaker.enter()
    assert given_ is not None
    breaker.leave(given_, outcome)


def test_three_failures_in_a_row_open_it_and_one_success_closes_it() -> None:
    clock = Hands()
    breaker = Breaker(clock)
    for outcome in (Outcome.FAILURE, Outcome.FAILURE, Outcome.SUCCESS, Outcome.FAILURE, Outcome.FAILURE):
        call(breaker, outcome)
    assert breaker.state is CLOSED
    call(breaker, Outcome.FAILURE)
    assert breaker.state is OPEN
    assert breaker.enter() is None
    assert breaker.retry_after_s() == 1.0
    clock.now += 1.0
    probe = breaker.enter()
    assert probe is not None
    assert breaker.state is HALF_OPEN
    assert breaker.enter() is None, "a second probe beside the first"
    breaker.leave(probe, Outcome.SUCCESS)
    assert breaker.state is CLOSED
    call(breaker, Outcome.SUCCESS)


def test_each_failed_probe_doubles_the_pause_up_to_a_limit() -> None:
    clock = Hands()
    breaker = Breaker(clock)
    for _ in range(3):
        call(breaker, Outcome.FAILURE)
    pauses = []
    for _ in range(8):
        pauses.append(breaker.retry_after_s())
        clock.now += pauses[-1]
        call(breaker, Outcome.FAILURE)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_probe_whose_caller_left_makes_room_for_another() -> None:
    clock = Hands()
    breaker = Breaker(clock)
    for _ in range(3):
        call(breaker, Outcome.FAILURE)
    clock.now += 1
    call(breaker, Outcome.NEITHER)
    assert breaker.state is HALF_OPEN
    call(breaker, Outcome.SUCCESS)
    assert breaker.state is CLOSED


def test_half_of_many_calls_opens_it_although_never_three_in_a_row() -> None:
    breaker = Breaker(Hands())
    for number in range(9):
        call(breaker, Outcome.FAILURE if number % 2 else Outcome.SUCCESS)
        assert breaker.state is CLOSED
    call(breaker, Outcome.FAILURE)
    assert breaker.state is OPEN


def test_failures_that_are_far_apart_do_not_add_up() -> None:
    clock = Hands()
    breaker = Breaker(clock)
    for _ in range(50):
        call(breaker, Outcome.FAILURE)
        clock.now += 5.1
    assert breaker.state is CLOSED


class BreakerMachine(RuleBasedStateMachine):
    """Calls that overlap and end in any order and way."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Hands()
        self.breaker = Breaker(self.clock)
        self.out: list[tuple[Pass, BreakerState]] = []

    @rule()
    def enter(self) -> None:
        before, wait_s = self.breaker.state, self.breaker.retry_after_s()
        given_ = self.breaker.enter()
        if before is CLOSED:
            assert given_ is not None
        if before is OPEN:
            assert (given_ is None) == (wait_s > 0)
        if given_ is not None:
            self.out.append((given_, self.breaker.state))

    @precondition(lambda self: self.out)
    @rule(at=st.integers(0, 10_000), outcome=st.sampled_from(Outcome))
    def leave(self, at: int, outcome: Outcome) -> None:
        given_, began_in = self.out.pop(at % len(self.out))
        before, period = self.breaker.state, self.breaker._period
        self.breaker.leave(given_, outcome)
        if given_.period != period or outcome is Outcome.NEITHER:
            assert self.breaker.state is before
        elif began_in is HALF_OPEN:
            assert self.breaker.state is (CLOSED if outcome is Outcome.SUCCESS else OPEN)
        elif outcome is Outcome.SUCCESS:
            assert self.breaker.state is CLOSED

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        probes = [p for p, state in self.out if state is HALF_OPEN and p.period == self.breaker._period]
        assert len(probes) <= 1
        assert self.breaker._probing == bool(probes)

    @invariant()
    def it_always_opens_again_in_time(self) -> None:
        assert 0 <= self.breaker.retry_after_s() <= 30


TestBreakerMachine = BreakerMachine.TestCase


@given(outcomes=st.lists(st.sampled_from([Outcome.SUCCESS, Outcome.NEITHER]), max_size=200))
def test_what_is_no_failure_never_opens_it(outcomes: list[Outcome]) -> None:
    breaker = Breaker(Hands())
    for outcome in outcomes:
        call(breaker, outcome)
    assert breaker.state is CLOSED


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["request", "retry"]), st.floats(0, 3)), min_size=1, max_size=300
    )
)
def test_retries_are_a_share_of_the_requests_in_every_window(steps: list[tuple[str, float]]) -> None:
    clock = Hands()
    budget = RetryBudget(clock)
    requests: list[int] = []
    retries: list[int] = []
    for what, pause in steps:
        clock.now += pause
        if what == "request":
            budget.requested()
            requests.append(int(clock.now))
        elif budget.spend():
            retries.append(int(clock.now))
        since = int(clock.now) - WINDOW_S + 1
        seen = sum(at >= since for at in requests)
        if retries and retries[-1] == int(clock.now):
            assert sum(at >= since for at in retries) <= RESERVE + SHARE * seen


def test_a_server_that_fails_everybody_gets_a_fifth_more_and_not_three_times_as_much() -> None:
    clock = Hands()
    budget = RetryBudget(clock)
    retries = 0
    for _ in range(1000):
        clock.now += 0.005
        budget.requested()
        retries += budget.spend() + budget.spend()
    assert retries <= 0.2 * 1000 + RESERVE
    assert retries >= 0.2 * 1000 - 1


@given(attempt=st.integers(1, 12), asked=st.none() | st.floats(0, 100), seed=st.integers(0, 2**32))
def test_a_pause_is_bounded_and_never_shorter_than_asked(
    attempt: int, asked: float | None, seed: int
) -> None:
    pause = pause_s(attempt, asked, random.Random(seed))
    assert 0.05 <= pause <= max(2.0, asked or 0.0)
    if asked is not None:
        assert pause >= asked


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("soon", None), ("nan", None), ("inf", None)],
)
def test_retry_after_as_a_number(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header) == seconds


def test_retry_after_as_a_date() -> None:
    late = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after_s(late) == pytest.approx(29.5, abs=2)
    assert retry_after_s("Sun, 06 Nov 1994 08:49:37 GMT") == 0.0
