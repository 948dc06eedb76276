"""The line at the door, on an event loop in time that a test makes."""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from functools import partial

import pytest

from hypercube.gateway.door_queue import FEW, DoorQueue
from hypercube.gateway.sending import CARRIED, HELD_S, STALLED_S, WORTH
from hypercube.gateway.two_lines import TwoLines

REFUSAL = 0.01
"""What a refusal costs, of an answer."""
PAUSE_S = 1.0
"""A client of a closed loop that was refused asks again after this, as Retry-After says."""


class Loop:
    """An event loop: what has come is read, then all that is ready makes a step.

    An answer takes `steps` of `cost_s` / `steps` each. Every `every_s` something else holds the loop up for `stall_s`.
    """

    def __init__(
        self,
        cost_s: float,
        steps: int = 1,
        *,
        burst_s: float = 1.0,
        stall_s: float = 0.0,
        every_s: float = 1.0,
    ) -> None:
        self.now = 100.0
        self.cost_s, self.steps = cost_s, steps
        self.stall_s, self.every_s = stall_s, every_s
        self.ready: deque[Callable[[], object]] = deque()
        self.queue = DoorQueue(burst_s, clock=lambda: self.now, soon=self.ready.append, later=self._later)
        self.took: list[tuple[float, float]] = []
        """When each answer came, and how long it took."""
        self.refused = 0
        self._stall_at = self.now + every_s
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._coming: list[tuple[float, int, Callable[[bool], object]]] = []
        """When, a number that keeps the order, and who is told whether there was an answer."""
        self._numbers = itertools.count()
        self._draw = random.Random(1)

    def _later(self, seconds: float, what: Callable[[], object]) -> None:
        heapq.heappush(self._timers, (self.now + seconds, next(self._numbers), what))

    def come(self, at: float, told: Callable[[bool], object] = lambda _: None) -> None:
        """One request."""
        heapq.heappush(self._coming, (at, next(self._numbers), told))

    def until(self, end: float) -> None:
        """Turn after turn."""
        while self.now < end:
            while self._coming and self._coming[0][0] <= self.now:
                self._read(*heapq.heappop(self._coming))
            while self._timers and self._timers[0][0] <= self.now:
                heapq.heappop(self._timers)[2]()
            for _ in range(len(self.ready)):
                self.ready.popleft()()
            if self.stall_s and self.now >= self._stall_at:
                self.now += self.stall_s
                self._stall_at += self.every_s
            if not self.ready:
                coming = self._coming[0][0] if self._coming else end
                timer = self._timers[0][0] if self._timers else end
                self.now = max(self.now, min(coming, timer, end))

    def _read(self, due: float, _: int, told: Callable[[bool], object]) -> None:
        if self.queue.full:
            self.queue.refuse()
            self._no(told)
        else:
            self.enter(partial(self._begin, due, told))

    def enter(self, begin: Callable[[bool], object]) -> None:
        if self.queue.begins_at_once():
            begin(True)
        else:
            self.queue.wait(begin)

    def _no(self, told: Callable[[bool], object]) -> None:
        self.now += REFUSAL * self.cost_s
        self.refused += 1
        told(False)

    def _begin(self, due: float, told: Callable[[bool], object], begin: bool) -> None:
        if begin:
            self.ready.append(partial(self._step, due, told, self.steps))
        else:
            self._no(told)

    def _step(self, due: float, told: Callable[[bool], object], left: int) -> None:
        self.now += self.cost_s / self.steps
        if left > 1:
            self.ready.append(partial(self._step, due, told, left - 1))
        else:
            self.took.append((self.now, self.now - due))
            told(True)

    def open(self, share: float, seconds: float) -> None:
        """Requests at the times of a Poisson process: `share` of what the loop has time for."""
        rate = share / self.cost_s * (1 - self.stall_s / self.every_s)
        end = self.now + seconds
        due = self.now + self._draw.expovariate(rate)
        while due < end:
            self.come(due)
            due += self._draw.expovariate(rate)
        self.until(end)

    def closed(self, clients: int, seconds: float) -> None:
        """Clients that each ask again when they have their answer."""
        end = self.now + seconds

        def told(answered: bool) -> None:
            if self.now < end:
                self.come(self.now if answered else self.now + PAUSE_S, told)

        for _ in range(clients):
            self.come(self.now, told)
        self.until(end)
        self.until(end + 60.0)

    def p99_s(self, since: float) -> float:
        took = sorted(took for at, took in self.took if at > since)
        return took[int(len(took) * 0.99)]

    def goodput(self, since: float) -> float:
        """Of what the loop had time for."""
        seconds = (self.now - since) * (1 - self.stall_s / self.every_s)
        return sum(at > since for at, _ in self.took) * self.cost_s / seconds


@pytest.mark.parametrize("cost_s", [0.0002, 0.001, 0.005])
@pytest.mark.parametrize("steps", [1, 24])
def test_of_three_times_too_much_the_surplus_is_refused_and_the_others_do_not_wait(
    cost_s: float, steps: int
) -> None:
    loop = Loop(cost_s, steps)
    loop.open(0.8, 20.0)
    assert loop.refused == 0
    before = loop.p99_s(since=0.0)
    began = loop.now
    loop.open(3.0, 20.0)
    # Of a second two refusals for each answer take 2 %, which nothing but a cheaper refusal can save.
    assert loop.goodput(began) >= 0.95
    assert loop.p99_s(since=began + 1.0) <= 2 * max(before, 0.015), "or what nobody notices"
    assert loop.refused * cost_s >= 1.9 * 20.0


@pytest.mark.parametrize("share", [1.3, 2.0])
def test_a_smaller_surplus_is_noticed_too(share: float) -> None:
    loop = Loop(0.001)
    loop.open(share, 20.0)
    assert loop.goodput(100.0) >= 0.97
    assert loop.p99_s(since=0.0) <= 0.3
    assert loop.refused >= 0.9 * (share - 1) * 20_000


@pytest.mark.parametrize("cost_s", [0.0002, 0.001, 0.01, 0.03])
@pytest.mark.parametrize("steps", [1, 5])
def test_chance_makes_no_overload(cost_s: float, steps: int) -> None:
    loop = Loop(cost_s, steps, burst_s=60.0)
    loop.open(0.85, max(30.0, 20_000 * cost_s))
    assert loop.refused == 0
    loop.open(3.0, max(3.0, 100 * cost_s))
    assert loop.queue.crowded


@pytest.mark.parametrize(("stall_s", "every_s"), [(0.05, 0.2), (0.15, 0.3), (0.005, 0.01), (0.5, 5.0)])
def test_who_holds_the_loop_up_makes_no_overload(stall_s: float, every_s: float) -> None:
    loop = Loop(0.001, stall_s=stall_s, every_s=every_s)
    loop.open(0.8, 40.0)
    assert loop.refused == 0
    loop.open(3.0, 20.0)
    assert loop.refused > 0
    loop.open(0.7, 5.0)
    refused = loop.refused
    loop.open(0.7, 30.0)
    assert loop.refused == refused


@pytest.mark.parametrize("clients", [1, 64, 900])
@pytest.mark.parametrize("steps", [1, 24])
@pytest.mark.parametrize("stall_s", [0.0, 0.05])
def test_clients_that_wait_for_their_answers_are_no_overload(
    clients: int, steps: int, stall_s: float
) -> None:
    loop = Loop(0.001, steps, stall_s=stall_s, burst_s=2.0)
    loop.closed(clients, 10.0)
    assert loop.refused == 0
    assert loop.took


def test_clients_that_wait_are_let_in_again_after_an_overload() -> None:
    loop = Loop(0.005)
    loop.open(3.0, 5.0)
    assert loop.queue.crowded
    loop.closed(20, 2.0)
    refused = loop.refused
    loop.closed(20, 10.0)
    assert loop.refused == refused
    assert not loop.queue.crowded


def test_a_burst_is_no_overload() -> None:
    loop = Loop(0.001)
    for _ in range(20):
        for _ in range(900):
            loop.come(loop.now)
        loop.until(loop.now + 2.0)
    assert loop.refused == 0
    assert len(loop.took) == 18_000


def test_clients_that_come_one_after_another_are_no_overload() -> None:
    loop = Loop(0.001, burst_s=2.0)
    end = loop.now + 60.0

    def told(answered: bool) -> None:
        if loop.now < end:
            loop.come(loop.now if answered else loop.now + PAUSE_S, told)

    for number in range(400):
        loop.come(loop.now + number / 10, told)
    loop.until(end)
    assert loop.refused == 0


def test_it_is_over_when_it_is_over() -> None:
    loop = Loop(0.001)
    loop.open(3.0, 5.0)
    assert loop.queue.crowded
    loop.open(0.5, 1.0)
    assert not loop.queue.crowded
    refused = loop.refused
    loop.open(0.5, 10.0)
    assert loop.refused == refused
    assert not loop.queue.waiting


@pytest.mark.parametrize("trickle", [False, True])
def test_a_burst_after_an_overload_is_no_overload(trickle: bool) -> None:
    loop = Loop(0.001)
    loop.open(3.0, 5.0)
    assert loop.queue.crowded
    end = loop.now + 60.0
    while trickle and loop.now < end:  # never two at once, so that nobody waits
        loop.come(loop.now)
        loop.until(loop.now + 0.3)
    loop.until(end)
    refused = loop.refused
    for _ in range(300):
        loop.come(loop.now)
    loop.until(loop.now + 2.0)
    assert loop.refused == refused


def test_when_it_is_noticed_those_who_came_last_are_sent_away() -> None:
    loop = Loop(0.001)
    answers: list[tuple[int, bool]] = []

    def told(number: int, answered: bool) -> None:
        answers.append((number, answered))

    for number in range(6_000):
        loop.come(100.0 + number / 3_000, partial(told, number))
    while not loop.queue.crowded:
        loop.until(loop.now + 0.001)
    assert loop.now <= 100.4
    assert len(loop.queue.waiting) <= max(FEW, loop.queue.room)
    gone = [number for number, answered in answers if not answered]
    kept = [number for number, answered in answers if answered]
    assert gone
    assert min(gone) > max(kept)
    assert loop.queue.refused == len(gone)


def test_who_would_wait_too_long_is_refused_without_any_growth() -> None:
    loop = Loop(0.001, burst_s=0.1)
    loop.closed(90, 2.0)
    assert loop.refused == 0
    for _ in range(200):
        loop.come(loop.now)
    loop.until(loop.now + 0.002)
    assert 60 <= loop.refused <= 120
    assert not loop.queue.crowded


def test_newcomers_get_a_slice_of_each_turn_in_the_order_in_which_they_came() -> None:
    loop = Loop(0.0001)
    order: list[int] = []

    def begin(number: int, begin: bool) -> None:
        assert begin
        order.append(number)
        loop.ready.append(partial(loop._step, 0.0, lambda _: None, 1))

    for number in range(500):
        loop.enter(partial(begin, number))
    turns = []
    while loop.ready:
        before = len(order)
        for _ in range(len(loop.ready)):
            loop.ready.popleft()()
        turns.append(len(order) - before)
    assert order == list(range(500))
    assert max(turns) <= 12, "a millisecond's worth"


def test_a_lone_newcomer_is_begun_at_once() -> None:
    loop = Loop(0.5)
    for _ in range(10):
        loop.come(loop.now)
        loop.until(loop.now + 0.5)
    assert [round(took, 9) for _, took in loop.took] == [0.5] * 10


def test_who_is_known_and_who_is_not_do_not_wait_for_each_other() -> None:
    lines: TwoLines[str] = TwoLines()
    for number in range(4):
        lines.append(f"stranger {number}")
    for number in range(3):
        lines.append(f"known {number}", known=True)
    lines.append("stranger 4")
    assert len(lines) == 8
    assert lines.pop() == "stranger 4"  # the last of the longer line has to go
    assert lines.take(2) == ["known 0", "known 1", "stranger 0", "stranger 1"]
    assert lines.take(2) == ["known 2", "stranger 2", "stranger 3"]
    assert (lines.take(2), len(lines)) == ([], 0)
    lines.append("known 3", known=True)
    assert (lines.pop(), len(lines)) == ("known 3", 0)


def test_light_requests_beside_a_batch_that_keeps_every_turn_long_are_all_begun() -> None:
    # A step of a large batch takes 4 ms of every turn, and one is begun in each: 250 a second at most.
    loop = Loop(0.0002, stall_s=0.004, every_s=1e-9)
    for number in range(1_400):
        loop.come(loop.now + number / 140)
    loop.until(loop.now + 12.0)
    assert loop.refused == 0
    assert len(loop.took) == 1_400


def test_light_requests_beside_many_answers_of_many_pieces_are_all_begun() -> None:
    loop = Loop(0.0002)
    pieces = dict.fromkeys(range(2 * CARRIED), 200)
    for answer in pieces:
        loop.queue.sending.began(answer, loop.now)

    def step() -> None:
        """Every answer's piece is away, and the next is given to the transport."""
        for answer in list(pieces):
            loop.queue.sending.ended(answer)
            pieces[answer] -= 1
            if pieces[answer]:
                loop.queue.sending.began(answer, loop.now)
            else:
                del pieces[answer]
        loop.now += 0.001
        if pieces:
            loop.ready.append(step)

    loop.ready.append(step)
    for number in range(300):
        loop.come(loop.now + number / 300)
    loop.until(loop.now + 2.0)
    assert not pieces
    assert loop.refused == 0
    assert len(loop.took) == 300


def send(loop: Loop, answers: int, every_s: float) -> None:
    """Every `every_s` a piece of each answer is away, and its next one is given to the transport."""

    def step() -> None:
        for answer in range(answers):
            loop.queue.sending.ended(answer)
            loop.queue.sending.began(answer, loop.now)
        loop._later(every_s, step)

    step()


@pytest.mark.parametrize(("answers", "turn_s"), [(CARRIED, 0.001), (8 * CARRIED, 0.007)])
def test_in_an_overload_pieces_that_are_on_their_way_go_first_and_nobody_waits_for_ever(
    answers: int, turn_s: float
) -> None:
    loop = Loop(0.0001, stall_s=turn_s, every_s=1e-9)  # what sending them takes
    loop.queue.crowded = True
    send(loop, answers, 1e-6)
    loop.until(loop.now + 2 * turn_s)
    began = loop.now
    for _ in range(FEW):
        loop.come(began)
    loop.until(began + HELD_S - turn_s)
    assert not loop.took
    loop.until(began + HELD_S + 4 * turn_s)
    assert loop.took, "however long the turns are"
    loop.until(began + FEW * (HELD_S + 4 * turn_s))
    assert len(loop.took) == FEW


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_in_an_overload_clients_that_read_slowly_take_a_fifth_of_the_turns_at_most(share: float) -> None:
    every_s = CARRIED / (share * WORTH)
    assert every_s < STALLED_S

    def begun(answers: int) -> int:
        loop = Loop(0.001)
        loop.open(3.0, 2.0)
        send(loop, answers, every_s)
        before = len(loop.took)
        loop.open(3.0, 4.0)
        return len(loop.took) - before

    assert begun(CARRIED) >= 0.8 * begun(0)


def test_an_answer_whose_client_does_not_read_holds_nobody_up() -> None:
    loop = Loop(0.0002)
    loop.queue.crowded = True
    for answer in range(2 * CARRIED):
        loop.queue.sending.began(answer, loop.now)
    loop.until(loop.now + STALLED_S)
    loop.come(loop.now)
    loop.until(loop.now + 0.001)
    assert len(loop.took) == 1


def test_a_turn_that_refusals_made_long_is_no_reason_to_begin_fewer() -> None:
    def begun(refusing_s: float) -> int:
        loop = Loop(0.0001)

        def step() -> None:
            loop.now += 0.002
            loop.queue.refusing_s += refusing_s
            loop.ready.append(step)

        loop.ready.append(step)
        for _ in range(400):
            loop.come(loop.now)
        loop.until(loop.now + 0.1)
        return len(loop.took)

    assert begun(0.0) < 100 < begun(0.002)
