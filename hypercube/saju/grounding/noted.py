"""What the rules look at while they judge a sentence, noted: same looks, same answers, same verdicts.

`Noted` stands in for a `Ground`. It hands out plain values and notes which; of everything else (facts, places, maps) it
hands out stand-ins that note in turn. Whatever it cannot note (to walk over a list, to compare two stand-ins) raises
`Unnoted`, so that nothing is ever looked at unnoticed.
"""

import operator
from collections.abc import Callable
from typing import Any, Final, NoReturn, cast

from hypercube.saju.grounding.ground import Ground

GET, ITEM, HAS, CALL = range(4)
Step = tuple[int, Any]
_PLAIN: Final = (str, int, float, type(None), frozenset)
_METHODS: Final = frozenset(
    {"ask", "pillar", "stands", "letter", "gods", "has_sinsal", "god_count", "hides_god", "element_of"}
)
"""Of a ground, those whose answers are plain."""
_MOST: Final = 65_536
"""Looks kept; trees hold on to theirs, so none is forgotten: what would need more is judged by the rules."""
_LOOKS: Final[dict[tuple[Step, ...], "Look"]] = {}


class Unnoted(Exception):  # noqa: N818 - no error: a sentence that is judged anew each time
    """Something was looked at that cannot be noted."""


class Look:
    """One thing that can be looked at in any chart."""

    __slots__ = ("at",)

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.at = _reader(steps)
        """What a chart has there."""


def _reader(steps: tuple[Step, ...]) -> Callable[[Ground], Any]:
    """What takes the steps from a ground, with as few calls as it can: some fifty looks are taken for a reading."""
    (kind, what), *more = steps
    if kind == CALL and not more:
        name, *given = what
        if name != "ask":
            return operator.methodcaller(name, *given)
        question, *rest = given
        return (lambda ground: question(ground, *rest)) if rest else cast("Callable[[Ground], Any]", question)
    if all(kind == GET for kind, _ in steps):
        return operator.attrgetter(".".join(what for _, what in steps))

    def walk(ground: Ground) -> Any:
        found: Any = ground
        for kind, what in steps:
            if kind == GET:
                found = getattr(found, what)
            elif kind == ITEM:
                found = found[what]
            elif kind == HAS:
                found = what in found
            else:
                found = getattr(found, what[0])(*what[1:])
        return found

    return walk


def _look(steps: tuple[Step, ...]) -> Look:
    found = _LOOKS.get(steps)
    if found is None:
        if len(_LOOKS) >= _MOST:
            raise Unnoted(steps)
        found = _LOOKS[steps] = Look(steps)
    return found


class Noted:
    """A stand-in for a ground, or for something of it."""

    __slots__ = ("_log", "_steps", "_value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, log: dict[Look, Any], steps: tuple[Step, ...] = ()) -> None:
        """`log`: the looks so far with their answers, in order."""
        self._value, self._log, self._steps = value, log, steps

    def __getattr__(self, name: str) -> Any:
        value = self._value
        if isinstance(value, dict):
            if name == "get":
                return self._get
            raise Unnoted(name)
        if isinstance(value, Ground) and name in _METHODS:
            return lambda *given: self._noted(getattr(value, name)(*given), (CALL, (name, *given)))
        if name.startswith("__") or callable(getattr(type(value), name, None)):
            raise Unnoted(name)
        return self._noted(getattr(value, name), (GET, name))

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(self._value, dict):
            raise Unnoted(key)
        return self._noted(self._value[key], (ITEM, key))

    def __contains__(self, key: Any) -> bool:
        if not isinstance(self._value, dict):
            raise Unnoted(key)
        return bool(self._noted(key in self._value, (HAS, key)))

    def _get(self, key: Any, default: Any = None) -> Any:
        return self[key] if self.__contains__(key) else default

    def _noted(self, value: Any, step: Step) -> Any:
        steps = (*self._steps, step)
        if isinstance(value, _PLAIN) or (
            isinstance(value, tuple) and value and all(isinstance(each, str) for each in value)
        ):
            self._log.setdefault(_look(steps), value)
            return value
        if isinstance(value, (tuple, list)) or callable(value):
            raise Unnoted(steps)
        return Noted(value, self._log, steps)

    def _refuse(self, *_: object) -> NoReturn:
        raise Unnoted(self._steps)

    __bool__ = __iter__ = __len__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __str__ = __repr__ = __format__ = __float__ = __int__ = __add__ = __radd__ = __mod__ = _refuse
