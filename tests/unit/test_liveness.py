"""Who is taken for dead and who is not, on traces of simulated time."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.inference.liveness import TICK_S, Liveness, until_hung


@dataclass
class Trace:
    """A process as its watcher sees it: events at their times, CPU time as a function of time."""

    now: float = 1000.0
    cpu: float = 0.0
    busy: bool = True
    """Whether CPU time passes with time."""
    events: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.liveness = Liveness(lambda: self.now, cpu_seconds=lambda: self.cpu)

    def pass_time(self, to: float) -> None:
        if self.busy:
            self.cpu += to - self.now
        self.now = to

    def run(self, seconds: float, tick_jitter: Iterator[float] | None = None) -> tuple[float, str] | None:
        """Play the events, oldest first, and the watcher's ticks; (seconds after the start, verdict) or None."""
        start, next_tick = self.now, self.now + TICK_S
        self.events.sort(reverse=True)
        while next_tick <= start + seconds:
            while self.events and self.events[-1][0] <= next_tick:
                at, what = self.events.pop()
                self.pass_time(max(at, self.now))
                getattr(self.liveness, what)()
            self.pass_time(next_tick)
            if (verdict := self.liveness.verdict()) is not None:
                return self.now - start, verdict
            next_tick = self.now + TICK_S + (next(tick_jitter) if tick_jitter else 0.0)
        return None

    def heartbeats(self, until: float, every: float = TICK_S) -> None:
        at = self.now
        while (at := at + every) <= until:
            self.events.append((at, "heard"))


@pytest.mark.parametrize("owed", [0, 3])
def test_a_stopped_process_is_found_within_five_seconds_idle_or_busy(owed: int) -> None:
    trace = Trace()
    trace.liveness.working(owed)
    trace.heartbeats(until=trace.now + 20)
    if owed:
        trace.events += [(trace.now + i * 0.05, "progressed") for i in range(400)]
    trace.busy = bool(owed)
    assert trace.run(20) is None
    trace.busy = False
    found = trace.run(10)
    assert found is not None
    assert found[0] < 5
    assert "no sign of life for 4 s" in found[1]


def test_a_deadlock_is_found_within_five_seconds_although_the_heart_beats() -> None:
    trace = Trace()
    trace.liveness.working(2)
    trace.heartbeats(until=trace.now + 100)
    assert trace.run(50) is None
    trace.busy = False
    found = trace.run(20)
    assert found is not None
    assert found[0] <= 5
    assert "on 2 requests, and an idle processor (deadlock)" in found[1]


def test_an_idle_process_whose_heart_beats_lives_for_ever() -> None:
    trace = Trace(busy=False)
    trace.heartbeats(until=trace.now + 3600)
    assert trace.run(3599) is None


def test_work_that_begins_after_a_long_idle_time_gets_its_own_time() -> None:
    trace = Trace(busy=False)
    trace.heartbeats(until=trace.now + 200)
    assert trace.run(100) is None
    trace.liveness.working(1)
    trace.busy = True
    assert trace.run(40) is None


def test_more_requests_do_not_hide_a_deadlock() -> None:
    trace = Trace(busy=False)
    trace.heartbeats(until=trace.now + 100)
    for owed in range(1, 50):
        trace.liveness.working(owed)
        if found := trace.run(1):
            assert owed <= 5
            assert "deadlock" in found[1]
            return
    pytest.fail("a new request each second hid it")


def test_a_long_prompt_on_a_slow_processor_is_left_alone_but_not_for_ever() -> None:
    trace = Trace()
    trace.liveness.working(1)
    trace.heartbeats(until=trace.now + 100)
    found = trace.run(100)
    assert found is not None
    assert 60 <= found[0] <= 61
    assert "no progress for 60 s on 1 request" in found[1]


def test_without_cpu_time_only_silence_and_the_long_limit_count() -> None:
    now = [0.0]
    liveness = Liveness(lambda: now[0])
    liveness.working(1)
    for _ in range(119):
        now[0] += TICK_S
        liveness.heard()
        assert liveness.verdict() is None
    now[0] += TICK_S
    liveness.heard()
    assert "no progress" in (liveness.verdict() or "")


@given(
    seed=st.integers(0, 2**32),
    gap_s=st.floats(0.02, 12.0),
    pauses=st.integers(0, 40),
    jitter_s=st.floats(0.0, 0.4),
)
@settings(max_examples=60, deadline=None)
def test_five_minutes_at_saturation_bring_no_false_verdict(
    seed: int, gap_s: float, pauses: int, jitter_s: float
) -> None:
    """Random token gaps, pauses of the whole process of up to 3 s, heartbeats and ticks with jitter."""
    dice = random.Random(seed)
    trace = Trace()
    trace.liveness.working(8)
    start, end = trace.now, trace.now + 300
    stops = []
    for _ in range(pauses):
        at = dice.uniform(start, end)
        # Two pauses in a row are one longer pause, which is not what is tested.
        if all(abs(at - other) > 8 for other, _ in stops):
            stops.append((at, dice.uniform(0.1, 3.0)))

    def after_pause(at: float) -> float:
        return max([at, *(begin + length for begin, length in stops if begin <= at < begin + length)])

    at = start
    while (at := at + dice.expovariate(1 / gap_s)) < end:
        trace.events.append((after_pause(at), "progressed"))
    at = start
    while (at := at + TICK_S + dice.uniform(0, jitter_s)) < end:
        trace.events.append((after_pause(at), "heard"))
    # A long tail of the exponential is no progress for a minute, which is a hang by definition.
    tokens = sorted([start, end, *(at for at, what in trace.events if what == "progressed")])
    longest = max(b - a for a, b in itertools.pairwise(tokens))
    found = trace.run(299, iter(lambda: dice.uniform(0, jitter_s), None))
    assert (found is None) or (longest >= 60 and "no progress" in found[1])


@given(blocked_s=st.floats(1.1, 600.0), owed=st.integers(0, 2), heard_first=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_watcher_that_was_held_up_blames_nobody_but_itself(
    blocked_s: float, owed: int, heard_first: bool
) -> None:
    trace = Trace(busy=False)
    trace.liveness.working(owed)
    trace.heartbeats(until=trace.now + 2)
    assert trace.run(2) is None
    # The watcher's loop stands still; what the process sends lies unread.
    trace.pass_time(trace.now + blocked_s)
    if heard_first:
        trace.liveness.progressed()
    assert trace.liveness.verdict() is None
    trace.liveness.progressed()
    assert trace.run(3.5) is None
    # And the time granted is not granted twice: a real silence is still found in time.
    found = trace.run(2)
    assert found is not None
    assert found[0] <= 1.0


async def test_waiting_for_the_verdict_takes_as_long_as_the_silence() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.25
        return now[0]

    assert "no sign of life" in await until_hung(Liveness(clock, tick_s=0.0))
