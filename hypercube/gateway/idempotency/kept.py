"""Answers that are there, until their time is over or others need their room."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from hypercube.core.clock import Clock

KEPT_S: Final = 600.0
MAX_ANSWERS: Final = 10_000
MAX_BYTES: Final = 64 * 2**20
BESIDE: Final = 1024
"""Bytes that an answer is taken to cost beside its own."""

N = TypeVar("N", bound=Hashable)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer.

    Attributes:
        asked: digest of the request.
        data: the answer.
        served_by: the version of the model that made it.
    """

    asked: bytes
    data: bytes
    served_by: str


class KeptAnswers(Generic[N]):
    """Answers by name, in memory; the oldest go first when they are too many, and all go with their time."""

    def __init__(self, kept_s: float, max_answers: int, max_bytes: int, clock: Clock) -> None:
        """With `kept_s` 0 nothing is kept."""
        self._kept_s = kept_s
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._clock = clock
        self._answers: OrderedDict[N, tuple[KeptAnswer, float]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        self._expire()
        return len(self._answers)

    def get(self, name: N) -> KeptAnswer | None:
        """The answer of that name; asking does not keep it longer."""
        self._expire()
        found = self._answers.get(name)
        return None if found is None else found[0]

    def put(self, name: N, answer: KeptAnswer) -> bool:
        """Keep an answer in place of any other of its name; whether it fits."""
        self._drop(name)
        size = len(answer.data) + BESIDE
        if size > self._max_bytes or self._kept_s <= 0:
            return False
        self._expire()
        while self._answers and (
            len(self._answers) >= self._max_answers or self._bytes + size > self._max_bytes
        ):
            self._drop(next(iter(self._answers)))
        self._answers[name] = answer, self._clock() + self._kept_s
        self._bytes += size
        return True

    def _expire(self) -> None:
        now = self._clock()
        while self._answers:
            name, (_, until) = next(iter(self._answers.items()))
            if until > now:
                return
            self._drop(name)

    def _drop(self, name: N) -> None:
        if (found := self._answers.pop(name, None)) is not None:
            self._bytes -= len(found[0].data) + BESIDE
