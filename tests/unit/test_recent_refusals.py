"""What a full queue refused is refused again at the door; in time that a test makes."""

from hypercube.core.errors import ErrorKind, Failure
from hypercube.gateway.http.glance import kind_of
from hypercube.gateway.recent_refusals import HELD_S, RecentRefusals, queue_was_full

FULL = Failure(ErrorKind.OVERLOADED, "The queue is full.", details={"waiting": 3, "max_queued": 3})


def packet(path: str = "/v1/chat/completions", model: str = "a", headers: str = "") -> bytes:
    body = f'{{"model": "{model}", "messages": []}}'
    return (f"POST {path} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {len(body)}\r\n\r\n{body}").encode()


class Door:
    """Refusals with a queue behind them that has `places`."""

    def __init__(self, places: int) -> None:
        self.now = 100.0
        self.recent = RecentRefusals(lambda: self.now)
        self.free = places
        self.read = 0
        """How many came as far as the queue."""

    def come(self, asked: bytes) -> bool:
        if self.recent.told(kind_of(asked)) is not None:
            return False
        self.read += 1
        if not self.free:
            self.recent.ended(kind_of(asked), FULL)
            return False
        self.free -= 1
        return True

    def answer(self, asked: bytes) -> None:
        self.free += 1
        self.recent.ended(kind_of(asked), None)


def test_one_is_let_in_for_each_that_has_its_answer() -> None:
    door = Door(places=3)
    asked = packet()
    assert [door.come(asked) for _ in range(6)] == [True] * 3 + [False] * 3
    assert door.read == 4, "the fourth is refused by the queue, the others unread"
    for _ in range(100):
        door.answer(asked)
        assert door.come(asked)
        assert not door.come(asked)
        assert not door.come(asked)
    assert door.read == 104
    assert door.recent.refused == 2 + 200


def test_one_in_a_while_is_judged_by_the_queue() -> None:
    door = Door(places=1)
    asked = packet()
    assert door.come(asked)
    assert not door.come(asked)
    for _ in range(10):
        door.now += HELD_S
        assert not door.come(asked)
        assert not door.come(asked)
    assert door.read == 12
    door.free = 5  # for a reason that nobody told
    door.now += HELD_S
    assert door.come(asked)
    assert not door.come(asked)
    door.now += HELD_S
    assert door.come(asked)
    assert door.come(asked)
    assert not door.recent


def test_another_model_path_or_credential_waits_elsewhere() -> None:
    door = Door(places=0)
    assert not door.come(packet())
    door.free = 1
    others = [packet(model="b"), packet(path="/v1/embeddings"), packet(headers="Authorization: Bearer k\r\n")]
    for other in others:
        assert door.come(other)
        door.answer(other)
    assert not door.come(packet())
    assert not door.come(packet(headers="X-Request-Id: 7\r\n"))


def test_only_a_full_queue_is_a_reason() -> None:
    assert queue_was_full(FULL)
    assert not queue_was_full(Failure(ErrorKind.OVERLOADED, "Spent.", details={"quota": "requests"}))
    assert not queue_was_full(Failure(ErrorKind.OVERLOADED, "This one is too large for what is left."))
    assert not queue_was_full(Failure(ErrorKind.UNAVAILABLE, "No.", details={"waiting": 3}))
    recent = RecentRefusals(lambda: 0.0)
    other = Failure(ErrorKind.INVALID_ARGUMENT, "No such day.")
    assert not recent.hears(other)
    recent.ended(kind_of(packet()), other)
    assert not recent


def test_kinds_are_bounded() -> None:
    recent = RecentRefusals(lambda: 0.0)
    for number in range(2_000):
        recent.ended(kind_of(packet(model=str(number))), FULL)
    assert len(recent._told) == 256
    assert recent.told(kind_of(packet(model="1999"))) is FULL
    assert recent.told(kind_of(packet(model="0"))) is None


def test_a_query_is_no_other_path() -> None:
    assert kind_of(packet(path="/v1/x?a=b")) == kind_of(packet(path="/v1/x?c")), "the same queue"
    assert kind_of(b"\r\n") == (b"", b"", b"")
