"""The queue at the door, in time that a test makes."""

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from hypercube.core.errors import ErrorKind, Failure
from hypercube.gateway.door_queue import FEW, DoorQueue, Line, for_want_of_room


@dataclass
class Server:
    """Answers one request after another in `takes_s`, `lanes` at a time; the line at its door is under test."""

    takes_s: float
    lanes: int = 1
    every_s: float = 0.0
    """Answers come together, each so long; 0: as they are ready."""
    now: float = 100.0
    free_at: list[float] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    """When each answer came, and how long it took."""
    refused: int = 0
    _ends: list[tuple[float, int, float, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.line = Line(lambda: self.now)
        self.free_at = [self.now] * self.lanes
        self._number = itertools.count()
        self._draw = random.Random(1)

    def until(self, then: float) -> None:
        """Let answers end."""
        while self._ends and self._ends[0][0] <= then:
            self.now, _, entered, told = heapq.heappop(self._ends)
            self.line.leave(entered, answered=True)
            self.waits.append((self.now, self.now - entered))
            told()
        self.now = then

    def ask(self, told: Callable[[], None] = lambda: None) -> bool:
        """One request, now."""
        if self.line.full:
            self.line.refuse()
            self.refused += 1
            return False
        entered = self.line.enter()
        begins = max(self.now, heapq.heappop(self.free_at))
        heapq.heappush(self.free_at, begins + self.takes_s)
        ends = begins + self.takes_s
        if self.every_s:
            ends = math.ceil(ends / self.every_s) * self.every_s
        heapq.heappush(self._ends, (ends, next(self._number), entered, told))
        return True

    def open(self, rate: float, seconds: float) -> None:
        """Requests that come at the times of a Poisson process, whether or not answers do."""
        end = self.now + seconds
        due = self.now + self._draw.expovariate(rate)
        while due < end:
            self.until(due)
            self.ask()
            due += self._draw.expovariate(rate)
        self.until(end)

    def closed(self, clients: int, seconds: float) -> None:
        """Clients that each ask again when they have their answer."""
        end = self.now + seconds

        def again() -> None:
            if self.now < end:
                self.ask(again)

        for _ in range(clients):
            again()
        self.until(end)

    def p99_s(self, since: float) -> float:
        took = sorted(self.answered(since))
        return took[int(len(took) * 0.99)]

    def answered(self, since: float) -> Iterator[float]:
        return (took for at, took in self.waits if at > since)


@pytest.mark.parametrize("takes_s", [0.0002, 0.001, 0.005])
def test_of_three_times_too_much_the_surplus_is_refused_and_the_others_do_not_wait(takes_s: float) -> None:
    server = Server(takes_s)
    server.open(0.8 / takes_s, 20.0)
    assert server.refused == 0
    before = server.p99_s(since=0.0)
    began = server.now
    server.open(3 / takes_s, 60.0)
    took = list(server.answered(since=began))
    assert len(took) * takes_s >= 0.99 * 60.0, "the server was never idle"
    assert server.p99_s(since=began) <= 2 * before
    assert server.refused >= 1.9 * len(took)


def test_it_takes_in_as_many_as_answers_that_wait_for_something_else_need() -> None:
    server = Server(0.05, lanes=50)  # a thousand a second
    server.open(800, 10.0)
    began = server.now
    server.open(3_000, 60.0)
    took = list(server.answered(since=began))
    assert len(took) >= 0.97 * 60_000
    assert server.p99_s(since=began) <= 2.2 * 0.05


def test_a_line_that_let_in_too_few_grows_again() -> None:
    server = Server(0.05, lanes=50)
    server.open(800, 10.0)
    server.free_at = [server.now + 1.0] * server.lanes  # whoever answers stands still for a second
    server.open(800, 2.0)
    began = server.now
    server.open(800, 5.0)
    assert len(list(server.answered(since=began + 2.0))) >= 0.97 * 3.0 * 800
    assert not server.line.crowded


@pytest.mark.parametrize("every_s", [0.01, 0.03, 0.1])
def test_answers_that_come_by_the_batch_are_no_excuse(every_s: float) -> None:
    server = Server(0.001, every_s=every_s)
    server.open(800, 10.0)
    assert server.refused == 0
    before = server.p99_s(since=0.0)
    began = server.now
    server.open(2_000, 60.0)
    took = list(server.answered(since=began))
    assert len(took) * 0.001 >= 0.97 * 60.0
    assert server.p99_s(since=began) <= 2.2 * before + FEW * 0.001


@pytest.mark.parametrize("every_s", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("clients", [64, 1_000])
def test_clients_that_are_answered_by_the_batch_and_ask_again_are_no_overload(
    clients: int, every_s: float
) -> None:
    server = Server(0.001, every_s=every_s)
    server.closed(clients, 30.0)
    assert server.refused == 0


def test_a_server_that_begins_in_the_midst_of_it_finds_its_room() -> None:
    server = Server(0.5, lanes=256)  # 512 a second
    server.open(400, 20.0)
    began = server.now
    server.open(400, 20.0)
    assert len(list(server.answered(since=began))) >= 0.97 * 20.0 * 400


def test_answers_that_take_ten_times_as_long_get_the_room_that_they_need() -> None:
    server = Server(0.02, lanes=200)
    server.open(600, 10.0)
    server.takes_s = 0.2  # with all lanes, still a thousand a second
    server.line.room = FEW
    server.line._crowded_until = server.now + 1.0
    server.open(600, 90.0)
    began = server.now
    server.open(600, 20.0)
    assert len(list(server.answered(since=began))) >= 0.97 * 20.0 * 600


@pytest.mark.parametrize("clients", [1, 64, 2_000])
def test_clients_that_wait_for_their_answers_are_no_overload(clients: int) -> None:
    server = Server(0.001)
    server.closed(clients, 20.0)
    assert server.refused == 0


def test_a_burst_is_no_overload() -> None:
    server = Server(0.001)
    for _ in range(20):
        for _ in range(1_000):
            assert server.ask()
        server.until(server.now + 2.0)


def test_answers_that_take_long_are_waited_for() -> None:
    server = Server(5.0, lanes=256)
    for _ in range(4):
        server.closed(256, 20.0)
    assert server.refused == 0


def test_it_is_over_when_it_is_over() -> None:
    server = Server(0.001)
    server.open(3_000, 5.0)
    assert server.line.crowded
    assert server.refused > 0
    server.until(server.now + 1.0)
    assert server.line.inside == 0
    server.open(500, 2.0)
    assert not server.line.crowded
    refused = server.refused
    server.open(500, 2.0)
    assert server.refused == refused


def test_refusals_further_inside_are_no_answers() -> None:
    now = [100.0]
    line = Line(lambda: now[0])
    for _ in range(1_000):
        for _ in range(40):
            line.leave(line.enter(), answered=False)
        now[0] += 0.01
    assert line.crowded
    assert line.room == FEW


def test_who_has_spent_a_quota_is_no_sign_of_overload() -> None:
    assert for_want_of_room(Failure(ErrorKind.OVERLOADED, "The queue is full."))
    assert not for_want_of_room(Failure(ErrorKind.OVERLOADED, "Spent.", details={"quota": "requests"}))
    assert not for_want_of_room(Failure(ErrorKind.INVALID_ARGUMENT, "No such day."))


# -- turns of the loop


class Loop:
    """An event loop's queue of what is ready; each newcomer's first step takes `cost_s`."""

    def __init__(self, cost_s: float, burst_s: float = 1.0) -> None:
        self.now = 100.0
        self.cost_s = cost_s
        self.ready: deque[Callable[[], object]] = deque()
        self.begun = 0
        self.queue = DoorQueue([b"/a", b"/b"], burst_s, clock=lambda: self.now, soon=self.ready.append)

    def first_step(self) -> None:
        self.begun += 1
        self.now += self.cost_s

    def come(self, count: int) -> None:
        for _ in range(count):
            self.queue.enter(lambda: self.ready.append(self.first_step))

    def turn(self) -> int:
        """Call all that is ready now; how many newcomers began."""
        before = self.begun
        for _ in range(len(self.ready)):
            self.ready.popleft()()
        return self.begun - before


def test_newcomers_get_a_slice_of_each_turn_and_are_begun_in_the_order_in_which_they_came() -> None:
    loop = Loop(cost_s=0.0005)
    order: list[int] = []

    def begin(number: int) -> None:
        order.append(number)
        loop.ready.append(loop.first_step)

    for number in range(500):
        loop.queue.enter(partial(begin, number))
    turns = [loop.turn() for _ in range(400)]
    assert sum(turns) == 500
    assert order == list(range(500))
    assert max(turns[100:]) <= 4, "2 ms of half a millisecond each"


def test_at_least_one_is_begun_in_each_turn() -> None:
    loop = Loop(cost_s=0.5)
    loop.come(100)
    turns = [loop.turn() for _ in range(400)]
    assert sum(turns) == 100
    assert set(turns[-50:]) <= {0}
    assert loop.queue.waiting == deque()


def test_a_lone_newcomer_is_begun_at_once() -> None:
    loop = Loop(cost_s=0.5)
    for _ in range(10):
        loop.come(1)
        assert loop.turn() == 1
        while loop.ready:
            loop.turn()


def test_who_would_wait_too_long_to_be_begun_is_refused() -> None:
    loop = Loop(cost_s=0.001, burst_s=0.1)
    loop.come(600)
    while loop.ready:
        loop.turn()
    assert not loop.queue.alert
    let_in = 0
    while not loop.queue.full(b"/a"):
        loop.come(1)
        let_in += 1
    assert 80 <= let_in <= 130
    loop.queue.refuse(b"/a")
    loop.queue.refuse(b"/elsewhere")
    assert loop.queue.refused == 2


def test_one_path_that_is_crowded_leaves_the_others_alone() -> None:
    loop = Loop(cost_s=0.0)
    crowded = loop.queue.lines[b"/a"]
    for _ in range(1_000):
        for _ in range(40):
            crowded.leave(crowded.enter(), answered=False)
        loop.now += 0.01
    for _ in range(FEW):
        crowded.enter()
    assert loop.queue.alert
    assert loop.queue.full(b"/a")
    assert not loop.queue.full(b"/b")
    assert not loop.queue.full(b"/none")
