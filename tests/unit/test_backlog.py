"""The queue at the door, in time that a test makes."""

from hypercube.gateway.backlog import Backlog


class Door:
    """A front-end that takes `cost` seconds for a request and works off whatever it let in, again and again."""

    def __init__(self, cost_s: float = 0.001) -> None:
        self.now = 100.0
        self.cost_s = cost_s
        self.backlog = Backlog(burst_s=0.5, standing_s=0.02, clock=lambda: self.now)

    def round(self, requests: int) -> int:
        """So many come at once; how many were let in."""
        entered = [self.backlog.enter() for _ in range(requests) if self.backlog.admits()]
        for each in entered:
            self.backlog.begin(each)
            self.now += self.cost_s
        return len(entered)


def settled() -> Door:
    door = Door()
    for _ in range(1_000):
        door.round(10)
    return door


def test_who_finds_nobody_waiting_is_let_in() -> None:
    door = Door(cost_s=10.0)
    assert [door.round(1) for _ in range(50)] == [1] * 50


def test_a_burst_waits_up_to_its_limit() -> None:
    door = settled()
    assert door.round(300) == 300
    door.now += 1.0
    assert 450 <= door.round(2_000) <= 650
    assert door.backlog.refused > 0


def test_clients_that_wait_for_their_answers_are_no_overload() -> None:
    door = settled()
    assert all(door.round(15) == 15 for _ in range(1_000))


def test_a_queue_that_comes_back_is_cut_to_what_waits_shortly() -> None:
    door = settled()
    let_in = [door.round(60) for _ in range(200)]
    assert let_in[0] == 60
    assert all(15 <= each <= 30 for each in let_in[-100:])
    assert door.backlog.standing


def test_it_ends_with_the_overload() -> None:
    door = settled()
    for _ in range(200):
        door.round(60)
    for _ in range(3):
        door.round(10)
    assert not door.backlog.standing
    assert door.round(60) == 60


def test_after_a_rest_it_is_a_burst_again() -> None:
    door = settled()
    for _ in range(200):
        door.round(60)
    door.now += 1.0
    assert door.round(200) == 200
